"""Subscriptions from Checkout to their end, as time passes."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from caixa_subscriptions.simulator import CardError, Simulator, StripeError
from caixa_subscriptions.simulator.cards import DECLINED as DECLINES
from caixa_subscriptions.simulator.cards import checked_number
from caixa_subscriptions.simulator.periods import add_interval
from tests.simulator.tools import (
    DAY,
    DECLINED,
    FAILS_LATER,
    GOOD,
    HOUR,
    START,
    Calls,
    Wall,
    advance,
    at,
    event_types,
    events,
    go_to,
)


def bought(call: Calls, *, card: str = GOOD, **params: Any) -> dict[str, Any]:
    """The subscription of a completed Checkout Session."""
    session = call.session(call.price(), **params)
    done = call.simulator.complete_checkout(session["id"], card_number=card)
    return call.get(done["subscription"])


def on_trial(call: Calls, days: int = 14, **params: Any) -> dict[str, Any]:
    return bought(call, subscription_data={"trial_period_days": days}, **params)


def invoice_of(call: Calls, subscription: dict[str, Any]) -> dict[str, Any]:
    return call.get(call.get(subscription["id"])["latest_invoice"])


def period(subscription: dict[str, Any]) -> tuple[int, int]:
    item = subscription["items"]["data"][0]
    return item["current_period_start"], item["current_period_end"]


def replace_card(call: Calls, customer: str, number: str = GOOD) -> None:
    call.simulator.portal_update_card(call.portal(customer), card_number=number)


# Checkout


def test_checkout_without_a_trial_charges_at_once(call: Calls) -> None:
    session = call.session(call.price(), customer_email="ana@example.com")
    assert (session["status"], session["payment_status"]) == ("open", "unpaid")
    assert session["subscription"] is None
    assert session["invoice"] is None
    done = call.simulator.complete_checkout(session["id"])
    assert (done["status"], done["payment_status"], done["url"]) == ("complete", "paid", None)
    subscription = call.get(done["subscription"])
    assert subscription["status"] == "active"
    assert period(subscription) == (START, at(2026, 7, 1))
    invoice = call.get(done["invoice"])
    assert (invoice["status"], invoice["amount_paid"]) == ("paid", 900)
    assert (invoice["billing_reason"], invoice["attempt_count"]) == ("subscription_create", 1)
    customer = call.get(done["customer"])
    assert customer["email"] == "ana@example.com"


def test_checkout_makes_its_card_the_default_of_the_subscription_only(call: Calls) -> None:
    subscription = bought(call)
    customer = call.get(subscription["customer"])
    assert customer["invoice_settings"]["default_payment_method"] is None
    card = call.get(subscription["default_payment_method"])
    assert card["customer"] == customer["id"]
    assert card["card"]["last4"] == "4242"


def test_checkout_without_a_customer_makes_a_new_one_each_time(call: Calls) -> None:
    first = bought(call, customer_email="same@example.com")
    second = bought(call, customer_email="same@example.com")
    assert first["customer"] != second["customer"]


def test_checkout_with_a_customer_keeps_to_it(call: Calls) -> None:
    customer = call.customer(email="ana@example.com")
    session = call.session(call.price(), customer=customer["id"])
    assert session["customer_details"]["email"] == "ana@example.com"
    done = call.simulator.complete_checkout(session["id"])
    assert done["customer"] == customer["id"]
    assert call.get(done["subscription"])["customer"] == customer["id"]


def test_checkout_with_a_trial(call: Calls) -> None:
    session = call.session(call.price(), subscription_data={"trial_period_days": 14})
    assert session["amount_total"] == 0
    done = call.simulator.complete_checkout(session["id"])
    assert done["payment_status"] == "no_payment_required"
    subscription = call.get(done["subscription"])
    assert subscription["status"] == "trialing"
    assert subscription["trial_start"] == START
    assert subscription["trial_end"] == START + 14 * DAY
    assert subscription["billing_cycle_anchor"] == subscription["trial_end"]
    assert period(subscription) == (START, START + 14 * DAY)
    invoice = call.get(done["invoice"])
    assert (invoice["status"], invoice["amount_due"], invoice["attempt_count"]) == ("paid", 0, 0)
    assert invoice["lines"]["data"][0]["description"] == "Free trial for 1 × Reports"  # noqa: RUF001
    assert call.simulator.list_objects("charge") == []


def test_checkout_with_a_trial_end(call: Calls) -> None:
    subscription = bought(call, subscription_data={"trial_end": START + 3 * DAY + 1})
    assert subscription["trial_end"] == START + 3 * DAY + 1


def test_checkout_trial_days(call: Calls) -> None:
    price = call.price()
    days = call.session(price, subscription_data={"trial_period_days": 14})
    end = call.session(price, subscription_data={"trial_end": START + 3 * DAY + 1})
    none = call.session(price)
    assert [call.simulator.checkout_trial_days(one["id"]) for one in (days, end, none)] == [
        14,
        4,
        0,
    ]


def test_what_checkout_passes_on_to_the_subscription(call: Calls) -> None:
    subscription = bought(
        call,
        metadata={"on": "session"},
        subscription_data={
            "metadata": {"on": "subscription"},
            "description": "For Ana",
            "trial_period_days": 7,
            "trial_settings": {"end_behavior": {"missing_payment_method": "cancel"}},
        },
    )
    assert subscription["metadata"] == {"on": "subscription"}
    assert subscription["description"] == "For Ana"
    assert subscription["trial_settings"]["end_behavior"]["missing_payment_method"] == "cancel"
    details = invoice_of(call, subscription)["parent"]["subscription_details"]
    assert details["metadata"] == {"on": "subscription"}


@pytest.mark.parametrize("number", sorted(DECLINES))
def test_a_declined_card_leaves_the_session_open(call: Calls, number: str) -> None:
    session = call.session(call.price(), subscription_data={"trial_period_days": 14})
    with pytest.raises(CardError) as raised:
        call.simulator.complete_checkout(session["id"], card_number=number)
    assert raised.value.status == 402
    assert raised.value.decline_code == DECLINES[number]["decline_code"]
    assert call.get(session["id"])["status"] == "open"
    assert call.simulator.list_objects("subscription") == []
    assert call.simulator.list_objects("customer") == []
    call.simulator.complete_checkout(session["id"])


def test_a_card_that_fails_later_is_declined_when_something_is_due_now(call: Calls) -> None:
    with pytest.raises(CardError, match="declined"):
        bought(call, card=FAILS_LATER)
    assert on_trial(call, card=FAILS_LATER)["status"] == "trialing"


@pytest.mark.parametrize(
    ("card", "code"),
    [
        ({"card_number": "4242424242424241"}, "incorrect_number"),
        ({"card_number": "42"}, "incorrect_number"),
        ({"card_number": "not a card number"}, "incorrect_number"),
        ({"card_number": ""}, "incorrect_number"),
        ({"exp_month": 13}, "invalid_expiry_month"),
        ({"exp_year": 1999}, "invalid_expiry_year"),
        ({"cvc": "1"}, "invalid_cvc"),
    ],
)
def test_what_is_no_card(call: Calls, card: dict[str, Any], code: str) -> None:
    session = call.session(call.price())
    with pytest.raises(CardError) as raised:
        call.simulator.complete_checkout(session["id"], **card)
    assert raised.value.code == code


def test_spaces_and_dashes_in_a_card_number() -> None:
    assert checked_number("4242 4242-4242 4242") == GOOD


def test_a_session_is_completed_once(call: Calls) -> None:
    session = call.session(call.price())
    call.simulator.complete_checkout(session["id"])
    with pytest.raises(StripeError, match="no longer active"):
        call.simulator.complete_checkout(session["id"])


def test_a_session_expires_after_a_day(call: Calls) -> None:
    session = call.session(call.price())
    assert session["expires_at"] == START + DAY
    advance(call.simulator, hours=23)
    assert call.get(session["id"])["status"] == "open"
    advance(call.simulator, hours=1)
    expired = call.get(session["id"])
    assert (expired["status"], expired["url"]) == ("expired", None)
    assert len(events(call.simulator, "checkout.session.expired")) == 1
    with pytest.raises(StripeError, match="no longer active"):
        call.simulator.complete_checkout(session["id"])


def test_a_completed_session_does_not_expire(call: Calls) -> None:
    session = call.session(call.price())
    call.simulator.complete_checkout(session["id"])
    advance(call.simulator, days=2)
    assert call.get(session["id"])["status"] == "complete"


def test_a_session_is_expired_by_hand_once(call: Calls) -> None:
    session = call.session(call.price(), expires_at=START + 2 * HOUR)
    path = f"/v1/checkout/sessions/{session['id']}/expire"
    assert call("POST", path)["status"] == "expired"
    assert call.error(400, "POST", path)["message"] == (
        'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session '
        "has a status of `expired`."
    )
    advance(call.simulator, days=1)
    assert len(events(call.simulator, "checkout.session.expired")) == 1


# Events


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
        "customer.subscription.created",
        "invoice.paid",
        "invoice.payment_succeeded",
        "checkout.session.completed",
    ]


def test_events_of_a_checkout_without_a_trial(call: Calls) -> None:
    session = call.session(call.price())
    before = len(events(call.simulator))
    call.simulator.complete_checkout(session["id"])
    assert event_types(call.simulator, before) == [
        "charge.succeeded",
        "payment_method.attached",
        "customer.created",
        "invoice.created",
        "invoice.finalized",
        "customer.subscription.created",
        "invoice.paid",
        "invoice.payment_succeeded",
        "payment_intent.created",
        "payment_intent.succeeded",
        "invoice_payment.paid",
        "checkout.session.completed",
    ]


def test_events_of_a_trial_that_ends_in_a_charge(call: Calls) -> None:
    subscription = on_trial(call)
    before = len(events(call.simulator))
    advance(call.simulator, days=14)
    assert [one for one in event_types(call.simulator, before) if "clock" not in one] == [
        "customer.subscription.trial_will_end",
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
        "invoice.paid",
        "invoice.payment_succeeded",
    ]


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


# The end of a trial


def test_a_trial_left_alone_becomes_active_and_is_charged_an_hour_later(call: Calls) -> None:
    subscription = on_trial(call)
    advance(call.simulator, days=14, seconds=-1)
    assert call.get(subscription["id"])["status"] == "trialing"
    advance(call.simulator, seconds=1)
    active = call.get(subscription["id"])
    assert active["status"] == "active"
    assert active["trial_end"] == START + 14 * DAY
    assert period(active) == (START + 14 * DAY, at(2026, 7, 15))
    draft = invoice_of(call, subscription)
    assert (draft["status"], draft["billing_reason"]) == ("draft", "subscription_cycle")
    assert draft["next_payment_attempt"] == START + 14 * DAY + HOUR
    assert (draft["period_start"], draft["period_end"]) == (START, START + 14 * DAY)
    advance(call.simulator, hours=1)
    paid = call.get(draft["id"])
    assert (paid["status"], paid["amount_paid"], paid["attempt_count"]) == ("paid", 900, 1)
    assert paid["status_transitions"]["paid_at"] == START + 14 * DAY + HOUR
    line = paid["lines"]["data"][0]
    assert line["description"] == "1 × Reports (at $9.00 / month)"  # noqa: RUF001
    assert (line["period"]["start"], line["period"]["end"]) == period(active)


def test_trial_will_end_three_days_before(call: Calls) -> None:
    on_trial(call, 14)
    advance(call.simulator, days=11, seconds=-1)
    assert events(call.simulator, "customer.subscription.trial_will_end") == []
    advance(call.simulator, seconds=1)
    assert len(events(call.simulator, "customer.subscription.trial_will_end")) == 1


@pytest.mark.parametrize("days", [1, 3])
def test_trial_will_end_at_once_for_short_trials(call: Calls, days: int) -> None:
    on_trial(call, days)
    assert len(events(call.simulator, "customer.subscription.trial_will_end")) == 1
    advance(call.simulator, days=days)
    assert len(events(call.simulator, "customer.subscription.trial_will_end")) == 1


def test_trial_ended_now_is_charged_now(call: Calls) -> None:
    subscription = on_trial(call)
    advance(call.simulator, days=2)
    before = len(events(call.simulator))
    ended = call("POST", f"/v1/subscriptions/{subscription['id']}", trial_end="now")
    now = START + 2 * DAY
    assert ended["status"] == "active"
    assert (ended["trial_end"], ended["billing_cycle_anchor"]) == (now, now)
    assert period(ended) == (now, at(2026, 7, 3))
    invoice = invoice_of(call, subscription)
    assert (invoice["status"], invoice["billing_reason"]) == ("paid", "subscription_cycle")
    assert "customer.subscription.trial_will_end" in event_types(call.simulator, before)
    updated = events(call.simulator, "customer.subscription.updated")[-1]
    previous = updated["data"]["previous_attributes"]
    assert previous["trial_end"] == START + 14 * DAY
    assert previous["billing_cycle_anchor"] == START + 14 * DAY
    assert previous["items"]["data"][0]["current_period_end"] == START + 14 * DAY
    stored = call.get(subscription["items"]["data"][0]["id"])
    assert stored["current_period_end"] == at(2026, 7, 3)
    # Nothing of the old end is left.
    advance(call.simulator, days=20)
    assert len(call.simulator.list_objects("invoice")) == 2


def test_trial_will_end_is_told_once(call: Calls) -> None:
    subscription = on_trial(call, 2)
    call("POST", f"/v1/subscriptions/{subscription['id']}", trial_end="now")
    assert len(events(call.simulator, "customer.subscription.trial_will_end")) == 1


def test_trial_ended_now_with_a_card_that_fails(call: Calls) -> None:
    subscription = on_trial(call, card=FAILS_LATER)
    ended = call("POST", f"/v1/subscriptions/{subscription['id']}", trial_end="now")
    assert ended["status"] == "past_due"
    assert call.get(subscription["id"])["status"] == "past_due"


def test_trial_end_now_without_a_trial_changes_nothing(call: Calls) -> None:
    subscription = bought(call)
    same = call("POST", f"/v1/subscriptions/{subscription['id']}", trial_end="now")
    assert same == subscription


def test_a_trial_is_made_longer(call: Calls) -> None:
    subscription = on_trial(call)
    moved = call("POST", f"/v1/subscriptions/{subscription['id']}", trial_end=START + 30 * DAY)
    assert moved["trial_end"] == moved["billing_cycle_anchor"] == START + 30 * DAY
    assert period(moved) == (START, START + 30 * DAY)
    advance(call.simulator, days=20)
    assert call.get(subscription["id"])["status"] == "trialing"
    advance(call.simulator, days=10)
    assert call.get(subscription["id"])["status"] == "active"


def test_only_a_running_trial_is_moved(call: Calls) -> None:
    path = f"/v1/subscriptions/{bought(call)['id']}"
    assert call.error(400, "POST", path, trial_end=START + 30 * DAY)["param"] == "trial_end"
    path = f"/v1/subscriptions/{on_trial(call)['id']}"
    assert call.error(400, "POST", path, trial_end=START - 1)["param"] == "trial_end"


def trial_without_card(call: Calls, behavior: str | None = None) -> dict[str, Any]:
    params: dict[str, Any] = {"trial_period_days": 7}
    if behavior:
        params["trial_settings"] = {"end_behavior": {"missing_payment_method": behavior}}
    customer = call.customer()
    # An attached card that is nobody's default counts as missing.
    call.card(GOOD, customer["id"])
    return dict(call.subscribe(customer, call.price(), **params))


@pytest.mark.parametrize("behavior", [None, "create_invoice"])
def test_missing_card_create_invoice(call: Calls, behavior: str | None) -> None:
    subscription = trial_without_card(call, behavior)
    advance(call.simulator, days=7)
    assert call.get(subscription["id"])["status"] == "active"
    advance(call.simulator, hours=1)
    assert call.get(subscription["id"])["status"] == "past_due"
    invoice = invoice_of(call, subscription)
    assert (invoice["status"], invoice["attempted"]) == ("open", True)
    assert call.simulator.list_objects("charge") == []


def test_missing_card_pause(call: Calls) -> None:
    subscription = trial_without_card(call, "pause")
    advance(call.simulator, days=40)
    assert call.get(subscription["id"])["status"] == "paused"
    assert len(events(call.simulator, "customer.subscription.paused")) == 1
    assert len(call.simulator.list_objects("invoice")) == 1


def test_missing_card_cancel(call: Calls) -> None:
    subscription = trial_without_card(call, "cancel")
    advance(call.simulator, days=7)
    ended = call.get(subscription["id"])
    assert (ended["status"], ended["ended_at"]) == ("canceled", START + 7 * DAY)
    assert len(events(call.simulator, "customer.subscription.deleted")) == 1


@pytest.mark.parametrize("behavior", ["pause", "cancel"])
def test_trial_ended_now_without_a_card(call: Calls, behavior: str) -> None:
    subscription = trial_without_card(call, behavior)
    ended = call("POST", f"/v1/subscriptions/{subscription['id']}", trial_end="now")
    assert ended["status"] == {"pause": "paused", "cancel": "canceled"}[behavior]
    assert len(call.simulator.list_objects("invoice")) == 1


def test_the_customers_default_card_is_not_missing(call: Calls) -> None:
    behavior = {"end_behavior": {"missing_payment_method": "cancel"}}
    subscription = call.subscribe(
        call.customer(GOOD), call.price(), trial_period_days=7, trial_settings=behavior
    )
    advance(call.simulator, days=7, hours=1)
    assert call.get(subscription["id"])["status"] == "active"
    assert invoice_of(call, subscription)["status"] == "paid"


# Dunning


def failing(call: Calls) -> dict[str, Any]:
    """A subscription whose first charge, after a trial, was just declined."""
    subscription = on_trial(call, card=FAILS_LATER)
    advance(call.simulator, days=14, hours=1)
    return call.get(subscription["id"])


def test_a_card_that_fails_later_makes_past_due(call: Calls) -> None:
    subscription = failing(call)
    assert subscription["status"] == "past_due"
    invoice = invoice_of(call, subscription)
    assert (invoice["status"], invoice["attempt_count"]) == ("open", 1)
    assert invoice["next_payment_attempt"] > call.simulator.now()
    (failed,) = events(call.simulator, "invoice.payment_failed")
    assert failed["data"]["object"]["next_payment_attempt"] == invoice["next_payment_attempt"]
    updated = events(call.simulator, "customer.subscription.updated")[-1]
    assert updated["data"]["previous_attributes"] == {"status": "active"}
    (charge,) = call.simulator.list_objects("charge")
    assert (charge["status"], charge["failure_code"]) == ("failed", "card_declined")
    intent = call.get(charge["payment_intent"])
    assert intent["status"] == "requires_payment_method"
    assert intent["last_payment_error"]["decline_code"] == "generic_decline"


def test_eight_attempts_over_two_weeks_then_canceled(call: Calls) -> None:
    subscription = failing(call)
    before = len(events(call.simulator, "customer.subscription.updated"))
    advance(call.simulator, days=12)
    assert call.get(subscription["id"])["status"] == "past_due"
    assert invoice_of(call, subscription)["attempt_count"] == 7
    advance(call.simulator, days=2)
    ended = call.get(subscription["id"])
    assert ended["status"] == "canceled"
    assert ended["cancellation_details"]["reason"] == "payment_failed"
    assert ended["ended_at"] == ended["canceled_at"]
    invoice = invoice_of(call, subscription)
    assert (invoice["status"], invoice["attempt_count"]) == ("open", 8)
    assert (invoice["next_payment_attempt"], invoice["auto_advance"]) == (None, False)
    assert len(events(call.simulator, "invoice.payment_failed")) == 8
    # Retries tell nothing of the subscription; its end is `deleted`, never an update.
    assert len(events(call.simulator, "customer.subscription.updated")) == before
    assert len(events(call.simulator, "customer.subscription.deleted")) == 1
    assert len(call.simulator.list_objects("payment_intent")) == 1
    assert len(call.simulator.list_objects("charge")) == 8


@pytest.fixture
def keeping(request: pytest.FixtureRequest, wall: Wall) -> Any:
    simulator = Simulator(
        seed=1,
        now=wall,
        default_clock=True,
        transport=lambda *_: 200,
        dunning_outcome=request.param,
    )
    yield Calls(simulator)
    simulator.close()


@pytest.mark.parametrize("keeping", ["unpaid"], indirect=True)
def test_dunning_outcome_unpaid_keeps_drafts_until_paid(keeping: Calls) -> None:
    call = keeping
    subscription = failing(call)
    advance(call.simulator, days=14)
    assert call.get(subscription["id"])["status"] == "unpaid"
    advance(call.simulator, days=30)
    draft = invoice_of(call, subscription)
    assert (draft["status"], draft["auto_advance"]) == ("draft", False)
    replace_card(call, subscription["customer"])
    paid = call("POST", f"/v1/invoices/{draft['id']}/pay")
    assert paid["status"] == "paid"
    assert call.get(subscription["id"])["status"] == "active"


@pytest.mark.parametrize("keeping", ["past_due"], indirect=True)
def test_dunning_outcome_past_due_stays(keeping: Calls) -> None:
    call = keeping
    subscription = failing(call)
    advance(call.simulator, days=14)
    stays = call.get(subscription["id"])
    assert (stays["status"], stays["ended_at"]) == ("past_due", None)
    assert invoice_of(call, subscription)["next_payment_attempt"] is None
    assert events(call.simulator, "customer.subscription.deleted") == []


def test_an_unknown_dunning_outcome_is_refused() -> None:
    with pytest.raises(ValueError, match="dunning_outcome must be one of"):
        Simulator(dunning_outcome="forgiven")


def test_a_good_card_recovers_at_the_next_attempt(call: Calls) -> None:
    subscription = failing(call)
    replace_card(call, subscription["customer"])
    assert call.get(subscription["id"])["status"] == "past_due"
    advance(call.simulator, days=2)
    assert call.get(subscription["id"])["status"] == "active"
    invoice = invoice_of(call, subscription)
    assert (invoice["status"], invoice["attempt_count"]) == ("paid", 2)
    updated = events(call.simulator, "customer.subscription.updated")[-1]
    assert updated["data"]["previous_attributes"] == {"status": "past_due"}
    (intent,) = call.simulator.list_objects("payment_intent")
    assert (intent["status"], intent["last_payment_error"]) == ("succeeded", None)


def test_paying_by_hand_recovers_and_is_no_attempt(call: Calls) -> None:
    subscription = failing(call)
    invoice = invoice_of(call, subscription)
    error = call.error(402, "POST", f"/v1/invoices/{invoice['id']}/pay")
    assert (error["code"], error["decline_code"]) == ("card_declined", "generic_decline")
    # The call failed, and what it did stays.
    assert len(call.simulator.list_objects("charge")) == 2
    assert invoice_of(call, subscription)["attempt_count"] == 1
    card = call.card(GOOD, subscription["customer"])
    paid = call("POST", f"/v1/invoices/{invoice['id']}/pay", payment_method=card["id"])
    assert (paid["status"], paid["attempt_count"]) == ("paid", 1)
    recovered = call.get(subscription["id"])
    assert recovered["status"] == "active"
    # For this payment only.
    assert recovered["default_payment_method"] == subscription["default_payment_method"]


def weekly_and_failing(call: Calls) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """A subscription with two open invoices, the older one first."""
    customer = call.customer(FAILS_LATER)
    subscription = call.subscribe(customer, call.price(interval="week"), trial_period_days=7)
    go_to(call.simulator, START + 7 * DAY + HOUR)
    first = invoice_of(call, subscription)
    go_to(call.simulator, START + 14 * DAY + HOUR)
    second = invoice_of(call, subscription)
    assert first["id"] != second["id"]
    assert (call.get(first["id"])["status"], second["status"]) == ("open", "open")
    return subscription, first, second


def test_renewals_go_on_while_past_due_and_the_latest_invoice_decides(call: Calls) -> None:
    subscription, first, second = weekly_and_failing(call)
    good = call.card(GOOD, subscription["customer"])["id"]
    call("POST", f"/v1/invoices/{first['id']}/pay", payment_method=good)
    assert call.get(subscription["id"])["status"] == "past_due"
    call("POST", f"/v1/invoices/{second['id']}/pay", payment_method=good)
    assert call.get(subscription["id"])["status"] == "active"


def test_voiding_the_latest_invoice_leaves_the_one_before_to_decide(call: Calls) -> None:
    subscription, first, second = weekly_and_failing(call)
    call("POST", f"/v1/invoices/{second['id']}/void")
    assert call.get(subscription["id"])["status"] == "past_due"
    call("POST", f"/v1/invoices/{first['id']}/mark_uncollectible")
    assert call.get(subscription["id"])["status"] == "active"


def test_invoices_are_numbered_one_after_the_other(call: Calls) -> None:
    subscription = on_trial(call)
    advance(call.simulator, days=14, hours=1)
    customer = call.get(subscription["customer"])
    numbers = [one["number"] for one in call.simulator.list_objects("invoice")]
    assert numbers == [f"{customer['invoice_prefix']}-000{n}" for n in (2, 1)]
    assert customer["next_invoice_sequence"] == 3
    assert customer["currency"] == "usd"


def test_voiding_the_first_invoice_ends_an_incomplete_subscription(call: Calls) -> None:
    subscription = call.subscribe(call.customer(FAILS_LATER), call.price())
    call("POST", f"/v1/invoices/{subscription['latest_invoice']}/void")
    assert call.get(subscription["id"])["status"] == "incomplete_expired"


def test_a_draft_is_finalized_by_hand_once(call: Calls) -> None:
    subscription = on_trial(call)
    advance(call.simulator, days=14)
    path = f"/v1/invoices/{call.get(subscription['id'])['latest_invoice']}"
    call.error(400, "POST", f"{path}/void")
    assert call("POST", f"{path}/finalize")["status"] == "paid"
    call.error(400, "POST", f"{path}/finalize")
    assert call.error(400, "POST", f"{path}/pay")["message"] == "Invoice is already paid"
    advance(call.simulator, hours=2)
    assert len(call.simulator.list_objects("charge")) == 1


def test_a_draft_is_paid_by_hand_once(call: Calls) -> None:
    subscription = on_trial(call)
    advance(call.simulator, days=14)
    path = f"/v1/invoices/{call.get(subscription['id'])['latest_invoice']}"
    assert call("POST", f"{path}/pay")["status"] == "paid"
    advance(call.simulator, hours=2)
    assert len(call.simulator.list_objects("charge")) == 1


def test_paying_by_hand_needs_a_card_of_the_customer(call: Calls) -> None:
    subscription = trial_without_card(call)
    advance(call.simulator, days=7, hours=1)
    path = f"/v1/invoices/{invoice_of(call, subscription)['id']}/pay"
    error = call.error(400, "POST", path)
    assert error["message"] == "Cannot charge a customer that has no active card"
    stranger = call.customer()
    card = call.card(GOOD, stranger["id"])
    assert call.error(400, "POST", path, payment_method=card["id"])["param"] == "payment_method"
    assert call.error(400, "POST", path, payment_method="pm_none")["code"] == "resource_missing"


def test_marking_uncollectible_recovers_and_voiding_follows_the_invoice_before(
    call: Calls,
) -> None:
    subscription = failing(call)
    invoice = invoice_of(call, subscription)
    closed = call("POST", f"/v1/invoices/{invoice['id']}/mark_uncollectible")
    assert closed["status"] == "uncollectible"
    assert call.get(subscription["id"])["status"] == "active"
    second = failing(call)
    invoice = invoice_of(call, second)
    assert call("POST", f"/v1/invoices/{invoice['id']}/void")["status"] == "void"
    assert call.get(second["id"])["status"] == "active"
    assert call.error(400, "POST", f"/v1/invoices/{invoice['id']}/void")
    assert call.error(400, "POST", f"/v1/invoices/{invoice['id']}/pay")
    advance(call.simulator, days=10)
    assert call.get(invoice["id"])["status"] == "void"


# Cancelling


def test_cancel_at_period_end_by_api_sets_both_fields(call: Calls) -> None:
    subscription = bought(call)
    path = f"/v1/subscriptions/{subscription['id']}"
    advance(call.simulator, days=1)
    asked = call("POST", path, cancel_at_period_end=True)
    assert (asked["cancel_at_period_end"], asked["cancel_at"]) == (True, at(2026, 7, 1))
    assert (asked["status"], asked["canceled_at"]) == ("active", START + DAY)
    assert asked["cancellation_details"]["reason"] == "cancellation_requested"
    kept = call("POST", path, cancel_at_period_end=False)
    assert (kept["cancel_at_period_end"], kept["cancel_at"], kept["canceled_at"]) == (
        False,
        None,
        None,
    )
    assert kept["cancellation_details"]["reason"] is None
    advance(call.simulator, days=31)
    assert call.get(subscription["id"])["status"] == "active"


def test_the_end_of_the_period_deletes(call: Calls) -> None:
    subscription = bought(call)
    call("POST", f"/v1/subscriptions/{subscription['id']}", cancel_at_period_end=True)
    updates = len(events(call.simulator, "customer.subscription.updated"))
    advance(call.simulator, days=31)
    ended = call.get(subscription["id"])
    assert (ended["status"], ended["ended_at"]) == ("canceled", at(2026, 7, 1))
    assert ended["canceled_at"] == START
    assert (ended["cancel_at"], ended["cancel_at_period_end"]) == (None, False)
    assert len(events(call.simulator, "customer.subscription.deleted")) == 1
    assert len(events(call.simulator, "customer.subscription.updated")) == updates
    # No invoice for a period that never began.
    assert len(call.simulator.list_objects("invoice")) == 1


def test_the_end_of_the_period_moves_with_the_trial(call: Calls) -> None:
    subscription = on_trial(call)
    path = f"/v1/subscriptions/{subscription['id']}"
    call("POST", path, cancel_at_period_end=True)
    assert call("POST", path, trial_end=START + 20 * DAY)["cancel_at"] == START + 20 * DAY
    ended = call("POST", path, trial_end="now")
    assert (ended["status"], ended["cancel_at"]) == ("active", at(2026, 7, 1))
    go_to(call.simulator, at(2026, 7, 1))
    assert call.get(subscription["id"])["status"] == "canceled"


def test_cancel_at_a_moment(call: Calls) -> None:
    subscription = bought(call)
    path = f"/v1/subscriptions/{subscription['id']}"
    asked = call("POST", path, cancel_at=START + 5 * DAY)
    assert (asked["cancel_at"], asked["cancel_at_period_end"]) == (START + 5 * DAY, False)
    assert call("POST", path, cancel_at="")["cancel_at"] is None
    call("POST", path, cancel_at=START + 5 * DAY)
    advance(call.simulator, days=5)
    assert call.get(subscription["id"])["status"] == "canceled"
    assert call.error(400, "POST", f"/v1/subscriptions/{bought(call)['id']}", cancel_at=START)


def test_the_portal_sets_cancel_at_only_and_takes_it_back(call: Calls) -> None:
    subscription = bought(call)
    token = call.portal(subscription["customer"])
    asked = call.simulator.portal_cancel(token, subscription["id"])
    assert (asked["cancel_at"], asked["cancel_at_period_end"]) == (at(2026, 7, 1), False)
    assert asked["cancellation_details"]["reason"] == "cancellation_requested"
    renewed = call.simulator.portal_renew(token, subscription["id"])
    assert (renewed["cancel_at"], renewed["canceled_at"]) == (None, None)
    with pytest.raises(StripeError, match="not about to end"):
        call.simulator.portal_renew(token, subscription["id"])
    advance(call.simulator, days=31)
    assert call.get(subscription["id"])["status"] == "active"


def test_the_portal_ends_the_subscription_at_the_periods_end(call: Calls) -> None:
    subscription = on_trial(call)
    token = call.portal(subscription["customer"])
    assert call.simulator.portal_cancel(token, subscription["id"])["cancel_at"] == START + 14 * DAY
    advance(call.simulator, days=14)
    ended = call.get(subscription["id"])
    assert ended["status"] == "canceled"
    assert call.simulator.list_objects("charge") == []
    with pytest.raises(StripeError, match="canceled subscription"):
        call.simulator.portal_cancel(call.portal(ended["customer"]), subscription["id"])
    with pytest.raises(StripeError, match="canceled subscription"):
        call.simulator.portal_renew(call.portal(ended["customer"]), subscription["id"])


def test_the_portal_serves_its_own_customer_only(call: Calls) -> None:
    subscription = bought(call)
    token = call.portal(call.customer()["id"])
    with pytest.raises(StripeError, match="No such subscription"):
        call.simulator.portal_cancel(token, subscription["id"])


def test_a_portal_link_expires(call: Calls, wall: Wall) -> None:
    customer = call.customer()["id"]
    unused, used = call.portal(customer), call.portal(customer)
    assert call.simulator.get_portal_session(used)["customer"] == customer
    wall.time += 5 * 60
    with pytest.raises(StripeError, match="unknown or has expired"):
        call.simulator.get_portal_session(unused)
    wall.time += 50 * 60
    call.simulator.get_portal_session(used)
    wall.time += 59 * 60
    call.simulator.get_portal_session(used)
    wall.time += 60 * 60
    with pytest.raises(StripeError, match="unknown or has expired"):
        call.simulator.get_portal_session(used)
    with pytest.raises(StripeError, match="unknown or has expired"):
        call.simulator.get_portal_session("test_invented")


def test_a_new_card_in_the_portal(call: Calls) -> None:
    subscription = bought(call)
    token = call.portal(subscription["customer"])
    card = call.simulator.portal_update_card(token, card_number="5555555555554444")
    assert card["card"]["brand"] == "mastercard"
    assert "_number" not in card
    customer = call.get(subscription["customer"])
    assert customer["invoice_settings"]["default_payment_method"] == card["id"]
    assert call.get(subscription["id"])["default_payment_method"] == card["id"]
    with pytest.raises(CardError):
        call.simulator.portal_update_card(token, card_number=DECLINED)
    with pytest.raises(CardError):
        call.simulator.portal_update_card(token, card_number="5555555555554445")
    assert call.get(customer["id"]) == customer
    assert call.simulator.portal_update_card(token, card_number=FAILS_LATER)


def test_cancel_at_once(call: Calls) -> None:
    subscription = on_trial(call)
    advance(call.simulator, days=1)
    ended = call("DELETE", f"/v1/subscriptions/{subscription['id']}")
    changed = {key for key in ended if ended[key] != subscription[key]}
    assert changed == {"status", "canceled_at", "ended_at", "cancellation_details"}
    assert ended["cancellation_details"]["reason"] == "cancellation_requested"
    call.error(404, "DELETE", f"/v1/subscriptions/{subscription['id']}")
    advance(call.simulator, days=20)
    assert call.get(subscription["id"])["status"] == "canceled"
    assert len(call.simulator.list_objects("invoice")) == 1


def test_a_cancel_keeps_the_time_it_was_first_asked_for(call: Calls) -> None:
    subscription = bought(call)
    call("POST", f"/v1/subscriptions/{subscription['id']}", cancel_at_period_end=True)
    advance(call.simulator, days=1)
    ended = call("DELETE", f"/v1/subscriptions/{subscription['id']}")
    assert (ended["canceled_at"], ended["ended_at"]) == (START, START + DAY)


def test_a_canceled_subscription_takes_metadata_only(call: Calls) -> None:
    subscription = bought(call)
    path = f"/v1/subscriptions/{subscription['id']}"
    call("DELETE", path)
    error = call.error(400, "POST", path, cancel_at_period_end=True)
    assert error["message"] == (
        "A canceled subscription can only update its cancellation_details and metadata."
    )
    assert call("POST", path, metadata={"a": "b"})["metadata"] == {"a": "b"}


def test_canceling_stops_an_open_invoice(call: Calls) -> None:
    subscription = failing(call)
    call("DELETE", f"/v1/subscriptions/{subscription['id']}")
    invoice = invoice_of(call, subscription)
    assert (invoice["status"], invoice["auto_advance"]) == ("open", False)
    advance(call.simulator, days=5)
    assert invoice_of(call, subscription)["attempt_count"] == 1


# Renewals


def renewal_days(call: Calls, interval: str, start: int, *ends: int) -> None:
    go_to(call.simulator, start)
    customer = call.customer(GOOD)
    subscription = call.subscribe(customer, call.price(interval=interval))
    assert period(subscription) == (start, ends[0])
    for before, after in itertools.pairwise(ends):
        go_to(call.simulator, before + HOUR)
        renewed = call.get(subscription["id"])
        assert period(renewed) == (before, after)
        invoice = invoice_of(call, subscription)
        assert (invoice["status"], invoice["created"]) == ("paid", before)


def test_months_come_back_to_their_day(call: Calls) -> None:
    renewal_days(call, "month", at(2027, 1, 31), at(2027, 2, 28), at(2027, 3, 31), at(2027, 4, 30))


def test_a_leap_years_february(call: Calls) -> None:
    renewal_days(call, "month", at(2027, 12, 31), at(2028, 1, 31), at(2028, 2, 29), at(2028, 3, 31))


def test_years(call: Calls) -> None:
    renewal_days(call, "year", at(2028, 2, 29), at(2029, 2, 28), at(2030, 2, 28))


def test_weeks_and_days(call: Calls) -> None:
    renewal_days(call, "week", at(2026, 6, 2), at(2026, 6, 9), at(2026, 6, 16))
    renewal_days(call, "day", at(2026, 6, 20), at(2026, 6, 21), at(2026, 6, 22))


def test_a_year_and_a_leap_day() -> None:
    assert add_interval(at(2028, 2, 29), "year", 4) == at(2032, 2, 29)


def test_months_after_a_trial_count_from_its_end(call: Calls) -> None:
    go_to(call.simulator, at(2027, 1, 17))
    subscription = on_trial(call, 14)
    go_to(call.simulator, at(2027, 3, 1))
    assert period(call.get(subscription["id"])) == (at(2027, 2, 28), at(2027, 3, 31))


# Created by API


def test_without_a_payment_method(call: Calls) -> None:
    customer, price = call.customer(), call.price()
    call.card(GOOD, customer["id"])
    error = call.error(
        400,
        "POST",
        "/v1/subscriptions",
        customer=customer["id"],
        items=[{"price": price["id"]}],
    )
    assert error["code"] == "resource_missing"
    assert "param" not in error
    assert error["message"].startswith(
        "This customer has no attached payment source or default payment method."
    )


def test_a_declined_first_payment_is_incomplete_then_expires(call: Calls) -> None:
    subscription = call.subscribe(call.customer(FAILS_LATER), call.price())
    assert subscription["status"] == "incomplete"
    invoice = invoice_of(call, subscription)
    assert (invoice["status"], invoice["next_payment_attempt"]) == ("open", None)
    advance(call.simulator, hours=23, seconds=-1)
    assert call.get(subscription["id"])["status"] == "incomplete"
    advance(call.simulator, seconds=1)
    expired = call.get(subscription["id"])
    assert expired["status"] == "incomplete_expired"
    assert expired["ended_at"] == START + 23 * HOUR
    assert invoice_of(call, subscription)["status"] == "void"
    updated = events(call.simulator, "customer.subscription.updated")[-1]
    assert updated["data"]["previous_attributes"]["status"] == "incomplete"
    advance(call.simulator, days=40)
    assert len(call.simulator.list_objects("invoice")) == 1


def test_an_incomplete_one_becomes_active_when_paid(call: Calls) -> None:
    customer = call.customer(FAILS_LATER)
    subscription = call.subscribe(customer, call.price())
    good = call.card(GOOD, customer["id"])
    invoice = subscription["latest_invoice"]
    call("POST", f"/v1/invoices/{invoice}/pay", payment_method=good["id"])
    assert call.get(subscription["id"])["status"] == "active"
    advance(call.simulator, days=2)
    assert call.get(subscription["id"])["status"] == "active"


def test_with_its_own_payment_method(call: Calls) -> None:
    customer = call.customer()
    card = call.card(GOOD, customer["id"])
    subscription = call.subscribe(
        customer,
        call.price(),
        default_payment_method=card["id"],
        metadata={"a": "b"},
        description="Own",
        cancel_at_period_end=True,
    )
    assert subscription["status"] == "active"
    assert subscription["cancel_at_period_end"] is True
    assert (subscription["metadata"], subscription["description"]) == ({"a": "b"}, "Own")
    stranger = call.customer()
    call.error(
        400,
        "POST",
        "/v1/subscriptions",
        customer=stranger["id"],
        items=[{"price": call.price()["id"]}],
        default_payment_method=card["id"],
    )


def test_several_items(call: Calls) -> None:
    first, second = call.price(amount=900), call.price(amount=100)
    subscription = call(
        "POST",
        "/v1/subscriptions",
        customer=call.customer(GOOD)["id"],
        items=[{"price": first["id"]}, {"price": second["id"], "quantity": 3}],
    )
    assert subscription["items"]["total_count"] == 2
    assert subscription["plan"] is None
    assert invoice_of(call, subscription)["amount_paid"] == 1200


def test_deleting_a_customer_cancels(call: Calls) -> None:
    subscription = bought(call)
    waiting = call.session(call.price(), customer=subscription["customer"])
    before = len(events(call.simulator))
    path = f"/v1/customers/{subscription['customer']}"
    gone = {"id": subscription["customer"], "object": "customer", "deleted": True}
    assert call("DELETE", path) == gone
    assert call("GET", path) == gone
    assert event_types(call.simulator, before) == [
        "customer.subscription.deleted",
        "customer.deleted",
    ]
    canceled = call("GET", f"/v1/subscriptions/{subscription['id']}")
    assert canceled["status"] == "canceled"
    call.error(404, "POST", path, email="a@example.com")
    call.error(404, "DELETE", path)
    listed = call("GET", "/v1/subscriptions", customer=subscription["customer"], status="all")
    assert [one["id"] for one in listed["data"]] == [subscription["id"]]
    advance(call.simulator, days=2)
    expired = events(call.simulator, "checkout.session.expired")[-1]
    assert expired["data"]["object"]["id"] == waiting["id"]
    assert expired["created"] == waiting["expires_at"]


def test_without_a_default_clock_the_wall_clock_counts(wall: Wall) -> None:
    simulator = Simulator(seed=1, now=wall, transport=lambda *_: 200)
    call = Calls(simulator)
    subscription = on_trial(call, 14)
    assert call.get(subscription["customer"])["test_clock"] is None
    wall.time += 14 * DAY + HOUR
    # Time does its work at the next call.
    assert call("GET", "/v1/subscriptions")["data"][0]["id"] == subscription["id"]
    assert call.get(subscription["id"])["status"] == "active"
    assert call.simulator.now() == wall.time
    simulator.close()
