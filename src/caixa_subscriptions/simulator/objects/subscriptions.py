from __future__ import annotations

from typing import Any

from caixa_subscriptions.simulator.objects.catalogue import plan
from caixa_subscriptions.simulator.objects.common import page


def billing_mode(type: str, updated_at: int) -> dict[str, Any]:  # noqa: A002  Stripe's own name
    """`classic` or `flexible`; a classic one was never changed to be so."""
    if type == "classic":
        return {"flexible": None, "type": "classic", "updated_at": None}
    return {
        "flexible": {"proration_discounts": "included"},
        "type": "flexible",
        "updated_at": updated_at,
    }


def subscription(
    subscription_id: str,
    *,
    customer: dict[str, Any],
    items: list[dict[str, Any]],
    billing_cycle_anchor: int,
    created: int,
) -> dict[str, Any]:
    first = items[0]
    return {
        "id": subscription_id,
        "object": "subscription",
        "application": None,
        "application_fee_percent": None,
        "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
        "billing_cycle_anchor": billing_cycle_anchor,
        "billing_cycle_anchor_config": None,
        "billing_mode": billing_mode("flexible", created),
        "billing_schedules": [],
        "billing_thresholds": None,
        "cancel_at": None,
        "cancel_at_period_end": False,
        "canceled_at": None,
        "cancellation_details": {"comment": None, "feedback": None, "reason": None},
        "collection_method": "charge_automatically",
        "created": created,
        "currency": first["price"]["currency"],
        "customer": customer["id"],
        "customer_account": None,
        "days_until_due": None,
        "default_payment_method": None,
        "default_source": None,
        "default_tax_rates": [],
        "description": None,
        "discounts": [],
        "ended_at": None,
        "invoice_settings": {"account_tax_ids": None, "issuer": {"type": "self"}},
        "items": page(items, f"/v1/subscription_items?subscription={subscription_id}")
        | {"total_count": len(items)},
        "latest_invoice": None,
        "livemode": False,
        "managed_payments": None,
        "metadata": {},
        "next_pending_invoice_item_invoice": None,
        "on_behalf_of": None,
        "pause_collection": None,
        "payment_settings": {
            "payment_method_options": None,
            "payment_method_types": None,
            "save_default_payment_method": "off",
        },
        "pending_invoice_item_interval": None,
        "pending_setup_intent": None,
        "pending_update": None,
        "plan": first["plan"] if len(items) == 1 else None,
        "quantity": first["quantity"] if len(items) == 1 else None,
        "schedule": None,
        "start_date": created,
        "status": "active",
        "test_clock": customer["test_clock"],
        "transfer_data": None,
        "trial_end": None,
        "trial_settings": {"end_behavior": {"missing_payment_method": "create_invoice"}},
        "trial_start": None,
    }


def subscription_item(
    item_id: str,
    *,
    subscription_id: str,
    price: dict[str, Any],
    quantity: int,
    period: tuple[int, int],
    created: int,
) -> dict[str, Any]:
    return {
        "id": item_id,
        "object": "subscription_item",
        "billed_until": None,
        "billing_thresholds": None,
        "created": created,
        "current_period_end": period[1],
        "current_period_start": period[0],
        "discounts": [],
        "metadata": {},
        "plan": plan(price),
        "price": price,
        "quantity": quantity,
        "subscription": subscription_id,
        "tax_rates": [],
    }
