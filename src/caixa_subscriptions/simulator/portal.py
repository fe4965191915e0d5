"""What a customer does on the pages of the customer portal.

What the session's configuration does not offer is refused (Stripe docs: customer portal).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from caixa_subscriptions.simulator import billing, changing, lifecycle
from caixa_subscriptions.simulator.cards import check, checked_number
from caixa_subscriptions.simulator.errors import StripeError, invalid, missing
from caixa_subscriptions.simulator.objects import EMPTY_ADDRESS, HOUR
from caixa_subscriptions.simulator.resources.customers import check_email
from caixa_subscriptions.simulator.resources.payment_methods import new_card
from caixa_subscriptions.simulator.resources.portal_configurations import get_configuration
from caixa_subscriptions.simulator.world import World

IDLE_SECONDS = HOUR  # real time, whatever the clocks say


def find_session(world: World, token: str) -> dict[str, Any] | None:
    """The session of a link, also of one that is over."""
    session_id = world.store.get_meta(f"portal:{token}")
    return world.store.get(session_id) if session_id else None


def open_session(world: World, token: str) -> dict[str, Any]:
    """The session of a link; each use keeps it alive for an hour."""
    session = find_session(world, token)
    if session is None or session["_expires_at"] <= world.wall():
        raise StripeError(404, "This customer portal link is unknown or has expired.")
    world.update(session, {"_expires_at": world.wall() + IDLE_SECONDS})
    return session


def end_flow(world: World, session_id: str) -> None:
    """The session's flow is done."""
    session = world.get("billing_portal.session", session_id)
    world.update(session, {"_flow_done": True})


def configuration_of(world: World, session: dict[str, Any]) -> dict[str, Any]:
    return get_configuration(world, session["configuration"], param=None)


def _feature(world: World, session: dict[str, Any], name: str) -> dict[str, Any]:
    feature: dict[str, Any] = configuration_of(world, session)["features"][name]
    if not feature["enabled"]:
        raise invalid("The configuration of this portal does not offer this.")
    return feature


def own_subscription(world: World, session: dict[str, Any], subscription_id: str) -> dict[str, Any]:
    subscription = world.get("subscription", subscription_id)
    if subscription["customer"] != session["customer"]:
        raise missing("subscription", subscription_id)
    world.writable(subscription)
    lifecycle.require_not_ended(subscription)
    return subscription


def cancel(
    world: World, token: str, subscription_id: str, *, feedback: str | None = None
) -> dict[str, Any]:
    """By the configuration's mode. At the period's end, flexible billing sets `cancel_at` alone."""
    session = open_session(world, token)
    subscription = own_subscription(world, session, subscription_id)
    feature = _feature(world, session, "subscription_cancel")
    if feedback:
        if feedback not in feature["cancellation_reason"]["options"]:
            raise invalid("This reason cannot be chosen.", "feedback")
        details = subscription["cancellation_details"] | {"feedback": feedback}
        world.update(subscription, {"cancellation_details": details})
    if feature["mode"] == "immediately":
        lifecycle.cancel(world, subscription, reason="cancellation_requested")
    else:
        lifecycle.request_cancellation(
            world,
            subscription,
            cancel_at=lifecycle.current_period_end(subscription),
            at_period_end=subscription["billing_mode"]["type"] == "classic",
        )
    return subscription


def renew(world: World, token: str, subscription_id: str) -> dict[str, Any]:
    subscription = own_subscription(world, open_session(world, token), subscription_id)
    if not subscription["cancel_at"]:
        raise invalid("This subscription is not about to end.")
    lifecycle.withdraw_cancellation(world, subscription)
    return subscription


def change_plan(
    world: World,
    token: str,
    subscription_id: str,
    *,
    price: str | None = None,
    quantity: int | None = None,
) -> dict[str, Any]:
    """To another price or quantity the configuration offers. A trial ends and is billed at once,
    unless the configuration lets it go on (the SDK's text)."""
    session = open_session(world, token)
    subscription = own_subscription(world, session, subscription_id)
    feature = _feature(world, session, "subscription_update")
    check_change(world, feature, subscription, price=price, quantity=quantity)
    changing.change_plan(
        world,
        subscription,
        price=world.get("price", price, param="price") if price else None,
        quantity=quantity,
        proration_behavior=feature["proration_behavior"],
    )
    if subscription["status"] == "trialing" and feature["trial_update_behavior"] == "end_trial":
        billing.end_trial(world, subscription)
    return subscription


@dataclass(frozen=True, slots=True)
class Preview:
    """A change that is not done: the subscription after it, the invoice of now, and the next one;
    None for an invoice there would not be."""

    subscription: dict[str, Any]
    invoice: dict[str, Any] | None
    upcoming: dict[str, Any] | None


def preview_change(
    world: World, token: str, subscription_id: str, *, price: str | None, quantity: int | None
) -> Preview:
    """What `change_plan` would do, and what it would cost; raises what it would raise."""
    before = own_subscription(world, open_session(world, token), subscription_id)
    with world.undone():
        changed = change_plan(world, token, subscription_id, price=price, quantity=quantity)
        invoice = world.get("invoice", changed["latest_invoice"])
        waits = invoice["id"] == before["latest_invoice"] or invoice["status"] == "draft"
        stops = changed["cancel_at"] or changed["status"] in (*lifecycle.ENDED, "paused")
        upcoming = None if stops else billing.next_invoice(world, changed)
    return Preview(changed, None if waits else invoice, upcoming)


def check_change(
    world: World,
    feature: dict[str, Any],
    subscription: dict[str, Any],
    *,
    price: str | None,
    quantity: int | None,
) -> None:
    """Raises StripeError for what a configuration's `subscription_update` does not offer."""
    if len(subscription["items"]["data"]) > 1:  # Stripe docs: only to be canceled in the portal
        raise invalid("A subscription with several products cannot be changed here.")
    item = subscription["items"]["data"][0]
    wanted = price or item["price"]["id"]
    product = next((one for one in feature["products"] or [] if wanted in one["prices"]), None)
    if wanted != item["price"]["id"] and (
        product is None or "price" not in feature["default_allowed_updates"]
    ):
        raise invalid("This price is not offered by the configuration of this portal.", "price")
    if quantity in (None, item["quantity"]):
        return
    bounds = product["adjustable_quantity"] if product else {"enabled": False}
    if not bounds["enabled"] or "quantity" not in feature["default_allowed_updates"]:
        raise invalid("The quantity cannot be changed in this portal.", "quantity")
    if not bounds["minimum"] <= quantity <= (bounds["maximum"] or quantity):
        raise invalid("This quantity cannot be chosen.", "quantity")


def update_customer(world: World, token: str, changes: dict[str, Any]) -> dict[str, Any]:
    """`changes` of `allowed_updates`: email, name, phone, and address, which is a mapping."""
    session = open_session(world, token)
    customer = world.get("customer", session["customer"])
    world.writable(customer)
    feature = _feature(world, session, "customer_update")
    for name in changes:
        if name not in feature["allowed_updates"]:
            raise invalid("This cannot be changed in this portal.", name)
    check_email(changes, "email")
    cleaned = {
        name: _cleaned(value) if isinstance(value, dict) else value.strip() or None
        for name, value in changes.items()
    }
    return world.update(customer, cleaned, "customer.updated")


def _cleaned(address: dict[str, str]) -> dict[str, str | None] | None:
    """None for an address that is empty."""
    found = {name: value.strip() for name, value in address.items() if value.strip()}
    return {**EMPTY_ADDRESS, **found} if found else None


def update_card(
    world: World, token: str, *, card_number: str, exp_month: int, exp_year: int
) -> dict[str, Any]:
    session = open_session(world, token)
    _feature(world, session, "payment_method_update")
    customer = world.get("customer", session["customer"])
    world.writable(customer)
    number = checked_number(card_number)
    check(number, "attach")
    card = new_card(
        world, number, exp_month=exp_month, exp_year=exp_year, created=world.now_for(customer)
    )
    # The portal authenticates a card that asks for it; its owner is there.
    card["_set_up"] = True
    card["customer"] = customer["id"]
    world.add(card, "payment_method.attached")
    settings = customer["invoice_settings"] | {"default_payment_method": card["id"]}
    world.update(customer, {"invoice_settings": settings}, "customer.updated")
    if world.option("portal_card_update") == "customer":
        return card
    for subscription in world.store.all("subscription", customer=customer["id"]):
        if subscription["status"] not in lifecycle.ENDED:
            world.update(
                subscription,
                {"default_payment_method": card["id"]},
                "customer.subscription.updated",
            )
    return card
