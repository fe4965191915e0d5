"""Expanding, and metadata."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator.tools import (
    Calls,
    ids,
    message,
)

# Expanding


def test_expand(call: Calls, sold: dict[str, Any]) -> None:
    got = call(
        "GET",
        f"/v1/subscriptions/{sold['id']}",
        expand=["customer", "latest_invoice.payments", "items.data.price.product"],
    )
    assert got["customer"]["id"] == sold["customer"]
    assert got["latest_invoice"]["payments"]["data"][0]["amount_paid"] == 900
    assert got["items"]["data"][0]["price"]["product"]["name"] == "Reports"
    # Nothing of it sticks.
    assert call("GET", f"/v1/subscriptions/{sold['id']}") == sold


def test_expand_in_a_list(call: Calls, sold: dict[str, Any]) -> None:
    page = call("GET", "/v1/subscriptions", expand=["data.customer", "data.default_payment_method"])
    assert page["data"][0]["customer"]["object"] == "customer"
    assert page["data"][0]["default_payment_method"] is None
    call.error(400, "GET", "/v1/subscriptions", expand=["customer"])


def test_expand_what_is_not_there_otherwise(call: Calls, sold: dict[str, Any]) -> None:
    paths = ["subscriptions", "sources", "tax", "tax_ids", "invoice_credit_balance"]
    customer = call("GET", f"/v1/customers/{sold['customer']}", expand=paths)
    assert ids(customer["subscriptions"]) == [sold["id"]]
    assert customer["sources"]["data"] == customer["tax_ids"]["data"] == []
    price = sold["items"]["data"][0]["price"]
    got = call("GET", f"/v1/prices/{price['id']}", expand=["currency_options", "tiers"])
    assert got["currency_options"]["usd"]["unit_amount"] == 900
    assert "tiers" not in got
    (charge,) = call("GET", "/v1/charges", expand=["data.refunds", "data.balance_transaction"])[
        "data"
    ]
    assert charge["refunds"]["data"] == []
    assert charge["balance_transaction"]["object"] == "balance_transaction"
    session = call.session(price)
    got = call(
        "GET",
        f"/v1/checkout/sessions/{session['id']}",
        expand=["line_items.data.discounts", "line_items.data.taxes", "total_details.breakdown"],
    )
    assert got["line_items"]["data"][0]["price"]["id"] == price["id"]
    assert got["total_details"]["breakdown"] == {"discounts": [], "taxes": []}


def test_expand_a_deleted_customer(call: Calls, sold: dict[str, Any]) -> None:
    call("DELETE", f"/v1/customers/{sold['customer']}")
    got = call("GET", f"/v1/subscriptions/{sold['id']}", expand=["customer"])
    gone = {"id": sold["customer"], "object": "customer", "deleted": True}
    assert got["customer"] == gone
    path = f"/v1/customers/{sold['customer']}"
    assert call("GET", path, expand=["default_source", "subscriptions"]) == gone


@pytest.mark.parametrize(
    "path",
    ["nothing", "status", "id", "created", "livemode", "customer.nothing", "", "customer.email.x"],
)
def test_what_cannot_be_expanded(call: Calls, sold: dict[str, Any], path: str) -> None:
    call("POST", f"/v1/customers/{sold['customer']}", email="a@example.com")
    error = call.error(400, "GET", f"/v1/subscriptions/{sold['id']}", expand=[path])
    assert message(error) == f"This property cannot be expanded ({path})."


def test_expand_is_four_levels_deep(call: Calls, sold: dict[str, Any]) -> None:
    deep = "latest_invoice.customer.subscriptions.data.customer"
    error = call.error(400, "GET", f"/v1/subscriptions/{sold['id']}", expand=[deep])
    assert message(error).startswith("You cannot expand more than 4 levels of a property.")
    four = "latest_invoice.customer.subscriptions.data"
    call("GET", f"/v1/subscriptions/{sold['id']}", expand=[four])
    call("GET", "/v1/subscriptions", expand=[f"data.{four}"])


def test_expand_takes_a_list(call: Calls) -> None:
    error = call.error(400, "GET", "/v1/customers", expand="data.tax")
    assert (message(error), error["param"]) == ("Invalid array", "expand")


# Metadata


def test_metadata_is_merged(call: Calls) -> None:
    customer = call.customer(metadata={"a": "1", "b": "2", "0": "zero"})
    path = f"/v1/customers/{customer['id']}"
    assert call("POST", path, metadata={"b": 3, "c": True})["metadata"] == {
        "a": "1",
        "b": "3",
        "c": "true",
        "0": "zero",
    }
    assert "a" not in call("POST", path, metadata={"a": ""})["metadata"]
    assert call("POST", path, name="Ana")["metadata"] != {}
    assert call("POST", path, metadata="")["metadata"] == {}


@pytest.mark.parametrize(
    "metadata",
    [
        {"k" * 41: "v"},
        {"a[b]": "v"},
        {"k": "v" * 501},
        {f"k{n}": "v" for n in range(51)},
        {"nested": {"a": "b"}},
    ],
)
def test_metadata_limits(call: Calls, metadata: dict[str, Any]) -> None:
    assert call.error(400, "POST", "/v1/customers", metadata=metadata)["param"].startswith(
        "metadata"
    )


def test_metadata_at_its_limits(call: Calls) -> None:
    metadata = {f"{n:040d}": "v" * 500 for n in range(50)}
    assert call.customer(metadata=metadata)["metadata"] == metadata


def test_metadata_is_no_list(call: Calls) -> None:
    call.error(400, "POST", "/v1/customers", metadata=["a"])


def test_what_an_event_tells_is_not_expanded(call: Calls, sold: dict[str, Any]) -> None:
    (event, *_) = call("GET", "/v1/events")["data"]
    call.error(400, "GET", f"/v1/events/{event['id']}", expand=["data.customer"])
