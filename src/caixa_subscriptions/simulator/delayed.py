"""The customer pays a Boleto or Pix, or lets it expire, and what hears of it.

Sources: Stripe docs: payments/boleto, payments/pix, Checkout fulfilment, subscription lifecycle.
"""

from __future__ import annotations

from typing import Any

from caixa_subscriptions.simulator import charging, collecting
from caixa_subscriptions.simulator.errors import invalid
from caixa_subscriptions.simulator.tasks import task
from caixa_subscriptions.simulator.vouchers import awaits_voucher, next_business_day
from caixa_subscriptions.simulator.world import WALL, World

EXPIRED = {
    "code": "payment_intent_payment_attempt_expired",
    "doc_url": "https://stripe.com/docs/error-codes/payment-intent-payment-attempt-expired",
    "message": "The payment attempt has expired before its customer paid.",
    "type": "invalid_request_error",
}


def pay(world: World, intent_id: str) -> dict[str, Any]:
    """The intent after its customer has paid: Pix has the money at once, a Boleto is confirmed on
    the next business day and `processing` until then. Raises StripeError when there is nothing to
    pay."""
    intent = world.get("payment_intent", intent_id)
    if not awaits_voucher(intent):
        raise invalid("This PaymentIntent does not wait for a Boleto or Pix to be paid.")
    world.unschedule(intent)
    if intent["next_action"]["type"].startswith("pix"):
        _settle(world, intent)
        return intent
    clock = world.clock_of(intent)
    world.update(intent, {"status": "processing", "next_action": None})
    world.emit("payment_intent.processing", intent)
    due = next_business_day(world.now(clock or WALL))
    world.schedule(intent, "settle_voucher", due, clock)
    return intent


@task("settle_voucher", rank=6)
def _settle(world: World, intent: dict[str, Any]) -> None:
    """The money is there."""
    world.unschedule(intent)
    now = world.now(world.clock_of(intent) or WALL)
    method = world.get("payment_method", intent["payment_method"])
    charging.complete(world, intent, method, now)
    collecting.follow_intent(world, intent)
    if session := _session_of(world, intent):
        world.update(session, {"payment_status": "paid"})
        world.emit("checkout.session.async_payment_succeeded", session)


@task("expire_voucher", rank=6)
def expire(world: World, intent: dict[str, Any]) -> None:
    """Nobody paid in time."""
    world.unschedule(intent)
    charging.fail(world, intent, dict(EXPIRED))
    session = _session_of(world, intent)
    collecting.follow_expired(world, intent)
    if session:
        world.emit("checkout.session.async_payment_failed", session)


def _session_of(world: World, intent: dict[str, Any]) -> dict[str, Any] | None:
    """The Checkout Session that was completed with this payment still to come."""
    for session in world.store.all("checkout.session", customer=intent["customer"]):
        theirs = intent.get("_invoice") and session["invoice"] == intent["_invoice"]
        if session["payment_status"] == "unpaid" and (
            theirs or session["payment_intent"] == intent["id"]
        ):
            return session
    return None
