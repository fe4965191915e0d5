"""Checkout Sessions in subscription mode.

Since API version basil the subscription and its invoice are made only once the customer has
completed payment; a declined card leaves nothing but the open session (Stripe docs: Checkout).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from caixa_subscriptions.simulator import billing, objects
from caixa_subscriptions.simulator.cards import DECLINED, FAILS_LATER, checked_number
from caixa_subscriptions.simulator.errors import CardError, StripeError, invalid, not_simulated
from caixa_subscriptions.simulator.objects import DAY, HOUR
from caixa_subscriptions.simulator.params import merge_metadata
from caixa_subscriptions.simulator.resources.customers import check_email
from caixa_subscriptions.simulator.resources.payment_methods import new_card
from caixa_subscriptions.simulator.resources.subscriptions import recurring_items, trial_end_of
from caixa_subscriptions.simulator.routes import LIST_PARAMS, Params, list_page, route
from caixa_subscriptions.simulator.tasks import task
from caixa_subscriptions.simulator.world import World

MAX_REFERENCE = 200
MIN_TRIAL_END = 48 * HOUR
# Two orders recorded for the same paid Checkout, with what is new since; order is never guaranteed.
EVENT_ORDERS = {
    "A": (
        "charge.succeeded",
        "payment_method.attached",
        "customer.created",
        "customer.updated",
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
    "invoice.created",
    "invoice.finalized",
    "invoice.paid",
    "invoice.payment_succeeded",
    "customer.subscription.created",
    "customer.subscription.trial_will_end",
    "checkout.session.completed",
)


@route(
    "POST",
    "/v1/checkout/sessions",
    "checkout.SessionCreateParams",
    "mode customer customer_email client_reference_id line_items.price line_items.quantity "
    "success_url cancel_url expires_at locale metadata payment_method_collection "
    "allow_promotion_codes "
    "subscription_data.metadata subscription_data.description subscription_data.trial_end "
    "subscription_data.trial_period_days "
    "subscription_data.trial_settings.end_behavior.missing_payment_method",
)
def create_session(world: World, params: Params) -> dict[str, Any]:
    if params.get("mode") != "subscription":
        raise not_simulated("mode")
    if "success_url" not in params:
        raise StripeError(
            400,
            "You must provide `success_url` with this `ui_mode`.",
            code="parameter_missing",
            param="success_url",
        )
    for name in ("success_url", "cancel_url"):
        if name in params and not str(params[name]).startswith(("http://", "https://")):
            raise StripeError(400, "Not a valid URL", code="url_invalid", param=name)
    if params.get("customer") and params.get("customer_email"):
        raise invalid("You may only specify one of these parameters: customer, customer_email.")
    check_email(params, "customer_email")
    if len(params.get("client_reference_id", "")) > MAX_REFERENCE:
        raise invalid(
            f"Invalid string: must be at most {MAX_REFERENCE} characters", "client_reference_id"
        )
    customer = (
        world.get("customer", params["customer"], param="customer")
        if params.get("customer")
        else None
    )
    now = world.now_for(customer) if customer else world.now()
    items = recurring_items(world, params.get("line_items", []), name="line_items")
    trial = trial_end_of(params.get("subscription_data", {}), now)
    if "trial_end" in params.get("subscription_data", {}) and trial and trial < now + MIN_TRIAL_END:
        raise invalid(
            "The `trial_end` date has to be at least 2 days in the future.",
            "subscription_data[trial_end]",
        )
    if "expires_at" in params and not now + HOUR // 2 <= params["expires_at"] <= now + DAY:
        raise invalid(
            "The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout "
            "Session creation.",
            "expires_at",
        )
    session_id = world.ids.new("checkout.session")
    session = objects.checkout_session(
        session_id,
        params=params,
        amount=sum(price["unit_amount"] * quantity for price, quantity in items),
        trial=trial is not None,
        currency=items[0][0]["currency"],
        url=f"{world.caller.base_url}/simulator/checkout/{session_id}",
        created=now,
    )
    session["metadata"] = merge_metadata({}, params.get("metadata"))
    session["_subscription_data"] = params.get("subscription_data", {})
    session["_line_items"] = [
        objects.checkout_line_item(
            world.ids.new("item"),
            price=price,
            quantity=quantity,
            name=world.get("product", price["product"])["name"],
        )
        for price, quantity in items
    ]
    if customer:
        session["customer"] = customer["id"]
        session["customer_details"] = _details(customer)
    world.store.put(session)
    clock = customer["test_clock"] if customer else world.default_clock_id
    world.schedule(session, "expire_session", session["expires_at"], clock)
    return session


def _details(customer: dict[str, Any]) -> dict[str, Any]:
    return {
        "address": None,
        "business_name": None,
        "email": customer["email"],
        "individual_name": None,
        "name": None,
        "phone": None,
        "tax_exempt": "none",
        "tax_ids": None,
    }


@route("GET", "/v1/checkout/sessions/{session}", "checkout.SessionRetrieveParams")
def retrieve_session(world: World, params: Params, session_id: str) -> dict[str, Any]:
    return world.get("checkout.session", session_id)


@route(
    "GET",
    "/v1/checkout/sessions",
    "checkout.SessionListParams",
    f"{LIST_PARAMS} customer status subscription",
)
def list_sessions(world: World, params: Params) -> dict[str, Any]:
    found = [
        one
        for one in world.store.all("checkout.session", customer=params.get("customer"))
        if params.get("status") in (None, one["status"])
        and params.get("subscription") in (None, one["subscription"])
    ]
    return list_page(found, params, "/v1/checkout/sessions")


@route(
    "GET",
    "/v1/checkout/sessions/{session}/line_items",
    "checkout.SessionListLineItemsParams",
    LIST_PARAMS,
)
def list_line_items(world: World, params: Params, session_id: str) -> dict[str, Any]:
    session = world.get("checkout.session", session_id)
    url = f"/v1/checkout/sessions/{session_id}/line_items"
    return list_page(session["_line_items"], params, url)


@route("POST", "/v1/checkout/sessions/{session}/expire", "checkout.SessionExpireParams")
def expire_session(world: World, params: Params, session_id: str) -> dict[str, Any]:
    session = world.get("checkout.session", session_id)
    if session["status"] != "open":
        raise invalid(
            'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout '
            f"Session has a status of `{session['status']}`."
        )
    world.unschedule(session)
    _expire(world, session)
    return session


@task("expire_session", rank=1)
def _expire(world: World, session: dict[str, Any]) -> None:
    world.update(session, {"status": "expired", "url": None})
    world.emit("checkout.session.expired", session)


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
) -> dict[str, Any]:
    """What the hosted page does when the customer submits it.

    `card_number` may be empty when no card is asked for. Raises CardError when the card is declined
    (the session stays open), StripeError when the session is not open.
    """
    session = world.get("checkout.session", session_id)
    if session["status"] != "open":
        raise invalid(f"This Checkout Session is no longer active (status: {session['status']}).")
    number = checked_number(card_number) if card_number or asks_for_card(session) else None
    if number in DECLINED:
        raise CardError(DECLINED[number])
    if number in FAILS_LATER and session["amount_total"]:
        raise CardError(FAILS_LATER[number])
    order = EVENT_ORDERS[str(world.option("checkout_event_order"))]
    if not session["amount_total"] and order is EVENT_ORDERS["A"]:
        order = ORDER_OF_NOTHING_DUE
    with world.events_in_order(order):
        customer = _customer_of(world, session)
        world.writable(customer)
        _pay(world, session, customer, number, exp_month, exp_year)
    return session


def _customer_of(world: World, session: dict[str, Any]) -> dict[str, Any]:
    if session["customer"]:
        return world.get("customer", session["customer"])
    # Without `customer` this mode always makes a new one (Stripe docs: Checkout).
    clock = world.default_clock_id if world.default_clock else None
    customer = objects.customer(
        world.ids.new("customer"),
        invoice_prefix=world.ids.token(8).upper(),
        test_clock=clock,
        created=world.now(),
    )
    customer["email"] = session["customer_email"]
    return world.add(customer, "customer.created")


def _pay(
    world: World,
    session: dict[str, Any],
    customer: dict[str, Any],
    number: str | None,
    exp_month: int,
    exp_year: int,
) -> None:
    now = world.now_for(customer)
    card = None
    if number:
        card = new_card(world, number, exp_month=exp_month, exp_year=exp_year, created=now)
        card["customer"] = customer["id"]
        world.add(card, "payment_method.attached")
    data = session["_subscription_data"]
    trial_end = trial_end_of(data, now)
    if card and not session["amount_total"]:
        intent = objects.setup_intent(
            world.ids.new("setup_intent"),
            customer=customer["id"],
            payment_method=card["id"],
            secret=world.ids.token(24),
            created=now,
        )
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
    items = [
        (world.get("price", item["price"]["id"]), item["quantity"])
        for item in session["_line_items"]
    ]
    subscription = billing.create_subscription(
        world,
        customer=customer,
        items=items,
        trial_end=trial_end,
        changes=changes,
        incomplete_first=bool(session["amount_total"])
        and world.option("checkout_created_status") == "incomplete",
    )
    world.unschedule(session)
    world.update(
        session,
        {
            "status": "complete",
            "payment_status": "paid"
            if session["amount_total"]
            else world.option("trial_payment_status"),
            "customer": customer["id"],
            "customer_details": _details(customer),
            "subscription": subscription["id"],
            "invoice": subscription["latest_invoice"],
            "url": None,
        },
    )
    world.emit("checkout.session.completed", session)
