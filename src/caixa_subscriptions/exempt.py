"""What the middleware lets through without asking: by path, and by view."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, NamedTuple
from unicodedata import normalize
from urllib.parse import urlsplit

from django.conf import settings as django_settings
from django.core.signals import setting_changed
from django.dispatch import receiver
from django.http import HttpRequest
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch

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
    """Whether nobody needs a subscription for this view, or at this path.

    One function for what every request asks, since calls cost it more than what they do.
    """
    match = request.resolver_match
    if match is not None and match.app_names and not _APP_NAMES.isdisjoint(match.app_names):
        return True
    # Django keeps the class of a view as `view_class`, REST framework's view sets as `cls`.
    if (
        getattr(view, ATTRIBUTE, None) is True
        or getattr(getattr(view, "view_class", None), ATTRIBUTE, None) is True
        or getattr(getattr(view, "cls", None), ATTRIBUTE, None) is True
    ):
        return True
    rules = _compiled or _rules()
    path = request.path_info
    found = (
        path in rules.exact
        or path.startswith(rules.beginnings)
        or (rules.names and _is_named(request, rules.names))
        or ((request.path in rules.places or rules.reversed_late) and _is_place(request, rules))
    )
    # Last, since few paths get here.
    return bool(found) and not _SUSPICIOUS.search(
        path if path.isascii() else normalize("NFKC", path)
    )


def _is_place(request: HttpRequest, rules: _Rules) -> bool:
    """Whether one of the pages is at this path, on this host."""
    hosts = rules.places.get(request.path)
    if hosts is None and rules.reversed_late:
        hosts = _places(rules.reversed_late).get(request.path)
    return hosts is not None and any(host in ("", request.get_host()) for host in hosts)


def _is_named(request: HttpRequest, names: frozenset[str]) -> bool:
    """Whether the view has one of these names, in whatever language its path is written."""
    match: Any = request.resolver_match
    if match is None or match.url_name is None or match.args or match.captured_kwargs:
        return False
    if match.view_name in names:
        return True
    return bool(match.app_names) and ":".join([*match.app_names, match.url_name]) in names


class _Rules(NamedTuple):
    """Paths as they are, what paths may begin with, and the pages that URL settings lead to: by
    the name of the view, by path with the hosts it is meant on, "" for any, and those whose path
    is another at every request, such as `reverse_lazy`."""

    exact: frozenset[str]
    beginnings: tuple[str, ...]
    names: frozenset[str]
    places: dict[str, list[str]]
    reversed_late: tuple[Any, ...]


def _rules() -> _Rules:
    """Compiled once for as long as the settings stay the same."""
    global _compiled
    rules = _compiled
    if rules is None:
        targets = settings.paywall_url, django_settings.LOGIN_URL
        rules = _compiled = _compile(settings.exempt_paths, targets)
    return rules


@receiver(setting_changed)
def _forget_rules(**kwargs: Any) -> None:
    global _compiled
    _compiled = None


def _compile(paths: tuple[str, ...], targets: tuple[Any, ...]) -> _Rules:
    written = [target for target in targets if isinstance(target, str)]
    urls = [target for target in written if "/" in target or "." in target]
    return _Rules(
        exact=frozenset(paths),
        beginnings=tuple(path for path in paths if path.endswith("/") and path != "/"),
        names=frozenset(target for target in written if target not in urls),
        places=_places(urls),
        reversed_late=tuple(one for one in targets if one and not isinstance(one, str)),
    )


def _places(targets: Iterable[Any]) -> dict[str, list[str]]:
    """The paths that URL settings lead to, each with its hosts."""
    places: dict[str, list[str]] = {}
    for target in targets:
        with suppress(NoReverseMatch):  # the project has no such page
            url = urlsplit(resolve_url(target))
            places.setdefault(url.path, []).append(url.netloc)
    return places


_compiled: _Rules | None = None
