from __future__ import annotations

from decimal import Decimal

from django.utils.formats import number_format
from django.utils.translation import get_language

# Stripe docs: currencies without a minor unit.
ZERO_DECIMAL = frozenset(
    {"bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga"}
    | {"pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"}
)
SYMBOLS = {"usd": "$", "eur": "€", "gbp": "£", "brl": "R$", "jpy": "¥"}
# A Brazilian reads a bare "$" as their own money.
SYMBOLS_PT = SYMBOLS | {"usd": "US$"}


def format_money(amount: int | None, currency: str, *, decimals: bool = True) -> str:
    """An amount in the currency's smallest unit, in the active language; "" for no amount."""
    if amount is None:
        return ""
    places = 0 if currency in ZERO_DECIMAL else 2
    digits = number_format(
        Decimal(amount).scaleb(-places),
        decimal_pos=places if decimals else 0,
        force_grouping=True,
    )
    portuguese = (get_language() or "").startswith("pt")
    symbol = (SYMBOLS_PT if portuguese else SYMBOLS).get(currency)
    if symbol is None:
        return f"{currency.upper()}\N{NO-BREAK SPACE}{digits}"
    return f"{symbol}\N{NO-BREAK SPACE}{digits}" if portuguese else f"{symbol}{digits}"
