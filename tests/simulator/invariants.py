"""What holds of every subscription, invoice and event at Stripe, whatever has happened."""

from __future__ import annotations

import calendar
import datetime as dt
from typing import Any

from caixa_subscriptions.simulator import Simulator
from tests.simulator.tools import DAY

DUNNING_ENDS = 15 * DAY  # two weeks of retries, begun an hour after the invoice was made
LENGTHS = {"month": (28 * DAY, 31 * DAY), "year": (365 * DAY, 366 * DAY)}


def check_length(start: int, end: int, interval: str, anchor: int) -> None:
    """One interval, to the anchor's day and time, or to the last day of a month too short."""
    shortest, longest = LENGTHS[interval]
    assert shortest <= end - start <= longest, (start, end)
    ends, anchored = (dt.datetime.fromtimestamp(one, dt.UTC) for one in (end, anchor))
    last_day = calendar.monthrange(ends.year, ends.month)[1]
    assert ends.day == min(anchored.day, last_day), (end, anchor)
    assert ends.time() == anchored.time(), (end, anchor)


def subscription_of(invoice: dict[str, Any]) -> str | None:
    details = (invoice["parent"] or {}).get("subscription_details") or {}
    return details.get("subscription")


def check_event(simulator: Simulator, event: dict[str, Any], deleted: set[str]) -> None:
    obj = event["data"]["object"]
    stored = simulator.get_object(obj["id"])
    if stored is None:
        assert obj["id"] in deleted, event["type"]
    else:
        assert stored["object"] == obj["object"]


def check_told(subscription: dict[str, Any], event: dict[str, Any]) -> None:
    """The last event of a subscription shows it as it is, but for `latest_invoice`, which Stripe
    changes without telling."""
    told = event["data"]["object"]
    differs = {key for key in told if told[key] != subscription[key]} - {"latest_invoice"}
    assert not differs, (event["type"], differs)


def check_invoice(invoice: dict[str, Any]) -> None:
    lines = sum(line["amount"] for line in invoice["lines"]["data"])
    assert invoice["subtotal"] == lines
    off = sum(one["amount"] for one in invoice["total_discount_amounts"] or [])
    assert invoice["total"] == lines - off
    due = max(invoice["total"] + invoice["starting_balance"], 0)
    assert invoice["amount_due"] == due
    assert invoice["amount_paid"] + invoice["amount_remaining"] == due
    if invoice["status"] == "paid":
        assert invoice["amount_remaining"] == 0
    else:
        assert invoice["amount_paid"] == 0
    assert (invoice["status_transitions"]["paid_at"] is not None) == (invoice["status"] == "paid")
    if invoice["status"] == "draft":
        assert invoice["number"] is None


def check_payments(
    invoice: dict[str, Any], payments: list[dict[str, Any]], received: dict[str, int]
) -> None:
    """What an invoice says is paid has been received, once."""
    of_intents = [received[one["payment"]["payment_intent"]] for one in payments]
    assert sum(of_intents) == invoice["amount_paid"]
    assert sum(one["amount_paid"] or 0 for one in payments) == invoice["amount_paid"]


def check_subscription(
    subscription: dict[str, Any], invoices: list[dict[str, Any]], now: int
) -> None:
    status = subscription["status"]
    (item,) = subscription["items"]["data"]
    states = [invoice["status"] for invoice in invoices]
    renewals = [
        (one["period_start"], one["period_end"])
        for one in invoices
        if one["billing_reason"] == "subscription_cycle"
    ]
    assert len(set(renewals)) == len(renewals), "a period is billed once"
    latest = subscription["latest_invoice"]
    assert latest in [invoice["id"] for invoice in invoices]
    if status in ("active", "trialing", "past_due", "unpaid"):
        assert item["current_period_start"] <= now < item["current_period_end"]
    if status == "trialing":
        assert now < subscription["trial_end"]
    if status == "active":
        (newest,) = [one for one in invoices if one["id"] == latest]
        assert newest["status"] != "open" or not newest["attempted"]
    if status == "past_due":
        assert "open" in states
        since = min(one["created"] for one in invoices if one["status"] == "open")
        assert now < since + DUNNING_ENDS
    if status == "incomplete":
        assert states in (["open"], ["uncollectible"])
    if status == "incomplete_expired":
        # One given up by hand may still be paid later.
        (only,) = invoices
        given_up = only["status_transitions"]["marked_uncollectible_at"]
        assert only["status"] == "void" or given_up
    assert (status in ("canceled", "incomplete_expired")) == bool(subscription["ended_at"])
    if subscription["ended_at"]:
        assert subscription["ended_at"] <= now
    elif subscription["cancel_at"]:
        assert subscription["cancel_at"] > now
