"""Coupons, the codes that stand for them, and what somebody redeemed."""

from __future__ import annotations

from typing import Any


def coupon(coupon_id: str, *, duration: str, created: int) -> dict[str, Any]:
    """`_applies_to` is shown when it is expanded (Stripe docs: coupons)."""
    return {
        "id": coupon_id,
        "object": "coupon",
        "amount_off": None,
        "created": created,
        "currency": None,
        "duration": duration,
        "duration_in_months": None,
        "livemode": False,
        "max_redemptions": None,
        "metadata": {},
        "name": None,
        "percent_off": None,
        "redeem_by": None,
        "times_redeemed": 0,
        "valid": True,
        "_applies_to": None,
    }


def promotion_code(promotion_id: str, *, code: str, coupon: str, created: int) -> dict[str, Any]:
    return {
        "id": promotion_id,
        "object": "promotion_code",
        "active": True,
        "code": code,
        "created": created,
        "customer": None,
        "customer_account": None,
        "expires_at": None,
        "livemode": False,
        "max_redemptions": None,
        "metadata": {},
        "promotion": {"coupon": coupon, "type": "coupon"},
        "restrictions": {
            "first_time_transaction": False,
            "minimum_amount": None,
            "minimum_amount_currency": None,
        },
        "times_redeemed": 0,
    }


def discount(
    discount_id: str,
    *,
    coupon: dict[str, Any],
    promotion_code: str | None,
    customer: str,
    subscription: str | None,
    checkout_session: str | None,
    start: int,
    end: int | None,
) -> dict[str, Any]:
    """`_coupon` holds its terms, which outlive the coupon itself."""
    return {
        "id": discount_id,
        "object": "discount",
        "checkout_session": checkout_session,
        "customer": customer,
        "customer_account": None,
        "end": end,
        "invoice": None,
        "invoice_item": None,
        "promotion_code": promotion_code,
        "source": {"coupon": coupon["id"], "type": "coupon"},
        "start": start,
        "subscription": subscription,
        "subscription_item": None,
        "_coupon": coupon,
    }
