"""Invoice items, invoices made by hand, and previews."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator.tools import (
    DAY,
    GOOD,
    HOUR,
    START,
    Calls,
    advance,
    at,
    event_types,
    events,
    ids,
    invoice_of,
)


@pytest.fixture
def customer(call: Calls) -> dict[str, Any]:
    return call.customer(GOOD)


def item(call: Calls, customer: dict[str, Any], amount: int = 500, **params: Any) -> dict[str, Any]:
    path = "/v1/invoiceitems"
    return call("POST", path, customer=customer["id"], amount=amount, currency="usd", **params)


def draft(call: Calls, customer: dict[str, Any], **params: Any) -> dict[str, Any]:
    return call("POST", "/v1/invoices", customer=customer["id"], **params)


class TestItems:
    def test_waits_for_the_renewal(self, call: Calls, sold: dict[str, Any]) -> None:
        buyer = call.get(sold["customer"])
        made = item(call, buyer, description="Set-up", metadata={"a": "b"})
        assert (made["invoice"], made["parent"], made["proration"]) == (None, None, False)
        item(call, buyer, -100, subscription=sold["id"])
        other = call.subscribe(buyer, call.price(interval="year"))
        item(call, buyer, 7, subscription=other["id"])
        advance(call.simulator, days=30, hours=1)
        lines = invoice_of(call, sold)["lines"]["data"]
        # What waits for no subscription went with the first invoice that came: the other's.
        assert [line["amount"] for line in lines] == [-100, 900]
        first = invoice_of(call, other)["lines"]["data"][0]
        assert (first["description"], first["metadata"]) == ("Set-up", {"a": "b"})
        assert first["parent"]["invoice_item_details"]["invoice_item"] == made["id"]

    def test_of_a_price(self, call: Calls, customer: dict[str, Any]) -> None:
        price = call(
            "POST",
            "/v1/prices",
            currency="eur",
            unit_amount=250,
            product_data={"name": "Training"},
        )
        path, pricing = "/v1/invoiceitems", {"price": price["id"]}
        made = call("POST", path, customer=customer["id"], pricing=pricing, quantity=3)
        assert (made["amount"], made["currency"], made["quantity"]) == (750, "eur", 3)
        assert made["description"] == "Training"
        assert made["pricing"]["price_details"]["price"] == price["id"]
        changed = call("POST", f"{path}/{made['id']}", quantity=2, description="Course")
        assert (changed["amount"], changed["description"]) == (500, "Course")
        assert changed["pricing"]["price_details"]["price"] == price["id"]

    def test_of_a_unit_amount(self, call: Calls, customer: dict[str, Any]) -> None:
        made = call(
            "POST",
            "/v1/invoiceitems",
            customer=customer["id"],
            unit_amount_decimal="0.5",
            quantity=5,
            currency="usd",
        )
        assert (made["amount"], made["pricing"]["unit_amount_decimal"]) == (3, "0.5")

    def test_what_cannot_be(self, call: Calls, customer: dict[str, Any]) -> None:
        path, named = "/v1/invoiceitems", {"customer": customer["id"]}
        assert call.error(400, "POST", path, amount=1)["param"] == "customer"
        assert call.error(400, "POST", path, **named)["param"] == "amount"
        assert call.error(400, "POST", path, quantity=2, **named)["param"] == "unit_amount_decimal"
        assert call.error(400, "POST", path, amount=1, quantity=2, **named)["param"] == "amount"
        pricing = {"price": call.price()["id"]}
        assert call.error(400, "POST", path, pricing=pricing, **named)["param"] == "pricing[price]"
        other = call.subscribe(call.customer(GOOD), call.price())
        of_other = {"amount": 1, "subscription": other["id"]}
        assert call.error(400, "POST", path, **of_other, **named)["param"] == "subscription"
        of_other = {"amount": 1, "invoice": draft(call, call.customer())["id"]}
        assert call.error(400, "POST", path, **of_other, **named)["param"] == "invoice"
        of_other = {"amount": 1, "invoice": other["latest_invoice"]}
        assert call.error(400, "POST", path, **of_other, **named)["param"] == "invoice"

    def test_deleted_before_it_is_invoiced(self, call: Calls, customer: dict[str, Any]) -> None:
        made = item(call, customer)
        gone = call("DELETE", f"/v1/invoiceitems/{made['id']}")
        assert gone == {"id": made["id"], "object": "invoiceitem", "deleted": True}
        call.error(404, "GET", f"/v1/invoiceitems/{made['id']}")
        assert event_types(call.simulator)[-1] == "invoiceitem.deleted"

    def test_not_changed_once_it_is_invoiced(self, call: Calls, customer: dict[str, Any]) -> None:
        made = item(call, customer)
        invoice = draft(call, customer, pending_invoice_items_behavior="include")
        call("POST", f"/v1/invoices/{invoice['id']}/pay")
        call.error(400, "POST", f"/v1/invoiceitems/{made['id']}", amount=1)
        call.error(400, "DELETE", f"/v1/invoiceitems/{made['id']}")

    def test_prorations_keep_their_amount(self, call: Calls, sold: dict[str, Any]) -> None:
        row = sold["items"]["data"][0]["id"]
        call("POST", f"/v1/subscription_items/{row}", quantity=2)
        (debit, credit) = call("GET", "/v1/invoiceitems")["data"]
        path = f"/v1/invoiceitems/{debit['id']}"
        assert call("POST", path, description="More")["description"] == "More"
        assert call.error(400, "POST", path, amount=1)["param"] == "amount"
        # One that is taken back before its invoice: the credit of it names nothing then.
        call("POST", f"/v1/subscription_items/{row}", quantity=3)
        call("DELETE", path)
        advance(call.simulator, days=30, hours=1)
        lines = invoice_of(call, sold)["lines"]["data"]
        assert sum(line["amount"] for line in lines) == 2700 + 2700 - 1800 - 900
        assert credit["proration_details"]["credited_items"]["type"] == "invoice_line_items"


class TestInvoices:
    def test_nothing_waits_on_it_unasked(self, call: Calls, customer: dict[str, Any]) -> None:
        made = item(call, customer)
        empty = draft(call, customer)
        assert (empty["billing_reason"], empty["total"]) == ("manual", 0)
        assert (empty["auto_advance"], empty["parent"]) == (False, None)
        assert call.get(made["id"])["invoice"] is None
        full = draft(call, customer, pending_invoice_items_behavior="include", description="All")
        assert (full["total"], full["description"]) == (500, "All")
        assert call.get(made["id"])["invoice"] == full["id"]

    def test_finalized_and_paid_by_hand(self, call: Calls, customer: dict[str, Any]) -> None:
        item(call, customer)
        made = draft(call, customer, pending_invoice_items_behavior="include")
        path = f"/v1/invoices/{made['id']}"
        before = len(events(call.simulator))
        opened = call("POST", f"{path}/finalize")
        assert (opened["status"], opened["attempted"]) == ("open", False)
        assert event_types(call.simulator, before) == ["invoice.finalized"]
        paid = call("POST", f"{path}/pay")
        assert (paid["status"], paid["amount_paid"]) == ("paid", 500)
        assert call("GET", "/v1/invoices", customer=customer["id"])["data"] == [paid]

    def test_paid_at_once_when_it_advances(self, call: Calls, customer: dict[str, Any]) -> None:
        item(call, customer)
        made = draft(call, customer, pending_invoice_items_behavior="include")
        done = call("POST", f"/v1/invoices/{made['id']}/finalize", auto_advance=True)
        assert done["status"] == "paid"

    def test_advances_by_itself(self, call: Calls, customer: dict[str, Any]) -> None:
        item(call, customer)
        made = draft(call, customer, auto_advance=True, pending_invoice_items_behavior="include")
        assert made["automatically_finalizes_at"] == START + HOUR
        held = call("POST", f"/v1/invoices/{made['id']}", auto_advance=False)
        assert held["automatically_finalizes_at"] is None
        advance(call.simulator, hours=2)
        assert call.get(made["id"])["status"] == "draft"
        call("POST", f"/v1/invoices/{made['id']}", auto_advance=True)
        advance(call.simulator, hours=1)
        assert call.get(made["id"])["status"] == "paid"

    def test_a_decline_troubles_no_subscription(self, call: Calls, sold: dict[str, Any]) -> None:
        buyer = call.get(sold["customer"])
        bad = call.card("4000000000000341", buyer["id"])
        item(call, buyer)
        made = draft(
            call,
            buyer,
            auto_advance=True,
            default_payment_method=bad["id"],
            pending_invoice_items_behavior="include",
        )
        advance(call.simulator, hours=1)
        assert call.get(made["id"])["status"] == "open"
        assert call.get(made["id"])["next_payment_attempt"]
        assert call.get(sold["id"])["status"] == "active"
        call("POST", f"/v1/invoices/{made['id']}/void")
        assert call.get(sold["id"])["status"] == "active"

    def test_of_a_subscription(self, call: Calls, sold: dict[str, Any]) -> None:
        """Recorded: the invoice of a subscription that nothing waits for is paid with nothing."""
        made = call("POST", "/v1/invoices", subscription=sold["id"])
        assert (made["billing_reason"], made["total"]) == ("manual", 0)
        assert made["parent"]["subscription_details"]["subscription"] == sold["id"]
        assert (made["period_start"], made["period_end"]) == (START, START)
        paid = call("POST", f"/v1/invoices/{made['id']}/pay")
        assert (paid["status"], paid["attempt_count"]) == ("paid", 0)
        row = sold["items"]["data"][0]["id"]
        item(call, call.get(sold["customer"]))
        call("POST", f"/v1/subscription_items/{row}", quantity=2)
        made = call("POST", "/v1/invoices", subscription=sold["id"])
        assert [line["amount"] for line in made["lines"]["data"]] == [-900, 1800]
        assert ids(call("GET", "/v1/invoices", subscription=sold["id"]))[0] == made["id"]

    def test_items_on_a_draft(self, call: Calls, customer: dict[str, Any]) -> None:
        made = draft(call, customer)
        path = f"/v1/invoices/{made['id']}"
        first = item(call, customer, invoice=made["id"])
        second = call("POST", "/v1/invoiceitems", invoice=made["id"], amount=70)
        assert call("GET", path)["total"] == 570
        call("POST", f"/v1/invoiceitems/{first['id']}", amount=600)
        changed = call("GET", path)
        assert [line["amount"] for line in changed["lines"]["data"]] == [600, 70]
        call("DELETE", f"/v1/invoiceitems/{second['id']}")
        changed = call("GET", path)
        assert (changed["total"], changed["amount_due"]) == (600, 600)
        assert event_types(call.simulator)[-2:] == ["invoice.updated", "invoiceitem.deleted"]

    def test_a_deleted_draft_lets_its_items_wait(
        self, call: Calls, customer: dict[str, Any]
    ) -> None:
        waits = item(call, customer)
        made = draft(call, customer, pending_invoice_items_behavior="include")
        gone = call("DELETE", f"/v1/invoices/{made['id']}")
        assert gone == {"id": made["id"], "object": "invoice", "deleted": True}
        assert call.get(waits["id"])["invoice"] is None
        assert event_types(call.simulator)[-1] == "invoice.deleted"

    def test_what_cannot_be(self, call: Calls, sold: dict[str, Any]) -> None:
        path = "/v1/invoices"
        assert call.error(400, "POST", path)["param"] == "customer"
        other = call.customer()
        named = {"customer": other["id"], "subscription": sold["id"]}
        assert call.error(400, "POST", path, **named)["param"] == "subscription"
        card = {"customer": other["id"], "default_payment_method": sold["default_payment_method"]}
        card["default_payment_method"] = call.card(GOOD, sold["customer"])["id"]
        assert call.error(400, "POST", path, **card)["param"] == "default_payment_method"
        paid = f"{path}/{sold['latest_invoice']}"
        call.error(400, "DELETE", paid)
        assert call.error(400, "POST", paid, footer="x")["param"] == "footer"
        assert call("POST", paid, metadata={"a": "b"})["metadata"] == {"a": "b"}
        of_subscription = call("POST", path, subscription=sold["id"])["id"]
        call.error(400, "DELETE", f"{path}/{of_subscription}")


class TestOutOfBand:
    def test_only_invoice_paid_tells(self, call: Calls) -> None:
        sold = call.subscribe(call.customer("4000000000000341"), call.price())
        path = f"/v1/invoices/{sold['latest_invoice']}/pay"
        before = len(events(call.simulator))
        paid = call("POST", path, paid_out_of_band=True)
        assert (paid["status"], paid["amount_remaining"]) == ("paid", 0)
        assert paid["amount_paid_off_stripe"] == 900
        assert event_types(call.simulator, before) == [
            "invoice.updated",
            "invoice.paid",
            "customer.subscription.updated",
        ]
        assert call.get(sold["id"])["status"] == "active"

    def test_of_a_draft(self, call: Calls, customer: dict[str, Any]) -> None:
        item(call, customer)
        for items in ("include", "exclude"):
            made = draft(call, customer, pending_invoice_items_behavior=items)
            path = f"/v1/invoices/{made['id']}/pay"
            assert call("POST", path, paid_out_of_band=True)["status"] == "paid"
        assert call.simulator.list_objects("charge") == []

    def test_with_no_card_beside(self, call: Calls, customer: dict[str, Any]) -> None:
        made = draft(call, customer)
        card = call.card(GOOD, customer["id"])["id"]
        path = f"/v1/invoices/{made['id']}/pay"
        error = call.error(400, "POST", path, paid_out_of_band=True, payment_method=card)
        assert error["param"] == "payment_method"


class TestPreviews:
    def preview(self, call: Calls, **params: Any) -> dict[str, Any]:
        before = (call.simulator.count_objects(), event_types(call.simulator))
        shown = call("POST", "/v1/invoices/create_preview", **params)
        assert (call.simulator.count_objects(), event_types(call.simulator)) == before
        assert shown["id"].startswith("upcoming_in_")
        assert (shown["billing_reason"], shown["status"]) == ("upcoming", "draft")
        assert shown["total"] == sum(line["amount"] for line in shown["lines"]["data"])
        return shown

    def test_of_the_renewal(self, call: Calls, sold: dict[str, Any]) -> None:
        item(call, call.get(sold["customer"]), 100)
        shown = self.preview(call, subscription=sold["id"])
        assert [line["amount"] for line in shown["lines"]["data"]] == [100, 900]
        assert shown["created"] == at(2026, 7, 1)
        line = shown["lines"]["data"][1]
        assert line["period"] == {"start": at(2026, 7, 1), "end": at(2026, 8, 1)}
        assert self.preview(call, customer=sold["customer"])["total"] == 1000

    def test_of_a_change(self, call: Calls, sold: dict[str, Any]) -> None:
        advance(call.simulator, days=15)
        row = {"id": sold["items"]["data"][0]["id"], "quantity": 2}
        details: dict[str, Any] = {"items": [row], "proration_date": START + 15 * DAY}
        shown = self.preview(call, subscription=sold["id"], subscription_details=details)
        assert [line["amount"] for line in shown["lines"]["data"]] == [-450, 900, 1800]
        details["proration_behavior"] = "always_invoice"
        shown = self.preview(call, subscription=sold["id"], subscription_details=details)
        assert [line["amount"] for line in shown["lines"]["data"]] == [-450, 900]
        anew = {"billing_cycle_anchor": "now"}
        shown = self.preview(call, subscription=sold["id"], subscription_details=anew)
        assert [line["amount"] for line in shown["lines"]["data"]] == [-450, 900]
        assert call.get(sold["id"]) == sold

    def test_no_moment_can_be_the_anchor_of_what_exists(
        self, call: Calls, sold: dict[str, Any]
    ) -> None:
        """Such a moment is for new subscriptions (the SDK's text)."""
        params = {"subscription_details": {"billing_cycle_anchor": START + 5 * DAY}}
        path = "/v1/invoices/create_preview"
        error = call.error(400, "POST", path, subscription=sold["id"], **params)
        assert error["param"] == "billing_cycle_anchor"

    def test_of_a_trial(self, call: Calls, customer: dict[str, Any]) -> None:
        trial = call.subscribe(customer, call.price(), trial_period_days=7)
        assert self.preview(call, subscription=trial["id"])["total"] == 900

    def test_without_a_subscription(self, call: Calls, customer: dict[str, Any]) -> None:
        path = "/v1/invoices/create_preview"
        error = call.error(404, "POST", path, customer=customer["id"])
        assert error["code"] == "invoice_upcoming_none"
        item(call, customer)
        assert self.preview(call, customer=customer["id"])["total"] == 500

    def test_of_nothing_to_come(self, call: Calls, sold: dict[str, Any]) -> None:
        path = "/v1/invoices/create_preview"
        assert call.error(400, "POST", path)["param"] == "subscription"
        call("POST", f"/v1/subscriptions/{sold['id']}", cancel_at_period_end=True)
        error = call.error(404, "POST", path, subscription=sold["id"])
        assert error["code"] == "invoice_upcoming_none"
        call("DELETE", f"/v1/subscriptions/{sold['id']}")
        call.error(404, "POST", path, subscription=sold["id"])
        details = {"items": [{"price": sold["items"]["data"][0]["price"]["id"]}]}
        named = {"customer": sold["customer"], "subscription_details": details}
        assert call.error(501, "POST", path, **named)["code"] == "not_simulated"
        named = {"customer": call.customer()["id"], "subscription": sold["id"]}
        assert call.error(400, "POST", path, **named)["param"] == "customer"
