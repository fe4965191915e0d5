"""Checkout Sessions and their lines."""

from __future__ import annotations

from typing import Any

from caixa_subscriptions.simulator.objects.common import DAY

# Only an invoice of a payment is optional; a subscription always has one.
NO_INVOICE = {
    "enabled": False,
    "invoice_data": {
        "account_tax_ids": None,
        "custom_fields": None,
        "description": None,
        "footer": None,
        "issuer": None,
        "metadata": {},
        "rendering_options": None,
    },
}


def checkout_session(
    session_id: str,
    *,
    params: dict[str, Any],
    amount: int | None,
    currency: str | None,
    url: str,
    created: int,
) -> dict[str, Any]:
    """`amount` is due today, None in setup mode; what differs by mode is recorded."""
    mode = params["mode"]
    setup = mode == "setup"
    creation = "always" if mode == "subscription" else params.get("customer_creation")
    collection = params.get("payment_method_collection", "always")
    return {
        "id": session_id,
        "object": "checkout.session",
        "adaptive_pricing": {"enabled": mode == "payment"},
        "after_expiration": None,
        "allow_promotion_codes": params.get("allow_promotion_codes"),
        "amount_subtotal": amount,
        "amount_total": amount,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "billing_address_collection": None,
        "branding_settings": {
            "background_color": "#ffffff",
            "border_style": "rounded",
            "button_color": "#0f766e",
            "display_name": "Simulated shop",
            "font_family": "default",
            "icon": None,
            "logo": None,
        },
        "cancel_url": params.get("cancel_url"),
        "client_reference_id": params.get("client_reference_id"),
        "client_secret": None,
        "collected_information": {
            "business_name": None,
            "individual_name": None,
            "shipping_details": None,
        },
        "consent": None,
        "consent_collection": None,
        "created": created,
        "currency": currency,
        "currency_conversion": None,
        "custom_fields": [],
        "custom_text": {
            "after_submit": None,
            "shipping_address": None,
            "submit": None,
            "terms_of_service_acceptance": None,
        },
        "customer": None,
        "customer_account": None,
        "customer_creation": None if params.get("customer") else creation or "if_required",
        "customer_details": None,
        "customer_email": params.get("customer_email"),
        "discounts": None if setup else [],
        "expires_at": params.get("expires_at", created + DAY),
        "integration_identifier": None,
        "invoice": None,
        "invoice_creation": NO_INVOICE if mode == "payment" else None,
        "livemode": False,
        "locale": params.get("locale"),
        "managed_payments": None,
        "metadata": {},
        "mode": mode,
        "origin_context": None,
        "payment_intent": None,
        "payment_link": None,
        "payment_method_collection": "if_required" if mode == "payment" else collection,
        "payment_method_configuration_details": None,
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": ["card"],
        "payment_status": "no_payment_required" if setup else "unpaid",
        "permissions": None,
        "phone_number_collection": {"enabled": False},
        "recovered_from": None,
        "saved_payment_method_options": None
        if setup
        else {
            "allow_redisplay_filters": ["always"],
            "payment_method_remove": "disabled",
            "payment_method_save": None,
        },
        "setup_intent": None,
        "shipping_address_collection": None,
        "shipping_cost": None,
        "shipping_options": [],
        "status": "open",
        "submit_type": params.get("submit_type"),
        "subscription": None,
        "success_url": params.get("success_url"),
        "total_details": None
        if setup
        else {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted_page",
        "url": url,
        "wallet_options": None,
    }


def customer_details(email: str | None, *, tax_exempt: str | None = "none") -> dict[str, Any]:
    return {
        "address": None,
        "business_name": None,
        "email": email,
        "individual_name": None,
        "name": None,
        "phone": None,
        "tax_exempt": tax_exempt,
        "tax_ids": None,
    }


def checkout_line_item(
    item_id: str, *, price: dict[str, Any], quantity: int, name: str
) -> dict[str, Any]:
    amount = price["unit_amount"] * quantity
    return {
        "id": item_id,
        "object": "item",
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": price["currency"],
        "description": name,
        "metadata": {},
        "price": price,
        "quantity": quantity,
    }
