"""What the pages say in words."""

from __future__ import annotations

import pytest

from caixa_subscriptions.simulator.money import NOTHING, money
from caixa_subscriptions.simulator.pages import wording
from caixa_subscriptions.simulator.pages.html import Html, fill


@pytest.mark.parametrize(
    ("amount", "currency", "words"),
    [
        (900, "usd", "$9.00"),
        (-150, "eur", "-€1.50"),
        (123456789, "brl", "R$1,234,567.89"),
        (900, "jpy", "¥900"),
        (1234, "kwd", "KWD 1.234"),
        (500, "ugx", "UGX 5.00"),
        (0, "usd", "$0.00"),
        (None, "usd", NOTHING),
        (1, None, NOTHING),
    ],
)
def test_money(amount: int | None, currency: str | None, words: str) -> None:
    assert money(amount, currency) == words


def test_a_price_below_a_cent_keeps_its_digits() -> None:
    price = {"unit_amount": None, "unit_amount_decimal": "0.5", "currency": "usd"}
    assert wording.price_amount(price) == "$0.005"
    assert wording.price_amount({"unit_amount": None, "currency": "usd"}) == "$0.00"
    assert wording.interval({"recurring": None}) == ""


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("past_due", "Your last payment failed."),
        ("unpaid", "Several payments failed."),
        ("paused", "Your subscription is paused."),
        ("incomplete", "Your first payment was not completed."),
    ],
)
def test_what_a_status_means(status: str, words: str) -> None:
    subscription = {"status": status, "cancel_at": None}
    assert wording.subscription_sentence(subscription, "$9.00").startswith(words)


def test_markup_is_escaped_unless_it_is_markup() -> None:
    filled = fill("<p>{a}{b}{c}{d}</p>", a="<&\"'", b=Html("<br>"), c=None, d=[1, "<", Html("<i>")])
    assert filled == "<p>&lt;&amp;&quot;&#x27;<br>1&lt;<i></p>"
