"""Whatever one update of a subscription changes is told by one event."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator.tools import (
    DAY,
    GOOD,
    START,
    Calls,
    advance,
    at,
    event_types,
    events,
    go_to,
    on_trial,
    trial_without_card,
)

UPDATED = "customer.subscription.updated"
SAID = {"metadata": {"a": "b"}, "description": "Said"}


def update(call: Calls, subscription: dict[str, Any], **params: Any) -> dict[str, Any]:
    """What the one event says was there before."""
    before = len(events(call.simulator))
    after = call("POST", f"/v1/subscriptions/{subscription['id']}", **params)
    since = events(call.simulator)[before:]
    (told,) = [event for event in since if event["type"] == UPDATED]
    shown = told["data"]["object"]
    assert shown == after
    assert call.get(subscription["id"]) == after
    previous: dict[str, Any] = told["data"]["previous_attributes"]
    for name in previous:
        assert subscription[name] != after[name], name
    for name in set(after) - set(previous):
        assert subscription[name] == after[name], name
    return previous


@pytest.mark.parametrize(
    ("params", "cancel_at"),
    [
        ({"cancel_at_period_end": True}, at(2026, 7, 1)),
        ({"cancel_at": START + 5 * DAY}, START + 5 * DAY),
        ({"cancel_at": "min_period_end"}, at(2026, 7, 1)),
    ],
)
def test_a_cancellation_with_other_changes(
    call: Calls, sold: dict[str, Any], params: dict[str, Any], cancel_at: int
) -> None:
    said = {"feedback": "unused"}
    previous = update(call, sold, **SAID, **params, cancellation_details=said)
    assert set(previous) >= {"metadata", "description", "cancel_at", "canceled_at"}
    asked = call.get(sold["id"])
    assert asked["cancel_at"] == cancel_at
    assert asked["cancellation_details"] == {
        "comment": None,
        "feedback": "unused",
        "reason": "cancellation_requested",
    }
    previous = update(call, asked, metadata="", cancel_at_period_end=False, cancel_at="")
    assert set(previous) >= {"metadata", "cancel_at", "canceled_at"}
    assert call.get(sold["id"])["cancellation_details"]["reason"] is None


def test_a_cancellation_with_a_plan_of_another_interval(call: Calls, sold: dict[str, Any]) -> None:
    """At the end of the period that the change makes."""
    (item,) = sold["items"]["data"]
    yearly = call.price(interval="year", amount=9000)["id"]
    items = [{"id": item["id"], "price": yearly}]
    previous = update(call, sold, **SAID, items=items, cancel_at_period_end=True)
    assert set(previous) >= {"items", "metadata", "cancel_at"}
    assert call.get(sold["id"])["cancel_at"] == at(2027, 6, 1)


@pytest.mark.parametrize("more", [{}, {"cancel_at_period_end": True}])
def test_a_trial_moved_with_other_changes(call: Calls, more: dict[str, Any]) -> None:
    trial = on_trial(call)
    (item,) = trial["items"]["data"]
    end = START + 20 * DAY
    items = [{"id": item["id"], "price": call.price(amount=700)["id"]}]
    previous = update(call, trial, **SAID, trial_end=end, items=items, **more)
    assert set(previous) >= {"metadata", "trial_end", "billing_cycle_anchor", "items"}
    moved = call.get(trial["id"])
    assert moved["items"]["data"][0]["current_period_end"] == end
    assert moved["cancel_at"] == (end if more else None)
    go_to(call.simulator, end)
    ended = call.get(trial["id"])
    assert ended["status"] == ("canceled" if more else "active")
    if not more:
        advance(call.simulator, hours=2)
        assert call.get(ended["latest_invoice"])["amount_paid"] == 700


@pytest.mark.parametrize("more", [{}, {"cancel_at_period_end": True}])
def test_a_trial_ended_with_other_changes(call: Calls, more: dict[str, Any]) -> None:
    trial = on_trial(call)
    (item,) = trial["items"]["data"]
    dear, small = (call.price(amount=amount)["id"] for amount in (700, 100))
    items = [{"id": item["id"], "deleted": True}, {"price": dear}, {"price": small}]
    previous = update(call, trial, **SAID, trial_end="now", items=items, **more)
    assert set(previous) >= {"metadata", "status", "trial_end", "items", "latest_invoice"}
    ended = call.get(trial["id"])
    assert ended["cancel_at"] == (at(2026, 7, 1) if more else None)
    assert [one["price"]["id"] for one in ended["items"]["data"]] == [dear, small]
    assert call.get(ended["latest_invoice"])["amount_paid"] == 800
    gone = call.error(404, "GET", f"/v1/subscription_items/{item['id']}")
    assert gone["code"] == "resource_missing"


def test_a_card_given_with_the_end_of_its_trial_pays_for_it(call: Calls) -> None:
    trial = trial_without_card(call, "pause")
    card = call.card(GOOD, trial["customer"])["id"]
    update(call, trial, trial_end="now", default_payment_method=card)
    assert call.get(trial["id"])["status"] == "active"


def test_a_trial_that_ends_in_a_pause_tells_what_else_was_changed(call: Calls) -> None:
    trial = trial_without_card(call, "pause")
    previous = update(call, trial, **SAID, trial_end="now")
    assert (previous["status"], set(previous) >= {"metadata", "trial_end"}) == ("trialing", True)
    assert event_types(call.simulator)[-2:] == [UPDATED, "customer.subscription.paused"]


def test_a_subscription_made_to_be_canceled_is_told_once(call: Calls) -> None:
    made = call.subscribe(call.customer(GOOD), call.price(), cancel_at_period_end=True)
    assert (made["cancel_at"], made["canceled_at"]) == (at(2026, 7, 1), START)
    (created,) = events(call.simulator, "customer.subscription.created", UPDATED)
    assert created["data"]["object"] == made
    go_to(call.simulator, at(2026, 7, 1))
    assert call.get(made["id"])["status"] == "canceled"
