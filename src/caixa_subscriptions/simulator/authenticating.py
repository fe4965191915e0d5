"""3D Secure: what happens once the customer has passed or failed it.

Source: Stripe docs on 3D Secure authentication and SetupIntents.
"""

from __future__ import annotations

from typing import Any

from caixa_subscriptions.simulator import charging, objects
from caixa_subscriptions.simulator.cards import outcome
from caixa_subscriptions.simulator.collecting import follow_intent
from caixa_subscriptions.simulator.errors import invalid
from caixa_subscriptions.simulator.world import World

_FAILED = (
    "The provided PaymentMethod has failed authentication. You can provide payment_method_data or "
    "a new PaymentMethod to attempt to fulfill this {} again."
)


def authenticate(world: World, intent_id: str, *, succeed: bool = True) -> dict[str, Any]:
    """The customer's deed on the confirm page, for a payment intent or a setup intent.

    Raises StripeError 404 for another id, 400 when the intent waits for no authentication.
    """
    kind = "setup_intent" if intent_id.startswith("seti_") else "payment_intent"
    intent = world.get(kind, intent_id)
    if intent["status"] != "requires_action":
        raise invalid(f"This {kind} does not wait for authentication ({intent['status']}).")
    card = world.get("payment_method", intent["payment_method"])
    if kind == "setup_intent":
        if succeed:
            set_up(world, intent, card, authenticated=True)
        else:
            fail(world, intent, card)
        return intent
    if succeed:
        now = world.now(world.clock_of(intent) or "")
        charging.charge(world, intent, card, now, authenticated=True)
        if intent["status"] != "requires_payment_method":
            charging.keep_card(world, intent, card)
    else:
        fail(world, intent, card)
    follow_intent(world, intent)
    return intent


def fail(world: World, intent: dict[str, Any], card: dict[str, Any]) -> None:
    """The owner of the card fails what an intent asks for."""
    if intent["object"] == "setup_intent":
        fail_set_up(world, intent, _failure(card, "setup_intent", "SetupIntent"))
    else:
        charging.fail(world, intent, _failure(card, "payment_intent", "PaymentIntent"))


def _failure(card: dict[str, Any], prefix: str, name: str) -> dict[str, Any]:
    code = f"{prefix}_authentication_failure"
    return {
        "code": code,
        "doc_url": f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}",
        "message": _FAILED.format(name),
        "payment_method": {key: value for key, value in card.items() if key[0] != "_"},
        "type": "invalid_request_error",
    }


def set_up(
    world: World, intent: dict[str, Any], card: dict[str, Any], *, authenticated: bool = False
) -> None:
    """Carry a setup intent on: to `succeeded`, `requires_action` or, declined,
    `requires_payment_method`. A card that is set up pays later without its owner."""
    met = outcome(card["_number"], "set_up", authenticated=authenticated)
    if met.needs_authentication:
        charging.ask_for_authentication(world, intent, card)
        world.emit("setup_intent.requires_action", intent)
        return
    if met.decline:
        error = {
            **{key: met.decline[key] for key in ("code", "decline_code", "message")},
            "payment_method": {key: value for key, value in card.items() if key[0] != "_"},
            "type": "card_error",
        }
        fail_set_up(world, intent, error)
        return
    world.update(card, {"_set_up": True})
    if intent["customer"] and card["customer"] is None:
        world.update(card, {"customer": intent["customer"]}, "payment_method.attached")
    world.update(
        intent,
        {
            "last_setup_error": None,
            "next_action": None,
            "payment_method": card["id"],
            "status": "succeeded",
        },
    )
    world.emit("setup_intent.succeeded", intent)
    for subscription in world.store.all("subscription", customer=intent["customer"] or ""):
        if subscription["pending_setup_intent"] == intent["id"]:
            done = {"pending_setup_intent": None}
            world.update(subscription, done, "customer.subscription.updated")


def pending_setup(
    world: World, subscription: dict[str, Any], now: int, *, anyway: bool
) -> str | None:
    """The intent of a trial whose card asks for its owner before the first charge or, `anyway`, of
    one that has no card yet (Stripe docs: pending_setup_intent)."""
    card = charging.default_payment_method(world, subscription)
    if card is None and not anyway:
        return None
    if card and (card.get("_set_up") or outcome(card["_number"], "set_up").succeeds):
        return None
    intent = new_setup_intent(world, subscription["customer"], None, now)
    if card:
        set_up(world, intent, card)
    return str(intent["id"])


def fail_set_up(world: World, intent: dict[str, Any], error: dict[str, Any]) -> None:
    world.update(
        intent,
        {
            "last_setup_error": error,
            "next_action": None,
            "payment_method": None,
            "status": "requires_payment_method",
        },
    )
    world.emit("setup_intent.setup_failed", intent)


def new_setup_intent(
    world: World, customer: str | None, payment_method: str | None, created: int
) -> dict[str, Any]:
    """Stored; its event is the caller's."""
    intent = objects.setup_intent(
        world.ids.new("setup_intent"),
        customer=customer,
        payment_method=payment_method,
        secret=world.ids.token(24),
        created=created,
    )
    return world.add(intent)
