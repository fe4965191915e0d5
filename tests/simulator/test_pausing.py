"""Paused collection, and resuming a subscription that is paused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator.tools import (
    DAY,
    FAILS_LATER,
    GOOD,
    START,
    Calls,
    advance,
    at,
    event_types,
    events,
    invoice_of,
    period,
    trial_without_card,
)

ENDED = START + 7 * DAY


def pause(call: Calls, subscription: dict[str, Any], behavior: str, **more: Any) -> dict[str, Any]:
    path = f"/v1/subscriptions/{subscription['id']}"
    return dict(call("POST", path, pause_collection={"behavior": behavior, **more}))


class TestCollection:
    @pytest.mark.parametrize(
        ("behavior", "status", "event"),
        [
            ("void", "void", "invoice.voided"),
            ("mark_uncollectible", "uncollectible", "invoice.marked_uncollectible"),
        ],
    )
    def test_invoices_are_closed(
        self, call: Calls, sold: dict[str, Any], behavior: str, status: str, event: str
    ) -> None:
        """Recorded: the status stays `active`."""
        before = len(events(call.simulator))
        paused = pause(call, sold, behavior)
        assert paused["pause_collection"] == {"behavior": behavior, "resumes_at": None}
        assert paused["status"] == "active"
        assert event_types(call.simulator, before) == ["customer.subscription.updated"]
        advance(call.simulator, days=30, hours=1)
        assert invoice_of(call, sold)["status"] == status
        assert event_types(call.simulator).count(event) == 1
        assert call.get(sold["id"])["status"] == "active"
        assert len(call.simulator.list_objects("charge")) == 1

    def test_invoices_are_kept_as_drafts(self, call: Calls, sold: dict[str, Any]) -> None:
        pause(call, sold, "keep_as_draft")
        advance(call.simulator, days=32)
        kept = invoice_of(call, sold)
        assert (kept["status"], kept["auto_advance"]) == ("draft", False)
        path = f"/v1/subscriptions/{sold['id']}"
        assert call("POST", path, pause_collection="")["pause_collection"] is None
        advance(call.simulator, days=31)
        assert call.get(kept["id"])["status"] == "draft"
        assert invoice_of(call, sold)["status"] == "paid"

    def test_a_pause_within_the_hour_keeps_the_draft(
        self, call: Calls, sold: dict[str, Any]
    ) -> None:
        advance(call.simulator, days=30)
        pause(call, sold, "keep_as_draft")
        advance(call.simulator, hours=2)
        assert invoice_of(call, sold)["status"] == "draft"

    def test_it_ends_by_itself(self, call: Calls, sold: dict[str, Any]) -> None:
        ends = START + 10 * DAY
        assert pause(call, sold, "void", resumes_at=ends)["pause_collection"]["resumes_at"] == ends
        advance(call.simulator, days=10)
        assert call.get(sold["id"])["pause_collection"] is None
        (event,) = events(call.simulator, "customer.subscription.updated")[1:]
        assert event["data"]["previous_attributes"]["pause_collection"]["behavior"] == "void"
        advance(call.simulator, days=21)
        assert invoice_of(call, sold)["status"] == "paid"

    def test_not_in_the_past(self, call: Calls, sold: dict[str, Any]) -> None:
        past = {"behavior": "void", "resumes_at": START}
        call.error(400, "POST", f"/v1/subscriptions/{sold['id']}", pause_collection=past)

    def test_changes_are_not_collected(self, call: Calls, sold: dict[str, Any]) -> None:
        pause(call, sold, "void")
        row = sold["items"]["data"][0]["id"]
        path = f"/v1/subscription_items/{row}"
        call("POST", path, quantity=2, proration_behavior="always_invoice")
        assert invoice_of(call, sold)["status"] == "void"
        # A credit has nothing to collect.
        call("POST", path, quantity=1, proration_behavior="always_invoice")


class TestResuming:
    @pytest.fixture
    def paused(self, call: Calls) -> dict[str, Any]:
        subscription = trial_without_card(call, "pause")
        advance(call.simulator, days=10)
        paused = call.get(subscription["id"])
        assert paused["status"] == "paused"
        return paused

    def give_card(self, call: Calls, subscription: dict[str, Any], number: str) -> None:
        card = call.card(number, subscription["customer"])
        path = f"/v1/customers/{subscription['customer']}"
        call("POST", path, invoice_settings={"default_payment_method": card["id"]})

    def resume(self, call: Calls, subscription: dict[str, Any], **params: Any) -> dict[str, Any]:
        return dict(call("POST", f"/v1/subscriptions/{subscription['id']}/resume", **params))

    def test_a_new_cycle_is_paid_at_once(self, call: Calls, paused: dict[str, Any]) -> None:
        self.give_card(call, paused, GOOD)
        before = len(events(call.simulator))
        resumed = self.resume(call, paused)
        assert resumed["status"] == "active"
        assert resumed["billing_cycle_anchor"] == START + 10 * DAY
        assert period(resumed) == (START + 10 * DAY, at(2026, 7, 11))
        assert invoice_of(call, paused)["amount_paid"] == 900
        told = event_types(call.simulator, before)
        assert told[:2] == ["invoice.created", "customer.subscription.updated"]
        assert told[-1] == "customer.subscription.resumed"
        advance(call.simulator, days=30, hours=1)
        assert period(call.get(paused["id"]))[0] == at(2026, 7, 11)

    def test_unpaid_it_stays_paused(self, call: Calls, paused: dict[str, Any]) -> None:
        self.give_card(call, paused, FAILS_LATER)
        assert self.resume(call, paused)["status"] == "paused"
        invoice = invoice_of(call, paused)
        assert (invoice["status"], invoice["next_payment_attempt"]) == ("open", None)
        self.give_card(call, paused, GOOD)
        call("POST", f"/v1/invoices/{invoice['id']}/pay")
        assert call.get(paused["id"])["status"] == "active"
        assert event_types(call.simulator)[-1] == "customer.subscription.resumed"

    def test_written_off_it_is_active(self, call: Calls, paused: dict[str, Any]) -> None:
        self.resume(call, paused)
        invoice = invoice_of(call, paused)
        call("POST", f"/v1/invoices/{invoice['id']}/mark_uncollectible")
        assert call.get(paused["id"])["status"] == "active"

    def test_void_it_stays_paused(self, call: Calls, paused: dict[str, Any]) -> None:
        self.resume(call, paused)
        advance(call.simulator, hours=23)
        assert invoice_of(call, paused)["status"] == "void"
        assert call.get(paused["id"])["status"] == "paused"

    def test_nothing_to_pay(self, call: Calls, paused: dict[str, Any]) -> None:
        call("POST", f"/v1/customers/{paused['customer']}", balance=-2000)
        assert self.resume(call, paused)["status"] == "active"

    def test_the_running_cycle(self, call: Calls, paused: dict[str, Any]) -> None:
        resumed = self.resume(call, paused, billing_cycle_anchor="unchanged")
        assert resumed["status"] == "active"
        assert period(resumed) == (ENDED, at(2026, 7, 8))
        (item,) = call("GET", "/v1/invoiceitems")["data"]
        assert item["amount"] == 810

    def test_the_running_cycle_paid_at_once(self, call: Calls, paused: dict[str, Any]) -> None:
        self.give_card(call, paused, GOOD)
        terms = {"billing_cycle_anchor": "unchanged", "proration_behavior": "always_invoice"}
        path = f"/v1/subscriptions/{paused['id']}/resume"
        error = call.error(400, "POST", path, proration_date=START, **terms)
        assert error["param"] == "proration_date"
        resumed = self.resume(call, paused, proration_date=ENDED, **terms)
        assert resumed["status"] == "active"
        assert invoice_of(call, paused)["amount_paid"] == 900

    def test_the_running_cycle_for_nothing(self, call: Calls, paused: dict[str, Any]) -> None:
        terms = {"billing_cycle_anchor": "unchanged", "proration_behavior": "none"}
        assert self.resume(call, paused, **terms)["status"] == "active"
        assert call("GET", "/v1/invoiceitems")["data"] == []

    def test_only_what_is_paused(self, call: Calls, sold: dict[str, Any]) -> None:
        call.error(400, "POST", f"/v1/subscriptions/{sold['id']}/resume")
