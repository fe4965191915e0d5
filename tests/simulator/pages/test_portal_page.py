"""The hosted customer portal."""

from __future__ import annotations

import re

import pytest

from caixa_subscriptions.simulator import Simulator
from tests.simulator.pages.browsing import (
    DAY,
    DECLINED,
    FAILS_LATER,
    GOOD,
    Browser,
    call,
    parsed,
    portal_path,
    subscribe,
)


def test_the_portal_shows_plan_card_and_invoices(browser: Browser, simulator: Simulator) -> None:
    page = browser.get(subscribe(simulator))
    assert page.status == 200
    assert "Reports <b>" in page.text
    assert "$9.00 per month" in page.text
    assert "trialing" in page.text
    assert "Your free trial lasts until 4 June 2026. Then $9.00 will be charged." in page.text
    assert "Visa ending in 4242, expires 12/34" in page.text
    assert re.search(r"28 May 2026 \$0.00 paid \S+-0001", page.text)
    assert 'href="https://app.example/billing/"' in page.html


def test_cancel_and_renew(browser: Browser, simulator: Simulator) -> None:
    path = subscribe(simulator)
    answer = browser.submit(browser.get(path), "Cancel subscription")
    assert (answer.status, answer.location) == (303, path)
    page = browser.get(path)
    assert "Your subscription will end on 4 June 2026." in page.text
    assert "Cancel subscription" not in page.text
    assert browser.submit(page, "Renew subscription").status == 303
    assert "Cancel subscription" in browser.get(path).text


def test_an_active_subscription_says_when_it_renews(browser: Browser, simulator: Simulator) -> None:
    path = subscribe(simulator, subscription_data=None)
    assert "Your next charge of $9.00 is on 28 June 2026." in browser.get(path).text


def test_an_ended_subscription_has_no_buttons(browser: Browser, simulator: Simulator) -> None:
    path = subscribe(simulator)
    [subscription] = simulator.list_objects("subscription")
    call(simulator, "DELETE", f"/v1/subscriptions/{subscription['id']}")
    page = browser.get(path)
    assert "Your subscription ended on 28 May 2026." in page.text
    assert [form.button for form in parsed(page).forms] == ["Save card"]


def test_a_customer_without_a_subscription(browser: Browser, simulator: Simulator) -> None:
    customer = call(simulator, "POST", "/v1/customers", email="ana@example.com")
    page = browser.get(portal_path(simulator, customer["id"]))
    assert "There is no subscription yet." in page.text
    assert "No card on file" in page.text
    assert "No invoices yet." in page.text


def test_a_new_card_is_saved(browser: Browser, simulator: Simulator) -> None:
    path = subscribe(simulator)
    page = browser.get(path)
    assert "autofocus" not in page.html
    answer = browser.submit(page, "Save card", card_number=FAILS_LATER, expiry="01/30")
    assert (answer.status, answer.location) == (303, path)
    assert "Visa ending in 0341, expires 01/30" in browser.get(path).text


@pytest.mark.parametrize(("number", "status"), [(DECLINED, 402), ("12", 400)])
def test_a_card_that_is_refused_in_the_portal(
    browser: Browser, simulator: Simulator, number: str, status: int
) -> None:
    page = browser.submit(browser.get(subscribe(simulator)), "Save card", card_number=number)
    assert page.status == status
    assert "<details open>" in page.html
    assert 'id="card_number-error"' in page.html
    assert "autofocus" in parsed(page).inputs["card_number"]


def test_a_portal_link_that_is_unknown(browser: Browser) -> None:
    for page in (
        browser.get("/simulator/portal/bps_none"),
        browser.post("/simulator/portal/bps_none/cancel", {"subscription": "sub_1"}),
        browser.post("/simulator/portal/bps_none/card", {"card_number": GOOD}),
    ):
        assert page.status == 404
        assert "not valid any more" in page.text


def test_a_portal_form_must_name_a_subscription(browser: Browser, simulator: Simulator) -> None:
    path = subscribe(simulator)
    assert browser.post(f"{path}/cancel").status == 400
    assert browser.post(f"{path}/renew").status == 400


def test_what_the_simulator_refuses_is_shown(
    browser: Browser, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, [stranger] = subscribe(simulator), simulator.list_objects("subscription")
    other = subscribe(simulator)
    page = browser.post(f"{other}/cancel", {"subscription": stranger["id"]})
    assert page.status == 400
    assert "No such subscription" in page.text
    clock = simulator.default_clock_id
    assert clock is not None
    monkeypatch.setattr(simulator._workers, "_threads", [object()])
    simulator.advance_clock(clock, simulator.now() + DAY)
    page = browser.post(f"{mine}/card", {"card_number": GOOD})
    monkeypatch.undo()
    assert page.status == 400
    assert 'role="alert"' in page.html


def test_a_return_url_that_is_no_web_address_is_no_link(
    browser: Browser, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = subscribe(simulator)
    session = simulator.get_portal_session(path.rpartition("/")[2])
    for return_url in (None, "javascript:alert(1)"):
        changed = session | {"return_url": return_url}
        monkeypatch.setattr(simulator, "get_portal_session", lambda token, found=changed: found)
        assert "Return" not in browser.get(path).text
