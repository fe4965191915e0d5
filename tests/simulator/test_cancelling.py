"""Cancelling, by API and in the portal."""

from __future__ import annotations

from typing import Any

import pytest

from caixa_subscriptions.simulator import CardError, StripeError
from tests.simulator.tools import (
    DAY,
    DECLINED,
    FAILS_LATER,
    START,
    Calls,
    Wall,
    advance,
    at,
    bought,
    events,
    failing,
    go_to,
    invoice_of,
    message,
    on_trial,
    trial_without_card,
)


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


@pytest.mark.parametrize("end", ["min_period_end", "max_period_end"])
def test_cancel_at_the_end_of_a_period(call: Calls, end: str) -> None:
    path = f"/v1/subscriptions/{bought(call)['id']}"
    asked = call("POST", path, cancel_at=end)
    assert (asked["cancel_at"], asked["cancel_at_period_end"]) == (at(2026, 7, 1), False)


@pytest.mark.parametrize("behavior", ["create_prorations", "always_invoice"])
def test_a_cancellation_within_a_period_gives_nothing_back(call: Calls, behavior: str) -> None:
    path = f"/v1/subscriptions/{bought(call)['id']}"
    end = at(2026, 7, 1)
    error = call.error(501, "POST", path, cancel_at=end - DAY, proration_behavior=behavior)
    assert error["code"] == "not_simulated"
    assert call("POST", path, cancel_at=end - DAY, proration_behavior="none")["cancel_at"]
    assert call("POST", path, cancel_at=end, proration_behavior=behavior)["cancel_at"] == end


@pytest.mark.parametrize("cancel_at", [START + 5 * DAY, "min_period_end"])
def test_one_end_can_be_asked_for(call: Calls, sold: dict[str, Any], cancel_at: Any) -> None:
    path = f"/v1/subscriptions/{sold['id']}"
    error = call.error(400, "POST", path, cancel_at=cancel_at, cancel_at_period_end=True)
    assert message(error) == (
        "You may only specify one of these parameters: cancel_at, cancel_at_period_end."
    )
    assert call.get(sold["id"]) == sold
    asked = call("POST", path, cancel_at=cancel_at, cancel_at_period_end=False)
    assert (asked["cancel_at"] is not None, asked["cancel_at_period_end"]) == (True, False)
    asked = call("POST", path, cancel_at="", cancel_at_period_end=True)
    assert (asked["cancel_at"], asked["cancel_at_period_end"]) == (at(2026, 7, 1), True)


@pytest.mark.parametrize(
    ("cancel_at", "status"), [("tomorrow", 400), (START, 400), ("max_billed_until", 501)]
)
def test_what_is_no_moment_to_cancel_at(
    call: Calls, sold: dict[str, Any], cancel_at: Any, status: int
) -> None:
    path = f"/v1/subscriptions/{sold['id']}"
    call.error(status, "POST", path, cancel_at=cancel_at)
    assert call.get(sold["id"]) == sold


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


def test_a_paused_subscription_ends_when_it_was_to(call: Calls) -> None:
    before, after = trial_without_card(call, "pause"), trial_without_card(call, "pause")
    call("POST", f"/v1/subscriptions/{before['id']}", cancel_at=START + 20 * DAY)
    advance(call.simulator, days=8)
    assert call.get(before["id"])["status"] == "paused"
    call("POST", f"/v1/subscriptions/{after['id']}", cancel_at=START + 20 * DAY)
    advance(call.simulator, days=12)
    assert [call.get(one["id"])["status"] for one in (before, after)] == ["canceled"] * 2


def test_a_declined_last_payment_is_not_tried_again(call: Calls) -> None:
    """Nobody is charged by itself for what was canceled."""
    subscription = bought(call)
    advance(call.simulator, days=30, minutes=10)
    call("DELETE", f"/v1/subscriptions/{subscription['id']}")
    invoice = invoice_of(call, subscription)
    assert invoice["status"] == "draft"
    card = call.card(FAILS_LATER, subscription["customer"])
    call.error(402, "POST", f"/v1/invoices/{invoice['id']}/pay", payment_method=card["id"])
    assert call.get(invoice["id"])["next_payment_attempt"] is None
    advance(call.simulator, days=10)
    assert call.get(invoice["id"])["status"] == "open"


def test_a_cancellation_at_what_is_billed_so_far_is_not_simulated(call: Calls) -> None:
    path = f"/v1/subscriptions/{bought(call)['id']}"
    assert call.error(501, "POST", path, cancel_at="max_billed_until")["code"] == "not_simulated"
