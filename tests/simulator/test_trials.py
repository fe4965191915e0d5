"""The end of a trial."""

from __future__ import annotations

import pytest

from tests.simulator.tools import (
    DAY,
    FAILS_LATER,
    GOOD,
    HOUR,
    START,
    Calls,
    advance,
    at,
    bought,
    event_types,
    events,
    invoice_of,
    on_trial,
    period,
    trial_without_card,
)


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
    assert call.error(501, "POST", path, trial_end=START + 30 * DAY)["param"] == "trial_end"
    path = f"/v1/subscriptions/{on_trial(call)['id']}"
    assert call.error(400, "POST", path, trial_end=START - 1)["param"] == "trial_end"


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
