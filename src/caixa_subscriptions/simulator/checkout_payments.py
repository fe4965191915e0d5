"""The payment intent of a Checkout Session, and what a card that is refused leaves behind on it.

Sources: Stripe docs: Checkout (a customer whose card is declined tries again on the page; events
alone tell of it), PaymentIntents, 3D Secure authentication, SetupIntents.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from caixa_subscriptions.simulator import authenticating, charging, objects
from caixa_subscriptions.simulator.cards import Use, outcome
from caixa_subscriptions.simulator.errors import CardError, ExecutedCardError
from caixa_subscriptions.simulator.params import merge_metadata
from caixa_subscriptions.simulator.resources.payment_methods import new_card
from caixa_subscriptions.simulator.world import World

UNAUTHENTICATED = {
    "code": "payment_intent_authentication_failure",
    "message": "We are unable to authenticate your payment method. Please choose a different "
    "payment method and try again.",
}


def intent_of(
    world: World, session: dict[str, Any], customer: dict[str, Any] | None, now: int
) -> dict[str, Any]:
    """Made with the first card that is tried, and used again with the next."""
    known = session.get("_payment_intent")
    due = {"amount": session["amount_total"], "customer": customer and customer["id"]}
    if known:
        return world.update(world.get("payment_intent", known), due)
    intent = objects.payment_intent(
        world.ids.new("payment_intent"),
        currency=session["currency"],
        secret=world.ids.token(24),
        created=now,
        **due,
    )
    data = session["_payment_intent_data"]
    intent.update({key: value for key, value in data.items() if key != "metadata"})
    intent["metadata"] = merge_metadata({}, data.get("metadata"))
    if session["mode"] == "subscription":
        intent |= {"description": "Subscription creation", "setup_future_usage": "off_session"}
    world.add(intent, "payment_intent.created")
    world.update(session, {"_payment_intent": intent["id"]})
    return intent


def use_of(session: Mapping[str, Any]) -> Use:
    return "charge" if session["amount_total"] else "set_up"


def needs_authentication(session: Mapping[str, Any], number: str) -> bool:
    return outcome(number, use_of(session)).needs_authentication


def refuse_card(
    world: World,
    session: dict[str, Any],
    number: str,
    *,
    authenticate: bool,
    exp_month: int,
    exp_year: int,
) -> None:
    """Raises CardError for a card that is declined, or whose owner fails 3D Secure; nothing
    happens for any other.

    What is due today leaves a payment intent that failed, and setup mode its own setup intent:
    the error is then an ExecutedCardError. A card refused for a trial leaves nothing.
    """
    met = outcome(number, use_of(session), authenticated=authenticate)
    if met.succeeds:
        return
    told = met.decline or UNAUTHENTICATED
    error = {key: value for key, value in told.items() if key != "blocked"}
    if use_of(session) == "set_up" and not session["setup_intent"]:
        raise CardError(error)
    customer = world.get("customer", session["customer"]) if session["customer"] else None
    if customer:
        world.writable(customer)
    now = world.now_for(customer) if customer else world.now()
    card = new_card(world, number, exp_month=exp_month, exp_year=exp_year, created=now)
    world.store.put(card)
    if session["setup_intent"]:
        intent = world.get("setup_intent", session["setup_intent"])
        authenticating.set_up(world, intent, card, authenticated=authenticate)
    else:
        intent = intent_of(world, session, customer, now)
        charging.charge(world, intent, card, now, authenticated=authenticate)
    if intent["status"] == "requires_action":
        authenticating.fail(world, intent, card)
    raise ExecutedCardError(error)
