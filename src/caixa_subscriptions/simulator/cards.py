"""Test cards and what they do (Stripe docs: testing)."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from caixa_subscriptions.simulator.errors import CardError

GENERIC = {
    "code": "card_declined",
    "decline_code": "generic_decline",
    "message": "Your card was declined.",
    "advice_code": "try_again_later",
    "network_decline_code": "01",
}


def _decline(decline_code: str, message: str = "Your card was declined.") -> dict[str, Any]:
    return GENERIC | {"decline_code": decline_code, "message": message}


# Refused as soon as they are used.
DECLINED = {
    "4000000000000002": GENERIC,
    "4000000000009995": _decline("insufficient_funds", "Your card has insufficient funds."),
    "4000000000009987": _decline("lost_card"),
    "4000000000009979": _decline("stolen_card"),
    "4000000000000069": {
        "code": "expired_card",
        "decline_code": "expired_card",
        "message": "Your card has expired.",
    },
    "4000000000000127": {
        "code": "incorrect_cvc",
        "decline_code": "incorrect_cvc",
        "message": "Your card's security code is incorrect.",
    },
    "4000000000000119": {
        "code": "processing_error",
        "decline_code": "processing_error",
        "message": "An error occurred while processing your card. Try again in a little bit.",
    },
    "4100000000000019": _decline("fraudulent"),
}
# Attaches, and every charge afterwards fails.
FAILS_LATER = {"4000000000000341": GENERIC}

MAX_YEARS_VALID = 50

TOKENS = {
    "pm_card_visa": "4242424242424242",
    "pm_card_mastercard": "5555555555554444",
    "pm_card_discover": "6011111111111117",
    "pm_card_chargeDeclined": "4000000000000002",
    "pm_card_chargeCustomerFail": "4000000000000341",
}


def checked_number(number: str) -> str:
    """Digits only; raises `incorrect_number` for what cannot be a card number."""
    digits = re.sub(r"[\s-]", "", number)
    if not re.fullmatch(r"[0-9]{12,19}", digits) or not _luhn(digits):
        raise CardError({"code": "incorrect_number", "message": "Your card number is incorrect."})
    return digits


def check_expiry(exp_month: int, exp_year: int, cvc: str, *, now: int) -> None:
    """`now` is wall time, Unix seconds: banks know of no test clocks. Raises CardError."""
    today = dt.datetime.fromtimestamp(now, tz=dt.UTC)
    if not 1 <= exp_month <= 12 or (exp_year == today.year and exp_month < today.month):
        raise CardError(
            {"code": "invalid_expiry_month", "message": "Your card's expiration month is invalid."}
        )
    if not today.year <= exp_year <= today.year + MAX_YEARS_VALID:
        raise CardError(
            {"code": "invalid_expiry_year", "message": "Your card's expiration year is invalid."}
        )
    if not re.fullmatch(r"[0-9]{3,4}", cvc):
        raise CardError({"code": "invalid_cvc", "message": "Your card's security code is invalid."})


def _luhn(digits: str) -> bool:
    total = 0
    for index, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + index % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
