"""What a page answers, and the headers every page carries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

# Everything RFC 3986 lets stand in a URL, and the percent sign of what is quoted already.
_URL_CHARACTERS = "%:/?#[]@!$&'()*+,;=-._~"


@dataclass(frozen=True, slots=True)
class PageResponse:
    status: int
    headers: list[tuple[str, str]]
    body: bytes


class PageError(Exception):
    """A request the pages cannot answer; shown as a page of its own."""

    def __init__(
        self, status: int, title: str, message: str, *, link: tuple[str, str] | None = None
    ) -> None:
        """`link`: URL and text of a way on."""
        super().__init__(message)
        self.link = link
        self.status = status
        self.title = title
        self.message = message


def html_response(
    body: str, *, status: int = 200, form_targets: Iterable[str] = ()
) -> PageResponse:
    """`form_targets`: URLs a form of the page may lead to by redirect; browsers check those too."""
    return _response(status, "text/html; charset=utf-8", body.encode(), form_targets)


def file_response(content_type: str, body: bytes) -> PageResponse:
    return _response(200, content_type, body, ())


def redirect_response(url: str) -> PageResponse:
    """303, so that reloading the next page repeats nothing. `url` may hold any character."""
    response = _response(303, "text/plain; charset=utf-8", b"", ())
    response.headers.append(("Location", quote(url, safe=_URL_CHARACTERS)))
    return response


def is_web_url(url: str | None) -> bool:
    """Whether a link may lead there: `javascript:` and the like must not become links."""
    return url is not None and url.startswith(("http://", "https://"))


def _origin(url: str) -> str | None:
    """Scheme, host and port for a Content-Security-Policy; None for what could break out of it."""
    if not is_web_url(url):
        return None
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    if not host or not all(char.isascii() and (char.isalnum() or char in ".-:[]") for char in host):
        return None
    return f"{parts.scheme}://{host}"


def _response(
    status: int, content_type: str, body: bytes, form_targets: Iterable[str]
) -> PageResponse:
    origins = [origin for url in form_targets if (origin := _origin(url))]
    policy = "; ".join(
        [
            "default-src 'none'",
            "style-src 'self'",
            "img-src 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
            " ".join(["form-action 'self'", *dict.fromkeys(origins)]),
        ]
    )
    headers = [
        ("Content-Type", content_type),
        ("Cache-Control", "no-store"),
        ("Referrer-Policy", "no-referrer"),
        ("Content-Security-Policy", policy),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
    ]
    return PageResponse(status=status, headers=headers, body=body)
