"""What the customer portal offers by its configuration, and its links that are over."""

from __future__ import annotations

from typing import Any

import pytest

from caixa_subscriptions.simulator import Simulator
from caixa_subscriptions.simulator.wsgi import SimulatorApplication
from tests.simulator.pages.browsing import (
    START,
    Browser,
    Page,
    call,
    form_with,
    parsed,
    portal_path,
    subscribe,
)
from tests.simulator.tools import Wall

CONFIGURATIONS = "/v1/billing_portal/configurations"


def subscribed(simulator: Simulator, **changes: Any) -> dict[str, Any]:
    subscribe(simulator, **({"subscription_data": None} | changes))
    return simulator.list_objects("subscription")[0]


def portal_with(simulator: Simulator, customer: str, **features: Any) -> str:
    made = call(simulator, "POST", CONFIGURATIONS, features=features)
    return portal_path(simulator, customer, configuration=made["id"])


def links(page: Page) -> list[str]:
    return [part.partition('"')[0] for part in page.html.split('href="')[1:]]


def test_what_is_not_offered_is_not_shown(browser: Browser, simulator: Simulator) -> None:
    subscription = subscribed(simulator)
    path = portal_with(simulator, subscription["customer"])
    page = browser.get(path)
    assert "Your next charge of $9.00" in page.text
    for absent in ("Cancel", "Payment method", "Invoices"):
        assert absent not in page.text
    assert parsed(page).forms == []
    assert browser.get(f"{path}/cancel/{subscription['id']}").status == 404
    refused = browser.post(f"{path}/cancel", {"subscription": subscription["id"]})
    assert (refused.status, "does not offer" in refused.text) == (400, True)


def test_headline_and_terms_are_shown(browser: Browser, simulator: Simulator) -> None:
    profile = {"headline": "Thank you <3", "privacy_policy_url": "https://app.example/privacy"}
    made = call(simulator, "POST", CONFIGURATIONS, business_profile=profile, features={})
    customer = subscribed(simulator)["customer"]
    page = browser.get(portal_path(simulator, customer, configuration=made["id"]))
    assert "Thank you <3" in page.text
    assert "https://app.example/privacy" in links(page)
    assert "Terms of service" not in page.text


def test_invoices_lead_to_their_pages(browser: Browser, simulator: Simulator) -> None:
    customer = subscribed(simulator)["customer"]
    [invoice] = simulator.list_objects("invoice")
    page = browser.get(portal_path(simulator, customer))
    assert f"/simulator/invoices/{invoice['id']}" in links(page)
    assert browser.get(f"/simulator/invoices/{invoice['id']}").status == 200


def test_a_cancellation_asks_for_its_reason(browser: Browser, simulator: Simulator) -> None:
    subscription = subscribed(simulator)
    reason = {"enabled": True, "options": ["too_expensive", "unused"]}
    feature = {"enabled": True, "cancellation_reason": reason}
    path = portal_with(simulator, subscription["customer"], subscription_cancel=feature)
    step = f"{path}/cancel/{subscription['id']}"
    assert step in links(browser.get(path))
    page = browser.get(step)
    assert "Reports <b>" in page.text
    assert "will end on 28 June 2026. Until then it is yours." in page.text
    assert "It is too expensive I do not use it enough Cancel" in page.text
    assert {path, "https://app.example/billing/"} <= set(links(page))
    answer = browser.submit(page, "Cancel subscription", feedback="unused")
    assert (answer.status, answer.location) == (303, path)
    changed = simulator.get_object(subscription["id"])
    assert changed is not None
    assert changed["cancellation_details"]["feedback"] == "unused"
    assert changed["cancel_at"] == subscription["items"]["data"][0]["current_period_end"]


def test_a_cancellation_at_once_asks_first(browser: Browser, simulator: Simulator) -> None:
    subscription = subscribed(simulator)
    feature = {"enabled": True, "mode": "immediately"}
    path = portal_with(simulator, subscription["customer"], subscription_cancel=feature)
    page = browser.get(f"{path}/cancel/{subscription['id']}")
    assert "will end at once" in page.text
    assert "feedback" not in form_with(page, "Cancel subscription").fields
    assert browser.submit(page, "Cancel subscription").status == 303
    assert "Your subscription ended on 28 May 2026." in browser.get(path).text
    assert browser.get(f"{path}/cancel/{subscription['id']}").status == 404


def test_strangers_and_other_objects_are_not_found(browser: Browser, simulator: Simulator) -> None:
    stranger = subscribed(simulator)
    path = portal_path(simulator, subscribed(simulator)["customer"])
    for object_id in (stranger["id"], stranger["customer"], "sub_none"):
        assert browser.get(f"{path}/cancel/{object_id}").status == 404


@pytest.mark.parametrize(("used", "seconds"), [(False, 300), (True, 3600)])
def test_a_link_lives_for_five_minutes_and_once_used_for_an_hour_after(
    used: bool, seconds: int
) -> None:
    wall = Wall(START)
    with Simulator(seed=7, now=wall, transport=lambda url, headers, body: 200) as simulator:
        browser = Browser(SimulatorApplication(simulator))
        path = subscribe(simulator)
        if used:
            browser.get(path)
            wall.time += 3599
            assert browser.get(path).status == 200  # which begins the hour anew
        wall.time += seconds
        page = browser.get(path)
        assert page.status == 410
        assert "not valid any more" in page.text
        assert "https://app.example/billing/" in links(page)
        assert browser.post(f"{path}/cancel", {"subscription": "sub_1"}).status == 410


def test_portal_addresses_that_are_none(browser: Browser, simulator: Simulator) -> None:
    path = subscribe(simulator)
    assert browser.get(f"{path}/none").status == 404
    assert browser.post(f"{path}/none").status == 404
