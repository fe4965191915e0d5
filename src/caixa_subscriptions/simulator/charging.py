"""Charging a card: what a payment intent goes through, and the charge it leaves behind.

Sources: Stripe docs on PaymentIntents, 3D Secure and testing; recorded answers.
"""

from __future__ import annotations

from typing import Any

from caixa_subscriptions.simulator import expand, objects
from caixa_subscriptions.simulator.cards import AUTHENTICATION_REQUIRED, Decline, Outcome, outcome
from caixa_subscriptions.simulator.errors import CardError, ExecutedCardError, StripeError
from caixa_subscriptions.simulator.tasks import task
from caixa_subscriptions.simulator.vouchers import UNAVAILABLE, fits, is_delayed, show_voucher
from caixa_subscriptions.simulator.world import WALL, World


def default_payment_method(world: World, subscription: dict[str, Any]) -> dict[str, Any] | None:
    """The subscription's own default, then the customer's; an attached card is not enough."""
    customer = world.get("customer", subscription["customer"])
    found = (
        subscription["default_payment_method"]
        or customer["invoice_settings"]["default_payment_method"]
    )
    return world.store.get(found) if found else None


def payment_of(world: World, invoice: dict[str, Any]) -> dict[str, Any] | None:
    """The invoice's `invoice_payment`; None before anything was tried."""
    return next(iter(world.store.all("invoice_payment", invoice=invoice["id"])), None)


def intent_of(world: World, invoice: dict[str, Any], now: int) -> dict[str, Any]:
    """The payment intent of an invoice, made when there is none."""
    if payment := payment_of(world, invoice):
        return world.get("payment_intent", payment["payment"]["payment_intent"])
    intent = objects.invoice_intent(
        world.ids.new("payment_intent"),
        invoice=invoice,
        secret=world.ids.token(24),
        created=now,
    )
    world.add(intent, "payment_intent.created")
    payment = objects.invoice_payment(
        world.ids.new("invoice_payment"),
        invoice=invoice,
        payment_intent=intent["id"],
        created=now,
    )
    world.store.put(payment, customer=invoice["customer"])
    return intent


def wait_for_confirmation(
    world: World, invoice: dict[str, Any], payment_method: dict[str, Any] | None
) -> None:
    """The invoice's intent, made and not yet confirmed."""
    intent = intent_of(world, invoice, invoice["created"])
    if payment_method:
        changes = {"payment_method": payment_method["id"], "status": "requires_confirmation"}
        world.update(intent, changes)


def cancel_payment(world: World, invoice: dict[str, Any], now: int) -> None:
    """Of a void invoice."""
    payment = payment_of(world, invoice)
    if payment is None or payment["status"] != "open":
        return
    payment["status"] = "canceled"
    payment["status_transitions"] = {"canceled_at": now, "paid_at": None}
    world.store.put(payment, customer=invoice["customer"])
    intent = world.get("payment_intent", payment["payment"]["payment_intent"])
    cancel_intent(world, intent, now, reason="void_invoice")


def cancel_intent(world: World, intent: dict[str, Any], now: int, *, reason: str | None) -> None:
    world.update(
        intent,
        {
            "amount_capturable": 0,
            "canceled_at": now,
            "cancellation_reason": reason,
            "next_action": None,
            "status": "canceled",
        },
        "payment_intent.canceled",
    )


def charge_invoice(
    world: World,
    invoice: dict[str, Any],
    payment_method: dict[str, Any],
    now: int,
    *,
    off_session: bool,
) -> Outcome:
    intent = intent_of(world, invoice, now)
    met = charge(world, intent, payment_method, now, off_session=off_session)
    if met.succeeds:
        close_payment(world, invoice, now)
    return met


def charge(
    world: World,
    intent: dict[str, Any],
    payment_method: dict[str, Any],
    now: int,
    *,
    off_session: bool = False,
    authenticated: bool = False,
    declines_unseen: bool = False,
) -> Outcome:
    """Carry the intent on: to `succeeded` or `requires_capture`, to `requires_action` when the
    card asks for 3D Secure, back to `requires_payment_method` when it is declined.

    `off_session`: its owner is away; with `declines_unseen` a card that asks for 3D Secure is then
    declined. `authenticated`: its owner has just passed 3D Secure.
    """
    if is_delayed(payment_method) and fits(payment_method, intent["amount"], intent["currency"]):
        show_voucher(world, intent, payment_method, now)
        return Outcome(delayed=True)
    met = outcome(
        payment_method["_number"],
        "charge",
        off_session=off_session,
        set_up=bool(payment_method.get("_set_up")),
        authenticated=authenticated or bool(payment_method.get("_authenticated")),
    )
    if is_delayed(payment_method):
        met = Outcome(UNAVAILABLE)
    if met.needs_authentication and declines_unseen:
        met = Outcome(AUTHENTICATION_REQUIRED)
    if met.needs_authentication:
        ask_for_authentication(world, intent, payment_method)
        world.emit("payment_intent.requires_action", intent)
        return met
    if met.decline:
        made = _new_charge(world, intent, payment_method, met.decline, now)
        _decline(world, intent, payment_method, made, met.decline)
    else:
        complete(world, intent, payment_method, now, authenticated=authenticated)
    return met


def _new_charge(
    world: World,
    intent: dict[str, Any],
    payment_method: dict[str, Any],
    decline: Decline | None,
    now: int,
) -> dict[str, Any]:
    return objects.charge(
        world.ids.new("charge"),
        intent=intent,
        payment_method=payment_method,
        decline=decline,
        receipt_url=f"{world.caller.base_url}/simulator/#{intent['id']}",
        created=now,
    )


def complete(
    world: World,
    intent: dict[str, Any],
    payment_method: dict[str, Any],
    now: int,
    *,
    authenticated: bool = False,
) -> None:
    """The bank pays, or holds the money of an intent to be captured."""
    made = _new_charge(world, intent, payment_method, None, now)
    held = intent["capture_method"] == "manual"
    if held:
        made |= {"captured": False, "amount_captured": 0}
    elif intent["capture_method"] == "automatic":
        settle_charge(world, made, tell=False)
    else:  # the balance hears of it a moment later (recorded)
        world.schedule(made, "settle_charge", world.wall(), WALL)
    if authenticated:
        made["payment_method_details"]["card"]["three_d_secure"] = _THREE_D_SECURE
    world.add(made, "charge.succeeded")
    world.update(
        intent,
        {
            "amount_capturable": intent["amount"] if held else 0,
            "amount_received": 0 if held else intent["amount"],
            "latest_charge": made["id"],
            "last_payment_error": None,
            "next_action": None,
            "payment_method": payment_method["id"],
            "status": "requires_capture" if held else "succeeded",
        },
    )
    world.emit(f"payment_intent.{'amount_capturable_updated' if held else 'succeeded'}", intent)
    if intent["setup_future_usage"] and authenticated:
        world.update(payment_method, {"_set_up": True})


_THREE_D_SECURE = {
    "authentication_flow": "challenge",
    "electronic_commerce_indicator": "05",
    "exemption_indicator": None,
    "result": "authenticated",
    "result_reason": None,
    "transaction_id": None,
    "version": "2.2.0",
}


def ask_for_authentication(
    world: World, intent: dict[str, Any], payment_method: dict[str, Any]
) -> None:
    """Of a payment intent or setup intent; its events are the caller's."""
    error = "last_setup_error" if intent["object"] == "setup_intent" else "last_payment_error"
    action = objects.authentication(
        world.ids.token(32),
        f"{world.caller.base_url}/simulator/confirm/{intent['id']}",
        intent.get("_return_url"),
    )
    world.update(
        intent,
        {
            error: None,
            "next_action": action,
            "payment_method": payment_method["id"],
            "status": "requires_action",
        },
    )


def keep_card(world: World, intent: dict[str, Any], payment_method: dict[str, Any]) -> None:
    """`setup_future_usage` attaches the card to the intent's customer."""
    if intent["setup_future_usage"] and intent["customer"] and not payment_method["customer"]:
        world.update(payment_method, {"customer": intent["customer"]}, "payment_method.attached")


def capture(world: World, intent: dict[str, Any], amount: int) -> None:
    """Take `amount` of what is held, and let go of the rest."""
    made = world.get("charge", intent["latest_charge"])
    made |= {"captured": True, "amount_captured": amount}
    if released := made["amount"] - amount:
        made |= {"amount_refunded": released}
    settle_charge(world, made, tell=False)
    world.store.put(made)
    world.emit("charge.captured", made)
    world.update(intent, {"amount_capturable": 0, "amount_received": amount, "status": "succeeded"})
    world.emit("payment_intent.succeeded", intent)


def release(world: World, intent: dict[str, Any]) -> None:
    """Let go of what is held."""
    made = world.get("charge", intent["latest_charge"])
    world.update(made, {"amount_refunded": made["amount"], "refunded": True})
    world.emit("charge.refunded", made)


def _decline(
    world: World,
    intent: dict[str, Any],
    payment_method: dict[str, Any],
    made: dict[str, Any],
    decline: Decline,
) -> None:
    world.add(made, "charge.failed")
    error = {
        "advice_code": decline.get("advice_code"),
        "charge": made["id"],
        "code": decline["code"],
        "decline_code": decline["decline_code"],
        "doc_url": f"https://stripe.com/docs/error-codes/{decline['code'].replace('_', '-')}",
        "message": decline["message"],
        "network_decline_code": decline.get("network_decline_code"),
        "payment_method": expand.public(payment_method),
        "type": "card_error",
    }
    fail(world, intent, error, latest_charge=made["id"])


def fail(world: World, intent: dict[str, Any], error: dict[str, Any], **changes: Any) -> None:
    """Back to `requires_payment_method`."""
    world.update(
        intent,
        {
            "last_payment_error": error,
            "next_action": None,
            "payment_method": None,
            "status": "requires_payment_method",
            **changes,
        },
    )
    world.emit("payment_intent.payment_failed", intent)


def settle_charge(world: World, made: dict[str, Any], *, tell: bool = True) -> None:
    """Put what was captured on the balance."""
    amount = made["amount_captured"]
    transaction = objects.balance_transaction(
        world.ids.new("balance_transaction"),
        source=made,
        type="charge",
        amount=amount,
        fee=objects.card_fee(amount),
        created=made["created"],
    )
    world.store.put(transaction)
    changes = {"balance_transaction": transaction["id"]}
    if tell:
        world.update(made, changes, "charge.updated")
    else:
        made |= changes


@task("settle_charge", rank=6)
def _settle_charge(world: World, made: dict[str, Any]) -> None:
    settle_charge(world, made)


def close_payment(world: World, invoice: dict[str, Any], now: int) -> None:
    """The invoice's own record that its intent has paid."""
    payment = payment_of(world, invoice)
    if payment and payment["status"] == "open":
        payment["status"] = "paid"
        payment["amount_paid"] = payment["amount_requested"]
        payment["status_transitions"] = {"canceled_at": None, "paid_at": now}
        world.store.put(payment, customer=invoice["customer"])
        world.emit("invoice_payment.paid", payment)


def refusal(world: World, invoice: dict[str, Any], *, executed: bool = True) -> StripeError:
    """The error of a call that would have the invoice paid; `executed` keeps the traces of the
    attempt."""
    kind = ExecutedCardError if executed else CardError
    payment = payment_of(world, invoice)
    if payment is None:
        return StripeError(
            400,
            "Cannot charge a customer that has no active card",
            code="missing",
            type="card_error",
        )
    intent = world.get("payment_intent", payment["payment"]["payment_intent"])
    if intent["status"] == "requires_action":
        subject = "invoice" if executed else "subscription"
        return kind(
            {
                "code": f"{subject}_payment_intent_requires_action",
                "message": f"Payment for this {subject} requires additional user action before it "
                "can be completed successfully. Payment can be completed using the "
                f"PaymentIntent associated with the {subject}.",
            }
        )
    error = intent["last_payment_error"]
    told = ("advice_code", "code", "decline_code", "message", "network_decline_code")
    return kind({key: error[key] for key in told if error.get(key)})
