"""Test cards and what they do (Stripe docs: testing)."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Any, Literal

from caixa_subscriptions.simulator.errors import CardError

Use = Literal["attach", "set_up", "charge"]
Decline = dict[str, Any]

GENERIC: Decline = {
    "code": "card_declined",
    "decline_code": "generic_decline",
    "message": "Your card was declined.",
    "advice_code": "try_again_later",
    "network_decline_code": "01",
}


def _decline(decline_code: str, message: str = "Your card was declined.") -> Decline:
    return GENERIC | {"decline_code": decline_code, "message": message}


AUTHENTICATION_REQUIRED: Decline = {
    "code": "authentication_required",
    "decline_code": "authentication_required",
    "message": "Your card was declined. This transaction requires authentication.",
}
INSUFFICIENT_FUNDS = _decline("insufficient_funds", "Your card has insufficient funds.")
# Refused by the bank as soon as they are used.
DECLINED: dict[str, Decline] = {
    "4000000000000002": GENERIC,
    "4000000000009995": INSUFFICIENT_FUNDS,
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
}
# Attach, and no charge succeeds: by the bank, by Radar, and after authentication.
_FAILS_LATER: dict[str, Decline] = {
    "4000000000000341": GENERIC,
    "4100000000000019": _decline("fraudulent") | {"blocked": "highest_risk_level"},
    "4000008260003178": INSUFFICIENT_FUNDS,
}
# When the customer must authenticate.
_AUTHENTICATES: dict[str, Literal["always", "unless_set_up", "on_session"]] = {
    "4000002500003155": "unless_set_up",
    "4000002760003184": "always",
    "4000003800000446": "on_session",
    "4000008260003178": "unless_set_up",
}
# Nothing is tried again after these before there is another payment method (Stripe docs: Smart
# Retries).
HARD_DECLINES = frozenset(
    {
        "authentication_required",
        "highest_risk_level",
        "incorrect_number",
        "lost_card",
        "pickup_card",
        "revocation_of_all_authorizations",
        "revocation_of_authorization",
        "stolen_card",
        "transaction_not_allowed",
    }
)
COUNTRIES = {"4000000760000002": "BR", "4000002760003184": "DE"}  # all others are of the US

MAX_YEARS_VALID = 50

TOKENS = {
    "pm_card_visa": "4242424242424242",
    "pm_card_mastercard": "5555555555554444",
    "pm_card_amex": "378282246310005",
    "pm_card_discover": "6011000990139424",
    "pm_card_br": "4000000760000002",
    "pm_card_chargeDeclined": "4000000000000002",
    "pm_card_visa_chargeDeclined": "4000000000000002",
    "pm_card_chargeDeclinedInsufficientFunds": "4000000000009995",
    "pm_card_visa_chargeDeclinedInsufficientFunds": "4000000000009995",
    "pm_card_visa_chargeDeclinedLostCard": "4000000000009987",
    "pm_card_visa_chargeDeclinedStolenCard": "4000000000009979",
    "pm_card_chargeDeclinedExpiredCard": "4000000000000069",
    "pm_card_chargeDeclinedIncorrectCvc": "4000000000000127",
    "pm_card_chargeDeclinedProcessingError": "4000000000000119",
    "pm_card_chargeCustomerFail": "4000000000000341",
    "pm_card_radarBlock": "4100000000000019",
    "pm_card_authenticationRequired": "4000002760003184",
    "pm_card_authenticationRequiredOnSetup": "4000002500003155",
    "pm_card_authenticationRequiredSetupForOffSession": "4000003800000446",
    "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds": "4000008260003178",
    "pm_card_createDispute": "4000000000000259",
    "pm_card_createDisputeProductNotReceived": "4000000000002685",
    "pm_card_createIssuerFraudRecord": "4000000000005423",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What comes of using a card: by default it succeeds."""

    decline: Decline | None = None
    needs_authentication: bool = False
    delayed: bool = False  # its customer has still to pay

    @property
    def succeeds(self) -> bool:
        return self.decline is None and not (self.needs_authentication or self.delayed)


def outcome(
    number: str,
    use: Use,
    *,
    off_session: bool = False,
    set_up: bool = False,
    authenticated: bool = False,
) -> Outcome:
    """What comes of this use of a card (Stripe docs: testing).

    `set_up`: its customer has authenticated before, so that it may be charged `off_session`.
    `authenticated`: the customer has just done so.
    """
    if number in DECLINED:
        return Outcome(DECLINED[number])
    if use == "attach":
        return Outcome()
    free = {"always": False, "unless_set_up": off_session and set_up, "on_session": off_session}
    if not (authenticated or free.get(_AUTHENTICATES.get(number, ""), True)):
        return Outcome(needs_authentication=True)
    return Outcome(_FAILS_LATER.get(number) if use == "charge" else None)


def check(number: str, use: Use, **terms: bool) -> None:
    """Raises CardError when the card is declined; `terms` as of `outcome`."""
    if decline := outcome(number, use, **terms).decline:
        raise declined(decline)


def declined(decline: Decline) -> CardError:
    return CardError({key: value for key, value in decline.items() if key != "blocked"})


def is_hard(decline: Decline) -> bool:
    """Whether it is no use to try again with the same card."""
    return not HARD_DECLINES.isdisjoint({decline["decline_code"], decline.get("blocked")})


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
