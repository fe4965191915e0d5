"""Stripe's numbers in words: amounts, intervals, times, statuses, cards."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from caixa_subscriptions.simulator.money import NOTHING, money

# English whatever the process's locale is, which strftime's %B follows.
MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)

BRANDS = {
    "amex": "American Express",
    "diners": "Diners Club",
    "jcb": "JCB",
    "mastercard": "Mastercard",
    "unionpay": "UnionPay",
    "visa": "Visa",
}


def price_amount(price: Mapping[str, Any], quantity: int = 1) -> str:
    """What `quantity` of a price costs each time; sub-cent prices only have a decimal amount."""
    unit = price.get("unit_amount")
    exact = Decimal(unit if unit is not None else price.get("unit_amount_decimal") or 0)
    return money(exact * quantity, price.get("currency"))


def interval(price: Mapping[str, Any]) -> str:
    """ "per month", "every 3 months", or "" for a price that is paid once."""
    recurring = price.get("recurring")
    if not recurring:
        return ""
    count = recurring.get("interval_count") or 1
    unit = recurring["interval"]
    return f"per {unit}" if count == 1 else f"every {count} {unit}s"


def coupon(terms: Mapping[str, Any]) -> str:
    """ "10% off for 3 months", "$5.00 off the first payment", "10% off every payment"."""
    percent, months = terms["percent_off"], terms["duration_in_months"]
    off = f"{percent:g}%" if percent else money(terms["amount_off"], terms["currency"])
    durations = {
        "forever": "every payment",
        "once": "the first payment",
        "repeating": f"for {months} month{'s' if months != 1 else ''}",
    }
    return f"{off} off {durations[terms['duration']]}"


def days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"


def date(timestamp: int | None) -> str:
    """Unix seconds as a day of UTC."""
    if timestamp is None:
        return NOTHING
    moment = dt.datetime.fromtimestamp(timestamp, tz=dt.UTC)
    return f"{moment.day} {MONTHS[moment.month - 1]} {moment.year}"


def time(timestamp: int | None) -> str:
    """Unix seconds as day and time of UTC."""
    if timestamp is None:
        return NOTHING
    return f"{date(timestamp)}, {dt.datetime.fromtimestamp(timestamp, tz=dt.UTC):%H:%M:%S} UTC"


def card(payment_method: Mapping[str, Any] | None) -> str:
    details = (payment_method or {}).get("card")
    if not details:
        return "No card on file"
    brand = BRANDS.get(details["brand"], "Card")
    expiry = f"{details['exp_month']:02d}/{details['exp_year'] % 100:02d}"
    return f"{brand} ending in {details['last4']}, expires {expiry}"


def words(status: str) -> str:
    """A status of Stripe's as a chip shows it: "past_due" is "past due"."""
    return status.replace("_", " ")


def period_end(subscription: Mapping[str, Any]) -> int | None:
    ends = [item["current_period_end"] for item in subscription["items"]["data"]]
    return min(ends, default=None)


def subscription_sentence(subscription: Mapping[str, Any], price: str) -> str:
    """What happens next, for its owner. `price` is the amount in words."""
    status = subscription["status"]
    cancel_at = subscription["cancel_at"]
    if status in ("canceled", "incomplete_expired"):
        return f"Your subscription ended on {date(subscription['ended_at'])}."
    if cancel_at is not None:
        return f"Your subscription will end on {date(cancel_at)}."
    if status == "trialing":
        end = date(subscription["trial_end"])
        return f"Your free trial lasts until {end}. Then {price} will be charged."
    if status == "past_due":
        return "Your last payment failed. Update your card, and it will be tried again."
    if status == "unpaid":
        return "Several payments failed. Update your card and pay the open invoice to go on."
    if status == "paused":
        return "Your subscription is paused. Add a card to go on."
    if status == "incomplete":
        return "Your first payment was not completed."
    return f"Your next charge of {price} is on {date(period_end(subscription))}."
