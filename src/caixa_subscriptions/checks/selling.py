"""Checks of what decides how Checkout sells."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.core import checks
from django.utils.module_loading import import_string

from caixa_subscriptions.checks import error
from caixa_subscriptions.conf import DEFAULTS, settings
from caixa_subscriptions.models import Remedy

# Stripe's parameters that CHECKOUT_OPTIONS may give, and which of its values are sensible.
OPTIONS: dict[str, Callable[[Any], bool]] = {
    "allow_promotion_codes": lambda value: isinstance(value, bool),
    "automatic_tax": lambda value: _is_switch(value),
    "billing_address_collection": lambda value: value in ("auto", "required"),
    "locale": lambda value: isinstance(value, str),
    "tax_id_collection": lambda value: _is_switch(value),
}
CHOICES = {
    "ONE_SUBSCRIPTION_PER": ("subscriber", "product"),
    "SECOND_SUBSCRIPTION": (Remedy.Policy.CANCEL_AND_REFUND.value, Remedy.Policy.FLAG.value),
}


def _is_switch(value: Any) -> bool:
    return isinstance(value, Mapping) and isinstance(value.get("enabled"), bool)


@checks.register("caixa_subscriptions")
def check_selling(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    if not isinstance(settings.raw, Mapping):
        return []  # E001 says so
    return [*_check_options(), *_check_params(), *_check_choices()]


def _check_options() -> Iterator[checks.CheckMessage]:
    hint = f"It takes, as Stripe writes them: {', '.join(OPTIONS)}."
    options = settings.raw.get("CHECKOUT_OPTIONS", DEFAULTS["CHECKOUT_OPTIONS"])
    if not isinstance(options, Mapping):
        yield error("E041", "CHECKOUT_OPTIONS must be a dict.", hint)
        return
    for name, value in options.items():
        if name not in OPTIONS or not OPTIONS[name](value):
            yield error("E041", f"CHECKOUT_OPTIONS[{name!r}] is not one, or malformed.", hint)


def _check_params() -> Iterator[checks.CheckMessage]:
    path = settings.raw.get("CHECKOUT_PARAMS")
    if path is None:
        return
    try:
        good = callable(import_string(path))
    except (ImportError, TypeError, AttributeError):
        good = False
    if not good:
        yield error(
            "E042",
            f"CHECKOUT_PARAMS = {path!r} is not the path of a callable.",
            "Name one that takes subscriber and offer and gives parameters of Stripe's.",
        )


def _check_choices() -> Iterator[checks.CheckMessage]:
    for name, choices in CHOICES.items():
        if settings.raw.get(name, DEFAULTS[name]) not in choices:
            yield error("E043", f"{name} is none of its choices.", f"One of {', '.join(choices)}.")
