"""From a draft to money, or to retries and their end.

Sources: Stripe docs on subscription lifecycle and Smart Retries.
"""

from __future__ import annotations

from typing import Any

from caixa_subscriptions.simulator import balances
from caixa_subscriptions.simulator.cards import is_hard
from caixa_subscriptions.simulator.charging import (
    charge_invoice,
    close_payment,
    default_payment_method,
)
from caixa_subscriptions.simulator.invoicing import (
    close_invoice,
    invoices_of,
    mark_paid,
    subscription_of,
)
from caixa_subscriptions.simulator.lifecycle import cancel, plan_ahead
from caixa_subscriptions.simulator.objects import DAY
from caixa_subscriptions.simulator.tasks import task
from caixa_subscriptions.simulator.world import World

# Smart Retries: eight attempts in all over two weeks; recorded gaps are 1.6 to 1.9 days.
RETRY_GAP = 7 * DAY // 4
MAX_ATTEMPTS = 8
# What is done with the invoices of a paused collection.
CLOSED_AS = {
    "mark_uncollectible": ("uncollectible", "marked_uncollectible_at"),
    "void": ("void", "voided_at"),
}


def finalize_invoice(world: World, invoice: dict[str, Any], *, pay: bool = True) -> None:
    """Draft to open; what is due nothing is paid at once, the rest is charged."""
    customer = world.get("customer", invoice["customer"])
    now = world.now_for(customer)
    created = invoice["billing_reason"] == "subscription_create"
    if created:
        world.emit("invoice.created", invoice)
    number = f"{customer['invoice_prefix']}-{customer['next_invoice_sequence']:04d}"
    world.update(customer, {"next_invoice_sequence": customer["next_invoice_sequence"] + 1})
    hosted = f"{world.caller.base_url}/simulator/invoices/{invoice['id']}"
    world.update(
        invoice,
        {
            "status": "open",
            "number": number,
            "effective_at": now,
            "automatically_finalizes_at": None,
            "hosted_invoice_url": hosted,
            "invoice_pdf": hosted,
            "status_transitions": invoice["status_transitions"] | {"finalized_at": now},
            **balances.settle(world, invoice, customer),
        },
    )
    world.emit("invoice.finalized", invoice)
    if invoice["amount_due"] == 0:
        mark_paid(world, invoice)
    elif pay:
        pay_invoice(world, invoice)


@task("finalize", rank=4)
def collect(world: World, invoice: dict[str, Any]) -> None:
    """Finalize and charge a draft, or what a paused collection makes of it (Stripe docs: pause
    payment collection)."""
    paused = subscription_of(world, invoice).get("pause_collection")
    if paused is None:
        finalize_invoice(world, invoice)
    elif paused["behavior"] == "keep_as_draft":
        keep_draft(world, invoice)
    else:
        finalize_invoice(world, invoice, pay=False)
        status, at = CLOSED_AS[paused["behavior"]]
        if invoice["status"] == "open":
            close_invoice(world, invoice, status=status, at=at)


def keep_draft(world: World, invoice: dict[str, Any]) -> None:
    world.unschedule(invoice)
    later = {"next_payment_attempt": None, "automatically_finalizes_at": None}
    world.update(invoice, later | {"auto_advance": False})


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
    hand does not count as an attempt; an attempt with a card that was declined for good counts,
    and nothing is charged (Stripe docs: Smart Retries).
    """
    creating = subscription is not None
    subscription = subscription or subscription_of(world, invoice)
    customer = world.get("customer", invoice["customer"])
    now = world.now_for(customer)
    payment_method = payment_method or default_payment_method(world, subscription)
    before = dict(invoice)
    attempts = invoice["attempt_count"] + (not manual)
    world.update(invoice, {"attempted": True, "attempt_count": attempts})
    hopeless = payment_method and not manual and invoice.get("_no_use") == payment_method["id"]
    met = None
    if payment_method and not hopeless:
        terms = {"off_session": not (creating or manual)}
        met = charge_invoice(world, invoice, payment_method, now, **terms)
        if met.delayed:
            return _await_customer(world, invoice, before)
        if met.succeeds:
            _receive(world, invoice, before, subscription=None if creating else subscription)
            return True
        hard = met.decline is not None and is_hard(met.decline)
        world.update(invoice, {"_no_use": payment_method["id"] if hard else None})
    waits = met is not None and met.needs_authentication
    if waits and creating:  # recorded
        world.update(invoice, {"attempt_count": attempts - 1})
    given_up = invoice["status"] == "uncollectible"
    # What is planned already stays so, and of a canceled subscription nothing is tried again.
    if not (given_up or (manual and (attempts or not invoice["auto_advance"]))):
        _plan_retry(world, invoice, now, creating=creating)
    world.tell_update(before, invoice)
    if waits:
        world.emit("invoice.payment_action_required", invoice)
    if not hopeless:
        world.emit("invoice.payment_failed", invoice)
    if not creating and not given_up:
        _fall_behind(world, subscription, invoice)
    return False


def _await_customer(world: World, invoice: dict[str, Any], before: dict[str, Any]) -> bool:
    """A Boleto or Pix is theirs to pay; nothing has failed, and nothing is tried meanwhile."""
    world.unschedule(invoice)
    world.update(invoice, {"next_payment_attempt": None})
    world.tell_update(before, invoice)
    world.emit("invoice.payment_action_required", invoice)
    return False


def follow_expired(world: World, intent: dict[str, Any]) -> None:
    """A Boleto or Pix nobody paid. Of a subscription that was active meanwhile the first invoice is
    void and the subscription stays (Stripe docs: subscription lifecycle); a later one is tried
    again."""
    invoice = world.store.get(intent.get("_invoice") or "")
    if invoice is None or invoice["status"] != "open":
        return
    subscription = subscription_of(world, invoice)
    world.emit("invoice.payment_failed", invoice)
    if world.deleted_customer(invoice["customer"]) or not invoice["auto_advance"]:
        return
    if subscription["status"] == "incomplete":
        expire_incomplete(world, subscription)
    elif invoice["billing_reason"] == "subscription_create":
        close_invoice(world, invoice, status="void", at="voided_at")
    else:
        before = dict(invoice)
        now = world.now(invoice["test_clock"] or "")
        _plan_retry(world, invoice, now, creating=False)
        world.tell_update(before, invoice)
        _fall_behind(world, subscription, invoice)


def settle_out_of_band(world: World, invoice: dict[str, Any]) -> None:
    """Paid by other means than Stripe's (Stripe docs: mark an invoice as paid)."""
    mark_paid(world, invoice, before=dict(invoice), out_of_band=True)
    _recover(world, subscription_of(world, invoice), invoice)


def _receive(
    world: World,
    invoice: dict[str, Any],
    before: dict[str, Any],
    *,
    subscription: dict[str, Any] | None,
) -> None:
    mark_paid(world, invoice, before=before)
    if subscription:
        _recover(world, subscription, invoice)


def follow_intent(world: World, intent: dict[str, Any]) -> None:
    """Somebody has confirmed or authenticated the intent: its invoice, if it has one, and the
    invoice's subscription go with it."""
    invoice = world.store.get(intent.get("_invoice") or "")
    if invoice is None or invoice["status"] not in ("open", "uncollectible"):
        return
    before = dict(invoice)
    subscription = subscription_of(world, invoice)
    if intent["status"] == "succeeded":
        world.update(invoice, {"attempted": True})
        close_payment(world, invoice, world.now(invoice["test_clock"] or ""))
        _receive(world, invoice, before, subscription=subscription)
    elif intent["status"] == "requires_payment_method":
        world.update(invoice, {"attempted": True})
        world.tell_update(before, invoice)
        world.emit("invoice.payment_failed", invoice)


@task("retry", rank=5)
def _retry(world: World, invoice: dict[str, Any]) -> None:
    pay_invoice(world, invoice)


def _plan_retry(world: World, invoice: dict[str, Any], now: int, *, creating: bool) -> None:
    if creating or invoice["attempt_count"] >= MAX_ATTEMPTS:
        world.update(invoice, {"next_payment_attempt": None})
        world.unschedule(invoice)
        return
    due = now + RETRY_GAP
    world.update(invoice, {"next_payment_attempt": due})
    world.schedule(invoice, "retry", due, invoice["test_clock"])


def _recover(world: World, subscription: dict[str, Any], invoice: dict[str, Any]) -> None:
    if subscription["latest_invoice"] == invoice["id"] and subscription["status"] == "paused":
        resumed(world, subscription)
    elif subscription["latest_invoice"] == invoice["id"] and subscription["status"] in (
        "past_due",
        "unpaid",
        "incomplete",
    ):
        world.unschedule(subscription, "expire_incomplete")
        world.update(subscription, {"status": "active"}, "customer.subscription.updated")
        plan_ahead(world, subscription)


def resumed(world: World, subscription: dict[str, Any]) -> None:
    world.update(subscription, {"status": "active"})
    world.emit("customer.subscription.resumed", subscription)
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
    if (
        subscription["status"] == "paused"
        and latest["status"] == "uncollectible"
        and latest["id"] == subscription["latest_invoice"]
    ):
        resumed(world, subscription)
    if subscription["status"] == "incomplete" and latest["status"] == "paid":
        expire_incomplete(world, subscription)


@task("expire_incomplete", rank=1)
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
    outcome = world.option("dunning_outcome")
    if outcome == "canceled":
        cancel(world, subscription, reason="payment_failed")
    elif outcome == "unpaid":
        world.update(subscription, {"status": "unpaid"}, "customer.subscription.updated")
