"""The page of clocks, events and deliveries."""

from __future__ import annotations

import re

import pytest

from caixa_subscriptions.simulator import Simulator
from caixa_subscriptions.simulator.wsgi import SimulatorApplication
from tests.simulator.pages.browsing import (
    DAY,
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
    monkeypatch.setattr(simulator, "_worker", object())
    simulator.advance_clock(clock, simulator.now() + DAY)
    page = browser.get("/simulator/")
    monkeypatch.undo()
    assert '<meta http-equiv="refresh" content="1">' in page.html
    assert "advancing" in page.text


def test_the_clock_page_shows_everything(browser: Browser, simulator: Simulator) -> None:
    endpoint = call(
        simulator,
        "POST",
        "/v1/webhook_endpoints",
        url="https://app.example/stripe/webhook/1/",
        enabled_events=["*"],
    )
    subscribe(simulator)
    opened = new_checkout(simulator)
    [subscription] = simulator.list_objects("subscription")
    before = browser.get("/simulator/")
    assert "pending" in before.text
    simulator.deliver_pending()
    page = browser.get("/simulator/")
    assert subscription["id"] in page.text
    assert "ana@example.com" in page.text
    assert endpoint["url"] in page.text
    assert f'href="{opened["url"]}"' in page.html
    assert "customer.subscription.created" in page.text
    assert "delivered" in page.text
    assert "subscription create" in page.text


def test_an_empty_simulator_without_a_clock() -> None:
    with Simulator(transport=lambda url, headers, body: 200) as simulator:
        page = Browser(SimulatorApplication(simulator)).get("/simulator/")
    assert "There is no test clock" in page.text
    assert page.text.count("None yet.") == 6


def test_an_event_has_a_page_of_its_own(browser: Browser, simulator: Simulator) -> None:
    customer = call(simulator, "POST", "/v1/customers", email='"<script>@example.com')
    event = next(
        one for one in simulator.list_objects("event") if one["type"] == "customer.created"
    )
    page = browser.get(f"/simulator/events/{event['id']}")
    assert page.status == 200
    assert customer["id"] in page.text
    assert "<script" not in page.html
    assert f'href="/simulator/events/{event["id"]}"' in browser.get("/simulator/").html
    assert browser.get(f"/simulator/events/{customer['id']}").status == 404
    assert browser.get("/simulator/events/evt_none").status == 404


def test_a_delivery_is_sent_again(simulator: Simulator) -> None:
    answers = [500, 200]
    simulator = Simulator(seed=1, transport=lambda url, headers, body: answers.pop(0))
    browser = Browser(SimulatorApplication(simulator))
    call(
        simulator,
        "POST",
        "/v1/webhook_endpoints",
        url="https://app.example/hook/",
        enabled_events=["customer.created"],
    )
    call(simulator, "POST", "/v1/customers", email="ana@example.com")
    simulator.deliver_pending()
    assert "500" in browser.get("/simulator/").text
    answer = browser.submit(browser.get("/simulator/"), "Resend customer.created")
    assert (answer.status, answer.location) == (303, "/simulator/#deliveries")
    simulator.deliver_pending()
    assert simulator.list_deliveries()[0].status == "delivered"
    assert browser.post("/simulator/deliveries/one/resend").status == 404
    simulator.close()
