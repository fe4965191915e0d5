"""Where people may be sent back to after Stripe: this site, or the origins the settings name."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.http import HttpRequest
from django.shortcuts import resolve_url
from django.utils.http import url_has_allowed_host_and_scheme

from caixa_subscriptions.conf import settings
from caixa_subscriptions.exceptions import RedirectNotAllowed


def absolute_redirect_url(url: str, *, request: HttpRequest) -> str:
    """`url` made absolute; raises RedirectNotAllowed unless scheme, host and port are allowed.

    A path is of this site. Anything a browser might read as another host is refused (Django's
    own rules for `next`), and so is any control character or backslash.
    """
    if not url or any(ord(char) <= 32 or char == "\\" or ord(char) == 127 for char in url):
        raise RedirectNotAllowed
    if url.startswith("/") and not url.startswith("//"):
        return _absolute(url, request)
    own = f"{request.scheme}://{request.get_host()}"
    origins = {own, *(origin.rstrip("/") for origin in settings.allowed_redirect_origins)}
    try:
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
    except ValueError:
        raise RedirectNotAllowed from None
    hosts = {urlsplit(allowed).netloc for allowed in origins}
    as_written = origin in origins and url.startswith(origin)
    if not as_written or not url_has_allowed_host_and_scheme(url, allowed_hosts=hosts):
        raise RedirectNotAllowed
    return url


def default_redirect_url(target: str, *, request: HttpRequest) -> str:
    """A URL name, path or absolute URL of the settings, made absolute."""
    return _absolute(resolve_url(target), request)


def _absolute(url: str, request: HttpRequest) -> str:
    # Django quotes braces, and Stripe fills its template in only where they are plain.
    return request.build_absolute_uri(url).replace("%7B", "{").replace("%7D", "}")
