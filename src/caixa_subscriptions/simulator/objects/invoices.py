"""Invoices, their lines, and what pays them."""

from __future__ import annotations

from typing import Any

from caixa_subscriptions.simulator.objects.common import page


def invoice(
    invoice_id: str,
    *,
    subscription: dict[str, Any] | None,
    customer: dict[str, Any],
    currency: str,
    lines: list[dict[str, Any]],
    discounts: list[str],
    billing_reason: str,
    period: tuple[int, int],
    created: int,
) -> dict[str, Any]:
    """Without a `subscription` a one-off invoice."""
    parent = None
    if subscription:
        parent = {
            "quote_details": None,
            "subscription_details": {
                "metadata": subscription["metadata"],
                "subscription": subscription["id"],
            },
            "type": "subscription_details",
        }
    return {
        "id": invoice_id,
        "object": "invoice",
        "account_country": "US",
        "account_name": "Simulated shop",
        "account_tax_ids": None,
        "amount_overpaid": 0,
        "amount_paid": 0,
        "amount_paid_off_stripe": 0,
        "amount_shipping": 0,
        "application": None,
        "attempt_count": 0,
        "attempted": False,
        "auto_advance": True,
        "automatic_tax": {
            "disabled_reason": None,
            "enabled": False,
            "liability": None,
            "provider": None,
            "status": None,
        },
        "automatically_finalizes_at": None,
        "billing_reason": billing_reason,
        "collection_method": "charge_automatically",
        "created": created,
        "currency": currency,
        "custom_fields": None,
        "customer": customer["id"],
        "customer_account": None,
        "customer_address": customer["address"],
        "customer_email": customer["email"],
        "customer_name": customer["name"],
        "customer_phone": customer["phone"],
        "customer_shipping": None,
        "customer_tax_exempt": "none",
        "customer_tax_ids": [],
        "default_payment_method": None,
        "default_source": None,
        "default_tax_rates": [],
        "description": None,
        "discounts": discounts,
        "due_date": None,
        "effective_at": None,
        "ending_balance": None,
        "footer": None,
        "from_invoice": None,
        "hosted_invoice_url": None,
        "invoice_pdf": None,
        "issuer": {"type": "self"},
        "last_finalization_error": None,
        "latest_revision": None,
        "livemode": False,
        "metadata": {},
        "next_payment_attempt": None,
        "number": None,
        "on_behalf_of": None,
        "parent": parent,
        "payment_settings": {
            "default_mandate": None,
            "payment_method_options": None,
            "payment_method_types": None,
        },
        "period_end": period[1],
        "period_start": period[0],
        "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0,
        "receipt_number": None,
        "rendering": None,
        "shipping_cost": None,
        "shipping_details": None,
        "statement_descriptor": None,
        "status": "draft",
        "status_transitions": {
            "finalized_at": None,
            "marked_uncollectible_at": None,
            "paid_at": None,
            "voided_at": None,
        },
        "test_clock": customer["test_clock"],
        "total_taxes": [],
        "webhooks_delivered_at": created,
        **invoice_totals(invoice_id, lines, discounts, customer["balance"]),
    }


def invoice_totals(
    invoice_id: str, lines: list[dict[str, Any]], discounts: list[str], balance: int
) -> dict[str, Any]:
    """What an invoice's lines make of it, with the customer's balance."""
    subtotal = sum(line["amount"] for line in lines)
    off = _total_discounts(lines, discounts)
    total = subtotal - sum(one["amount"] for one in off)
    return {
        "amount_due": max(total + balance, 0),
        "amount_remaining": max(total + balance, 0),
        "lines": page(lines, f"/v1/invoices/{invoice_id}/lines") | {"total_count": len(lines)},
        "starting_balance": balance,
        "subtotal": subtotal,
        "subtotal_excluding_tax": subtotal,
        "total": total,
        "total_discount_amounts": off,
        "total_excluding_tax": total,
        "total_pretax_credit_amounts": [one | {"type": "discount"} for one in off],
    }


def _total_discounts(lines: list[dict[str, Any]], discounts: list[str]) -> list[dict[str, Any]]:
    return [
        {
            "amount": sum(
                off["amount"]
                for line in lines
                for off in line["discount_amounts"]
                if off["discount"] == discount
            ),
            "discount": discount,
        }
        for discount in discounts
    ]


def line_item(
    line_id: str,
    *,
    invoice_id: str,
    item: dict[str, Any],
    description: str,
    unit_amount: int,
    period: tuple[int, int],
) -> dict[str, Any]:
    amount = unit_amount * item["quantity"]
    return {
        "id": line_id,
        "object": "line_item",
        "amount": amount,
        "currency": item["price"]["currency"],
        "description": description,
        "discount_amounts": [],
        "discountable": True,
        "discounts": [],
        "invoice": invoice_id,
        "livemode": False,
        "metadata": {},
        "parent": {
            "invoice_item_details": None,
            "subscription_item_details": {
                "invoice_item": None,
                "proration": False,
                "proration_details": {"credited_items": None},
                "subscription": item["subscription"],
                "subscription_item": item["id"],
            },
            "type": "subscription_item_details",
        },
        "period": {"end": period[1], "start": period[0]},
        "pretax_credit_amounts": [],
        "pricing": {
            "price_details": {"price": item["price"]["id"], "product": item["price"]["product"]},
            "type": "price_details",
            "unit_amount_decimal": str(unit_amount),
        },
        "quantity": item["quantity"],
        "quantity_decimal": str(item["quantity"]),
        "subscription": item["subscription"],
        "subtotal": amount,
        "taxes": [],
    }


def invoice_payment(
    payment_id: str, *, invoice: dict[str, Any], payment_intent: str, created: int
) -> dict[str, Any]:
    return {
        "id": payment_id,
        "object": "invoice_payment",
        "amount_paid": None,
        "amount_requested": invoice["amount_due"],
        "created": created,
        "currency": invoice["currency"],
        "invoice": invoice["id"],
        "is_default": True,
        "livemode": False,
        "payment": {"payment_intent": payment_intent, "type": "payment_intent"},
        "status": "open",
        "status_transitions": {"canceled_at": None, "paid_at": None},
    }
