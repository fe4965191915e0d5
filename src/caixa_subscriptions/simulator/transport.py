"""How a webhook gets to its endpoint: over HTTP, unless a test has a way of its own."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

# URL, headers and body to the status answered.
Transport = Callable[[str, Mapping[str, str], bytes], int]

TIMEOUT_SECONDS = 30.0


def post(url: str, headers: Mapping[str, str], body: bytes) -> int:
    """The status an endpoint answers; raises OSError or HTTPException when it does not,
    ValueError for what is no URL."""
    parts = urlsplit(url)
    connection_class = (
        http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    )
    connection = connection_class(parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS)
    try:
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", target or "/", body=body, headers=dict(headers))
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()
