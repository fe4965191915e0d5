"""Charging a card for an invoice: payment intent, charge and what they leave behind."""

from __future__ import annotations

from typing import Any

from caixa_subscriptions.simulator import expand, objects
from caixa_subscriptions.simulator.errors import CardError, ExecutedCardError, StripeError
from caixa_subscriptions.simulator.world import World


def default_payment_method(world: World, subscription: dict[str, Any]) -> dict[str, Any] | None:
    """The subscription's own default, then the customer's; an attached card is not enough."""
    customer = world.get("customer", subscription["customer"])
    found = (
        subscription["default_payment_method"]
        or customer["invoice_settings"]["default_payment_method"]
    )
    return world.store.get(found) if found else None


def charge_card(
    world: World,
    invoice: dict[str, Any],
    payment_method: dict[str, Any],
    decline: dict[str, Any] | None,
    now: int,
) -> None:
    payment = next(iter(world.store.all("invoice_payment", invoice=invoice["id"])), None)
    if payment is None:
        intent = objects.payment_intent(
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
    else:
        intent = world.get("payment_intent", payment["payment"]["payment_intent"])
    charge_intent(world, intent, payment_method, decline, now)
    if decline:
        return
    payment["status"] = "paid"
    payment["amount_paid"] = payment["amount_requested"]
    payment["status_transitions"] = {"canceled_at": None, "paid_at": now}
    world.store.put(payment, customer=invoice["customer"])
    world.emit("invoice_payment.paid", payment)


def charge_intent(
    world: World,
    intent: dict[str, Any],
    payment_method: dict[str, Any],
    decline: dict[str, Any] | None,
    now: int,
) -> None:
    charge = objects.charge(
        world.ids.new("charge"),
        intent=intent,
        payment_method=payment_method,
        decline=decline,
        created=now,
    )
    if decline:
        world.add(charge, "charge.failed")
        error = {
            "advice_code": decline.get("advice_code"),
            "charge": charge["id"],
            "code": decline["code"],
            "decline_code": decline["decline_code"],
            "doc_url": f"https://stripe.com/docs/error-codes/{decline['code'].replace('_', '-')}",
            "message": decline["message"],
            "network_decline_code": decline.get("network_decline_code"),
            "payment_method": expand.public(payment_method),
            "type": "card_error",
        }
        world.update(
            intent,
            {
                "latest_charge": charge["id"],
                "payment_method": None,
                "last_payment_error": error,
                "status": "requires_payment_method",
            },
        )
        world.emit("payment_intent.payment_failed", intent)
        return
    transaction = objects.balance_transaction(
        world.ids.new("balance_transaction"), charge=charge, created=now
    )
    world.store.put(transaction)
    charge["balance_transaction"] = transaction["id"]
    world.add(charge, "charge.succeeded")
    world.update(
        intent,
        {
            "amount_received": intent["amount"],
            "latest_charge": charge["id"],
            "last_payment_error": None,
            "payment_method": payment_method["id"],
            "status": "succeeded",
        },
    )
    world.emit("payment_intent.succeeded", intent)


def refusal(world: World, invoice: dict[str, Any], *, executed: bool = True) -> StripeError:
    """The error of a call that would have the invoice paid; `executed` keeps the traces of the
    attempt."""
    intents = [
        world.get("payment_intent", one["payment"]["payment_intent"])
        for one in world.store.all("invoice_payment", invoice=invoice["id"])
    ]
    error = next((one["last_payment_error"] for one in intents), None)
    if error is None:
        return StripeError(
            400,
            "Cannot charge a customer that has no active card",
            code="missing",
            type="card_error",
        )
    told = ("advice_code", "code", "decline_code", "message", "network_decline_code")
    kind = ExecutedCardError if executed else CardError
    return kind({key: error[key] for key in told if error.get(key)})
