"""What the middleware lets through without asking: by path, and by view."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from typing import Any, NamedTuple
from unicodedata import normalize
from urllib.parse import urlsplit

from django.conf import settings as django_settings
from django.http import HttpRequest
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch
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
    return (
        getattr(view, ATTRIBUTE, None) is True
        or getattr(getattr(view, "view_class", None), ATTRIBUTE, None) is True
        or getattr(getattr(view, "cls", None), ATTRIBUTE, None) is True
    )


def _is_exempt_path(request: HttpRequest) -> bool:
    path = request.path_info
    if _SUSPICIOUS.search(path if path.isascii() else normalize("NFKC", path)):
        return False
    exact, beginnings, paywall = _rules()
    if path in exact or path.startswith(beginnings):
        return True
    hosts = _places(
        paywall,
        django_settings.LOGIN_URL,
        request.path.removesuffix(path),
        get_language(),
        getattr(request, "urlconf", None) or django_settings.ROOT_URLCONF,
    ).get(request.path)
    return hosts is not None and any(host in ("", request.get_host()) for host in hosts)


class _Rules(NamedTuple):
    """Paths as they are, what paths may begin with, and the URL setting that leads to a page."""

    exact: frozenset[str]
    beginnings: tuple[str, ...]
    paywall: Any


def _rules() -> _Rules:
    """Compiled once for as long as the settings stay the same."""
    global _compiled
    made_of, rules = _compiled
    if made_of is not settings.raw:
        paths = settings.exempt_paths
        beginnings = tuple(path for path in paths if path.endswith("/") and path != "/")
        rules = _Rules(frozenset(paths), beginnings, settings.paywall_url)
        _compiled = settings.raw, rules
    return rules


_compiled: tuple[object, _Rules] = None, _Rules(frozenset(), (), None)


@lru_cache(maxsize=256)
def _places(
    paywall: Any, login: Any, mounted_under: str, language: str | None, urlconf: Any
) -> dict[str, list[str]]:
    """The paths that URL settings lead to, each with its host, "" for any.

    All that reversing a name depends on is given, so that it is done once. A reversed path has the
    prefix that the site is mounted under.
    """
    places: dict[str, list[str]] = {}
    for target in filter(None, (paywall, login)):
        with suppress(NoReverseMatch):  # the project has no such page
            url = urlsplit(resolve_url(target))
            places.setdefault(url.path, []).append(url.netloc)
    return places
