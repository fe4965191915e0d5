"""Ids in Stripe's style."""

from __future__ import annotations

import random
import string

_ALPHABET = string.ascii_letters + string.digits
# What an id of each object starts with; the length of the random part follows.
PREFIXES = {
    "account": ("acct_1", 15),
    "balance_transaction": ("txn_3", 23),
    "billing_portal.configuration": ("bpc_1", 23),
    "billing_portal.session": ("bps_1", 23),
    "charge": ("ch_3", 23),
    "checkout.session": ("cs_test_a1", 57),
    "coupon": ("", 8),
    "customer": ("cus_", 14),
    "customer_balance_transaction": ("cbtxn_1", 23),
    "discount": ("di_1", 23),
    "dispute": ("dp_1", 23),
    "entitlements.active_entitlement": ("ent_test_", 24),
    "entitlements.feature": ("feat_test_", 24),
    "event": ("evt_1", 23),
    "invoice": ("in_1", 23),
    "invoice_payment": ("inpay_1", 23),
    "invoiceitem": ("ii_1", 23),
    "item": ("li_1", 23),
    "line_item": ("il_1", 23),
    "mandate": ("mandate_1", 23),
    "payment_intent": ("pi_3", 23),
    "payment_method": ("pm_1", 23),
    "price": ("price_1", 23),
    "product": ("prod_", 14),
    "product_feature": ("prodft_test_", 24),
    "promotion_code": ("promo_1", 23),
    "radar.early_fraud_warning": ("issfr_1", 23),
    "refund": ("re_3", 23),
    "request": ("req_", 14),
    "setup_intent": ("seti_1", 23),
    "subscription": ("sub_1", 23),
    "subscription_item": ("si_", 14),
    "subscription_schedule": ("sub_sched_1", 23),
    "tax_rate": ("txr_1", 23),
    "test_helpers.test_clock": ("clock_1", 23),
    "webhook_endpoint": ("we_1", 23),
}


def is_id(text: str) -> bool:
    return text.startswith(tuple(prefix for prefix, _length in PREFIXES.values() if prefix))


class Ids:
    """With a seed the same calls give the same ids; `start` continues after a restart."""

    def __init__(self, seed: int | None, start: int = 0) -> None:
        self._random = random.Random(None if seed is None else f"{seed}:{start}")  # noqa: S311

    def token(self, length: int) -> str:
        return "".join(self._random.choices(_ALPHABET, k=length))

    def digits(self, length: int) -> str:
        return "".join(self._random.choices(string.digits, k=length))

    def new(self, kind: str) -> str:
        prefix, length = PREFIXES[kind]
        return prefix + self.token(length)
