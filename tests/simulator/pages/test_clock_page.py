"""Clocks and the buttons that move them, on the overview and on their own page."""

from __future__ import annotations

import re

import pytest

from caixa_subscriptions.simulator import Simulator
from caixa_subscriptions.simulator.wsgi import SimulatorApplication
from tests.simulator.pages.browsing import (
    DAY,
    START,
    Browser,
    Page,
    call,
    new_checkout,
    new_price,
    subscribe,
)


def clock_time(page: Page) -> str:
    found = re.search(r'class="time">([^<]+)<', page.html)
    assert found
    return found[1]


@pytest.mark.parametrize(
    ("button", "time"),
    [
        ("1 hour", "28 May 2026, 21:26:40 UTC"),
        ("1 day", "29 May 2026, 20:26:40 UTC"),
        ("8 days", "5 June 2026, 20:26:40 UTC"),
        ("1 month", "28 June 2026, 20:26:40 UTC"),
    ],
)
def test_the_clock_is_advanced(browser: Browser, button: str, time: str) -> None:
    page = browser.get("/simulator/")
    assert clock_time(page) == "28 May 2026, 20:26:40 UTC"
    answer = browser.submit(page, f"Advance {button}")
    assert (answer.status, answer.location) == (303, "/simulator/")
    assert clock_time(browser.get("/simulator/")) == time


def test_a_month_ends_on_the_last_day_and_turns_the_year(simulator: Simulator) -> None:
    browser = Browser(SimulatorApplication(simulator))
    moments = {
        1_801_353_600: "28 February 2027, 00:00:00 UTC",  # from 31 January
        1_798_675_200: "31 January 2027, 00:00:00 UTC",  # from 31 December
    }
    for start, time in moments.items():
        clock = call(simulator, "POST", "/v1/test_helpers/test_clocks", frozen_time=str(start))
        browser.post(f"/simulator/clocks/{clock['id']}/advance", {"by": "month"})
        assert time in browser.get("/simulator/").text


def test_a_refused_advance_is_explained(browser: Browser, simulator: Simulator) -> None:
    subscribe(
        simulator,
        subscription_data=None,
        price=new_price(simulator, recurring={"interval": "day"}),
    )
    page = browser.submit(browser.get("/simulator/"), "Advance 1 month")
    assert page.status == 400
    assert "You can only advance" in page.text
    assert clock_time(page) == "28 May 2026, 20:26:40 UTC"


def test_an_advance_must_name_a_clock_and_a_step(browser: Browser, simulator: Simulator) -> None:
    clock = simulator.default_clock_id
    customer = call(simulator, "POST", "/v1/customers", email="ana@example.com")
    assert browser.post("/simulator/clocks/none/advance", {"by": "day"}).status == 404
    assert browser.post(f"/simulator/clocks/{customer['id']}/advance", {"by": "day"}).status == 404
    assert browser.post(f"/simulator/clocks/{clock}/advance", {"by": "year"}).status == 400
    assert browser.post(f"/simulator/clocks/{clock}/advance").status == 400


def test_the_page_reloads_itself_while_a_clock_moves(
    browser: Browser, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "http-equiv" not in browser.get("/simulator/").html
    clock = simulator.default_clock_id
    assert clock is not None
    monkeypatch.setattr(simulator._workers, "_threads", [object()])
    simulator.advance_clock(clock, simulator.now() + DAY)
    page = browser.get("/simulator/")
    monkeypatch.undo()
    assert '<meta http-equiv="refresh" content="1">' in page.html
    assert "advancing" in page.text


def test_a_clock_goes_to_a_moment(browser: Browser, simulator: Simulator) -> None:
    page = browser.get("/simulator/clocks")
    answer = browser.submit(page, "Go there", to="2026-06-30T08:00")
    assert (answer.status, answer.location) == (303, "/simulator/clocks")
    assert clock_time(browser.get("/simulator/clocks")) == "30 June 2026, 08:00:00 UTC"
    back = browser.submit(page, "Go there", to="2026-06-01T08:00")
    assert back.status == 400
    assert "can only be moved forward" in back.text
    assert "Clocks" in back.text


@pytest.mark.parametrize("to", ["", "tomorrow", "2026-13-01T00:00", "9999-12-31T23:59:59.5"])
def test_a_moment_that_is_none(browser: Browser, simulator: Simulator, to: str) -> None:
    path = f"/simulator/clocks/{simulator.default_clock_id}/advance"
    assert browser.post(path, {"to": to}).status == 400


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", "/simulator/../x?y"])
def test_a_form_leads_back_to_pages_of_ours_only(
    browser: Browser, simulator: Simulator, back: str
) -> None:
    path = f"/simulator/clocks/{simulator.default_clock_id}/advance"
    assert browser.post(path, {"by": "hour", "back": back}).location == "/simulator/"


def test_a_clock_says_what_comes_next(browser: Browser, simulator: Simulator) -> None:
    subscribe(simulator)
    new_checkout(simulator, customer=None, customer_email="bea@example.com")
    text = browser.get("/simulator/").text
    assert "in 4 days Subscription of ana@example.com sends trial_will_end" in text
    assert "in 7 days Subscription of ana@example.com ends its trial" in text
    assert "in 24 hours Session of bea@example.com expires" in text
    assert "Advance 8 days 4 due" in text


def test_what_is_due_by_the_time_of_day_is_shown() -> None:
    with Simulator(transport=lambda url, headers, body: 200) as simulator:
        subscribe(simulator)
        page = Browser(SimulatorApplication(simulator)).get("/simulator/")
    assert "By the time of day" in page.text
    assert "ends its trial" in page.text


def test_many_clocks_have_their_own_page(browser: Browser, simulator: Simulator) -> None:
    for number in range(4):
        call(
            simulator,
            "POST",
            "/v1/test_helpers/test_clocks",
            frozen_time=str(START),
            name=f"Clock {number}",
        )
    home = browser.get("/simulator/")
    assert "All 5 clocks" in home.text
    assert "Clock 0" not in home.text
    assert "Clock 0" in browser.get("/simulator/clocks").text
