"""Reading for people: lists in pieces, what comes next, search."""

from __future__ import annotations

from typing import Any

import pytest

from caixa_subscriptions.simulator import Simulator
from tests.simulator.tools import DAY, Calls, Inbox, Wall, on_trial


def emails(found: list[dict[str, Any]]) -> list[str]:
    return [one["email"] for one in found]


@pytest.fixture
def five(call: Calls) -> list[dict[str, Any]]:
    """Oldest first."""
    return [call.customer(email=f"c{number}@example.com") for number in range(5)]


def test_a_list_is_read_in_pieces(simulator: Simulator, five: list[dict[str, Any]]) -> None:
    newest = simulator.list_objects("customer", limit=2)
    assert emails(newest) == ["c4@example.com", "c3@example.com"]
    older = simulator.list_objects("customer", limit=2, before=newest[-1]["id"])
    assert emails(older) == ["c2@example.com", "c1@example.com"]
    newer = simulator.list_objects("customer", limit=2, after=older[0]["id"])
    assert emails(newer) == emails(newest)
    assert simulator.list_objects("customer", before="cus_none") == []


def test_filters_compare_with_null_too(simulator: Simulator, call: Calls) -> None:
    call.customer(email="a@example.com", name="A")
    call.customer(email="b@example.com")
    assert emails(simulator.list_objects("customer", name=None)) == ["b@example.com"]
    assert emails(simulator.list_objects("customer", name="A")) == ["a@example.com"]


def test_the_objects_of_a_customer(simulator: Simulator, sold: dict[str, Any], call: Calls) -> None:
    call.subscribe(call.customer("4242424242424242"), call.price())
    found = simulator.list_objects("invoice", customer=sold["customer"])
    assert [one["id"] for one in found] == [sold["latest_invoice"]]


def test_events_by_type_object_and_owner(
    simulator: Simulator, call: Calls, sold: dict[str, Any]
) -> None:
    stranger = call.customer(email="b@example.com")
    owner = sold["customer"]
    [created] = simulator.list_events(type="customer.subscription.created")
    assert created["data"]["object"]["id"] == sold["id"]
    groups = {one["type"].split(".")[0] for one in simulator.list_events(type="invoice.*")}
    assert groups == {"invoice"}
    about = simulator.list_events(about=[sold["id"]])
    assert [one["type"] for one in about] == ["customer.subscription.created"]
    assert [one["type"] for one in simulator.list_events(customer=stranger["id"])] == [
        "customer.created"
    ]
    owners = {one["type"] for one in simulator.list_events(customer=owner, limit=100)}
    assert {"customer.created", "customer.subscription.created", "invoice.paid"} <= owners
    older = simulator.list_events(customer=owner, before=created["id"], limit=100)
    assert created["id"] not in [one["id"] for one in older]


def test_what_there_is(simulator: Simulator, sold: dict[str, Any]) -> None:
    assert simulator.count_objects()["subscription"] == 1
    assert simulator.count_statuses("subscription") == {"active": 1}
    assert simulator.count_statuses("refund") == {}


def test_what_comes_next(simulator: Simulator, call: Calls) -> None:
    subscription = on_trial(call, days=14)
    clock = simulator.default_clock_id
    assert clock is not None
    planned = simulator.upcoming(subscription["id"])
    assert [(one.action, one.due) for one in planned] == [
        ("trial_will_end", subscription["trial_end"] - 3 * DAY),
        ("upcoming", subscription["trial_end"] - 3 * DAY),
        ("period_end", subscription["trial_end"]),
    ]
    assert planned[0] in simulator.upcoming(clock=clock)
    assert simulator.upcoming(clock="") == []
    assert simulator.count_due(clock, subscription["trial_end"] - 3 * DAY) == 2
    assert simulator.count_due(clock, subscription["trial_end"] - 3 * DAY - 1) == 0


@pytest.mark.parametrize("text", ["ANA@", "na@exam", "cus_", "Ana S", "100%_"])
def test_search_by_what_people_have_in_hand(simulator: Simulator, call: Calls, text: str) -> None:
    ana = call.customer(email="ana@example.com", name="Ana Souza 100%_")
    call("POST", "/v1/products", name="Reports")
    assert [one["id"] for one in simulator.search(text)] == [ana["id"]]
    assert simulator.search("an_@example") == []


def test_search_by_invoice_number(simulator: Simulator, sold: dict[str, Any], call: Calls) -> None:
    number = call.get(sold["latest_invoice"])["number"]
    assert [one["id"] for one in simulator.search(number)] == [sold["latest_invoice"]]


def test_deliveries_by_outcome(simulator: Simulator, call: Calls, inbox: Inbox) -> None:
    call(
        "POST",
        "/v1/webhook_endpoints",
        url="https://shop.example/hook",
        enabled_events=["customer.created"],
    )
    call.customer()
    simulator.deliver_pending()
    inbox.status = 500
    call.customer()
    assert simulator.count_deliveries() == {"failing": 0, "pending": 1, "delivered": 1}
    simulator.deliver_pending()
    assert simulator.count_deliveries() == {"failing": 1, "pending": 1, "delivered": 1}
    [failing] = simulator.list_deliveries(outcome="failing")
    assert failing.response_status == 500
    assert simulator.list_deliveries(event=failing.event_id) == [failing]
    [older] = simulator.list_deliveries(before=failing.id)
    assert older.status == "delivered"


def test_no_delivery_yet(wall: Wall) -> None:
    simulator = Simulator(now=wall)
    assert simulator.count_deliveries() == {"failing": 0, "pending": 0, "delivered": 0}
    simulator.close()
