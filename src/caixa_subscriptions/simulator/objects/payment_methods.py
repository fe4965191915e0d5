from __future__ import annotations

import hashlib
from typing import Any

from caixa_subscriptions.simulator.objects.common import EMPTY_ADDRESS


def card_payment_method(
    payment_method_id: str,
    *,
    number: str,
    country: str,
    exp_month: int,
    exp_year: int,
    created: int,
) -> dict[str, Any]:
    brand = {"4": "visa", "5": "mastercard", "3": "amex", "6": "discover"}.get(number[:1], "visa")
    return {
        "id": payment_method_id,
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": {
            "address": dict(EMPTY_ADDRESS),
            "email": None,
            "name": None,
            "phone": None,
            "tax_id": None,
        },
        "card": {
            "brand": brand,
            "checks": {
                "address_line1_check": None,
                "address_postal_code_check": None,
                "cvc_check": "pass",
            },
            "country": country,
            "display_brand": brand,
            "exp_month": exp_month,
            "exp_year": exp_year,
            # The same number has the same fingerprint, as at Stripe.
            "fingerprint": hashlib.sha256(number.encode()).hexdigest()[:16],
            "funding": "credit",
            "generated_from": None,
            "last4": number[-4:],
            "networks": {"available": [brand], "preferred": None},
            "regulated_status": "unregulated",
            "three_d_secure_usage": {"supported": True},
            "wallet": None,
        },
        "created": created,
        "customer": None,
        "customer_account": None,
        "livemode": False,
        "metadata": {},
        "type": "card",
        "_number": number,
    }


def voucher_payment_method(
    payment_method_id: str,
    *,
    type: str,  # noqa: A002  Stripe's own name
    tax_id: str | None,
    billing_details: dict[str, Any],
    created: int,
) -> dict[str, Any]:
    """Boleto or Pix (recorded: Boleto)."""
    own: dict[str, Any] = {}
    if type == "boleto":
        fingerprint = hashlib.sha256(str(tax_id).encode()).hexdigest()[:16]
        own = {"fingerprint": fingerprint, "tax_id": tax_id}
    address = EMPTY_ADDRESS | (billing_details.get("address") or {})
    given = dict.fromkeys(("email", "name", "phone", "tax_id")) | billing_details
    return {
        "id": payment_method_id,
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": given | {"address": address},
        type: own,
        "created": created,
        "customer": None,
        "customer_account": None,
        "livemode": False,
        "metadata": {},
        "type": type,
        "_number": "",
    }
