"""Money given back (Stripe docs: refunds; recorded)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator.tools import FAILS_LATER, GOOD, Calls, event_types, events, message


@pytest.fixture
def charge(call: Calls, sold: dict[str, Any]) -> dict[str, Any]:
    (found,) = call("GET", "/v1/charges", customer=sold["customer"])["data"]
    return dict(found)


def test_a_refund_of_all_of_it(call: Calls, charge: dict[str, Any], sold: dict[str, Any]) -> None:
    start = len(events(call.simulator))
    refund = call("POST", "/v1/refunds", charge=charge["id"], reason="requested_by_customer")
    assert (refund["amount"], refund["status"], refund["currency"]) == (900, "succeeded", "usd")
    assert refund["reason"] == "requested_by_customer"
    assert refund["payment_intent"] == charge["payment_intent"]
    assert refund["destination_details"]["card"]["reference_status"] == "pending"
    after = call.get(charge["id"])
    assert (after["amount_refunded"], after["refunded"]) == (900, True)
    assert event_types(call.simulator, start) == [
        "refund.created",
        "charge.refunded",
        "refund.updated",
        "charge.refund.updated",
    ]
    (updated, _) = events(call.simulator)[-2:]
    told = updated["data"]["previous_attributes"]["destination_details"]["card"]
    assert told["reference_status"] == "pending"
    assert call.get(refund["id"])["destination_details"]["card"]["reference"].isdigit()
    assert call.get(sold["id"])["status"] == "active"
    assert call.get(sold["latest_invoice"])["status"] == "paid"


def test_the_balance_pays_for_a_refund_and_keeps_no_fee(
    call: Calls, charge: dict[str, Any]
) -> None:
    refund = call(
        "POST",
        "/v1/refunds",
        charge=charge["id"],
        amount=400,
        expand=["balance_transaction"],
    )
    transaction = refund["balance_transaction"]
    assert (transaction["amount"], transaction["fee"], transaction["net"]) == (-400, 0, -400)
    assert (transaction["type"], transaction["source"]) == ("refund", refund["id"])
    paid = call("GET", f"/v1/balance_transactions/{charge['balance_transaction']}")
    assert (paid["amount"], paid["fee"]) == (900, 56)


def test_half_a_cent_of_fee_is_rounded_up(call: Calls) -> None:
    call.subscribe(call.customer(GOOD), call.price(amount=2500))
    (transaction,) = call("GET", "/v1/balance_transactions")["data"]
    assert transaction["fee"] == 103  # recorded


def test_refunds_of_parts_add_up(call: Calls, charge: dict[str, Any]) -> None:
    first = call("POST", "/v1/refunds", payment_intent=charge["payment_intent"], amount=500)
    second = call("POST", "/v1/refunds", charge=charge["id"], amount=300)
    found = call("GET", f"/v1/charges/{charge['id']}", expand=["refunds.data.balance_transaction"])
    assert (found["amount_refunded"], found["refunded"]) == (800, False)
    assert found["refunds"]["total_count"] == 2
    assert [one["id"] for one in found["refunds"]["data"]] == [second["id"], first["id"]]
    assert found["refunds"]["data"][0]["balance_transaction"]["amount"] == -300
    error = call.error(400, "POST", "/v1/refunds", charge=charge["id"], amount=200)
    assert message(error) == (
        "Refund amount ($2.00) is greater than unrefunded amount on charge ($1.00)"
    )
    assert error["param"] == "amount"
    rest = call("POST", "/v1/refunds", charge=charge["id"])
    assert rest["amount"] == 100
    error = call.error(400, "POST", "/v1/refunds", charge=charge["id"])
    assert error["code"] == "charge_already_refunded"


def test_what_cannot_be_refunded(call: Calls, charge: dict[str, Any]) -> None:
    error = call.error(400, "POST", "/v1/refunds", charge=charge["id"], amount=901)
    assert message(error) == "Refund amount ($9.01) is greater than charge amount ($9.00)"
    assert call.error(400, "POST", "/v1/refunds", charge=charge["id"], amount=0)["param"] == (
        "amount"
    )
    assert "One of the following" in message(call.error(400, "POST", "/v1/refunds"))
    both = {"charge": charge["id"], "payment_intent": charge["payment_intent"]}
    assert call.error(400, "POST", "/v1/refunds", **both)
    assert call.error(400, "POST", "/v1/refunds", charge="ch_none")["code"] == "resource_missing"
    failed = call.subscribe(call.customer(FAILS_LATER), call.price())
    (charge,) = call("GET", "/v1/charges", customer=failed["customer"])["data"]
    assert "not been paid" in message(call.error(400, "POST", "/v1/refunds", charge=charge["id"]))
    error = call.error(400, "POST", "/v1/refunds", payment_intent=charge["payment_intent"])
    assert "does not have a successful charge" in message(error)


def test_refunds_are_listed_and_changed(call: Calls, charge: dict[str, Any]) -> None:
    refund = call("POST", "/v1/refunds", charge=charge["id"], amount=1, metadata={"a": "b"})
    path = f"/v1/refunds/{refund['id']}"
    start = len(events(call.simulator))
    assert call("POST", path, metadata={"c": "d"})["metadata"] == {"a": "b", "c": "d"}
    assert event_types(call.simulator, start) == ["refund.updated", "charge.refund.updated"]
    assert call("GET", path)["metadata"] == {"a": "b", "c": "d"}
    for query in ({"charge": charge["id"]}, {"payment_intent": charge["payment_intent"]}, {}):
        assert [one["id"] for one in call("GET", "/v1/refunds", **query)["data"]] == [refund["id"]]
    assert call("GET", "/v1/refunds", charge="ch_none")["data"] == []
    (listed,) = call("GET", f"/v1/charges/{charge['id']}/refunds")["data"]
    assert listed["id"] == refund["id"]
    assert "requires_action" in message(call.error(400, "POST", f"{path}/cancel"))
