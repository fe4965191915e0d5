"""A subscription's first invoice, the end of its trial, and every period after.

Sources: Stripe docs on subscription lifecycle, free trials and test clocks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from caixa_subscriptions.simulator import discounts, objects, versions
from caixa_subscriptions.simulator.authenticating import pending_setup
from caixa_subscriptions.simulator.charging import (
    default_payment_method,
    payment_of,
    refusal,
    wait_for_confirmation,
)
from caixa_subscriptions.simulator.collecting import (
    collect,
    finalize_invoice,
    keep_draft,
    pay_invoice,
)
from caixa_subscriptions.simulator.invoicing import (
    new_invoice,
)
from caixa_subscriptions.simulator.lifecycle import (
    cancel,
    current_period_end,
    plan_ahead,
    settled,
)
from caixa_subscriptions.simulator.objects import HOUR
from caixa_subscriptions.simulator.periods import period_end
from caixa_subscriptions.simulator.redeeming import Redemption
from caixa_subscriptions.simulator.taking_off import spend
from caixa_subscriptions.simulator.tasks import task
from caixa_subscriptions.simulator.vouchers import awaits_voucher
from caixa_subscriptions.simulator.world import World

_TRIAL_ENDS = {"trial_end", "billing_cycle_anchor"}
INCOMPLETE_EXPIRES = 23 * HOUR


def create_subscription(
    world: World,
    *,
    customer: dict[str, Any],
    items: list[tuple[dict[str, Any], int]],
    trial_end: int | None,
    changes: dict[str, Any],
    incomplete_first: bool = False,
    redemptions: Sequence[Redemption] = (),
    payment_behavior: str = "allow_incomplete",
) -> dict[str, Any]:
    """A new subscription with its first invoice; paid, on trial, or `incomplete`.

    With `incomplete_first` a paid one is told of twice: `incomplete`, then active.
    """
    now = world.now_for(customer)
    subscription_id = world.ids.new("subscription")
    recurring = items[0][0]["recurring"]
    anchor = trial_end or now
    end = trial_end or period_end(anchor, now, recurring["interval"], recurring["interval_count"])
    rows = [
        objects.subscription_item(
            world.ids.new("subscription_item"),
            subscription_id=subscription_id,
            price=price,
            quantity=quantity,
            period=(now, end),
            created=now,
        )
        for price, quantity in items
    ]
    subscription = objects.subscription(
        subscription_id,
        customer=customer,
        items=rows,
        billing_cycle_anchor=anchor,
        created=now,
    )
    default = versions.billing_mode_type(world.caller.api_version)
    subscription["billing_mode"] = objects.billing_mode(default, now)
    subscription.update(settled(subscription, changes, end))
    if trial_end:
        subscription.update({"status": "trialing", "trial_start": now, "trial_end": trial_end})
    for row in rows:
        world.store.put(row, customer=customer["id"])
    subscription["discounts"] = discounts.begin(world, redemptions, customer, subscription_id)
    invoice = new_invoice(
        world, subscription, customer, reason="subscription_create", period=(now, now)
    )
    subscription["discounts"] = spend(world, subscription, invoice)
    subscription["latest_invoice"] = invoice["id"]
    world.store.put(subscription)
    finalize_invoice(world, invoice, pay=False)
    if invoice["status"] != "paid" and not _pay_first(
        world, subscription, invoice, payment_behavior
    ):
        _begin_unpaid(world, subscription, invoice, now)
    if trial_end and invoice["status"] == "paid":
        subscription["pending_setup_intent"] = pending_setup(
            world, subscription, now, anyway=payment_behavior == "default_incomplete"
        )
    # Read again: finalizing has moved its invoice number on.
    customer = world.get("customer", customer["id"])
    if customer["currency"] is None:
        world.update(customer, {"currency": subscription["currency"]})
    status = subscription["status"]
    if incomplete_first:
        subscription["status"] = "incomplete"
    world.add(subscription, "customer.subscription.created")
    world.update(subscription, {"status": status}, "customer.subscription.updated")
    plan_ahead(world, subscription)
    return subscription


def _begin_unpaid(
    world: World, subscription: dict[str, Any], invoice: dict[str, Any], now: int
) -> None:
    """While a Boleto or Pix can be paid the subscription is active or waits for it, and no
    time of its own ends that."""
    payment = payment_of(world, invoice)
    intent = world.get("payment_intent", payment["payment"]["payment_intent"]) if payment else None
    if intent and awaits_voucher(intent):
        subscription["status"] = world.option("delayed_payment_status")
        return
    subscription["status"] = "incomplete"
    clock = subscription["test_clock"]
    world.schedule(subscription, "expire_incomplete", now + INCOMPLETE_EXPIRES, clock)


def _pay_first(
    world: World, subscription: dict[str, Any], invoice: dict[str, Any], behavior: str
) -> bool:
    """Whether it is paid. With `default_incomplete` somebody has yet to confirm the payment; with
    `error_if_incomplete` it raises CardError where it is not (Stripe docs: payment_behavior)."""
    if behavior == "default_incomplete":
        wait_for_confirmation(world, invoice, default_payment_method(world, subscription))
        return False
    paid = pay_invoice(world, invoice, subscription=subscription)
    if not paid and behavior == "error_if_incomplete":
        raise refusal(world, invoice, executed=False)
    if not paid:
        world.update(invoice, {"next_payment_attempt": None})
        world.unschedule(invoice)
    return paid


def end_period(
    world: World, subscription: dict[str, Any], *, early: dict[str, Any] | None = None
) -> None:
    """The trial's end or a renewal: a new period and a draft invoice, charged an hour later.

    `early` holds what changes beside when a trial ends before its time.
    """
    customer = world.get("customer", subscription["customer"])
    now = world.now_for(customer)
    changes: dict[str, Any] = dict(early or {})
    if subscription["status"] == "trialing":
        if _ends_uncharged(world, subscription | changes):
            _end_uncharged(world, subscription, changes)
            return
        changes["status"] = "active"
    item = (subscription | changes)["items"]["data"][0]
    ended = (item["current_period_start"], now if early else item["current_period_end"])
    renewed = _next_period(subscription | changes, ended[1])
    changes["items"] = renewed["items"]
    for item in renewed["items"]["data"]:
        world.store.put(item, customer=customer["id"])
    invoice = new_invoice(world, renewed, customer, reason="subscription_cycle", period=ended)
    paused = renewed["pause_collection"] or {}
    if subscription["status"] == "unpaid" or paused.get("behavior") == "keep_as_draft":
        keep_draft(world, invoice)
    else:
        world.update(
            invoice,
            {"next_payment_attempt": now + HOUR, "automatically_finalizes_at": now + HOUR},
        )
        world.schedule(invoice, "finalize", now + HOUR, customer["test_clock"])
    world.emit("invoice.created", invoice)
    changes["discounts"] = spend(world, renewed, invoice)
    changes["latest_invoice"] = invoice["id"]
    if early:
        changes = settled(subscription, changes, current_period_end(renewed))
    world.update(subscription, changes, "customer.subscription.updated")
    plan_ahead(world, subscription)


def _end_uncharged(world: World, subscription: dict[str, Any], changes: dict[str, Any]) -> None:
    """What was asked for beside the trial's end is told of in any case."""
    changes = settled(subscription, changes, current_period_end(subscription | changes))
    if _missing_payment_method(subscription | changes) == "cancel":
        world.update(subscription, changes)
        cancel(world, subscription, reason=None)
        return
    tells = world.option("trial_pause_tells_update") or set(changes) - _TRIAL_ENDS
    told = "customer.subscription.updated" if tells else None
    world.update(subscription, changes | {"status": "paused"}, told)
    plan_ahead(world, subscription)
    world.emit("customer.subscription.paused", subscription)


def _missing_payment_method(subscription: dict[str, Any]) -> str:
    behavior: str = subscription["trial_settings"]["end_behavior"]["missing_payment_method"]
    return behavior


def _ends_uncharged(world: World, subscription: dict[str, Any]) -> bool:
    """Whether this is a trial that is to end in a pause or a cancellation, for want of a card."""
    return (
        subscription["status"] == "trialing"
        and _missing_payment_method(subscription) != "create_invoice"
        and not default_payment_method(world, subscription)
    )


def _next_period(subscription: dict[str, Any], start: int) -> dict[str, Any]:
    items = subscription["items"]["data"]
    recurring = items[0]["price"]["recurring"]
    end = period_end(
        subscription["billing_cycle_anchor"],
        start,
        recurring["interval"],
        recurring["interval_count"],
    )
    period = {"current_period_start": start, "current_period_end": end}
    return subscription | {
        "items": subscription["items"] | {"data": [item | period for item in items]}
    }


def next_invoice(world: World, subscription: dict[str, Any]) -> dict[str, Any]:
    """The draft that the end of this period will make, as things are now."""
    item = subscription["items"]["data"][0]
    ended = (item["current_period_start"], item["current_period_end"])
    renewed = _next_period(subscription | {"status": "active"}, ended[1])
    customer = world.get("customer", subscription["customer"])
    invoice = new_invoice(world, renewed, customer, reason="subscription_cycle", period=ended)
    return world.update(invoice, {"created": ended[1], "next_payment_attempt": ended[1] + HOUR})


@task("upcoming", rank=3)
def _tell_upcoming(world: World, subscription: dict[str, Any]) -> None:
    """`invoice.upcoming`, of an invoice that is not there yet and has no id. None of what is not
    charged by itself (the SDK's text), or while collection is paused (Stripe docs)."""
    if (
        subscription["pause_collection"]
        or subscription["collection_method"] == "send_invoice"
        or 0 < (subscription["cancel_at"] or 0) <= current_period_end(subscription)
        or _ends_uncharged(world, subscription)
    ):
        return
    with world.undone():
        invoice = next_invoice(world, subscription)
    del invoice["id"]
    lines = [line | {"invoice": None} for line in invoice["lines"]["data"]]
    url = f"/v1/invoices/upcoming/lines?subscription={subscription['id']}"
    world.emit(
        "invoice.upcoming",
        invoice
        | {"billing_reason": "upcoming", "lines": invoice["lines"] | {"data": lines, "url": url}},
    )


@task("period_end", rank=3)
def _end_period(world: World, subscription: dict[str, Any]) -> None:
    end_period(world, subscription)


def end_trial(
    world: World, subscription: dict[str, Any], beside: Mapping[str, Any] | None = None
) -> None:
    """Now rather than later (`trial_end=now`): the new period starts here. `beside` changes the
    subscription in the same breath, told by the same event."""
    customer = world.get("customer", subscription["customer"])
    now = world.now_for(customer)
    early = dict.fromkeys(_TRIAL_ENDS, now)
    if not subscription.get("_trial_will_end_sent"):
        world.update(subscription, {"_trial_will_end_sent": True})
        world.emit("customer.subscription.trial_will_end", subscription | early)
    end_period(world, subscription, early={**(beside or {}), **early})
    invoice = world.get("invoice", subscription["latest_invoice"])
    if invoice["status"] == "draft":
        world.unschedule(invoice)
        collect(world, invoice)
        # Read again: a failed charge has made it past_due.
        subscription.update(world.get("subscription", subscription["id"]))
