"""Charges their owner denies (Stripe docs: disputes, testing)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator.tools import GOOD, Calls, advance, event_types, events, message

DISPUTED = "4000000000000259"
NOT_RECEIVED = "4000000000002685"
INQUIRY = "4000000000001976"


def disputed(call: Calls, card: str = DISPUTED) -> dict[str, Any]:
    paid = call.subscribe(call.customer(card), call.price())
    assert paid["status"] == "active"
    (found,) = call("GET", "/v1/disputes")["data"]
    return dict(found)


def test_a_disputed_charge_takes_its_money_away(call: Calls) -> None:
    dispute = disputed(call)
    assert (dispute["status"], dispute["reason"]) == ("needs_response", "fraudulent")
    assert dispute["amount"] == 900
    charge = call("GET", f"/v1/charges/{dispute['charge']}")
    assert (charge["disputed"], charge["dispute"]) == (True, dispute["id"])
    assert event_types(call.simulator)[-3:] == [
        "charge.updated",
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
    ]
    (transaction,) = dispute["balance_transactions"]
    assert (transaction["amount"], transaction["fee"], transaction["net"]) == (-900, 1500, -2400)
    assert transaction["reporting_category"] == "dispute"
    (subscription,) = call("GET", "/v1/subscriptions", customer=charge["customer"])["data"]
    assert subscription["status"] == "active"
    error = call.error(400, "POST", "/v1/refunds", charge=charge["id"])
    assert error["code"] == "charge_disputed"


@pytest.mark.parametrize(("card", "reason"), [(DISPUTED, "fraudulent"), (INQUIRY, "fraudulent")])
def test_checkout_with_such_a_card(call: Calls, card: str, reason: str) -> None:
    session = call.session(call.price())
    call.simulator.complete_checkout(session["id"], card_number=card)
    (dispute,) = call.simulator.list_objects("dispute")
    assert dispute["reason"] == reason


def test_evidence_that_wins_brings_the_money_back(call: Calls) -> None:
    dispute = disputed(call, NOT_RECEIVED)
    assert dispute["reason"] == "product_not_received"
    path = f"/v1/disputes/{dispute['id']}"
    kept = call("POST", path, evidence={"customer_name": "Ana"}, submit=False)
    assert (kept["status"], kept["evidence"]["customer_name"]) == ("needs_response", "Ana")
    assert kept["evidence_details"]["has_evidence"]
    start = len(events(call.simulator))
    won = call("POST", path, evidence={"uncategorized_text": "winning_evidence"})
    assert (won["status"], won["evidence"]["customer_name"]) == ("won", "Ana")
    assert won["evidence_details"]["submission_count"] == 1
    assert [one["amount"] for one in won["balance_transactions"]] == [-900, 900]
    assert event_types(call.simulator, start) == [
        "charge.dispute.updated",
        "charge.dispute.closed",
        "charge.dispute.funds_reinstated",
    ]
    assert "already closed" in message(call.error(400, "POST", f"{path}/close"))


def test_evidence_that_was_kept_is_submitted_later(call: Calls) -> None:
    path = f"/v1/disputes/{disputed(call)['id']}"
    call("POST", path, evidence={"uncategorized_text": "winning_evidence"}, submit=False)
    assert call("POST", path, metadata={"a": "b"})["status"] == "needs_response"
    sent = call("POST", path, submit=True)
    assert (sent["status"], sent["evidence_details"]["submission_count"]) == ("won", 1)


def test_without_evidence_there_is_nothing_to_submit(call: Calls) -> None:
    path = f"/v1/disputes/{disputed(call)['id']}"
    assert call("POST", path, submit=True)["status"] == "needs_response"


def test_evidence_waits_for_the_bank(call: Calls) -> None:
    dispute = disputed(call)
    path = f"/v1/disputes/{dispute['id']}"
    sent = call("POST", path, evidence={"product_description": "A report"})
    assert sent["status"] == "under_review"
    advance(call.simulator, days=30)
    assert call.get(dispute["id"])["status"] == "under_review"
    lost = call("POST", path, evidence={"uncategorized_text": "losing_evidence"})
    assert lost["status"] == "lost"


def test_a_dispute_nobody_answers_is_lost(call: Calls) -> None:
    dispute = disputed(call)
    advance(call.simulator, days=10)
    after = call.get(dispute["id"])
    assert (after["status"], after["evidence_details"]["past_due"]) == ("lost", True)
    assert events(call.simulator, "charge.dispute.closed")


def test_a_dispute_can_be_admitted(call: Calls) -> None:
    dispute = disputed(call)
    assert call("POST", f"/v1/disputes/{dispute['id']}/close")["status"] == "lost"
    path = f"/v1/disputes/{dispute['id']}"
    assert call("POST", path, metadata={"a": "b"})["metadata"] == {"a": "b"}
    assert call.error(400, "POST", path, evidence={"customer_name": "Ana"})


def test_an_inquiry_takes_nothing_and_its_charge_can_be_refunded(call: Calls) -> None:
    dispute = disputed(call, INQUIRY)
    assert dispute["status"] == "warning_needs_response"
    assert dispute["balance_transactions"] == []
    assert dispute["is_charge_refundable"]
    call("POST", "/v1/refunds", charge=dispute["charge"])
    call("POST", f"/v1/disputes/{dispute['id']}", evidence={"customer_name": "Ana"})
    assert call.get(dispute["id"])["status"] == "warning_under_review"
    assert call("POST", f"/v1/disputes/{dispute['id']}/close")["status"] == "warning_closed"


def test_disputes_are_found_by_charge_and_intent(call: Calls) -> None:
    dispute = disputed(call)
    call.subscribe(call.customer(GOOD), call.price())
    for query in ({"charge": dispute["charge"]}, {"payment_intent": dispute["payment_intent"]}):
        assert len(call("GET", "/v1/disputes", **query)["data"]) == 1
    assert call("GET", "/v1/disputes", charge="ch_none")["data"] == []
    assert call("GET", f"/v1/disputes/{dispute['id']}")["id"] == dispute["id"]
