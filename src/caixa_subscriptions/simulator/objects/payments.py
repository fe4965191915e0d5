"""Intents, charges and what they leave on the balance."""

from __future__ import annotations

import hashlib
from typing import Any

from caixa_subscriptions.simulator.objects.common import ACCOUNT_ID, DAY, EMPTY_ADDRESS

CARD_OPTIONS = {
    "card": {
        "installments": None,
        "mandate_options": None,
        "network": None,
        "request_three_d_secure": "automatic",
    }
}

# One 3D Secure step, with the keys recorded in 2026; what a browser would need is left empty.
AUTHENTICATION = {
    "directory_server_encryption": {
        "algorithm": "RSA",
        "certificate": "",
        "directory_server_id": "A000000003",
        "root_certificate_authorities": [""],
    },
    "directory_server_name": "visa",
    "merchant": ACCOUNT_ID,
    "one_click_authn": None,
    "three_d_secure_2_source": "payatt_simulated",
    "three_ds_frontend_optimizations": None,
    "three_ds_method_url": "",
    "three_ds_optimizations": "kf",
    "type": "stripe_3ds2_fingerprint",
}


def authentication(transaction_id: str, url: str, return_url: str | None) -> dict[str, Any]:
    """What the customer has to do next: a hosted page with `return_url`, else Stripe's SDK."""
    if return_url:
        return {
            "redirect_to_url": {"return_url": return_url, "url": url},
            "type": "redirect_to_url",
        }
    sdk = AUTHENTICATION | {"server_transaction_id": transaction_id}
    return {"type": "use_stripe_sdk", "use_stripe_sdk": sdk}


def payment_intent(
    intent_id: str,
    *,
    amount: int,
    currency: str,
    customer: str | None,
    secret: str,
    created: int,
) -> dict[str, Any]:
    return {
        "id": intent_id,
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": {"allow_redirects": "always", "enabled": True},
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic_async",
        "client_secret": f"{intent_id}_secret_{secret}",
        "confirmation_method": "automatic",
        "created": created,
        "currency": currency,
        "customer": customer,
        "customer_account": None,
        "description": None,
        "excluded_payment_method_types": None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": {},
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": dict(CARD_OPTIONS),
        "payment_method_types": ["card"],
        "processing": None,
        "receipt_email": None,
        "review": None,
        "setup_future_usage": None,
        "shipping": None,
        "source": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "requires_payment_method",
        "transfer_data": None,
        "transfer_group": None,
    }


def invoice_intent(
    intent_id: str, *, invoice: dict[str, Any], secret: str, created: int
) -> dict[str, Any]:
    """The intent that pays an invoice; it sets the card up for the next one."""
    return payment_intent(
        intent_id,
        amount=invoice["amount_due"],
        currency=invoice["currency"],
        customer=invoice["customer"],
        secret=secret,
        created=created,
    ) | {
        "automatic_payment_methods": None,
        "capture_method": "automatic",
        "description": {
            "subscription_create": "Subscription creation",
            "subscription_cycle": "Subscription update",
            "subscription_update": "Subscription update",
        }.get(invoice["billing_reason"], "Payment for Invoice"),
        "payment_details": {"customer_reference": None, "order_reference": invoice["id"]},
        "setup_future_usage": "off_session",
        "_invoice": invoice["id"],
    }


def charge(
    charge_id: str,
    *,
    intent: dict[str, Any],
    payment_method: dict[str, Any],
    decline: dict[str, Any] | None,
    receipt_url: str,
    created: int,
) -> dict[str, Any]:
    amount = intent["amount"]
    digits = str(int(hashlib.sha256(charge_id.encode()).hexdigest(), 16))
    outcome = {
        "advice_code": decline.get("advice_code") if decline else None,
        "network_advice_code": None,
        "network_decline_code": decline.get("network_decline_code") if decline else None,
        "network_status": "declined_by_network" if decline else "approved_by_network",
        "reason": decline["decline_code"] if decline else None,
        "risk_level": "normal",
        "risk_score": 20,
        "seller_message": "The bank did not return any further details with this decline."
        if decline
        else "Payment complete.",
        "type": "issuer_declined" if decline else "authorized",
    }
    if decline and "blocked" in decline:
        outcome |= {
            "network_status": "not_sent_to_network",
            "reason": decline["blocked"],
            "risk_level": "highest",
            "risk_score": 99,
            "seller_message": "Stripe blocked this payment as too risky.",
            "type": "blocked",
        }
    return {
        "id": charge_id,
        "object": "charge",
        "amount": amount,
        "amount_captured": 0 if decline else amount,
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": None,
        "billing_details": {
            "address": dict(EMPTY_ADDRESS),
            "email": None,
            "name": None,
            "phone": None,
            "tax_id": None,
        },
        "calculated_statement_descriptor": "SIMULATED",
        "captured": not decline,
        "created": created,
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "destination": None,
        "dispute": None,
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": decline["code"] if decline else None,
        "failure_message": decline["message"] if decline else None,
        "fraud_details": {},
        "livemode": False,
        "metadata": {},
        "on_behalf_of": None,
        "order": None,
        "outcome": outcome,
        "paid": not decline,
        "payment_intent": intent["id"],
        "payment_method": payment_method["id"],
        "payment_method_details": _method_details(payment_method, amount, digits, decline=decline),
        "radar_options": {},
        "receipt_email": None,
        "receipt_number": None,
        "receipt_url": None if decline else receipt_url,
        "refunded": False,
        "review": None,
        "shipping": None,
        "source": None,
        "source_transfer": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "failed" if decline else "succeeded",
        "transfer_data": None,
        "transfer_group": None,
    }


def _method_details(
    payment_method: dict[str, Any], amount: int, digits: str, *, decline: dict[str, Any] | None
) -> dict[str, Any]:
    kind = payment_method["type"]
    if kind == "boleto":
        return {"boleto": {"tax_id": payment_method["boleto"]["tax_id"]}, "type": kind}
    if kind == "pix":
        return {"pix": {"bank_transaction_id": digits[:21]}, "type": kind}
    card = payment_method["card"]
    return {
        "card": {
            "amount_authorized": None if decline else amount,
            "authorization_code": None if decline else digits[:6],
            "brand": card["brand"],
            "checks": dict(card["checks"]),
            "country": card["country"],
            "exp_month": card["exp_month"],
            "exp_year": card["exp_year"],
            "extended_authorization": {"status": "disabled"},
            "fingerprint": card["fingerprint"],
            "funding": card["funding"],
            "incremental_authorization": {"status": "unavailable"},
            "installments": None,
            "last4": card["last4"],
            "mandate": None,
            "multicapture": {"status": "unavailable"},
            "network": card["brand"],
            "network_token": {"used": False},
            "network_transaction_id": None if decline else digits[6:21],
            "overcapture": {"maximum_amount_capturable": amount, "status": "unavailable"},
            "regulated_status": card["regulated_status"],
            "three_d_secure": None,
            "wallet": None,
        },
        "type": "card",
    }


def balance_transaction(
    transaction_id: str,
    *,
    source: dict[str, Any],
    type: str,  # noqa: A002  Stripe's own name
    amount: int,
    fee: int = 0,
    created: int,
) -> dict[str, Any]:
    """`source` is the charge, refund or dispute that moves the money; `amount` has its sign."""
    fee_details = {
        "amount": fee,
        "application": None,
        "currency": source["currency"],
        "description": "Dispute fee" if type == "adjustment" else "Stripe processing fees",
        "type": "stripe_fee",
    }
    return {
        "id": transaction_id,
        "object": "balance_transaction",
        "amount": amount,
        "available_on": created + 2 * DAY,
        "balance_type": "payments",
        "created": created,
        "currency": source["currency"],
        "description": source.get("description"),
        "exchange_rate": None,
        "fee": fee,
        "fee_details": [fee_details] if fee else [],
        "net": amount - fee,
        "reporting_category": "dispute" if type == "adjustment" else type,
        "source": source["id"],
        "status": "pending",
        "type": type,
    }


def card_fee(amount: int) -> int:
    """Stripe's list price for cards in the US, half a cent rounded up (recorded): 2.9 % + 30 c."""
    return (amount * 29 + 500) // 1000 + 30


def setup_intent(
    intent_id: str,
    *,
    customer: str | None,
    payment_method: str | None,
    secret: str,
    created: int,
) -> dict[str, Any]:
    return {
        "id": intent_id,
        "object": "setup_intent",
        "application": None,
        "automatic_payment_methods": {"allow_redirects": "always", "enabled": True},
        "cancellation_reason": None,
        "client_secret": f"{intent_id}_secret_{secret}",
        "created": created,
        "customer": customer,
        "customer_account": None,
        "description": None,
        "excluded_payment_method_types": None,
        "flow_directions": None,
        "last_setup_error": None,
        "latest_attempt": None,
        "livemode": False,
        "mandate": None,
        "metadata": {},
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": payment_method,
        "payment_method_configuration_details": None,
        "payment_method_options": {
            "card": {
                "mandate_options": None,
                "network": None,
                "request_three_d_secure": "automatic",
            }
        },
        "payment_method_types": ["card"],
        "single_use_mandate": None,
        "status": "requires_confirmation" if payment_method else "requires_payment_method",
        "usage": "off_session",
    }
