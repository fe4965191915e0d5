"""One customer, subscription, invoice; events and deliveries."""

from __future__ import annotations

from typing import Any

import pytest

from caixa_subscriptions.simulator import Simulator
from caixa_subscriptions.simulator.wsgi import SimulatorApplication
from tests.simulator.pages.browsing import (
    DAY,
    FAILS_LATER,
    START,
    Browser,
    call,
    new_checkout,
    subscribe,
)

URL = "https://app.example/stripe/webhook/1/"


def listen(simulator: Simulator, *types: str) -> None:
    call(simulator, "POST", "/v1/webhook_endpoints", url=URL, enabled_events=list(types) or ["*"])


def only(simulator: Simulator, kind: str) -> dict[str, Any]:
    return simulator.list_objects(kind)[0]


def advance(simulator: Simulator, days: int) -> None:
    clock = simulator.default_clock_id
    assert clock is not None
    simulator.advance_clock(clock, simulator.now() + days * DAY, wait=True)


def failing(simulator: Simulator) -> dict[str, Any]:
    """A subscription whose first charge after the trial was declined."""
    subscribe(simulator, card=FAILS_LATER)
    advance(simulator, 8)
    return only(simulator, "subscription")


# Customers


def test_a_customer_with_all_that_is_theirs(browser: Browser, simulator: Simulator) -> None:
    subscribe(simulator)
    customer = only(simulator, "customer")
    opened = new_checkout(simulator, customer=customer["id"])
    page = browser.get(f"/simulator/customers/{customer['id']}")
    for words in (
        "ana@example.com",
        "Visa ending in 4242",
        "$9.00 per month",
        "trialing",
        "in 7 days",
        "subscription create",
        "customer.subscription.created",
    ):
        assert words in page.text
    assert f'href="{opened["url"]}"' in page.html


def test_a_customer_without_anything(browser: Browser, simulator: Simulator) -> None:
    customer = call(simulator, "POST", "/v1/customers")
    page = browser.get(f"/simulator/customers/{customer['id']}")
    assert "No card on file" in page.text
    assert "Nothing is planned." in page.text
    assert page.text.count("None yet.") == 4


def test_the_time_of_a_customer_is_that_of_its_clock(
    browser: Browser, simulator: Simulator
) -> None:
    clock = call(
        simulator, "POST", "/v1/test_helpers/test_clocks", frozen_time=str(START + 400 * DAY)
    )
    customer = call(simulator, "POST", "/v1/customers", test_clock=clock["id"])
    assert "2 July 2027, 20:26:40 UTC" in browser.get(f"/simulator/customers/{customer['id']}").text


def test_the_objects_of_a_deleted_clock_can_still_be_seen(
    browser: Browser, simulator: Simulator
) -> None:
    clock = call(simulator, "POST", "/v1/test_helpers/test_clocks", frozen_time=str(START))
    customer = call(
        simulator, "POST", "/v1/customers", test_clock=clock["id"], email="ana@example.com"
    )
    subscribe(simulator, customer=customer["id"])
    subscription = only(simulator, "subscription")
    call(simulator, "DELETE", f"/v1/test_helpers/test_clocks/{clock['id']}")
    page = browser.get(f"/simulator/subscriptions/{subscription['id']}")
    assert page.status == 200
    assert customer["id"] in page.text
    assert browser.get("/simulator/subscriptions").status == 200


# Subscriptions


def test_a_trial_is_drawn_on_its_clock(browser: Browser, simulator: Simulator) -> None:
    subscribe(simulator)
    subscription = only(simulator, "subscription")
    advance(simulator, 2)
    page = browser.get(f"/simulator/subscriptions/{subscription['id']}")
    assert "Trial 28 May 2026 to 4 June 2026" in page.text
    assert "Started 28 May 2026 , 2 days ago" in page.text
    assert "Now 30 May 2026" in page.text
    assert "in 5 days Subscription of ana@example.com ends its trial" in page.text
    assert "Reports <b>" in page.text


def test_paid_periods_are_drawn(browser: Browser, simulator: Simulator) -> None:
    subscribe(simulator, subscription_data=None)
    subscription = only(simulator, "subscription")
    advance(simulator, 40)
    page = browser.get(f"/simulator/subscriptions/{subscription['id']}")
    assert "Period, invoice paid 28 May 2026 to 28 June 2026" in page.text
    assert "Period, invoice paid 28 June 2026 to 28 July 2026" in page.text


def test_an_open_invoice_shows_in_the_drawing(browser: Browser, simulator: Simulator) -> None:
    subscription = failing(simulator)
    page = browser.get(f"/simulator/subscriptions/{subscription['id']}")
    assert "Period, invoice open 4 June 2026 to 4 July 2026" in page.text
    assert "is charged again" in page.text
    assert "past due" in page.text


def test_the_end_of_a_subscription_is_drawn(browser: Browser, simulator: Simulator) -> None:
    subscribe(simulator, subscription_data=None)
    subscription = only(simulator, "subscription")
    path = f"/v1/subscriptions/{subscription['id']}"
    call(simulator, "POST", path, cancel_at_period_end="true")
    page = browser.get(f"/simulator/subscriptions/{subscription['id']}")
    assert "Cancels 28 June 2026 , in 31 days" in page.text
    assert "is canceled" in page.text
    advance(simulator, 3)
    call(simulator, "DELETE", path)
    page = browser.get(f"/simulator/subscriptions/{subscription['id']}")
    assert "Period, invoice paid 28 May 2026 to 31 May 2026" in page.text
    assert "Ended 31 May 2026" in page.text
    assert "Nothing is planned." in page.text


def test_a_subscription_that_ends_at_once_is_drawn_too(
    browser: Browser, simulator: Simulator
) -> None:
    subscribe(simulator)
    subscription = only(simulator, "subscription")
    call(simulator, "DELETE", f"/v1/subscriptions/{subscription['id']}")
    page = browser.get(f"/simulator/subscriptions/{subscription['id']}")
    assert page.status == 200
    assert "Ended 28 May 2026" in page.text


def test_a_period_without_an_invoice_is_drawn_too(
    browser: Browser, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribe(simulator, subscription_data=None)
    subscription = only(simulator, "subscription")
    read = simulator.list_objects

    def without_invoices(kind: str, **which: Any) -> list[dict[str, Any]]:
        return [] if kind == "invoice" else read(kind, **which)

    monkeypatch.setattr(simulator, "list_objects", without_invoices)
    page = browser.get(f"/simulator/subscriptions/{subscription['id']}")
    assert "Period 28 May 2026 to 28 June 2026" in page.text


def test_subscriptions_of_a_status(browser: Browser, simulator: Simulator) -> None:
    subscribe(simulator)
    subscribe(simulator, subscription_data=None)
    assert browser.get("/simulator/subscriptions").html.count('scope="row"') == 2
    trialing = browser.get("/simulator/subscriptions?status=trialing")
    assert trialing.html.count('scope="row"') == 1
    assert 'status=trialing" aria-current="true"' in trialing.html


# Invoices


def test_an_invoice_with_lines_and_payments(browser: Browser, simulator: Simulator) -> None:
    subscribe(simulator, subscription_data=None)
    invoice = only(simulator, "invoice")
    assert invoice["hosted_invoice_url"].endswith(f"/simulator/invoices/{invoice['id']}")
    page = browser.get(f"/simulator/invoices/{invoice['id']}")
    for words in (f"Invoice {invoice['number']}", "$9.00", "succeeded", "Visa ending in 4242"):
        assert words in page.text
    assert "Pay now" not in page.text


def test_an_open_invoice_is_paid_with_the_default_card(
    browser: Browser, simulator: Simulator
) -> None:
    subscription = failing(simulator)
    path = f"/simulator/invoices/{subscription['latest_invoice']}"
    page = browser.get(path)
    assert "Your card was declined." in page.text
    assert "in 19 hours" in page.text
    declined = browser.submit(page, "Pay now")
    assert declined.status == 402
    assert "$9.00 is due." in declined.text
    customer = subscription["customer"]
    link = call(simulator, "POST", "/v1/billing_portal/sessions", customer=customer)
    simulator.portal_update_card(link["url"].rpartition("/")[2], card_number="4242424242424242")
    paid = browser.submit(browser.get(path), "Pay now")
    assert (paid.status, paid.location) == (303, path)
    assert "Pay now" not in browser.get(path).text
    assert browser.post("/simulator/invoices/in_none/pay").status == 404


def test_a_draft_invoice(browser: Browser, simulator: Simulator) -> None:
    subscribe(simulator, subscription_data=None)
    clock = simulator.default_clock_id
    assert clock is not None
    renewal = only(simulator, "subscription")["items"]["data"][0]["current_period_end"]
    simulator.advance_clock(clock, renewal, wait=True)
    draft = only(simulator, "invoice")
    page = browser.get(f"/simulator/invoices/{draft['id']}")
    assert "Draft invoice" in page.text
    assert "No card was charged." in page.text
    assert "Draft" in browser.get("/simulator/invoices?status=draft").text


# Events


def test_an_event_has_a_page_of_its_own(browser: Browser, simulator: Simulator) -> None:
    customer = call(simulator, "POST", "/v1/customers", email='"<script>@example.com')
    event = next(
        one for one in simulator.list_objects("event") if one["type"] == "customer.created"
    )
    page = browser.get(f"/simulator/events/{event['id']}")
    assert page.status == 200
    assert f'"<a href="/simulator/customers/{customer["id"]}">' in page.html
    assert "<script" not in page.html
    assert "What changed" not in page.text
    assert f'href="/simulator/events/{event["id"]}"' in browser.get("/simulator/").html


def test_an_event_says_what_changed(browser: Browser, simulator: Simulator) -> None:
    customer = call(simulator, "POST", "/v1/customers", email="a@example.com", metadata={"a": "1"})
    call(
        simulator,
        "POST",
        f"/v1/customers/{customer['id']}",
        email="b@example.com",
        metadata={"a": "2"},
        preferred_locales=["pt-BR", "en"],
    )
    event = simulator.list_events(limit=1, type="customer.updated")[0]
    text = browser.get(f"/simulator/events/{event['id']}").text
    assert 'email "a@example.com" "b@example.com"' in text
    assert 'metadata.a "1" "2"' in text
    assert "preferred_locales [] 2 entries" in text
    assert "More about this object customer.created" in text.replace("All of them ", "")


def test_events_by_type_object_and_customer(browser: Browser, simulator: Simulator) -> None:
    subscribe(simulator)
    call(simulator, "POST", "/v1/customers", email="bea@example.com")
    subscription = only(simulator, "subscription")

    def shown(query: str) -> str:
        return browser.get(f"/simulator/events?{query}").text.partition("charge.* ")[2]

    assert "invoice.paid" in shown("type=invoice.*")
    assert "customer.created" not in shown("type=invoice.*")
    about = shown(f"object={subscription['id']}")
    assert "customer.subscription.created" in about
    assert "invoice.paid" not in about
    theirs = browser.get(f"/simulator/events?customer={subscription['customer']}")
    assert "invoice.paid" in theirs.text
    assert "bea@example.com" not in theirs.text
    assert f'name="customer" value="{subscription["customer"]}"' in theirs.html


# Deliveries


@pytest.fixture
def answers() -> list[int]:
    return []


@pytest.fixture
def flaky(answers: list[int]) -> Any:
    """A simulator whose endpoint answers what is in `answers`, then 200."""
    simulator = Simulator(
        seed=1, transport=lambda url, headers, body: answers.pop(0) if answers else 200
    )
    yield simulator
    simulator.close()


def test_a_delivery_is_sent_again(flaky: Simulator, answers: list[int]) -> None:
    answers.append(500)
    browser = Browser(SimulatorApplication(flaky))
    listen(flaky, "customer.created")
    call(flaky, "POST", "/v1/customers", email="ana@example.com")
    flaky.deliver_pending()
    event = flaky.list_events(limit=1, type="customer.created")[0]
    for place, back in (
        ("", "/simulator/#deliveries"),
        ("deliveries", "/simulator/deliveries"),
        (f"events/{event['id']}", f"/simulator/events/{event['id']}"),
    ):
        page = browser.get(f"/simulator/{place}")
        assert "500" in page.text
        assert "failing" in page.text
        answer = browser.submit(page, "Resend customer.created")
        assert (answer.status, answer.location) == (303, back)
        answers[:] = [500]
        flaky.deliver_pending()
    flaky.resend(1)
    flaky.deliver_pending()
    assert flaky.list_deliveries()[0].status == "delivered"
    assert "delivered" in browser.get("/simulator/deliveries").text


@pytest.mark.parametrize("number", ["one", "99", "-1", "1" * 30])
def test_a_delivery_that_is_none(browser: Browser, number: str) -> None:
    assert browser.post(f"/simulator/deliveries/{number}/resend").status == 404


def test_what_fails_comes_first_on_the_overview(flaky: Simulator, answers: list[int]) -> None:
    answers.append(503)
    browser = Browser(SimulatorApplication(flaky))
    listen(flaky, "customer.created")
    for number in range(12):
        call(flaky, "POST", "/v1/customers", email=f"c{number}@example.com")
    assert "pending" in browser.get("/simulator/").text
    flaky.deliver_pending()
    text = browser.get("/simulator/").text
    assert text.index("failing 503") < text.index("delivered 200")
    assert "1 failing 11 delivered" in text


def test_deliveries_in_pieces_and_by_outcome(flaky: Simulator, answers: list[int]) -> None:
    answers += [500] * 2
    browser = Browser(SimulatorApplication(flaky))
    listen(flaky, "customer.created")
    for number in range(30):
        call(flaky, "POST", "/v1/customers", email=f"c{number}@example.com")
    flaky.deliver_pending()
    first = browser.get("/simulator/deliveries")
    assert first.html.count('scope="row"') == 25
    assert "Newest" not in first.text
    assert 'href="/simulator/deliveries?before=6"' in first.html
    second = browser.get("/simulator/deliveries?before=6")
    assert second.html.count('scope="row"') == 5
    assert "Older" not in second.text
    assert "Newest" in second.text
    failing = browser.get("/simulator/deliveries?status=failing")
    assert failing.html.count('scope="row"') == 2
    assert browser.get("/simulator/deliveries?before=x").html.count('scope="row"') == 25
