"""Changing the plan on the portal's page."""

from __future__ import annotations

from typing import Any

import pytest

from caixa_subscriptions.simulator import Simulator
from tests.simulator.pages.browsing import (
    FAILS_LATER,
    Browser,
    call,
    form_with,
    new_price,
    parsed,
    portal_path,
    subscribe,
)
from tests.simulator.pages.test_portal_steps import links, portal_with, subscribed


def plan_page(simulator: Simulator, subscription: dict[str, Any], **changes: Any) -> str:
    """The path of its plan page; sells the product at $9.00, $19.00 and, a year, $90.00."""
    price = subscription["items"]["data"][0]["price"]
    prices = [
        call(simulator, "POST", "/v1/prices", product=price["product"], currency="usd", **terms)
        for terms in (
            {"unit_amount": "1900", "recurring": {"interval": "month"}},
            {"unit_amount": "9000", "recurring": {"interval": "year"}},
        )
    ]
    offered = {
        "product": price["product"],
        "prices": [price["id"], *(one["id"] for one in prices)],
        "adjustable_quantity": {"enabled": True, "minimum": 1, "maximum": 5},
    }
    feature = {
        "enabled": True,
        "default_allowed_updates": ["price", "quantity"],
        "products": [offered],
        "proration_behavior": "always_invoice",
    } | changes
    path = portal_with(simulator, subscription["customer"], subscription_update=feature)
    return f"{path}/plan/{subscription['id']}"


def price_of(simulator: Simulator, amount: int) -> str:
    prices = simulator.list_objects("price")
    return str(next(one["id"] for one in prices if one["unit_amount"] == amount))


def test_a_plan_is_chosen_priced_and_confirmed(browser: Browser, simulator: Simulator) -> None:
    subscription = subscribed(simulator)
    path = plan_page(simulator, subscription)
    portal = path.partition("/plan/")[0]
    assert path in links(browser.get(portal))
    page = browser.get(path)
    assert "$9.00 per month (your plan) Reports <b> $19.00 per month" in page.text
    form = form_with(page, "Continue")
    assert (form.action, form.fields["quantity"]) == (path, "1")
    dear = price_of(simulator, 1900)
    page = browser.get(f"{path}?price={dear}&quantity=2")
    assert "From Reports <b>, $9.00 per month" in page.text
    assert "To Reports <b> \N{MULTIPLICATION SIGN} 2, $38.00 per month" in page.text
    assert "Due today $29.00" in page.text
    assert "Your next charge of $38.00 is on 28 June 2026." in page.text
    assert len(simulator.list_objects("invoice")) == 1  # only shown
    answer = browser.submit(page, "Confirm")
    assert (answer.status, answer.location) == (303, portal)
    changed = simulator.get_object(subscription["id"])
    assert changed is not None
    assert (changed["plan"]["id"], changed["quantity"]) == (dear, 2)
    assert simulator.list_objects("invoice")[0]["amount_paid"] == 2900


@pytest.mark.parametrize(
    ("behavior", "upcoming"), [("none", "$19.00"), ("create_prorations", "$29.00")]
)
def test_what_is_not_due_today_comes_later(
    browser: Browser, simulator: Simulator, behavior: str, upcoming: str
) -> None:
    path = plan_page(simulator, subscribed(simulator), proration_behavior=behavior)
    page = browser.get(f"{path}?price={price_of(simulator, 1900)}")
    assert "Due today $0.00" in page.text
    assert f"Your next charge of {upcoming} is on 28 June 2026." in page.text


def test_a_trial_that_ends_by_the_change(browser: Browser, simulator: Simulator) -> None:
    subscribe(simulator)
    [subscription] = simulator.list_objects("subscription")
    path = plan_page(simulator, subscription)
    page = browser.get(f"{path}?price={price_of(simulator, 1900)}")
    assert "Due today $19.00" in page.text
    assert simulator.get_object(subscription["id"]) == subscription


def test_a_charge_that_will_fail_is_shown_all_the_same(
    browser: Browser, simulator: Simulator
) -> None:
    subscribe(simulator, card=FAILS_LATER)
    path = plan_page(simulator, simulator.list_objects("subscription")[0])
    page = browser.get(f"{path}?price={price_of(simulator, 9000)}")
    assert "Due today $90.00" in page.text
    assert browser.submit(page, "Confirm").status == 303
    assert simulator.list_objects("subscription")[0]["status"] == "past_due"


def test_a_subscription_about_to_end_charges_nothing_more(
    browser: Browser, simulator: Simulator
) -> None:
    subscription = subscribed(simulator)
    path = plan_page(simulator, subscription)
    url = f"/v1/subscriptions/{subscription['id']}"
    call(simulator, "POST", url, cancel_at_period_end="true")
    page = browser.get(f"{path}?price={price_of(simulator, 1900)}")
    assert "Nothing more will be charged by itself." in page.text


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("price={dear}&quantity=6", "This quantity cannot be chosen."),
        ("price={dear}&quantity=two", "Write the quantity as a number."),
        ("price=price_none", "This price is not offered"),
        ("price={cheap}&quantity=1", "This is your plan already."),
    ],
)
def test_a_choice_that_is_none(
    browser: Browser, simulator: Simulator, query: str, words: str
) -> None:
    path = plan_page(simulator, subscribed(simulator))
    dear, cheap = price_of(simulator, 1900), price_of(simulator, 900)
    page = browser.get(f"{path}?{query.format(dear=dear, cheap=cheap)}")
    assert page.status == 400
    assert words in page.text
    assert form_with(page, "Continue")


def test_what_is_refused_after_all_is_said(browser: Browser, simulator: Simulator) -> None:
    subscription = subscribed(simulator)
    portal = plan_page(simulator, subscription).partition("/plan/")[0]
    form = {"subscription": subscription["id"], "quantity": "9"}
    page = browser.post(f"{portal}/plan", form)
    assert page.status == 400
    assert "This quantity cannot be chosen." in page.text


def test_only_what_may_change_can_be_chosen(browser: Browser, simulator: Simulator) -> None:
    subscription = subscribed(simulator)
    only_quantity = browser.get(
        plan_page(simulator, subscription, default_allowed_updates=["quantity"])
    )
    assert "$9.00 per month" in only_quantity.text
    assert "$19.00" not in only_quantity.text
    path = plan_page(simulator, subscription, default_allowed_updates=["price"])
    assert "quantity" not in parsed(browser.get(path)).inputs


def test_prices_that_cannot_be_bought_are_left_out(browser: Browser, simulator: Simulator) -> None:
    subscription = subscribed(simulator)
    other = new_price(simulator, unit_amount="2900")
    euros = new_price(simulator, currency="eur", product=other["product"])
    closed = new_price(simulator, unit_amount="3900", product=other["product"])
    call(simulator, "POST", f"/v1/prices/{closed['id']}", active="false")
    prices = [other["id"], euros["id"], closed["id"]]
    products = [{"product": other["product"], "prices": prices}]
    page = browser.get(plan_page(simulator, subscription, products=products))
    assert "$9.00 per month (your plan)" in page.text  # though no longer offered
    assert "$29.00" in page.text
    assert "€" not in page.text
    assert "$39.00" not in page.text


def test_no_plan_page_where_plans_are_not_changed(browser: Browser, simulator: Simulator) -> None:
    subscription = subscribed(simulator)
    path = portal_path(simulator, subscription["customer"])
    assert "Update plan" not in browser.get(path).text
    assert browser.get(f"{path}/plan/{subscription['id']}").status == 404
