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
# Recordings made before basil, which the simulator refuses to speak.
TOO_OLD = ("2020-08-27", "2023-08-16", "2024-12-18.acacia", "2025-02-24.acacia")


def excepted(place: str) -> bool:
    return any(fnmatchcase(place, pattern) for pattern in PLACES)
