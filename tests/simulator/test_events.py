"""What events tell, and in which order."""

from __future__ import annotations

from tests.simulator.tools import (
    DAY,
    FAILS_LATER,
    GOOD,
    HOUR,
    START,
    Calls,
    advance,
    event_types,
    events,
    on_trial,
)


def test_events_of_a_checkout_with_a_trial(call: Calls) -> None:
    price = call.price()
    session = call.session(price, subscription_data={"trial_period_days": 14})
    before = len(events(call.simulator))
    call.simulator.complete_checkout(session["id"])
    assert event_types(call.simulator, before) == [
        "setup_intent.created",
        "setup_intent.succeeded",
        "payment_method.attached",
        "customer.created",
        "invoice.created",
        "invoice.finalized",
        "invoice.paid",
        "invoice.payment_succeeded",
        "customer.subscription.created",
        "checkout.session.completed",
    ]


def test_events_of_a_trial_that_ends_in_a_charge(call: Calls) -> None:
    subscription = on_trial(call)
    before = len(events(call.simulator))
    advance(call.simulator, days=14)
    assert [one for one in event_types(call.simulator, before) if "clock" not in one] == [
        "customer.subscription.trial_will_end",
        "invoice.upcoming",
        "invoice.created",
        "customer.subscription.updated",
    ]
    updated = events(call.simulator, "customer.subscription.updated")[-1]
    previous = updated["data"]["previous_attributes"]
    assert previous["status"] == "trialing"
    assert previous["latest_invoice"] == subscription["latest_invoice"]
    assert previous["items"]["data"][0]["current_period_end"] == START + 14 * DAY
    assert set(previous) == {"status", "latest_invoice", "items"}
    before = len(events(call.simulator))
    advance(call.simulator, hours=1)
    assert [one for one in event_types(call.simulator, before) if "clock" not in one] == [
        "invoice.finalized",
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "invoice_payment.paid",
        "invoice.updated",
        "invoice.paid",
        "invoice.payment_succeeded",
    ]


def test_events_of_a_trial_that_ends_in_a_decline(call: Calls) -> None:
    on_trial(call, card=FAILS_LATER)
    advance(call.simulator, days=14)
    before = len(events(call.simulator))
    advance(call.simulator, hours=1)
    attempt = [
        "charge.failed",
        "payment_intent.payment_failed",
        "invoice.updated",
        "invoice.payment_failed",
    ]
    assert [one for one in event_types(call.simulator, before) if "clock" not in one] == [
        "invoice.finalized",
        "payment_intent.created",
        *attempt,
        "customer.subscription.updated",
    ]
    updated = events(call.simulator, "invoice.updated")[-1]["data"]
    assert updated["previous_attributes"] == {
        "attempt_count": 0,
        "attempted": False,
        "next_payment_attempt": START + 14 * DAY + HOUR,
    }
    before = len(events(call.simulator))
    advance(call.simulator, days=1, hours=18)
    assert [one for one in event_types(call.simulator, before) if "clock" not in one] == attempt


def test_events_carry_the_time_of_their_clock_and_no_request(call: Calls) -> None:
    on_trial(call)
    advance(call.simulator, days=20)
    (will_end,) = events(call.simulator, "customer.subscription.trial_will_end")
    assert will_end["created"] == START + 11 * DAY
    assert will_end["request"] == {"id": None, "idempotency_key": None}
    charged = events(call.simulator, "invoice.paid")[-1]
    assert charged["created"] == START + 14 * DAY + HOUR


def test_events_of_an_api_call_name_it(call: Calls) -> None:
    response = call.raw(
        "POST", "/v1/customers", {"email": "a@example.com"}, {"Idempotency-Key": "once"}
    )
    (created,) = events(call.simulator, "customer.created")
    assert created["request"] == {
        "id": response.headers["Request-Id"],
        "idempotency_key": "once",
    }
    assert created["data"]["object"] == response.body
    assert "previous_attributes" not in created["data"]


def test_an_update_that_changes_nothing_is_no_event(call: Calls) -> None:
    customer = call.customer(email="a@example.com")
    call("POST", f"/v1/customers/{customer['id']}", email="a@example.com")
    assert events(call.simulator, "customer.updated") == []
    call("POST", f"/v1/customers/{customer['id']}", email="b@example.com")
    (updated,) = events(call.simulator, "customer.updated")
    assert updated["data"]["previous_attributes"] == {"email": "a@example.com"}
    assert updated["data"]["object"]["email"] == "b@example.com"


def test_what_an_event_shows_does_not_change_later(call: Calls) -> None:
    customer = call.customer(email="a@example.com")
    call("POST", f"/v1/customers/{customer['id']}", email="b@example.com")
    (created,) = events(call.simulator, "customer.created")
    assert created["data"]["object"]["email"] == "a@example.com"


def test_one_change_of_a_customer_is_told_once(call: Calls) -> None:
    customer = call.customer()
    card = call.card(GOOD, customer["id"])["id"]
    path = f"/v1/customers/{customer['id']}"
    call("POST", path, name="Ana", invoice_settings={"default_payment_method": card})
    (told,) = events(call.simulator, "customer.updated")
    assert told["data"]["previous_attributes"] == {
        "invoice_settings": {"default_payment_method": None},
        "name": None,
    }
