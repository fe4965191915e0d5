"""What waits for an invoice, and the line it becomes."""

from __future__ import annotations

from typing import Any


def invoice_item(
    item_id: str,
    *,
    customer: dict[str, Any],
    amount: int,
    currency: str,
    created: int,
    period: tuple[int, int],
    quantity: int = 1,
    subscription: str | None = None,
    subscription_item: str | None = None,
    price: dict[str, Any] | None = None,
) -> dict[str, Any]:
    parent, pricing = None, None
    if subscription:
        details = {"subscription": subscription, "subscription_item": subscription_item}
        parent = {"subscription_details": details, "type": "subscription_details"}
    if price:
        named = {"price": price["id"], "product": price["product"]}
        pricing = {"price_details": named, "type": "price_details", "unit_amount_decimal": None}
    return {
        "id": item_id,
        "object": "invoiceitem",
        "amount": amount,
        "currency": currency,
        "customer": customer["id"],
        "customer_account": None,
        "date": created,
        "description": None,
        "discountable": True,
        "discounts": [],
        "frozen_fields": None,
        "invoice": None,
        "livemode": False,
        "metadata": {},
        "net_amount": amount,
        "parent": parent,
        "period": {"end": period[1], "start": period[0]},
        "pricing": pricing,
        "proration": False,
        "proration_details": None,
        "quantity": quantity,
        "quantity_decimal": str(quantity),
        "tax_rates": [],
        "test_clock": customer["test_clock"],
    }


def proration_item(
    item_id: str, *, credited: dict[str, Any] | None, **details: Any
) -> dict[str, Any]:
    """`credited` names the line or the waiting item that a credit gives back (recorded)."""
    return invoice_item(item_id, **details) | {
        "discountable": False,
        "proration": True,
        "proration_details": {"credited_items": credited, "discount_amounts": []},
    }


def invoice_item_line(
    line_id: str,
    *,
    invoice_id: str,
    item: dict[str, Any],
    credited: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """`credited`: the invoice and lines a proration gives back."""
    details = (item["parent"] or {}).get("subscription_details") or {}
    subscription, row = details.get("subscription"), details.get("subscription_item")
    source = {
        "invoice_item": item["id"],
        "proration": item["proration"],
        "proration_details": {"credited_items": credited},
        "subscription": subscription,
    }
    if row:
        parent = {
            "invoice_item_details": None,
            "subscription_item_details": source | {"subscription_item": row},
            "type": "subscription_item_details",
        }
    else:
        parent = {
            "invoice_item_details": source,
            "subscription_item_details": None,
            "type": "invoice_item_details",
        }
    return {
        "id": line_id,
        "object": "line_item",
        "amount": item["amount"],
        "currency": item["currency"],
        "description": item["description"],
        "discount_amounts": [],
        "discountable": item["discountable"],
        "discounts": [],
        "invoice": invoice_id,
        "livemode": False,
        "metadata": item["metadata"],
        "parent": parent,
        "period": item["period"],
        "pretax_credit_amounts": [],
        "pricing": item["pricing"],
        "quantity": item["quantity"],
        "quantity_decimal": item["quantity_decimal"],
        "subscription": subscription,
        "subtotal": item["amount"],
        "taxes": [],
    }
