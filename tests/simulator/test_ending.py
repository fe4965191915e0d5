"""Cancelling at once: `prorate`, `invoice_now`, and what the customer said."""

from __future__ import annotations

from typing import Any

from tests.simulator.tools import (
    FAILS_LATER,
    Calls,
    advance,
    bought,
    event_types,
    events,
    on_trial,
    replace_card,
)


def cancel(call: Calls, subscription: dict[str, Any], **params: Any) -> dict[str, Any]:
    return call("DELETE", f"/v1/subscriptions/{subscription['id']}", **params)


def waiting(call: Calls, subscription: dict[str, Any]) -> list[int]:
    found = call("GET", "/v1/invoiceitems", customer=subscription["customer"], pending=True)
    return [one["amount"] for one in found["data"]]


def more(call: Calls, quantity: int) -> dict[str, Any]:
    """Bought, and after half the month another quantity, not billed yet."""
    subscription = bought(call)
    advance(call.simulator, days=15)
    item = subscription["items"]["data"][0]["id"]
    call("POST", f"/v1/subscription_items/{item}", quantity=quantity)
    return subscription


def test_prorations_that_wait_are_dropped_and_other_items_are_not(call: Calls) -> None:
    subscription = more(call, 3)
    call("POST", "/v1/invoiceitems", customer=subscription["customer"], amount=70, currency="usd")
    call(
        "POST",
        "/v1/invoiceitems",
        customer=subscription["customer"],
        subscription=subscription["id"],
        amount=30,
        currency="usd",
    )
    ended = cancel(call, subscription)
    assert (ended["status"], ended["latest_invoice"]) == (
        "canceled",
        subscription["latest_invoice"],
    )
    assert waiting(call, subscription) == [30, 70]
    assert len(events(call.simulator, "invoiceitem.deleted")) == 2


def test_prorate_gives_unused_time_back_which_waits(call: Calls) -> None:
    subscription = bought(call)
    advance(call.simulator, days=15)
    cancel(call, subscription, prorate=True)
    assert waiting(call, subscription) == [-450]


def test_prorate_and_invoice_now_leave_a_balance(call: Calls) -> None:
    subscription = bought(call)
    advance(call.simulator, days=15)
    before = len(event_types(call.simulator))
    ended = cancel(call, subscription, prorate=True, invoice_now=True)
    last = call.get(ended["latest_invoice"])
    assert (last["total"], last["amount_due"], last["status"]) == (-450, 0, "paid")
    assert call.get(subscription["customer"])["balance"] == -450
    told = event_types(call.simulator, before)
    assert told[:3] == ["invoiceitem.created", "invoice.created", "customer.subscription.deleted"]


def test_invoice_now_charges_what_waits(call: Calls) -> None:
    subscription = more(call, 3)
    ended = cancel(call, subscription, invoice_now=True)
    last = call.get(ended["latest_invoice"])
    assert (last["amount_paid"], last["status"], last["billing_reason"]) == (900, "paid", "manual")
    assert waiting(call, subscription) == []


def test_a_declined_last_invoice_leaves_it_canceled(call: Calls) -> None:
    subscription = more(call, 3)
    replace_card(call, subscription["customer"], FAILS_LATER)
    ended = cancel(call, subscription, invoice_now=True)
    assert call.get(ended["latest_invoice"])["status"] == "open"
    advance(call.simulator, days=20)
    assert call.get(subscription["id"])["status"] == "canceled"


def test_nothing_is_invoiced_where_nothing_waits(call: Calls) -> None:
    subscription = bought(call)
    assert (
        cancel(call, subscription, invoice_now=True)["latest_invoice"]
        == (subscription["latest_invoice"])
    )


def test_a_trial_has_nothing_to_give_back(call: Calls) -> None:
    subscription = on_trial(call)
    cancel(call, subscription, prorate=True)
    assert waiting(call, subscription) == []


def test_what_the_customer_said_is_kept(call: Calls) -> None:
    subscription = bought(call)
    said = {"comment": "Too many reports", "feedback": "too_complex"}
    ended = cancel(call, subscription, cancellation_details=said)
    assert ended["cancellation_details"] == said | {"reason": "cancellation_requested"}
    (event,) = events(call.simulator, "customer.subscription.deleted")
    assert event["data"]["object"]["cancellation_details"]["feedback"] == "too_complex"
    path = f"/v1/subscriptions/{subscription['id']}"
    changed = call("POST", path, cancellation_details={"comment": "", "feedback": "unused"})
    assert changed["cancellation_details"] == {
        "comment": None,
        "feedback": "unused",
        "reason": "cancellation_requested",
    }


def test_it_is_kept_with_a_cancellation_at_the_periods_end(call: Calls) -> None:
    subscription = bought(call)
    path = f"/v1/subscriptions/{subscription['id']}"
    details = {"feedback": "too_expensive"}
    asked = call("POST", path, cancel_at_period_end=True, cancellation_details=details)
    assert asked["cancellation_details"]["feedback"] == "too_expensive"
    assert asked["cancellation_details"]["reason"] == "cancellation_requested"
