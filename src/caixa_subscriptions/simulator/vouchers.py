"""Boleto and Pix: what the customer is shown to pay with, and until when.

Sources: Stripe docs: payments/boleto, payments/pix; SDK types.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from caixa_subscriptions.simulator.errors import invalid, not_simulated
from caixa_subscriptions.simulator.objects import DAY
from caixa_subscriptions.simulator.world import WALL, World

DELAYED = ("boleto", "pix")
CURRENCY = "brl"
BOLETO_AMOUNTS = (500, 4_999_999)  # in centavos
BOLETO_DAYS = 3
BRASILIA = dt.timezone(dt.timedelta(hours=-3))  # no summer time since 2019
UNAVAILABLE = {
    "code": "payment_method_not_available",
    "decline_code": "generic_decline",
    "message": "The payment method cannot be used for this currency and amount.",
}
# What the owner's e-mail address makes of a voucher in test mode.
AT_ONCE = {"expire_immediately@": "expire_voucher", "succeed_immediately@": "settle_voucher"}


def is_delayed(payment_method: dict[str, Any]) -> bool:
    return payment_method["type"] in DELAYED


def check_types(types: list[str], currency: str | None) -> None:
    """Raises StripeError: there are cards, and Boleto and Pix for reais."""
    for index, kind in enumerate(types):
        param = f"payment_method_types[{index}]"
        if kind not in ("card", *DELAYED):
            raise not_simulated(param)
        if kind in DELAYED and currency != CURRENCY:
            raise invalid(
                f"The payment method type provided: {kind} is invalid. It is for {CURRENCY} only.",
                param,
            )


def awaits_voucher(intent: dict[str, Any]) -> bool:
    """Whether a Boleto or Pix of it can be paid."""
    kind = (intent["next_action"] or {"type": ""})["type"].partition("_")[0]
    return intent["status"] == "requires_action" and kind in DELAYED


def fits(payment_method: dict[str, Any], amount: int, currency: str) -> bool:
    """Reais alone, and for Boleto between R$5.00 and R$49,999.99."""
    least, most = BOLETO_AMOUNTS if payment_method["type"] == "boleto" else (1, amount)
    return currency == CURRENCY and least <= amount <= most


def show_voucher(
    world: World, intent: dict[str, Any], payment_method: dict[str, Any], now: int
) -> None:
    """The intent waits for its customer to pay what is shown."""
    clock = world.clock_of(intent)
    kind = payment_method["type"]
    expires_at = _end_of_day(now + BOLETO_DAYS * DAY) if kind == "boleto" else now + DAY
    url = f"{world.caller.base_url}/simulator/voucher/{intent['id']}"
    changes = {
        "last_payment_error": None,
        "next_action": _boleto(world, expires_at, url)
        if kind == "boleto"
        else _pix(intent, expires_at, url),
        "payment_method": payment_method["id"],
        "status": "requires_action",
    }
    world.update(intent, changes)
    world.emit("payment_intent.requires_action", intent)
    world.schedule(intent, "expire_voucher", expires_at, clock)
    email = payment_method["billing_details"]["email"] or ""
    for part, action in AT_ONCE.items():
        if part in email:
            world.schedule(intent, action, world.wall(), WALL)


def _end_of_day(moment: int) -> int:
    day = dt.datetime.fromtimestamp(moment, tz=BRASILIA)
    return int(day.replace(hour=23, minute=59, second=0).timestamp())


def next_business_day(moment: int) -> int:
    """The same time of the next day that is no weekend in Brazil; holidays are not known here."""
    moment += DAY
    while dt.datetime.fromtimestamp(moment, tz=BRASILIA).weekday() > 4:
        moment += DAY
    return moment


def _boleto(world: World, expires_at: int, url: str) -> dict[str, Any]:
    details = {
        "expires_at": expires_at,
        "hosted_voucher_url": url,
        "number": world.ids.digits(47),
        "pdf": url,
    }
    return {"type": "boleto_display_details", "boleto_display_details": details}


def _pix(intent: dict[str, Any], expires_at: int, url: str) -> dict[str, Any]:
    details = {
        "data": f"simulated-pix-{intent['id']}",
        "expires_at": expires_at,
        "hosted_instructions_url": url,
        "image_url_png": url,
        "image_url_svg": url,
    }
    return {"type": "pix_display_qr_code", "pix_display_qr_code": details}
