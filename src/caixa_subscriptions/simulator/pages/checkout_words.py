"""What the Checkout page says, by the mode of its session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# The SDK's text: `submit_type` customises the button.
_SUBMIT = {"book": "Book", "donate": "Donate", "pay": "Pay", "subscribe": "Subscribe"}


@dataclass(frozen=True, slots=True)
class Words:
    heading: str
    button: str
    fine: str


def words(session: Mapping[str, Any], trial_days: int) -> Words:
    asked = _SUBMIT.get(session["submit_type"] or "auto")
    if session["mode"] == "setup":
        return Words(
            "Save your card", "Save card", "Nothing is charged today. The card is kept for later."
        )
    if session["mode"] == "payment":
        return Words("Your order", asked or "Pay", "You pay once. Nothing renews.")
    if trial_days:
        return Words(
            "Start your free trial",
            asked or "Start trial",
            "Cancel before the trial ends and you pay nothing."
            if not session["amount_total"]
            else "Cancel before the trial ends and nothing more is charged.",
        )
    return Words("Subscribe", asked or "Subscribe", "Renews by itself until you cancel.")
