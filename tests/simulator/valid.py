"""Values with which calls succeed: what no type tells, and the world of `test_honoured` has."""

from __future__ import annotations

from typing import Any

from tests.simulator.tools import DAY, GOOD, START

# What a call needs before a parameter of it is looked at; `{...}` is an id of the world's.
VALID: dict[str, dict[str, Any]] = {
    "GET /v1/entitlements/active_entitlements": {"customer": "{customer}"},
    "GET /v1/subscription_items": {"subscription": "{subscription}"},
    "POST /v1/billing_portal/sessions": {"customer": "{customer}"},
    "POST /v1/checkout/sessions": {
        "mode": "subscription",
        "success_url": "https://shop.example/",
        "line_items": [{"price": "{price}"}],
    },
    "POST /v1/coupons": {
        "amount_off": 10,
        "currency": "usd",
        "duration": "repeating",
        "duration_in_months": 1,
    },
    "POST /v1/payment_methods": {
        "type": "card",
        "card": {"number": GOOD, "exp_month": 12, "exp_year": 2034},
    },
    "POST /v1/payment_intents": {
        "amount": 100,
        "currency": "usd",
        "confirm": True,
        "payment_method": "pm_card_visa",
        "return_url": "https://shop.example/",
    },
    "POST /v1/setup_intents": {"confirm": True, "payment_method": "pm_card_visa"},
    "POST /v1/prices": {
        "currency": "usd",
        "unit_amount": 900,
        "product": "{product}",
    },
    "POST /v1/payment_intents/{intent}/confirm": {"return_url": "https://shop.example/"},
    "POST /v1/promotion_codes": {
        "promotion": {"type": "coupon", "coupon": "{coupon}"},
        "restrictions": {"minimum_amount": 1, "minimum_amount_currency": "usd"},
    },
    "POST /v1/invoiceitems": {"customer": "{customer}", "amount": 1},
    "POST /v1/invoices": {"customer": "{customer}"},
    "POST /v1/invoices/create_preview": {
        "subscription": "{subscription}",
        "subscription_details": {"items": [{"id": "{subscription_item}"}]},
    },
    "POST /v1/refunds": {"charge": "{paid_charge}"},
    "POST /v1/subscription_items": {"subscription": "{subscription}", "price": "{price}"},
    "POST /v1/subscriptions/{subscription}": {"items": [{"id": "{subscription_item}"}]},
    "POST /v1/subscriptions": {"customer": "{customer}", "items": [{"price": "{price}"}]},
}

INLINE = {"currency": "usd", "unit_amount": 100, "product": "{product}"}
PAYMENT = {"mode": "payment", "line_items": [{"price_data": INLINE}]}
# A portal in which plans can be changed.
CHANGING = {
    "enabled": True,
    "default_allowed_updates": ["price"],
    "products": [{"product": "{product}", "prices": ["{price}"]}],
}
_SUBSCRIPTION = {"subscription": "{subscription}"}
_ITEM = {"id": "{subscription_item}", "price": "{price}"}
_PORTAL: dict[str, dict[str, Any]] = {
    "features.subscription_update": {"features": {"subscription_update": CHANGING}}
}
_TAKEN = {"transfer_lookup_key": {"lookup_key": "monthly"}}

# What a parameter needs beside it; None leaves out.
BESIDE: dict[str, dict[str, dict[str, Any]]] = {
    "POST /v1/billing_portal/configurations": _PORTAL,
    "POST /v1/billing_portal/configurations/{configuration}": _PORTAL,
    "POST /v1/billing_portal/sessions": {
        "flow_data": {"configuration": "{portal}", "flow_data": {"type": "payment_method_update"}},
        "flow_data.after_completion.redirect": {
            "flow_data": {
                "type": "payment_method_update",
                "after_completion": {"type": "redirect"},
            }
        },
        "flow_data.after_completion.hosted_confirmation": {
            "flow_data": {
                "type": "payment_method_update",
                "after_completion": {"type": "hosted_confirmation"},
            }
        },
        "flow_data.subscription_cancel": {"flow_data": {"type": "subscription_cancel"}},
        "flow_data.subscription_update.": {"flow_data": {"type": "subscription_update"}},
        "flow_data.subscription_update_confirm": {
            "flow_data": {
                "type": "subscription_update_confirm",
                "subscription_update_confirm": _SUBSCRIPTION | {"items": [_ITEM]},
            }
        },
    },
    "POST /v1/checkout/sessions": {
        "customer_creation": PAYMENT,
        "line_items.price_data": PAYMENT,
        "line_items.price_data.recurring": {"mode": "subscription"},
        "line_items.price_data.product_data": {
            "line_items": [{"price_data": INLINE | {"product": None}}]
        },
        "payment_intent_data": PAYMENT,
        "setup_intent_data": {"mode": "setup", "currency": "usd", "line_items": None},
    },
    "POST /v1/customers": {
        "invoice_settings.default_payment_method": {"payment_method": "{loose_card}"}
    },
    "POST /v1/invoiceitems": {"quantity": {"amount": None, "unit_amount_decimal": "1"}},
    "POST /v1/payment_methods": {
        "boleto": {
            "type": "boleto",
            "card": None,
            "billing_details": {"name": "Ana", "email": "ana@example.com"},
        },
        "card.token": {"card": None},
        "pix": {"type": "pix", "card": None},
    },
    "POST /v1/prices": _TAKEN,
    "POST /v1/prices/{price}": _TAKEN,
    "POST /v1/subscriptions": {"discounts.discount": {"customer": "{favoured}"}},
    "POST /v1/subscriptions/{subscription}": {"trial_end": {"items": None}},
}

# The value of one parameter of one call, where its name alone does not tell it.
OWN: dict[str, dict[str, Any]] = {
    "POST /v1/billing_portal/configurations": {
        "features.subscription_cancel.proration_behavior": "none"
    },
    "POST /v1/billing_portal/configurations/{configuration}": {
        "features.subscription_cancel.proration_behavior": "none"
    },
    "POST /v1/billing_portal/sessions": {
        "flow_data.subscription_update_confirm.items.id": "{subscription_item}",
        "flow_data.type": "payment_method_update",
    },
    "POST /v1/checkout/sessions": {"mode": "subscription", "ui_mode": "hosted_page"},
    "POST /v1/coupons": {"duration": "repeating"},
    "POST /v1/customers": {
        "invoice_settings.default_payment_method": "{loose_card}",
        "payment_method": "{loose_card}",
    },
    "POST /v1/invoiceitems": {"pricing.price": "{one_time}"},
    "POST /v1/invoiceitems/{item}": {"pricing.price": "{one_time}"},
    "POST /v1/invoices/create_preview": {
        "subscription_details.billing_cycle_anchor": "now",
        "subscription_details.items.id": "{subscription_item}",
    },
    "POST /v1/payment_methods": {
        "card.cvc": "123",
        "card.exp_year": 2034,
        "card.number": GOOD,
        "card.token": "tok_visa",
        "type": "card",
    },
    "POST /v1/refunds": {"charge": "{paid_charge}", "payment_intent": "{paid_intent}"},
    **{
        f"POST /v1/{family}{path}": {"payment_method": "{loose_card}"}
        for family in ("payment_intents", "setup_intents")
        for path in ("", "/{intent}", "/{intent}/confirm")
    },
    "POST /v1/subscriptions": {"discounts.discount": "{favour}"},
    "POST /v1/subscriptions/{subscription}": {"items.id": "{subscription_item}"},
    "POST /v1/webhook_endpoints": {"api_version": "2026-08-26.dahlia"},
}

# What no call can be given with success, and why.
NEVER_GRANTED: dict[str, dict[str, str]] = {
    "GET /v1/accounts": dict.fromkeys(
        ("starting_after", "ending_before"), "no connected account, so no cursor"
    ),
}

# Given the one, the other is left out.
INSTEAD_OF = {
    "percent_off": "amount_off",
    "unit_amount_decimal": "amount",
    "plan": "price",
    "pricing": "amount",
    "product_data": "product",
    "payment_intent": "charge",
}

# Which object of a list a path names, where the newest will not do; also for one parameter.
WHICH = {
    "/v1/charges/{charge}/refunds ending_before": {"payment_intent": "{paid_intent}"},
    "/v1/charges/{charge}/refunds starting_after": {"payment_intent": "{paid_intent}"},
    "/v1/invoices": {"status": "open"},
    "/v1/invoices/{invoice}": {"status": "draft"},
    "/v1/invoices/{invoice}/finalize": {"status": "draft"},
    "/v1/payment_intents/{intent}/cancel": {"customer": "{customer}"},
    "/v1/payment_intents/{intent}/capture": {"customer": "{customer}"},
    "/v1/subscription_items": {"subscription": "{subscription}"},
    "/v1/subscriptions/{subscription}/resume": {"status": "paused"},
    "/v1/subscriptions/{subscription} trial_end": {"status": "trialing"},
}

# Values no type tells.
VALUES: dict[str, Any] = {
    "amount": 100,
    "cancel_at": START + 5 * DAY,
    "cancel_url": "https://shop.example/",
    "currency": "usd",
    "customer_email": "ana@example.com",
    "email": "ana@example.com",
    "expires_at": START + DAY // 2,
    "frozen_time": START + DAY,
    "payment_method_types": ["card"],
    "pix": {},
    "plan": "{price}",
    "prices": ["{price}"],
    "products": ["{product}"],
    "proration_date": START,
    "query": "metadata['a']:null",
    "redeem_by": START + DAY,
    "resumes_at": START + DAY,
    "success_url": "https://shop.example/",
    "trial_end": START + 5 * DAY,
    "unit_amount_decimal": "1",
    "url": "https://shop.example/",
}


# Objects that go by another name as parameters.
KINDS = {
    "configuration": "billing_portal.configuration",
    "default_price": "price",
    "entitlement_feature": "entitlements.feature",
    "test_clock": "test_helpers.test_clock",
}
