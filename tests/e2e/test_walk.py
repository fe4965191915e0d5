"""The main job end to end, by API alone, over real HTTP."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests

from tests.e2e.conftest import Demo, Person, advance, stripe, submit

pytestmark = pytest.mark.e2e


def pay(url: str, card: str = "4242 4242 4242 4242") -> requests.Response:
    page = requests.get(url, timeout=30)
    assert "Card number" in page.text
    button = "Start trial" if "Start trial" in page.text else "Subscribe"
    return submit(page, button, card_number=card)


def cancel_in_portal(person: Person) -> None:
    answer = person.post("/api/subscriptions/portal/")
    assert answer.status_code == 201
    page = requests.get(answer.json()["url"], timeout=30)
    answer = submit(page, "Cancel subscription")
    assert answer.status_code == 303
    page = requests.get(page.url, timeout=30)
    assert "Renew subscription" in page.text


def test_trial_cancellation_and_no_second_trial(person: Person, demo: Demo) -> None:
    refused = person.get("/api/reports/")
    assert refused.status_code == 402
    assert refused.json()["code"] == "subscription_required"
    assert refused.json()["trial_eligible"] is True
    assert requests.get(demo.url + "/api/reports/", timeout=30).status_code == 401

    session = person.check_out()
    assert session["trial_days"] == 7
    answer = pay(session["url"])
    assert answer.status_code == 303
    assert session["session_id"] in answer.headers["Location"]
    status = person.wait_for_status("trialing", seconds=2)
    assert status["has_active_subscription"]
    assert person.get("/api/reports/").status_code == 200
    assert person.post("/api/subscriptions/checkout/", {"price": "monthly"}).status_code == 409

    cancel_in_portal(person)
    deadline = time.monotonic() + 5
    while person.status()["cancel_at"] is None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert person.get("/api/reports/").status_code == 200

    advance(demo, hours=8 * 24)
    person.wait_for_status("canceled", seconds=10)
    refused = person.get("/api/reports/")
    assert refused.status_code == 402
    assert refused.json()["code"] == "subscription_canceled"
    assert refused.json()["trial_eligible"] is False
    assert person.check_out()["trial_days"] == 0


def test_a_trial_left_alone_is_charged_and_becomes_active(person: Person, demo: Demo) -> None:
    pay(person.check_out("yearly")["url"])
    person.wait_for_status("trialing", seconds=2)
    advance(demo, hours=8 * 24)
    person.wait_for_status("active", seconds=10)
    assert person.get("/api/reports/").status_code == 200
    customers = stripe(demo, "GET", "/v1/customers?email=" + person.email)["data"]
    invoices = stripe(demo, "GET", "/v1/invoices?customer=" + customers[0]["id"])["data"]
    charged, trial = invoices
    assert (charged["status"], charged["amount_paid"]) == ("paid", 9000)
    assert charged["status_transitions"]["finalized_at"] - charged["created"] == 3600
    assert trial["amount_paid"] == 0


def test_a_failing_card_becomes_past_due_and_later_loses_access(person: Person, demo: Demo) -> None:
    pay(person.check_out()["url"], "4000 0000 0000 0341")
    person.wait_for_status("trialing", seconds=2)
    advance(demo, hours=8 * 24)
    person.wait_for_status("past_due", seconds=10)
    assert person.get("/api/reports/").status_code == 200
    advance(demo, hours=8 * 24)
    refused = person.get("/api/reports/")
    assert refused.status_code == 402
    assert refused.json()["code"] == "payment_past_due"


def test_a_declined_card_may_be_tried_again(person: Person) -> None:
    url = person.check_out()["url"]
    declined = pay(url, "4000 0000 0000 0002")
    assert declined.status_code == 402
    assert "Your card was declined." in declined.text
    assert pay(url).status_code == 303
    person.wait_for_status("trialing", seconds=2)


def test_sigkill_in_the_middle_of_the_walk_loses_nothing(person: Person, demo: Demo) -> None:
    session = person.check_out()
    demo.stop(signal.SIGKILL)
    demo.start()
    assert pay(session["url"]).status_code == 303
    demo.stop(signal.SIGKILL)
    demo.start()
    person.wait_for_status("trialing", seconds=10)
    cancel_in_portal(person)
    demo.stop(signal.SIGKILL)
    demo.start()
    advance(demo, hours=8 * 24)
    demo.stop(signal.SIGKILL)
    demo.start()
    person.wait_for_status("canceled", seconds=15)
    assert person.get("/api/reports/").json()["code"] == "subscription_canceled"


@contextmanager
def logged_in(person: Person) -> Iterator[requests.Session]:
    """A browser in which the person has logged in."""
    with requests.Session() as browser:
        url = person.demo.url + "/accounts/login/"
        token = browser.get(url, timeout=30).text.split('name="csrfmiddlewaretoken" value="')[1]
        form = {
            "csrfmiddlewaretoken": token.split('"')[0],
            "username": person.email,
            "password": person.password,
        }
        answer = browser.post(url, data=form, timeout=30, allow_redirects=False)
        assert answer.status_code == 302, answer.text
        yield browser


def test_the_success_page_needs_no_webhook_and_tells_a_stranger_nothing(
    person: Person, demo: Demo
) -> None:
    (endpoint,) = stripe(demo, "GET", "/v1/webhook_endpoints")["data"]
    stripe(demo, "POST", f"/v1/webhook_endpoints/{endpoint['id']}", disabled="true")
    try:
        success_url = pay(person.check_out()["url"]).headers["Location"]
        assert person.status()["status"] == "none"

        stranger = Person(demo)
        stranger.sign_up()
        with logged_in(stranger) as browser:
            assert browser.get(success_url, timeout=30).status_code == 404
        assert stranger.status()["status"] == person.status()["status"] == "none"
        stranger.http.close()

        with logged_in(person) as browser:
            page = browser.get(success_url, timeout=30)
            assert page.status_code == 200
            assert "You are in" in page.text
        assert person.status()["status"] == "trialing"
        assert person.get("/api/reports/").status_code == 200
    finally:
        stripe(demo, "POST", f"/v1/webhook_endpoints/{endpoint['id']}", disabled="false")


def test_a_log_in_by_session_needs_csrf(person: Person, demo: Demo) -> None:
    with logged_in(person) as browser:
        _post_without_and_with_a_token(browser, demo)


def _post_without_and_with_a_token(browser: requests.Session, demo: Demo) -> None:
    checkout = demo.url + "/api/subscriptions/checkout/"
    refused = browser.post(checkout, json={"price": "monthly"}, timeout=30)
    assert refused.status_code == 403
    headers = {"X-CSRFToken": browser.cookies["csrftoken"]}
    answer = browser.post(checkout, json={"price": "monthly"}, headers=headers, timeout=30)
    assert answer.status_code == 201
