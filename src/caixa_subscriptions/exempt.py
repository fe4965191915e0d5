"""What the middleware lets through without asking: by path, and by view."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any
from unicodedata import normalize
from urllib.parse import urlsplit

from django.conf import settings as django_settings
from django.http import HttpRequest
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch, get_script_prefix, get_urlconf
from django.utils.translation import get_language

from caixa_subscriptions.conf import settings

# What `subscription_exempt` sets; True on a view, or on the class of one.
ATTRIBUTE = "subscription_exempt"

# Views of these URL namespaces are how one subscribes in the first place.
_APP_NAMES = frozenset({"admin", "caixa_subscriptions", "djstripe"})

# A proxy or a view may read such a path in another way than it is written, so the beginning of it
# says nothing about where it leads: empty segments, dot segments, what is escaped twice,
# parameters, backslashes, control characters; and the characters that look like these.
_SUSPICIOUS = re.compile(r"//|/\.{1,2}(?:/|$)|[%;\\\x00-\x1f\x7f]")


def is_exempt(request: HttpRequest, view: Callable[..., Any]) -> bool:
    """Whether nobody needs a subscription for this view, or at this path."""
    match = request.resolver_match
    if match is not None and not _APP_NAMES.isdisjoint(match.app_names):
        return True
    return _is_exempt_view(view) or _is_exempt_path(request)


def _is_exempt_view(view: Callable[..., Any]) -> bool:
    # Django keeps the class of a view as `view_class`, REST framework's view sets as `cls`.
    places = (view, getattr(view, "view_class", None), getattr(view, "cls", None))
    return any(getattr(place, ATTRIBUTE, False) is True for place in places)


def _is_exempt_path(request: HttpRequest) -> bool:
    path = request.path_info
    if _SUSPICIOUS.search(path if path.isascii() else normalize("NFKC", path)):
        return False
    exact, beginnings = _rules(settings.exempt_paths)
    if path in exact or path.startswith(beginnings):
        return True
    return any(
        _leads_here(target, request)
        for target in (settings.paywall_url, django_settings.LOGIN_URL)
        if target
    )


@lru_cache(maxsize=16)
def _rules(paths: tuple[str, ...]) -> tuple[frozenset[str], tuple[str, ...]]:
    """Paths as they are, and what paths may begin with."""
    return frozenset(paths), tuple(path for path in paths if path.endswith("/") and path != "/")


def _leads_here(target: Any, request: HttpRequest) -> bool:
    host, path = _place(target, get_script_prefix(), get_language(), get_urlconf())
    # With the prefix the site may be mounted under, which a reversed URL has as well.
    return path == request.path and host in ("", request.get_host())


@lru_cache(maxsize=256)
def _place(target: Any, prefix: str, language: str | None, urlconf: Any) -> tuple[str, str]:
    """Host, if it names one, and path of a URL setting. All that reversing depends on is given."""
    try:
        url = urlsplit(resolve_url(target))
    except NoReverseMatch:
        return "", ""  # the path of nothing
    return url.netloc, url.path
