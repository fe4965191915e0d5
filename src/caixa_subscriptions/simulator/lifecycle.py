"""What comes next for a subscription, and how it ends.

Sources: Stripe docs on subscription lifecycle, free trials and canceling.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from caixa_subscriptions.simulator.errors import invalid
from caixa_subscriptions.simulator.invoicing import (
    invoices_of,
)
from caixa_subscriptions.simulator.objects import DAY
from caixa_subscriptions.simulator.tasks import task
from caixa_subscriptions.simulator.world import World

TRIAL_WILL_END = 3 * DAY
ENDED = ("canceled", "incomplete_expired")
PERIOD_ENDS = ("min_period_end", "max_period_end")  # all items share one period


def plan_ahead(world: World, subscription: dict[str, Any]) -> None:
    """Schedule what comes next by itself."""
    clock = subscription["test_clock"]
    world.unschedule(subscription, "cancel", "trial_will_end", "upcoming", "period_end")
    if subscription["status"] in (*ENDED, "incomplete"):
        return
    if subscription["cancel_at"]:
        world.schedule(subscription, "cancel", subscription["cancel_at"], clock)
    if subscription["status"] == "paused":
        return
    item = subscription["items"]["data"][0]
    world.schedule(subscription, "period_end", item["current_period_end"], clock)
    if subscription["status"] == "trialing" and not subscription.get("_trial_will_end_sent"):
        due = subscription["trial_end"] - TRIAL_WILL_END
        if due <= world.now(clock or ""):
            trial_will_end(world, subscription)
        else:
            world.schedule(subscription, "trial_will_end", due, clock)
    due = item["current_period_end"] - int(str(world.option("upcoming_invoice_days"))) * DAY
    if due > world.now(clock or ""):
        world.schedule(subscription, "upcoming", due, clock)


@task("trial_will_end", rank=2)
def trial_will_end(world: World, subscription: dict[str, Any]) -> None:
    world.update(subscription, {"_trial_will_end_sent": True})
    world.emit("customer.subscription.trial_will_end", subscription)


def cancel(world: World, subscription: dict[str, Any], *, reason: str | None) -> None:
    """At once. `canceled_at` keeps an earlier request's time (recorded)."""
    customer = world.store.get(subscription["customer"])
    now = world.now_for(customer or {})
    details = subscription["cancellation_details"]
    world.update(
        subscription,
        {
            "status": "canceled",
            "ended_at": now,
            "canceled_at": subscription["canceled_at"] or now,
            "cancel_at": None,
            "cancel_at_period_end": False,
            "cancellation_details": details | {"reason": details["reason"] or reason},
        },
    )
    world.unschedule(subscription)
    for invoice in invoices_of(world, subscription):
        if invoice["status"] in ("draft", "open"):
            world.unschedule(invoice)
            world.update(
                invoice,
                {
                    "auto_advance": False,
                    "next_payment_attempt": None,
                    "automatically_finalizes_at": None,
                },
            )
    world.emit("customer.subscription.deleted", subscription)


@task("cancel", rank=0)
def _cancel_as_requested(world: World, subscription: dict[str, Any]) -> None:
    cancel(world, subscription, reason="cancellation_requested")


def request_cancellation(
    world: World, subscription: dict[str, Any], *, cancel_at: int, at_period_end: bool
) -> None:
    """The API sets both fields, the portal on flexible billing `cancel_at` alone (Stripe docs:
    billing mode)."""
    now = world.now(subscription["test_clock"] or "")
    details = subscription["cancellation_details"]
    changes = cancellation(details, now, cancel_at=cancel_at, at_period_end=at_period_end)
    world.update(subscription, changes, "customer.subscription.updated")
    plan_ahead(world, subscription)


def withdraw_cancellation(world: World, subscription: dict[str, Any]) -> None:
    changes = withdrawal(subscription["cancellation_details"])
    world.update(subscription, changes, "customer.subscription.updated")
    plan_ahead(world, subscription)


def cancellation(
    details: Mapping[str, Any],
    now: int,
    *,
    cancel_at: int | str | None = None,
    at_period_end: bool = False,
) -> dict[str, Any]:
    """What asking for it changes; `cancel_at` may be of `PERIOD_ENDS`, until it is `settled`."""
    return {
        "cancel_at": cancel_at,
        "cancel_at_period_end": at_period_end,
        "canceled_at": now,
        "cancellation_details": {**details, "reason": "cancellation_requested"},
    }


def withdrawal(details: Mapping[str, Any]) -> dict[str, Any]:
    """What taking it back changes."""
    return {
        "cancel_at": None,
        "cancel_at_period_end": False,
        "canceled_at": None,
        "cancellation_details": {**details, "reason": None},
    }


def settled(
    subscription: Mapping[str, Any], changes: dict[str, Any], period_end: int
) -> dict[str, Any]:
    """The changes, with a cancellation at the period's end on the end of the period they make."""
    after = {**subscription, **changes}
    if after["cancel_at_period_end"] or after["cancel_at"] in PERIOD_ENDS:
        return changes | {"cancel_at": period_end}
    return changes


def current_period_end(subscription: dict[str, Any]) -> int:
    return int(subscription["items"]["data"][0]["current_period_end"])


def require_not_ended(subscription: dict[str, Any]) -> None:
    if subscription["status"] in ENDED:
        raise invalid(
            "A canceled subscription can only update its cancellation_details and metadata."
        )
