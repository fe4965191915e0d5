"""Checks of the trials' settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.core import checks

from caixa_subscriptions.checks import error
from caixa_subscriptions.conf import (
    AT_CHECKOUT,
    AT_SIGNUP,
    DEFAULTS,
    EMAIL_RULES,
    OTHER_EMAIL_RULES,
    SECOND_TRIAL_POLICIES,
    settings,
)

# Stripe API: `trial_settings.end_behavior.missing_payment_method`.
MISSING_CARD = (None, "cancel", "create_invoice", "pause")
SHORTEST_PEPPER = 32


@checks.register("caixa_subscriptions")
def check_trials(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    if not isinstance(settings.raw, Mapping):  # said elsewhere
        return []
    return [*_check_peppers(), *_check_choices(), *_check_plan()]


def _check_peppers() -> Iterator[checks.CheckMessage]:
    peppers = _raw("TRIAL_PEPPERS")
    if not isinstance(peppers, list | tuple) or not all(
        isinstance(one, str | bytes) and len(one) >= SHORTEST_PEPPER for one in peppers
    ):
        yield error(
            "E050",
            f"TRIAL_PEPPERS must be a list of secrets of at least {SHORTEST_PEPPER} characters.",
            'Make one with python -c "import secrets; print(secrets.token_urlsafe(48))".',
        )


def _check_choices() -> Iterator[checks.CheckMessage]:
    rules = _raw("TRIAL_EMAIL_RULES")
    known = (*EMAIL_RULES, *OTHER_EMAIL_RULES)
    if not isinstance(rules, list | tuple | set | frozenset) or not set(rules) <= set(known):
        yield error(
            "E051",
            "TRIAL_EMAIL_RULES has a rule we do not know.",
            f"Known are: {', '.join(known)}.",
        )
    for name, values in (
        ("SECOND_TRIAL", SECOND_TRIAL_POLICIES),
        ("TRIAL_STARTS", (AT_CHECKOUT, AT_SIGNUP)),
        ("TRIAL_WITHOUT_CARD", MISSING_CARD),
    ):
        if _raw(name) not in values:
            yield error(
                "E052", f"{name} = {_raw(name)!r} is none of its values.", f"Known are: {values}."
            )


def _check_plan() -> Iterator[checks.CheckMessage]:
    name, plans = _raw("TRIAL_PLAN"), _raw("PLANS")
    if name is not None and not (isinstance(plans, Mapping) and name in plans):
        yield error(
            "E053", "TRIAL_PLAN is none of PLANS.", "Name the plan that a trial from sign-up gives."
        )


@checks.register("caixa_subscriptions", deploy=True)
def check_trials_for_deployment(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    if (
        not isinstance(settings.raw, Mapping)
        or settings.raw.get("TRIAL_PEPPERS")
        or settings.trial_days == 0
    ):
        return []
    return [
        checks.Warning(
            "TRIAL_PEPPERS is empty: whoever had a trial is remembered by SECRET_KEY.",
            hint="Set one of its own: SECRET_KEY is replaced for other reasons, and everybody's "
            "trial would be forgotten with it.",
            id="caixa_subscriptions.W004",
        )
    ]


def _raw(name: str) -> Any:
    return settings.raw.get(name, DEFAULTS[name])
