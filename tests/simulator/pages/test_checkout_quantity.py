"""Quantities that the customer changes on the hosted Checkout page."""

from __future__ import annotations

from typing import Any

import pytest

from caixa_subscriptions.simulator import Simulator
from tests.simulator.pages.browsing import (
    Browser,
    call,
    checkout_path,
    form_with,
    new_checkout,
    new_price,
    parsed,
)
from tests.simulator.tools import GOOD


def seats(simulator: Simulator, **params: Any) -> dict[str, Any]:
    """A checkout of 2 seats, $9.00 each; from 1 to 5 may be had."""
    price = new_price(simulator)
    item = {"price": price["id"], "quantity": "2"}
    item["adjustable_quantity"] = {"enabled": "true", "minimum": "1", "maximum": "5"}  # type: ignore[assignment]
    given = {"line_items": [item], "subscription_data": None} | params
    return new_checkout(simulator, **given)


def stored(simulator: Simulator, session: dict[str, Any]) -> dict[str, Any]:
    return simulator.get_object(session["id"]) or {}


def test_the_customer_changes_how_many(browser: Browser, simulator: Simulator) -> None:
    session = seats(simulator)
    page = browser.get(checkout_path(session))
    field = parsed(page).inputs["quantity"]
    assert (field["value"], field["min"], field["max"]) == ("2", "1", "5")
    answer = browser.submit(page, "Update", quantity="4")
    assert (answer.status, answer.location) == (303, checkout_path(session))
    page = browser.get(answer.location)
    assert "\N{MULTIPLICATION SIGN} 4" in page.text
    assert "Total due today $36.00" in page.text
    assert browser.submit(page, "Subscribe", card_number=GOOD).status == 303
    done = stored(simulator, session)
    assert (done["amount_subtotal"], done["amount_total"]) == (3600, 3600)
    subscription = simulator.get_object(done["subscription"]) or {}
    assert subscription["items"]["data"][0]["quantity"] == 4
    assert (simulator.get_object(done["invoice"]) or {})["amount_paid"] == 3600


@pytest.mark.parametrize("entered", ["0", "6", "-1", "many", "", "1.5", "9" * 40])
def test_a_quantity_out_of_bounds_is_said_next_to_its_field(
    browser: Browser, simulator: Simulator, entered: str
) -> None:
    session = seats(simulator)
    page = browser.submit(browser.get(checkout_path(session)), "Update", quantity=entered)
    assert page.status == 400
    assert "Choose a quantity from 1 to 5." in page.text
    field = parsed(page).inputs["quantity"]
    assert (field["value"], field["aria-invalid"]) == (entered, "true")
    assert field["aria-describedby"] in page.html
    assert "autofocus" in field
    assert "autofocus" not in parsed(page).inputs["card_number"]
    assert stored(simulator, session)["amount_total"] == 1800


def test_a_trial_stays_free_whatever_the_quantity(browser: Browser, simulator: Simulator) -> None:
    session = seats(simulator, subscription_data={"trial_period_days": "7"})
    page = browser.get(checkout_path(session))
    page = browser.get(browser.submit(page, "Update", quantity="3").location)
    assert "7 days free, then $27.00 per month" in page.text
    assert "Total due today $0.00" in page.text


def test_a_discount_follows_the_quantity(browser: Browser, simulator: Simulator) -> None:
    call(simulator, "POST", "/v1/coupons", id="HALF", percent_off="50")
    session = seats(simulator, discounts=[{"coupon": "HALF"}])
    page = browser.get(checkout_path(session))
    page = browser.get(browser.submit(page, "Update", quantity="4").location)
    assert "Subtotal $36.00 Discount -$18.00 Total due today $18.00" in page.text


def test_a_code_that_asks_for_more_keeps_the_quantity(
    browser: Browser, simulator: Simulator
) -> None:
    call(simulator, "POST", "/v1/coupons", id="HALF", percent_off="50")
    call(
        simulator,
        "POST",
        "/v1/promotion_codes",
        code="BIG",
        promotion={"type": "coupon", "coupon": "HALF"},
        restrictions={"minimum_amount": "1800", "minimum_amount_currency": "usd"},
    )
    session = seats(simulator, allow_promotion_codes="true")
    page = browser.submit(browser.get(checkout_path(session)), "Apply", code="BIG")
    page = browser.submit(browser.get(page.location), "Update", quantity="1")
    assert page.status == 400
    assert stored(simulator, session)["amount_total"] == 900


def test_lines_that_are_not_adjustable_have_no_field(
    browser: Browser, simulator: Simulator
) -> None:
    session = new_checkout(simulator)
    page = browser.get(checkout_path(session))
    assert "quantity" not in parsed(page).inputs
    (line,) = call(simulator, "GET", f"/v1/checkout/sessions/{session['id']}/line_items")["data"]
    path = f"{checkout_path(session)}/quantity"
    for given in ({"line": line["id"], "quantity": "2"}, {"line": "li_none", "quantity": "2"}):
        assert browser.post(path, given).status == 400
    call(simulator, "POST", f"/v1/checkout/sessions/{session['id']}/expire")
    assert browser.post(path, {"line": line["id"], "quantity": "2"}).status == 410


def test_each_mode_has_words_of_its_own(browser: Browser, simulator: Simulator) -> None:
    data = {"currency": "usd", "unit_amount": "700", "product_data": {"name": "Book"}}
    once = {"subscription_data": None, "mode": "payment", "line_items": [{"price_data": data}]}
    page = browser.get(checkout_path(new_checkout(simulator, **once)))
    assert form_with(page, "Pay")
    assert "Your order Book $7.00 Total due today $7.00" in page.text
    assert "Renews" not in page.text
    page = browser.get(checkout_path(new_checkout(simulator, **once, submit_type="donate")))
    assert form_with(page, "Donate")
    later = {"mode": "setup", "currency": "usd", "line_items": None, "subscription_data": None}
    page = browser.get(checkout_path(new_checkout(simulator, **later)))
    assert form_with(page, "Save card")
    assert "Total" not in page.text
    assert browser.submit(page, "Save card", card_number=GOOD).status == 303
