"""The hosted Checkout page."""

from __future__ import annotations

from typing import Any

import pytest

from caixa_subscriptions.simulator import Simulator
from tests.simulator.pages.browsing import (
    DAY,
    DECLINED,
    GOOD,
    Browser,
    call,
    checkout_path,
    form_with,
    new_checkout,
    new_price,
    parsed,
)


def test_checkout_shows_trial_price_and_what_is_due(browser: Browser, simulator: Simulator) -> None:
    page = browser.get(checkout_path(new_checkout(simulator)))
    assert page.status == 200
    assert "7 days free, then $9.00 per month" in page.text
    assert "Total due today $0.00" in page.text
    assert "Reports <b>" in page.text
    assert "Charts & more" in page.text
    assert "For ana@example.com" in page.text
    assert 'href="https://app.example/pricing/"' in page.html
    assert form_with(page, "Start trial")


def test_checkout_without_a_trial(browser: Browser, simulator: Simulator) -> None:
    session = new_checkout(
        simulator, subscription_data=None, customer_email="someone@example.com", cancel_url=None
    )
    page = browser.get(checkout_path(session))
    assert "Total due today $9.00" in page.text
    assert "$9.00 per month" in page.text
    assert "free" not in page.text
    assert "For someone@example.com" in page.text
    assert "Back" not in page.text
    assert form_with(page, "Subscribe")


def test_checkout_tells_a_trial_with_an_end_in_days(browser: Browser, simulator: Simulator) -> None:
    session = new_checkout(
        simulator, subscription_data={"trial_end": str(simulator.now() + 10 * DAY)}
    )
    page = browser.get(checkout_path(session))
    assert "10 days free, then" in page.text


def test_checkout_shows_quantity_and_long_intervals(browser: Browser, simulator: Simulator) -> None:
    price = new_price(
        simulator,
        currency="jpy",
        unit_amount="1500",
        recurring={"interval": "month", "interval_count": "3"},
    )
    session = new_checkout(
        simulator,
        line_items=[{"price": price["id"], "quantity": "2"}],
        subscription_data={"trial_period_days": "1"},
    )
    page = browser.get(checkout_path(session))
    assert "\N{MULTIPLICATION SIGN} 2" in page.text
    assert "1 day free, then ¥3,000 every 3 months" in page.text


def test_only_the_card_number_has_to_be_filled_in(browser: Browser, simulator: Simulator) -> None:
    session = new_checkout(simulator)
    page = browser.get(checkout_path(session))
    form = form_with(page, "Start trial")
    assert form.fields == {"card_number": "", "expiry": "12/34", "cvc": "123"}
    answer = browser.submit(page, "Start trial", card_number="4242 4242 4242 4242")
    assert answer.status == 303
    assert answer.location == f"https://app.example/done/?session_id={session['id']}"
    stored = simulator.get_object(session["id"])
    assert stored is not None
    assert stored["status"] == "complete"


def test_no_card_field_where_none_is_asked_for(browser: Browser, simulator: Simulator) -> None:
    session = new_checkout(simulator, payment_method_collection="if_required")
    page = browser.get(checkout_path(session))
    assert form_with(page, "Start trial").fields == {}
    assert "No card is needed today." in page.text
    assert browser.submit(page, "Start trial").status == 303
    assert (simulator.get_object(session["id"]) or {})["status"] == "complete"


def test_the_success_url_is_escaped_for_the_header(browser: Browser, simulator: Simulator) -> None:
    session = new_checkout(
        simulator, success_url="https://app.example/café?to=%2Fa b&s={CHECKOUT_SESSION_ID}#x"
    )
    answer = browser.post(checkout_path(session), {"card_number": GOOD})
    assert answer.location == f"https://app.example/caf%C3%A9?to=%2Fa%20b&s={session['id']}#x"


def test_the_redirect_waits_for_the_webhook(
    browser: Browser, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited = []

    def wait_for_event(event_type: str, object_id: str, *, timeout: float) -> bool:
        waited.append((event_type, object_id, timeout))
        return False

    monkeypatch.setattr(simulator, "wait_for_event", wait_for_event)
    session = new_checkout(simulator)
    answer = browser.post(checkout_path(session), {"card_number": GOOD})
    assert answer.status == 303
    assert waited == [("checkout.session.completed", session["id"], 10.0)]


def test_a_declined_card_is_said_next_to_its_field(browser: Browser, simulator: Simulator) -> None:
    session = new_checkout(simulator)
    page = browser.post(
        checkout_path(session), {"card_number": DECLINED, "expiry": "11/33", "cvc": "999"}
    )
    assert page.status == 402
    assert "Your card was declined." in page.text
    fields = parsed(page).inputs
    assert fields["card_number"]["aria-describedby"] == "card_number-error test-cards"
    assert fields["card_number"]["aria-invalid"] == "true"
    assert "autofocus" in fields["card_number"]
    assert 'id="card_number-error"' in page.html
    assert fields["card_number"]["value"] == ""
    assert (fields["expiry"]["value"], fields["cvc"]["value"]) == ("11/33", "999")
    assert browser.submit(page, "Start trial", card_number=GOOD).status == 303


@pytest.mark.parametrize(
    ("number", "field"),
    [
        ("4000000000000069", "expiry"),
        ("4000000000000127", "cvc"),
        ("4242424242424241", "card_number"),
    ],
)
def test_a_decline_belongs_to_the_field_it_is_about(
    browser: Browser, simulator: Simulator, number: str, field: str
) -> None:
    page = browser.post(checkout_path(new_checkout(simulator)), {"card_number": number})
    assert page.status == 402
    invalid = [name for name, attrs in parsed(page).inputs.items() if "aria-invalid" in attrs]
    assert invalid == [field]
    assert "autofocus" in parsed(page).inputs[field]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "card_number"),
        ({"card_number": "12"}, "card_number"),
        ({"card_number": "४२४२४२४२४२४२४२४२"}, "card_number"),
        ({"card_number": GOOD, "expiry": "13/34"}, "expiry"),
        ({"card_number": GOOD, "expiry": "soon"}, "expiry"),
        ({"card_number": GOOD, "cvc": "12"}, "cvc"),
    ],
)
def test_a_card_that_cannot_be_read_is_refused_before_it_is_tried(
    browser: Browser, simulator: Simulator, fields: dict[str, str], field: str
) -> None:
    session = new_checkout(simulator)
    page = browser.post(checkout_path(session), fields)
    assert page.status == 400
    assert f'id="{field}-error"' in page.html
    stored = simulator.get_object(session["id"])
    assert stored is not None
    assert stored["status"] == "open"


def test_an_expiry_may_have_four_digits(browser: Browser, simulator: Simulator) -> None:
    fields = {"card_number": GOOD, "expiry": "1/2035"}
    answer = browser.post(checkout_path(new_checkout(simulator)), fields)
    assert answer.status == 303


def test_a_completed_checkout_says_so(browser: Browser, simulator: Simulator) -> None:
    session = new_checkout(simulator)
    simulator.complete_checkout(session["id"])
    for page in (
        browser.get(checkout_path(session)),
        browser.post(checkout_path(session), {"card_number": GOOD}),
    ):
        assert page.status == 200
        assert "complete" in page.text
        assert f'href="https://app.example/done/?session_id={session["id"]}"' in page.html


def test_another_tab_may_be_faster(
    browser: Browser, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = new_checkout(simulator)
    complete = simulator.complete_checkout

    def complete_twice(session_id: str, **card: Any) -> dict[str, Any]:
        complete(session_id, **card)
        return complete(session_id, **card)

    monkeypatch.setattr(simulator, "complete_checkout", complete_twice)
    page = browser.post(checkout_path(session), {"card_number": GOOD})
    assert page.status == 200
    assert "This checkout is complete." in page.text


def test_a_checkout_of_a_busy_clock_is_refused_with_the_reason(
    browser: Browser, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = new_checkout(simulator)
    clock = simulator.default_clock_id
    assert clock is not None
    # Somebody else will move the clock.
    monkeypatch.setattr(simulator._workers, "_threads", [object()])
    simulator.advance_clock(clock, simulator.now() + DAY)
    page = browser.post(checkout_path(session), {"card_number": GOOD})
    monkeypatch.undo()
    assert page.status == 400
    assert "clock" in page.text


def test_an_expired_checkout_is_gone(browser: Browser, simulator: Simulator) -> None:
    session = new_checkout(simulator)
    call(simulator, "POST", f"/v1/checkout/sessions/{session['id']}/expire")
    page = browser.get(checkout_path(session))
    assert page.status == 410
    assert "no longer open" in page.text
    assert 'href="https://app.example/pricing/"' in page.html


@pytest.mark.parametrize("path", ["/simulator/checkout/cs_test_none", "/simulator/checkout/"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unknown_checkout_is_not_found(browser: Browser, path: str, method: str) -> None:
    assert browser.open(method, path).status == 404


def test_an_object_of_another_kind_is_no_checkout(browser: Browser, simulator: Simulator) -> None:
    customer = call(simulator, "POST", "/v1/customers", email="ana@example.com")
    assert browser.get(f"/simulator/checkout/{customer['id']}").status == 404
