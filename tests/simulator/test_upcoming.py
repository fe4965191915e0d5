"""`invoice.upcoming`: what is told of an invoice before it is there."""

from __future__ import annotations

from typing import Any

import pytest

from caixa_subscriptions.simulator import Simulator
from tests.simulator.tools import (
    DAY,
    GOOD,
    Calls,
    advance,
    bought,
    events,
    invoice_of,
    on_trial,
    period,
    trial_without_card,
)


def upcoming(simulator: Simulator) -> list[dict[str, Any]]:
    return [event["data"]["object"] for event in events(simulator, "invoice.upcoming")]


def test_it_is_the_invoice_to_come_without_an_id(call: Calls) -> None:
    subscription = bought(call)
    end = period(subscription)[1]
    call("POST", "/v1/invoiceitems", customer=subscription["customer"], amount=100, currency="usd")
    advance(call.simulator, days=27)
    (told,) = upcoming(call.simulator)
    assert "id" not in told
    assert (told["billing_reason"], told["status"]) == ("upcoming", "draft")
    assert (told["amount_due"], told["created"]) == (1000, end)
    assert [line["invoice"] for line in told["lines"]["data"]] == [None, None]
    (event,) = events(call.simulator, "invoice.upcoming")
    assert event["created"] == end - 3 * DAY
    assert len(call("GET", "/v1/invoices", customer=subscription["customer"])["data"]) == 1
    advance(call.simulator, days=3)
    assert invoice_of(call, subscription)["amount_due"] == 1000


def test_every_period_has_one(call: Calls) -> None:
    bought(call)
    advance(call.simulator, days=100)
    assert len(upcoming(call.simulator)) == 3


def test_days_ahead_are_an_option(call: Calls) -> None:
    call.simulator.set_option("upcoming_invoice_days", "7")
    subscription = on_trial(call, 14)
    advance(call.simulator, days=7)
    assert events(call.simulator, "invoice.upcoming")[0]["created"] == (
        subscription["trial_end"] - 7 * DAY
    )


def test_a_period_no_longer_than_that_has_none(call: Calls) -> None:
    call.simulator.set_option("upcoming_invoice_days", "7")
    call.subscribe(call.customer(GOOD), call.price(interval="week"))
    advance(call.simulator, days=14)
    assert upcoming(call.simulator) == []


@pytest.mark.parametrize(
    "change", [{"cancel_at_period_end": True}, {"pause_collection": {"behavior": "void"}}]
)
def test_none_where_nothing_is_to_be_charged(call: Calls, change: dict[str, Any]) -> None:
    subscription = bought(call)
    call("POST", f"/v1/subscriptions/{subscription['id']}", **change)
    advance(call.simulator, days=31)
    assert upcoming(call.simulator) == []


def test_a_trial_without_a_card_has_one_all_the_same(call: Calls) -> None:
    trial_without_card(call, "create_invoice")
    advance(call.simulator, days=4)
    assert upcoming(call.simulator)[0]["amount_due"] == 900


@pytest.mark.parametrize("behavior", ["cancel", "pause"])
def test_a_trial_that_will_not_be_charged_has_none(call: Calls, behavior: str) -> None:
    trial_without_card(call, behavior)
    advance(call.simulator, days=4)
    assert upcoming(call.simulator) == []
