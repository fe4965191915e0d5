"""Checks of what decides access: plans, and the cache of the facts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings as django_settings
from django.core import checks

from caixa_subscriptions.checks import error
from caixa_subscriptions.conf import settings

PLANS_HINT = (
    'Write {"pro": {"features": ["reports"], "limits": {"seats": 5}, "products": ["prod_..."]}}; '
    "None is no limit."
)
# What one process drops from these, another one still has.
PER_PROCESS = {
    "django.core.cache.backends.locmem.LocMemCache": "memory of its own for every process",
    "django.core.cache.backends.dummy.DummyCache": "nothing at all",
    "django.core.cache.backends.filebased.FileBasedCache": "files of one machine",
}


@checks.register("caixa_subscriptions")
def check_access(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    if not isinstance(settings.raw, Mapping):
        return []  # E001 says so
    return [*_check_flags(), *_check_plans(), *_check_cache()]


def _check_flags() -> Iterator[checks.CheckMessage]:
    for name, value in (
        ("ALLOW_INCOMPLETE", settings.allow_incomplete),
        ("STAFF_EXEMPT", settings.staff_exempt),
    ):
        if not isinstance(value, bool):
            yield error("E019", f"{name} must be True or False.", "It decides about access.")


def _check_plans() -> Iterator[checks.CheckMessage]:
    if not isinstance(settings.plans, Mapping):
        yield error("E008", "PLANS must be a dict.", PLANS_HINT)
        return
    for name, plan in settings.plans.items():
        if not _is_plan(plan):
            yield error("E008", f"PLANS[{name!r}] is malformed.", PLANS_HINT)
    offers = settings.prices if isinstance(settings.prices, Mapping) else {}
    for name, offer in offers.items():
        named = offer.get("plan") if isinstance(offer, Mapping) else None
        if named is not None and named not in settings.plans:
            yield error("E009", f"PRICES[{name!r}] names no plan of PLANS.", "Add it to PLANS.")


def _is_plan(plan: Any) -> bool:
    if not isinstance(plan, Mapping) or plan.keys() - {"features", "limits", "products"}:
        return False
    limits = plan.get("limits", {})
    return (
        all(_are_strings(plan.get(key, ())) for key in ("features", "products"))
        and isinstance(limits, Mapping)
        and all(most is None or _is_count(most) for most in limits.values())
    )


def _are_strings(value: Any) -> bool:
    return isinstance(value, list | tuple | set | frozenset) and all(
        isinstance(one, str) for one in value
    )


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _check_cache() -> Iterator[checks.CheckMessage]:
    seconds = settings.cache_seconds
    if not _is_count(seconds) or not 1 <= seconds <= 86400:
        yield error(
            "E022", "CACHE_SECONDS must be a whole number from 1 to 86400.", "Count seconds."
        )
    alias = settings.cache
    if alias is None:
        return
    backend = getattr(django_settings, "CACHES", {}).get(alias, {}).get("BACKEND")
    if backend is None:
        yield error("E023", f"CACHE = {alias!r} is no alias of CACHES.", "Add it, or remove CACHE.")
    elif backend in PER_PROCESS:
        yield checks.Warning(
            f"CACHE = {alias!r} is {PER_PROCESS[backend]}: what one process drops, others still "
            f"have for up to CACHE_SECONDS.",
            hint="Use a cache that all processes share, such as Redis, or none.",
            id="caixa_subscriptions.W003",
        )
