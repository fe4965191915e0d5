"""What the hosted Checkout page does when its customer submits it.

Since API version basil the subscription and its invoice are made only once the customer has
completed payment; a declined card leaves the session open, and a payment that failed (Stripe docs:
Checkout).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from caixa_subscriptions.simulator import (
    billing,
    charging,
    checkout_discounts,
    checkout_payments,
    objects,
)
from caixa_subscriptions.simulator.cards import checked_number
from caixa_subscriptions.simulator.errors import invalid
from caixa_subscriptions.simulator.objects import DAY
from caixa_subscriptions.simulator.params import merge_metadata
from caixa_subscriptions.simulator.resources.payment_methods import new_card, new_voucher
from caixa_subscriptions.simulator.resources.subscriptions import trial_end_of
from caixa_subscriptions.simulator.vouchers import is_delayed
from caixa_subscriptions.simulator.world import World

TEST_TAX_ID = "000.000.000-00"

# Two orders recorded for the same paid Checkout, with what is new since; order is never guaranteed.
EVENT_ORDERS = {
    "A": (
        "charge.succeeded",
        "payment_method.attached",
        "customer.created",
        "customer.updated",
        "promotion_code.updated",
        "coupon.updated",
        "customer.discount.created",
        "invoice.created",
        "customer.subscription.created",
        "invoice.finalized",
        "customer.subscription.updated",
        "invoice.updated",
        "invoice.paid",
        "invoice.payment_succeeded",
        "payment_intent.created",
        "payment_intent.succeeded",
        "invoice_payment.paid",
        "payment_intent.requires_action",
        "invoice.payment_action_required",
        "checkout.session.completed",
    ),
    "B": (
        "setup_intent.created",
        "setup_intent.succeeded",
        "charge.succeeded",
        "checkout.session.completed",
        "invoice.created",
        "payment_method.attached",
        "customer.created",
        "customer.updated",
        "promotion_code.updated",
        "coupon.updated",
        "customer.discount.created",
        "invoice.updated",
        "customer.subscription.updated",
        "payment_intent.succeeded",
        "customer.subscription.created",
        "customer.subscription.trial_will_end",
        "invoice.payment_succeeded",
        "invoice.paid",
        "invoice_payment.paid",
        "invoice.finalized",
        "payment_intent.created",
    ),
}
# A, where nothing is due (composed from recordings of subscriptions created by API).
ORDER_OF_NOTHING_DUE = (
    "setup_intent.created",
    "setup_intent.succeeded",
    "payment_method.attached",
    "customer.created",
    "customer.updated",
    "promotion_code.updated",
    "coupon.updated",
    "customer.discount.created",
    "invoice.created",
    "invoice.finalized",
    "invoice.paid",
    "invoice.payment_succeeded",
    "customer.subscription.created",
    "customer.subscription.trial_will_end",
    "checkout.session.completed",
)


def trial_days(world: World, session: dict[str, Any]) -> int:
    data = session["_subscription_data"]
    if "trial_end" in data:
        return math.ceil((int(data["trial_end"]) - world.now()) / DAY)
    return int(data.get("trial_period_days", 0))


def asks_for_card(session: Mapping[str, Any]) -> bool:
    """Stripe docs: Checkout, free trials."""
    return bool(session["payment_method_collection"] == "always" or session["amount_total"])


def complete_session(
    world: World,
    session_id: str,
    *,
    card_number: str,
    exp_month: int,
    exp_year: int,
    authenticate: bool = True,
    pays_by: str = "card",
) -> dict[str, Any]:
    """What the hosted page does when the customer submits it, and passes 3D Secure or not.

    `card_number` may be empty when no card is asked for. Who `pays_by` "boleto" or "pix" has still
    to do so. Raises CardError when the card is declined (the session stays open),
    ExecutedCardError when events tell of it, StripeError when the session is not open or not for
    this.
    """
    session = world.get("checkout.session", session_id)
    if session["status"] != "open":
        raise invalid(f"This Checkout Session is no longer active (status: {session['status']}).")
    if pays_by not in session["payment_method_types"]:
        raise invalid(f"This Checkout Session cannot be paid by {pays_by}.")
    number = None
    if pays_by == "card" and (card_number or asks_for_card(session)):
        number = checked_number(card_number)
        checkout_payments.refuse_card(
            world,
            session,
            number,
            authenticate=authenticate,
            exp_month=exp_month,
            exp_year=exp_year,
        )
    order = EVENT_ORDERS[str(world.option("checkout_event_order"))]
    if not session["amount_total"] and order is EVENT_ORDERS["A"]:
        order = ORDER_OF_NOTHING_DUE
    with world.events_in_order(order):
        customer = _customer_of(world, session)
        if customer:
            world.writable(customer)
        now = world.now_for(customer) if customer else world.now()
        card = None
        if pays_by != "card":
            card = _voucher(world, pays_by, customer, session, now)
        elif number:
            card = new_card(world, number, exp_month=exp_month, exp_year=exp_year, created=now)
        if card:
            # Its owner is there, and has authenticated it if it asked for that.
            card |= {"_set_up": True, "_authenticated": True}
            if customer and _keeps_card(session):
                card["customer"] = customer["id"]
                world.add(card, "payment_method.attached")
            else:
                world.store.put(card)
        done = {"subscription": _subscribe, "payment": _pay, "setup": _set_up}[session["mode"]](
            world, session, customer, card, now
        )
        if card:
            world.update(card, {"_authenticated": False})
        email = customer["email"] if customer else session["customer_email"]
        world.unschedule(session)
        world.update(
            session,
            done
            | {
                "status": "complete",
                "customer": customer and customer["id"],
                "customer_details": objects.customer_details(email),
                "url": None,
            },
        )
        world.emit("checkout.session.completed", session)
    return session


def _voucher(
    world: World, kind: str, customer: Any, session: Mapping[str, Any], now: int
) -> dict[str, Any]:
    """With the tax id of test mode, since nobody is asked for it here."""
    details = {
        "email": customer["email"] if customer else session["customer_email"],
        "name": customer and customer["name"],
    }
    return new_voucher(world, kind, tax_id=TEST_TAX_ID, created=now, **details)


def _customer_of(world: World, session: dict[str, Any]) -> dict[str, Any] | None:
    """None for a guest. Without `customer`, subscription mode always makes a new one (the SDK's
    text)."""
    if session["customer"]:
        return world.get("customer", session["customer"])
    if session["customer_creation"] != "always":
        return None
    clock = world.default_clock_id if world.default_clock else None
    customer = objects.customer(
        world.ids.new("customer"),
        invoice_prefix=world.ids.token(8).upper(),
        test_clock=clock,
        created=world.now(),
    )
    customer["email"] = session["customer_email"]
    return world.add(customer, "customer.created")


def _keeps_card(session: dict[str, Any]) -> bool:
    """A single payment leaves no card with its customer, unless it is asked to."""
    return session["mode"] != "payment" or "setup_future_usage" in session["_payment_intent_data"]


def _subscribe(
    world: World, session: dict[str, Any], customer: Any, card: Any, now: int
) -> dict[str, Any]:
    data = session["_subscription_data"]
    if card and not session["amount_total"]:
        intent = objects.setup_intent(
            world.ids.new("setup_intent"),
            customer=customer["id"],
            payment_method=card["id"],
            secret=world.ids.token(24),
            created=now,
        )
        intent["status"] = "succeeded"
        world.add(intent, "setup_intent.created")
        world.emit("setup_intent.succeeded", intent)
    changes = {
        # Not the customer's default: Checkout sets the subscription's.
        "default_payment_method": card and card["id"],
        "description": data.get("description"),
        "metadata": merge_metadata({}, data.get("metadata")),
    }
    if "trial_settings" in data:
        changes["trial_settings"] = data["trial_settings"]
    subscription = billing.create_subscription(
        world,
        customer=customer,
        items=[
            (world.get("price", line["price"]["id"]), line["quantity"])
            for line in session["_line_items"]
        ],
        trial_end=trial_end_of(data, now),
        changes=changes,
        redemptions=checkout_discounts.redemptions(world, session, customer),
        incomplete_first=bool(session["amount_total"])
        and world.option("checkout_created_status") == "incomplete",
    )
    return {
        "payment_status": _payment_status(world, session, card),
        "subscription": subscription["id"],
        "invoice": subscription["latest_invoice"],
    }


def _payment_status(world: World, session: dict[str, Any], card: dict[str, Any] | None) -> Any:
    if not session["amount_total"]:
        return world.option("trial_payment_status")
    return "unpaid" if card and is_delayed(card) else "paid"


def _pay(
    world: World, session: dict[str, Any], customer: Any, card: Any, now: int
) -> dict[str, Any]:
    if card is None or not session["amount_total"]:
        return {"payment_status": "no_payment_required"}
    intent = checkout_payments.intent_of(world, session, customer, now)
    charging.charge(world, intent, card, now)
    return {
        "payment_status": _payment_status(world, session, card),
        "payment_intent": intent["id"],
    }


def _set_up(
    world: World, session: dict[str, Any], customer: Any, card: Any, now: int
) -> dict[str, Any]:
    intent = world.get("setup_intent", session["setup_intent"])
    changes = {
        "customer": customer and customer["id"],
        "last_setup_error": None,
        "payment_method": card["id"],
        "status": "succeeded",
    }
    world.update(intent, changes, "setup_intent.succeeded")
    return {}
