"""A promotion code on the Checkout page."""

from __future__ import annotations

import pytest

from caixa_subscriptions.simulator import Simulator
from caixa_subscriptions.simulator.pages import wording
from tests.simulator.pages.browsing import (
    GOOD,
    Browser,
    call,
    checkout_path,
    new_checkout,
    parsed,
)


@pytest.fixture
def path(simulator: Simulator) -> str:
    """Of a checkout that takes codes, and the code HELLO."""
    call(simulator, "POST", "/v1/coupons", id="TEN", percent_off=10, duration="forever")
    promotion = {"type": "coupon", "coupon": "TEN"}
    call(simulator, "POST", "/v1/promotion_codes", promotion=promotion, code="HELLO")
    session = new_checkout(simulator, subscription_data=None, allow_promotion_codes="true")
    return checkout_path(session)


def test_a_code_is_applied_and_the_reduction_shown(browser: Browser, path: str) -> None:
    page = browser.get(path)
    assert "Total due today $9.00" in page.text
    answer = browser.submit(page, "Apply", code="hello")
    assert (answer.status, answer.location) == (303, path)
    page = browser.get(path)
    assert "HELLO 10% off every payment" in page.text
    assert "Subtotal $9.00 Discount -$0.90 Total due today $8.10" in page.text
    answer = browser.submit(page, "Subscribe", card_number=GOOD)
    assert answer.location.startswith("https://app.example/done/")


def test_a_code_is_taken_off_again(browser: Browser, path: str) -> None:
    browser.submit(browser.get(path), "Apply", code="HELLO")
    assert browser.submit(browser.get(path), "Remove code").status == 303
    page = browser.get(path)
    assert "HELLO" not in page.text
    assert "Total due today $9.00" in page.text


def test_what_is_wrong_with_a_code_is_told_beside_it(browser: Browser, path: str) -> None:
    page = browser.submit(browser.get(path), "Apply", code="<HALLO>")
    assert page.status == 400
    assert "This code is invalid." in page.text
    field = parsed(page).inputs["code"]
    assert (field["value"], field["aria-invalid"]) == ("<HALLO>", "true")
    assert field["aria-describedby"] == "code-error"
    assert "autofocus" in field
    assert "autofocus" not in parsed(page).inputs["card_number"]


def test_the_shops_own_coupon_is_shown_and_stays(browser: Browser, simulator: Simulator) -> None:
    call(simulator, "POST", "/v1/coupons", id="FIVE", name="Launch", amount_off=500, currency="usd")
    session = new_checkout(simulator, subscription_data=None, discounts=[{"coupon": "FIVE"}])
    page = browser.get(checkout_path(session))
    assert "Launch $5.00 off the first payment" in page.text
    assert "Discount -$5.00 Total due today $4.00" in page.text
    assert "Promotion code" not in page.text
    assert "Remove code" not in page.text


def test_a_closed_checkout_takes_no_code(browser: Browser, simulator: Simulator, path: str) -> None:
    call(simulator, "POST", f"/v1/checkout/sessions/{path.rpartition('/')[2]}/expire")
    assert browser.post(f"{path}/code", {"code": "HELLO"}).status == 410


def test_a_checkout_that_sells_nothing_has_no_discounts(
    browser: Browser, simulator: Simulator
) -> None:
    made = call(
        simulator,
        "POST",
        "/v1/checkout/sessions",
        mode="setup",
        currency="usd",
        success_url="https://app.example/done/",
    )
    page = browser.get(checkout_path(made))
    assert page.status == 200
    assert "Discount" not in page.text


@pytest.mark.parametrize(
    ("duration", "months", "words"),
    [
        ("repeating", 3, "12.5% off for 3 months"),
        ("repeating", 1, "12.5% off for 1 month"),
        ("once", None, "12.5% off the first payment"),
    ],
)
def test_terms_in_words(duration: str, months: int | None, words: str) -> None:
    terms = {"percent_off": 12.5, "duration": duration, "duration_in_months": months}
    assert wording.coupon(terms) == words
