"""What a subscription and its invoices do, by themselves and when asked.

Sources: Stripe docs on subscription lifecycle, free trials, test clocks and Smart Retries.
"""

from __future__ import annotations

from typing import Any

from caixa_subscriptions.simulator import objects
from caixa_subscriptions.simulator.cards import DECLINED, FAILS_LATER
from caixa_subscriptions.simulator.charging import charge_card, default_payment_method
from caixa_subscriptions.simulator.errors import invalid
from caixa_subscriptions.simulator.invoicing import (
    close_invoice,
    invoices_of,
    mark_paid,
    new_invoice,
    subscription_of,
)
from caixa_subscriptions.simulator.objects import DAY, HOUR
from caixa_subscriptions.simulator.periods import period_end
from caixa_subscriptions.simulator.world import World

TRIAL_WILL_END = 3 * DAY
INCOMPLETE_EXPIRES = 23 * HOUR
# Smart Retries: eight attempts in all over two weeks; recorded gaps are 1.6 to 1.9 days.
RETRY_GAP = 7 * DAY // 4
MAX_ATTEMPTS = 8
DUNNING_OUTCOMES = ("canceled", "unpaid", "past_due")
ENDED = ("canceled", "incomplete_expired")


def create_subscription(
    world: World,
    *,
    customer: dict[str, Any],
    items: list[tuple[dict[str, Any], int]],
    trial_end: int | None,
    changes: dict[str, Any],
) -> dict[str, Any]:
    """A new subscription with its first invoice; paid, on trial, or `incomplete`."""
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
    subscription.update(changes)
    if trial_end:
        subscription.update({"status": "trialing", "trial_start": now, "trial_end": trial_end})
    for row in rows:
        world.store.put(row, customer=customer["id"])
    invoice = new_invoice(
        world, subscription, customer, reason="subscription_create", period=(now, now)
    )
    subscription["latest_invoice"] = invoice["id"]
    world.store.put(subscription)
    finalize_invoice(world, invoice, pay=False)
    if invoice["status"] != "paid" and not _pay_first(world, subscription, invoice):
        subscription["status"] = "incomplete"
        world.schedule(subscription, "expire", now + INCOMPLETE_EXPIRES, customer["test_clock"])
    # Read again: finalizing has moved its invoice number on.
    customer = world.get("customer", customer["id"])
    if customer["currency"] is None:
        world.update(customer, {"currency": subscription["currency"]})
    world.add(subscription, "customer.subscription.created")
    plan_ahead(world, subscription)
    return subscription


def _pay_first(world: World, subscription: dict[str, Any], invoice: dict[str, Any]) -> bool:
    paid = pay_invoice(world, invoice, subscription=subscription)
    if not paid:
        world.update(invoice, {"next_payment_attempt": None})
        world.unschedule(invoice)
    return paid


def plan_ahead(world: World, subscription: dict[str, Any]) -> None:
    """Schedule what comes next by itself."""
    clock = subscription["test_clock"]
    world.unschedule(subscription, "cancel", "trial_will_end", "period_end")
    if subscription["status"] in (*ENDED, "incomplete", "paused"):
        return
    item = subscription["items"]["data"][0]
    world.schedule(subscription, "period_end", item["current_period_end"], clock)
    if subscription["cancel_at"]:
        world.schedule(subscription, "cancel", subscription["cancel_at"], clock)
    if subscription["status"] == "trialing" and not subscription.get("_trial_will_end_sent"):
        due = subscription["trial_end"] - TRIAL_WILL_END
        if due <= world.now(clock or ""):
            trial_will_end(world, subscription)
        else:
            world.schedule(subscription, "trial_will_end", due, clock)


def trial_will_end(world: World, subscription: dict[str, Any]) -> None:
    world.update(subscription, {"_trial_will_end_sent": True})
    world.emit("customer.subscription.trial_will_end", subscription)


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
        behavior = subscription["trial_settings"]["end_behavior"]["missing_payment_method"]
        if behavior != "create_invoice" and not default_payment_method(world, subscription):
            world.update(subscription, changes)
            if behavior == "cancel":
                cancel(world, subscription, reason=None)
            else:
                world.update(subscription, {"status": "paused"})
                plan_ahead(world, subscription)
                world.emit("customer.subscription.paused", subscription)
            return
        changes["status"] = "active"
    items = [dict(item) for item in subscription["items"]["data"]]
    recurring = items[0]["price"]["recurring"]
    ended = (items[0]["current_period_start"], now if early else items[0]["current_period_end"])
    start = ended[1]
    end = period_end(
        changes.get("billing_cycle_anchor", subscription["billing_cycle_anchor"]),
        start,
        recurring["interval"],
        recurring["interval_count"],
    )
    for item in items:
        item.update({"current_period_start": start, "current_period_end": end})
        world.store.put(item, customer=customer["id"])
    changes["items"] = subscription["items"] | {"data": items}
    renewed = subscription | changes
    invoice = new_invoice(world, renewed, customer, reason="subscription_cycle", period=ended)
    if subscription["status"] == "unpaid":
        world.update(invoice, {"auto_advance": False})
    else:
        world.update(
            invoice,
            {"next_payment_attempt": now + HOUR, "automatically_finalizes_at": now + HOUR},
        )
        world.schedule(invoice, "finalize", now + HOUR, customer["test_clock"])
    world.emit("invoice.created", invoice)
    changes["latest_invoice"] = invoice["id"]
    if subscription["cancel_at_period_end"]:  # of a trial that ended early
        changes["cancel_at"] = end
    world.update(subscription, changes, "customer.subscription.updated")
    plan_ahead(world, subscription)


def end_trial(world: World, subscription: dict[str, Any]) -> None:
    """Now rather than later (`trial_end=now`): the new period starts here."""
    customer = world.get("customer", subscription["customer"])
    now = world.now_for(customer)
    early = {"trial_end": now, "billing_cycle_anchor": now}
    if not subscription.get("_trial_will_end_sent"):
        world.update(subscription, {"_trial_will_end_sent": True})
        world.emit("customer.subscription.trial_will_end", subscription | early)
    end_period(world, subscription, early=early)
    invoice = world.get("invoice", subscription["latest_invoice"])
    if invoice["status"] == "draft":
        world.unschedule(invoice)
        finalize_invoice(world, invoice)
        # Read again: a failed charge has made it past_due.
        subscription.update(world.get("subscription", subscription["id"]))


def finalize_invoice(world: World, invoice: dict[str, Any], *, pay: bool = True) -> None:
    """Draft to open; what is due nothing is paid at once, the rest is charged."""
    customer = world.get("customer", invoice["customer"])
    now = world.now_for(customer)
    created = invoice["billing_reason"] == "subscription_create"
    if created:
        world.emit("invoice.created", invoice)
    number = f"{customer['invoice_prefix']}-{customer['next_invoice_sequence']:04d}"
    world.update(customer, {"next_invoice_sequence": customer["next_invoice_sequence"] + 1})
    hosted = f"{world.caller.base_url}/simulator/#{invoice['id']}"
    world.update(
        invoice,
        {
            "status": "open",
            "number": number,
            "effective_at": now,
            "ending_balance": 0,
            "automatically_finalizes_at": None,
            "hosted_invoice_url": hosted,
            "invoice_pdf": hosted,
            "status_transitions": invoice["status_transitions"] | {"finalized_at": now},
        },
    )
    world.emit("invoice.finalized", invoice)
    if invoice["amount_due"] == 0:
        mark_paid(world, invoice)
    elif pay:
        pay_invoice(world, invoice)


def pay_invoice(
    world: World,
    invoice: dict[str, Any],
    *,
    subscription: dict[str, Any] | None = None,
    payment_method: dict[str, Any] | None = None,
    manual: bool = False,
) -> bool:
    """Charge `payment_method`, else the default one; whether it worked.

    A failure makes the subscription `past_due` and plans the next attempt. A payment asked for by
    hand does not count as an attempt (Stripe docs: Smart Retries).
    """
    creating = subscription is not None
    subscription = subscription or subscription_of(world, invoice)
    customer = world.get("customer", invoice["customer"])
    now = world.now_for(customer)
    payment_method = payment_method or default_payment_method(world, subscription)
    before = dict(invoice)
    attempts = invoice["attempt_count"] + (not manual)
    world.update(invoice, {"attempted": True, "attempt_count": attempts})
    decline = None
    if payment_method:
        number = payment_method["_number"]
        decline = DECLINED.get(number) or FAILS_LATER.get(number)
        charge_card(world, invoice, payment_method, decline, now)
    if payment_method and decline is None:
        mark_paid(world, invoice, before=before)
        if not creating:
            _recover(world, subscription, invoice)
        return True
    if not (manual and attempts):  # what is planned already stays so
        _plan_retry(world, invoice, now, creating=creating)
    world.tell_update(before, invoice)
    world.emit("invoice.payment_failed", invoice)
    if not creating:
        _fall_behind(world, subscription, invoice)
    return False


def _plan_retry(world: World, invoice: dict[str, Any], now: int, *, creating: bool) -> None:
    if creating or invoice["attempt_count"] >= MAX_ATTEMPTS:
        world.update(invoice, {"next_payment_attempt": None})
        world.unschedule(invoice)
        return
    due = now + RETRY_GAP
    world.update(invoice, {"next_payment_attempt": due})
    world.schedule(invoice, "retry", due, invoice["test_clock"])


def _recover(world: World, subscription: dict[str, Any], invoice: dict[str, Any]) -> None:
    if subscription["latest_invoice"] == invoice["id"] and subscription["status"] in (
        "past_due",
        "unpaid",
        "incomplete",
    ):
        world.unschedule(subscription, "expire")
        world.update(subscription, {"status": "active"}, "customer.subscription.updated")
        plan_ahead(world, subscription)


def follow_invoices(world: World, subscription: dict[str, Any]) -> None:
    """The latest invoice that is not void decides on the status (Stripe docs: subscription
    lifecycle)."""
    latest = next(
        (one for one in invoices_of(world, subscription) if one["status"] != "void"),
        {"status": "paid"},
    )
    if subscription["status"] in ("past_due", "unpaid") and latest["status"] in (
        "paid",
        "uncollectible",
    ):
        world.update(subscription, {"status": "active"}, "customer.subscription.updated")
    if subscription["status"] == "incomplete" and latest["status"] == "paid":
        expire_incomplete(world, subscription)


def expire_incomplete(world: World, subscription: dict[str, Any]) -> None:
    """Its first payment never came; the open invoice is void."""
    now = world.now(subscription["test_clock"] or "")
    for invoice in invoices_of(world, subscription):
        if invoice["status"] == "open":
            close_invoice(world, invoice, status="void", at="voided_at")
    world.unschedule(subscription)
    world.update(
        subscription,
        {"status": "incomplete_expired", "ended_at": now},
        "customer.subscription.updated",
    )


def _fall_behind(world: World, subscription: dict[str, Any], invoice: dict[str, Any]) -> None:
    if subscription["status"] == "active":
        world.update(subscription, {"status": "past_due"}, "customer.subscription.updated")
    if invoice["attempt_count"] < MAX_ATTEMPTS or subscription["status"] != "past_due":
        return
    outcome = world.store.get_meta("dunning_outcome") or "canceled"
    if outcome == "canceled":
        cancel(world, subscription, reason="payment_failed")
    elif outcome == "unpaid":
        world.update(subscription, {"status": "unpaid"}, "customer.subscription.updated")


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


def request_cancellation(
    world: World, subscription: dict[str, Any], *, cancel_at: int, at_period_end: bool
) -> None:
    """The API sets both fields, the portal on flexible billing `cancel_at` alone (Stripe docs:
    billing mode)."""
    now = world.now(subscription["test_clock"] or "")
    details = subscription["cancellation_details"] | {"reason": "cancellation_requested"}
    world.update(
        subscription,
        {
            "cancel_at": cancel_at,
            "cancel_at_period_end": at_period_end,
            "canceled_at": now,
            "cancellation_details": details,
        },
        "customer.subscription.updated",
    )
    plan_ahead(world, subscription)


def withdraw_cancellation(world: World, subscription: dict[str, Any]) -> None:
    details = subscription["cancellation_details"] | {"reason": None}
    world.update(
        subscription,
        {
            "cancel_at": None,
            "cancel_at_period_end": False,
            "canceled_at": None,
            "cancellation_details": details,
        },
        "customer.subscription.updated",
    )
    plan_ahead(world, subscription)


def current_period_end(subscription: dict[str, Any]) -> int:
    return int(subscription["items"]["data"][0]["current_period_end"])


def require_not_ended(subscription: dict[str, Any]) -> None:
    if subscription["status"] in ENDED:
        raise invalid(
            "A canceled subscription can only update its cancellation_details and metadata."
        )


def run_task(world: World, object_id: str, action: str) -> None:
    """What falls due at this moment."""
    obj = world.store.get(object_id)
    if obj is None:
        return
    if action == "cancel":
        cancel(world, obj, reason="cancellation_requested")
    elif action == "trial_will_end":
        trial_will_end(world, obj)
    elif action == "period_end":
        end_period(world, obj)
    elif action == "finalize":
        finalize_invoice(world, obj)
    elif action == "retry":
        pay_invoice(world, obj)
    elif obj["object"] == "subscription":
        expire_incomplete(world, obj)
    else:
        world.update(obj, {"status": "expired", "url": None})
        world.emit("checkout.session.expired", obj)
