"""The page of the bank: 3D Secure, passed or failed."""

from __future__ import annotations

from typing import Any

import pytest

from caixa_subscriptions.simulator import Simulator
from tests.simulator.pages.browsing import Browser, new_checkout
from tests.simulator.tools import Calls

ALWAYS = "4000 0027 6000 3184"
TOKEN = "pm_card_authenticationRequired"
BACK = "https://shop.example/back?order=7"


@pytest.fixture
def call(simulator: Simulator) -> Calls:
    return Calls(simulator)


def waiting(call: Calls, **params: Any) -> dict[str, Any]:
    terms = {"amount": 2900, "currency": "usd", "payment_method": TOKEN, "confirm": True}
    return call("POST", "/v1/payment_intents", **terms, **params)


def test_it_says_what_is_asked_and_that_it_is_simulated(browser: Browser, call: Calls) -> None:
    intent = waiting(call, return_url=BACK)
    page = browser.get(f"/simulator/confirm/{intent['id']}")
    assert "Authenticate the payment of $29.00" in page.text
    assert "simulated" in page.text
    assert "Complete authentication" in page.text
    assert "Fail authentication" in page.text


@pytest.mark.parametrize(
    ("answer", "status", "told"),
    [
        ("complete", "succeeded", "succeeded"),
        ("fail", "requires_payment_method", "failed"),
    ],
)
def test_the_answer_leads_back_to_the_shop(
    browser: Browser, call: Calls, answer: str, status: str, told: str
) -> None:
    intent = waiting(call, return_url=BACK)
    page = browser.post(f"/simulator/confirm/{intent['id']}", {"authentication": answer})
    assert page.status == 303
    where = page.location
    assert where.startswith(f"{BACK}&payment_intent={intent['id']}&payment_intent_client_secret=")
    assert where.endswith(f"&redirect_status={told}")
    assert call.get(intent["id"])["status"] == status


def test_without_a_way_back_it_says_how_it_went(browser: Browser, call: Calls) -> None:
    intent = waiting(call, automatic_payment_methods={"enabled": True, "allow_redirects": "never"})
    path = f"/simulator/confirm/{intent['id']}"
    assert "Confirmed" in browser.post(path, {"authentication": "complete"}).text
    # Another tab was slower.
    assert "Confirmed" in browser.post(path, {"authentication": "fail"}).text
    assert "Confirmed" in browser.get(path).text
    failed = waiting(call, automatic_payment_methods={"enabled": True, "allow_redirects": "never"})
    path = f"/simulator/confirm/{failed['id']}"
    assert "Not confirmed" in browser.post(path, {"authentication": "fail"}).text


def test_a_card_is_set_up_there_too(browser: Browser, call: Calls) -> None:
    intent = call("POST", "/v1/setup_intents", payment_method=TOKEN, confirm=True)
    path = f"/simulator/confirm/{intent['id']}"
    assert "Authenticate the card" in browser.get(path).text
    browser.post(path, {"authentication": "complete"})
    assert call.get(intent["id"])["status"] == "succeeded"


def test_there_is_no_page_for_anything_else(browser: Browser, call: Calls) -> None:
    for object_id in ("pi_none", call.customer()["id"]):
        assert browser.get(f"/simulator/confirm/{object_id}").status == 404


@pytest.mark.parametrize(("answer", "status"), [("complete", "complete"), ("fail", "open")])
def test_checkout_leads_through_it(
    browser: Browser, simulator: Simulator, answer: str, status: str
) -> None:
    session = new_checkout(simulator)
    path = f"/simulator/checkout/{session['id']}"
    form = {"card_number": ALWAYS, "expiry": "12/34", "cvc": "123"}
    page = browser.post(path, form)
    assert "Complete authentication" in page.text
    done = browser.post(path, form | {"authentication": answer})
    assert done.status == (303 if status == "complete" else 402)
    found = simulator.get_object(session["id"])
    assert found is not None
    assert found["status"] == status
