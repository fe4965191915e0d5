"""Amounts in words."""

from __future__ import annotations

from decimal import Decimal

NOTHING = "\N{EN DASH}"

# Stripe docs: currencies. UGX and ISK have no minor unit but are counted in hundredths.
PLACES = dict.fromkeys(
    (
        *("bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga"),
        *("pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"),
    ),
    0,
) | dict.fromkeys(("bhd", "jod", "kwd", "omr", "tnd"), 3)
SYMBOLS = {"usd": "$", "eur": "€", "gbp": "£", "brl": "R$", "jpy": "¥", "inr": "₹"}


def money(amount: int | Decimal | None, currency: str | None) -> str:
    """`amount` in the smallest unit: (900, "usd") is "$9.00", (900, "jpy") is "¥900"."""
    if amount is None or not currency:
        return NOTHING
    places = PLACES.get(currency, 2)
    exact = Decimal(amount).scaleb(-places)
    digits = max(places, -int(exact.normalize().as_tuple().exponent))
    symbol = SYMBOLS.get(currency, f"{currency.upper()} ")
    return f"{'-' if exact < 0 else ''}{symbol}{abs(exact):,.{digits}f}"
