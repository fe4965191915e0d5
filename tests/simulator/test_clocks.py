"""Test clocks."""

from __future__ import annotations

import pytest

from caixa_subscriptions.simulator.resources import clocks
from tests.simulator.tools import (
    DAY,
    GOOD,
    START,
    Calls,
    events,
    message,
)


def advance_path(clock: str) -> str:
    return f"/v1/test_helpers/test_clocks/{clock}/advance"


@pytest.fixture
def clock(call: Calls) -> str:
    return str(call("POST", "/v1/test_helpers/test_clocks", frozen_time=START, name="Mine")["id"])


def test_a_clock_advances_and_is_ready(call: Calls, clock: str) -> None:
    answer = call("POST", advance_path(clock), frozen_time=START + DAY)
    assert (answer["status"], answer["frozen_time"]) == ("advancing", START)
    assert answer["status_details"] == {"advancing": {"target_frozen_time": START + DAY}}
    ready = call("GET", f"/v1/test_helpers/test_clocks/{clock}")
    assert (ready["status"], ready["frozen_time"]) == ("ready", START + DAY)
    types = [f"test_helpers.test_clock.{name}" for name in ("created", "advancing", "ready")]
    found = [one for one in events(call.simulator, *types) if one["data"]["object"]["id"] == clock]
    assert [one["type"] for one in found] == types
    assert call.simulator.now(clock) == START + DAY
    assert call.simulator.now() == START


def test_while_it_advances_nothing_of_it_changes(
    call: Calls, clock: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscription = call.subscribe(call.customer(GOOD, test_clock=clock), call.price())
    customer = call.get(subscription["customer"])
    theirs = {"customer": customer["id"]}
    intent = call("POST", "/v1/setup_intents", **theirs)["id"]
    session = call.session(call.price(), **theirs)["id"]
    sells = {
        "mode": "subscription",
        "line_items": [{"price": call.price()["id"], "quantity": 1}],
        "success_url": "https://shop.example/done",
    }
    with monkeypatch.context() as patch:
        patch.setattr(clocks, "step", lambda world, clock_id: False)
        call("POST", advance_path(clock), frozen_time=START + DAY)
        for method, path, params in (
            ("POST", f"/v1/customers/{customer['id']}", {"name": "Ana"}),
            ("DELETE", f"/v1/customers/{customer['id']}", {}),
            ("POST", f"/v1/subscriptions/{subscription['id']}", {"metadata": {"a": "b"}}),
            ("DELETE", f"/v1/subscriptions/{subscription['id']}", {}),
            ("POST", f"/v1/invoices/{subscription['latest_invoice']}/void", {}),
            ("POST", advance_path(clock), {"frozen_time": START + 2 * DAY}),
            ("DELETE", f"/v1/test_helpers/test_clocks/{clock}", {}),
            ("POST", "/v1/checkout/sessions", sells | theirs),
            ("POST", f"/v1/checkout/sessions/{session}", {"metadata": {"a": "b"}}),
            ("POST", f"/v1/checkout/sessions/{session}/expire", {}),
            ("POST", "/v1/billing_portal/sessions", theirs),
            ("POST", f"/v1/setup_intents/{intent}", {"description": "a"}),
            ("POST", f"/v1/setup_intents/{intent}/confirm", {"payment_method": "pm_card_visa"}),
            ("POST", f"/v1/setup_intents/{intent}/cancel", {}),
        ):
            error = call.error(429, method, path, **params)
            assert error["code"] == "lock_timeout"
            assert message(error) == (
                "Test clock advancement underway - cannot perform modifications"
            )
        assert call("GET", f"/v1/customers/{customer['id']}") == customer
    call("GET", "/v1/account")  # time goes on with the next call
    call("POST", f"/v1/customers/{customer['id']}", name="Ana")


@pytest.mark.parametrize("target", [START, START - DAY])
def test_a_clock_only_moves_forward(call: Calls, clock: str, target: int) -> None:
    error = call.error(400, "POST", advance_path(clock), frozen_time=target)
    assert error["param"] == "frozen_time"


@pytest.mark.parametrize("frozen_time", [0, -1, 10**15, START + 6 * 366 * DAY])
def test_a_clock_starts_at_a_time_there_is(call: Calls, frozen_time: int) -> None:
    error = call.error(400, "POST", "/v1/test_helpers/test_clocks", frozen_time=frozen_time)
    assert error["param"] == "frozen_time"


def test_two_years_without_a_subscription(call: Calls, clock: str) -> None:
    far = START + 732 * DAY
    assert "up to 2 years" in message(call.error(400, "POST", advance_path(clock), frozen_time=far))
    call("POST", advance_path(clock), frozen_time=far - DAY)


def test_two_intervals_of_the_shortest_subscription(call: Calls, clock: str) -> None:
    customer = call.customer(GOOD, test_clock=clock)
    call.subscribe(customer, call.price(interval="year"))
    call.subscribe(customer, call.price(interval="month"))
    error = call.error(400, "POST", advance_path(clock), frozen_time=START + 61 * DAY + 1)
    assert message(error).startswith(
        f"The frozen time of this clock is {START} (2026-06-01 12:00:00 UTC). You can only advance "
        f"it up to {START + 61 * DAY} (2026-08-01 12:00:00 UTC)."
    )
    call("POST", advance_path(clock), frozen_time=START + 61 * DAY)


def test_three_customers_to_a_clock(call: Calls, clock: str) -> None:
    for _ in range(3):
        call.customer(test_clock=clock)
    error = call.error(400, "POST", "/v1/customers", test_clock=clock)
    assert error["param"] == "test_clock"
    assert call.error(400, "POST", "/v1/customers", test_clock="clock_none")["code"] == (
        "resource_missing"
    )


def test_a_clock_takes_its_customers_with_it(call: Calls, clock: str) -> None:
    customer = call.customer(GOOD, test_clock=clock)
    live, ended = (call.subscribe(customer, call.price()) for _ in range(2))
    call("DELETE", f"/v1/subscriptions/{ended['id']}")
    call("DELETE", f"/v1/test_helpers/test_clocks/{clock}")
    assert call("GET", f"/v1/customers/{customer['id']}")["deleted"] is True
    assert call.get(live["id"])["status"] == "canceled"
    assert len(events(call.simulator, "customer.subscription.deleted")) == 2
    call.error(404, "GET", f"/v1/test_helpers/test_clocks/{clock}")
    default = call.simulator.default_clock_id
    call.error(400, "DELETE", f"/v1/test_helpers/test_clocks/{default}")


def test_three_subscriptions_to_a_customer_of_a_clock(call: Calls, clock: str) -> None:
    customer, price = call.customer(GOOD, test_clock=clock), call.price()
    ended, *_ = (call.subscribe(customer, price) for _ in range(3))
    asked = {"customer": customer["id"], "items": [{"price": price["id"]}]}
    assert call.error(400, "POST", "/v1/subscriptions", **asked)["param"] == "customer"
    call("DELETE", f"/v1/subscriptions/{ended['id']}")
    call("POST", "/v1/subscriptions", **asked)


def test_what_a_clock_leaves_behind_goes_on_by_the_wall(call: Calls, clock: str) -> None:
    customer = call.customer("4000002760003184", test_clock=clock)
    subscription = call.subscribe(customer, call.price())
    (intent,) = call.simulator.list_objects("payment_intent")
    call("DELETE", f"/v1/test_helpers/test_clocks/{clock}")
    assert call.simulator.authenticate(intent["id"])["status"] == "succeeded"
    assert call.get(subscription["latest_invoice"])["status"] == "paid"
    path = f"/v1/subscriptions/{subscription['id']}"
    assert call("POST", path, metadata={"a": "b"})["metadata"] == {"a": "b"}
