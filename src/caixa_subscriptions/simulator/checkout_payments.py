"""The payment intent of a Checkout Session, and what a declined card leaves behind on it.

Sources: Stripe docs: Checkout (a customer whose card is declined tries again on the page; events
alone tell of it), PaymentIntents.
"""

from __future__ import annotations

from typing import Any

from caixa_subscriptions.simulator import charging, objects
from caixa_subscriptions.simulator.cards import Decline
from caixa_subscriptions.simulator.errors import ExecutedCardError
from caixa_subscriptions.simulator.params import merge_metadata
from caixa_subscriptions.simulator.resources.payment_methods import new_card
from caixa_subscriptions.simulator.world import World


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


def decline(
    world: World,
    session: dict[str, Any],
    number: str,
    met: Decline,
    *,
    exp_month: int,
    exp_year: int,
) -> None:
    """A failed charge of what is due today; always raises ExecutedCardError."""
    customer = world.get("customer", session["customer"]) if session["customer"] else None
    if customer:
        world.writable(customer)
    now = world.now_for(customer) if customer else world.now()
    intent = intent_of(world, session, customer, now)
    card = new_card(world, number, exp_month=exp_month, exp_year=exp_year, created=now)
    world.store.put(card)
    charging.charge(world, intent, card, now, authenticated=True)
    raise ExecutedCardError({key: value for key, value in met.items() if key != "blocked"})
