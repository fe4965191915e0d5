"""Behaviours on which sources disagree, or which are settings of an account, by name.

A test of code that sells should pass with each value: none of them is promised by Stripe.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from caixa_subscriptions.simulator.store import Store

Value = str | bool


@dataclass(frozen=True, slots=True)
class Option:
    """The first of the `values` is the default."""

    values: tuple[Value, ...]
    reason: str


OPTIONS: dict[str, Option] = {
    "checkout_created_status": Option(
        ("active", "incomplete"),
        "Whether `customer.subscription.created` of a paid Checkout is `active`, or `incomplete` "
        "and followed by an update, is told by no source since basil.",
    ),
    "checkout_event_order": Option(
        ("A", "B"),
        "Two orders were recorded for the same paid Checkout; in B the session is complete first "
        "and an update comes before its `created`.",
    ),
    "customer_deletion_order": Option(
        ("subscriptions_first", "customer_first"),
        "Whether `customer.deleted` comes after or before its subscriptions' `deleted` is not "
        "known.",
    ),
    "djstripe_lists": Option(
        (True, False),
        "dj-stripe's sync lists tax ids by `id` and active entitlements of no customer; the SDK's "
        "types have neither, and what Stripe answers is not recorded. False refuses them.",
    ),
    "delayed_payment_status": Option(
        ("active", "incomplete"),
        "What a subscription is while its first Boleto or Pix is still to be paid: Stripe's pages "
        "name both.",
    ),
    "dunning_outcome": Option(
        ("canceled", "unpaid", "past_due"),
        "What becomes of a subscription after the last failed retry is an account's setting.",
    ),
    "entitled_while_past_due": Option(
        (True, False),
        "Whether a customer keeps the features of a subscription that is past due is not known.",
    ),
    "portal_card_update": Option(
        ("customer_and_subscriptions", "customer"),
        "A card given in the portal becomes the customer's default; whether that of a subscription "
        "too is not known.",
    ),
    "portal_default_configuration": Option(
        (True, False),
        "An account has none until its portal settings are saved once; without it a portal session "
        "must name a configuration.",
    ),
    "rate_limits": Option(
        (False, True),
        "Test mode takes 25 calls a second, 20 of them searches, and a test suite is quicker than "
        "that.",
    ),
    "trial_pause_tells_update": Option(
        (False, True),
        "Whether a trial that ends in a pause sends `customer.subscription.updated` beside "
        "`paused` is not known.",
    ),
    "trial_payment_status": Option(
        ("no_payment_required", "paid"),
        "What a Checkout with nothing due today says as `payment_status` is contested.",
    ),
    "upcoming_invoice_days": Option(
        ("3", "7", "15", "30", "45"),
        "How many days before a renewal `invoice.upcoming` is sent is an account's setting; a "
        "period no longer than that has none.",
    ),
    "webhook_retries": Option(
        ("quick", "test", "live"),
        "Stripe tries three times within a few hours in a sandbox and for three days in live mode; "
        "its pauses are not known. `quick` begins after a second, so that nobody has to wait.",
    ),
}


def _check(name: str, value: object) -> None:
    """Raises ValueError, which names the choices."""
    if name not in OPTIONS:
        raise ValueError(f"{name!r} is no option; there are {', '.join(OPTIONS)}")
    values = OPTIONS[name].values
    if not any(
        type(value) is type(choice) and value == choice for choice in values
    ):  # 1 is no True
        raise ValueError(f"{name} must be one of {values}, not {value!r}")


def check_options(options: Mapping[str, Value] | None) -> dict[str, Value]:
    given = dict(options or {})
    for name, value in given.items():
        _check(name, value)
    return given


def keep_option(store: Store, name: str, value: Value) -> None:
    """Raises ValueError."""
    _check(name, value)
    store.set_meta(f"option:{name}", json.dumps(value))


def kept_option(store: Store, name: str) -> Value:
    """What was set last, else the default. Raises KeyError for a name that is none."""
    default = OPTIONS[name].values[0]
    text = store.get_meta(f"option:{name}")
    if text is None:
        return default
    value: Value = json.loads(text)
    return value
