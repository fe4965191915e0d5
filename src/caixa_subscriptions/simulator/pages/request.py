"""Reading a WSGI request: path, form, and whether a page of ours sent it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from caixa_subscriptions.simulator.pages.response import PageError

MAX_FORM_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class PageRequest:
    """`path` holds the segments after `/simulator/`; `form` and `query` the last value of each
    field; `base_url` is scheme, host and port as the browser writes them."""

    method: str
    path: tuple[str, ...]
    form: Mapping[str, str]
    query: Mapping[str, str]
    base_url: str


def read_request(environ: Mapping[str, Any]) -> PageRequest:
    """Raises PageError: 400, 403, 405 or 413."""
    method = environ["REQUEST_METHOD"]
    if method not in ("GET", "HEAD", "POST"):
        raise PageError(405, "Method not allowed", "These pages answer GET and POST only.")
    form: dict[str, str] = {}
    if method == "POST":
        if not _is_from_here(environ):
            raise PageError(
                403,
                "Not from this page",
                "The form was sent by another site. Open the page again and use its own buttons.",
            )
        form = _read_form(environ)
    raw = environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8", "replace")
    segments = tuple(segment for segment in raw.split("/") if segment)
    return PageRequest(
        method=method,
        path=segments[1:],
        form=form,
        query=_fields(environ.get("QUERY_STRING", ""), "address"),
        base_url=base_url(environ),
    )


def _is_from_here(environ: Mapping[str, Any]) -> bool:
    """Programs send neither header and are let in; a browser always sends one.

    Our own `Referrer-Policy: no-referrer` makes browsers write `Origin: null` even on our own
    forms (Fetch standard, "append a request Origin header"), so `null` needs `Sec-Fetch-Site`.
    """
    origin = environ.get("HTTP_ORIGIN")
    site = environ.get("HTTP_SEC_FETCH_SITE")
    if site is not None and site not in ("same-origin", "none"):
        return False
    if origin is None:
        return True
    if origin == "null":
        return site == "same-origin"
    return bool(origin == base_url(environ))


def base_url(environ: Mapping[str, Any]) -> str:
    """Scheme, host and port, as the caller writes them."""
    host = environ.get("HTTP_HOST") or f"{environ['SERVER_NAME']}:{environ['SERVER_PORT']}"
    return f"{environ['wsgi.url_scheme']}://{host}"


def _read_form(environ: Mapping[str, Any]) -> dict[str, str]:
    try:
        length = int(environ.get("CONTENT_LENGTH") or 0)
    except ValueError:
        length = -1
    if length < 0:
        raise PageError(400, "Bad request", "The Content-Length header is not a number.")
    if length > MAX_FORM_BYTES:
        raise PageError(413, "Too much", "The form is larger than 64 KB.")
    return _fields(environ["wsgi.input"].read(length).decode("utf-8", "replace"), "form")


def _fields(text: str, where: str) -> dict[str, str]:
    try:
        fields = parse_qs(text, keep_blank_values=True, max_num_fields=100)
    except ValueError as error:
        raise PageError(400, "Bad request", f"The {where} has too many fields.") from error
    return {name: values[-1] for name, values in fields.items()}
