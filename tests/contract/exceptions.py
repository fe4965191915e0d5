"""What of the recordings the simulator is not held to, each with its reason.

Patterns are those of `fnmatch`, over the places that `comparing.compare` names.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

PLACES: dict[str, str] = {
    **{
        f"*.payment_method_options.{method}": "payment methods the recorded account accepts"
        for method in (
            *("acss_debit", "afterpay_clearpay", "alipay", "cashapp"),
            *("klarna", "link", "us_bank_account", "wechat_pay"),
        )
    },
    "payment_intent.next_action.use_stripe_sdk.*": "opaque to all but Stripe's own libraries",
}
# Counted as missed: the recorded account has more payment methods, and a configuration of them.
KNOWN = ("payment_method_types", "payment_method_configuration_details")
# Values that cannot be the same, each with the reason. All others are held to the recorded ones.
_ACCOUNT = "the recorded account's name, looks and settings"
_GIVEN_OUT = "given out by Stripe or a bank, another one each time"
_EXPIRY = "Stripe's test tokens expire some years after the day they are used"
VALUES: dict[str, str] = {
    "charge.calculated_statement_descriptor": _ACCOUNT,
    "checkout.session.adaptive_pricing.enabled": _ACCOUNT,
    "checkout.session.branding_settings.*": _ACCOUNT,
    "invoice.account_name": _ACCOUNT,
    "invoice.rendering.pdf.page_size": _ACCOUNT,
    "charge.outcome.risk_score": _GIVEN_OUT,
    "*.authorization_code": _GIVEN_OUT,
    "*.fingerprint": _GIVEN_OUT,
    "*.network_transaction_id": _GIVEN_OUT,
    "customer.invoice_prefix": _GIVEN_OUT,
    "invoice.number": _GIVEN_OUT,
    "*.card.exp_month": _EXPIRY,
    "*.card.exp_year": _EXPIRY,
    "*.url": "the path of a list names ids",
    "coupon.times_redeemed": "redeemed by others before the recording",
    "line_item.pricing.price_details.price": "the recorded price has an id of its owner's choice",
    "plan.id": "the recorded plan has an id of its owner's choice",
    "price.id": "the recorded price has an id of its owner's choice",
    "*.payment_method_types": "payment methods the recorded account accepts",
}
# Recordings made before basil, which the simulator refuses to speak: they are replayed at basil,
# and held to the HTTP status and to what every version has.
OLDEST = "2025-03-31.basil"
TOO_OLD = ("2020-08-27", "2023-08-16", "2024-12-18.acacia", "2025-02-24.acacia")


def may_be_another(place: str) -> bool:
    """Whether the value of a place is known to differ."""
    return any(fnmatchcase(place, pattern) for pattern in VALUES)


def excepted(place: str) -> bool:
    return any(fnmatchcase(place, pattern) for pattern in PLACES)
