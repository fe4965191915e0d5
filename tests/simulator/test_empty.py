"""What the simulator has none of, and dj-stripe asks for all the same."""

from __future__ import annotations

import pytest

from caixa_subscriptions.simulator.resources.empty import FAMILIES
from tests.simulator.tools import START, Calls, advance


@pytest.mark.parametrize("path", sorted(FAMILIES))
def test_a_family_without_objects(call: Calls, path: str) -> None:
    assert call("GET", f"/v1/{path}", limit=3) == {
        "object": "list",
        "data": [],
        "has_more": False,
        "url": f"/v1/{path}",
    }
    assert call.error(404, "GET", f"/v1/{path}/invented")["code"] == "resource_missing"
    assert call.error(400, "GET", f"/v1/{path}", invented=1)["code"] == "parameter_unknown"


@pytest.mark.parametrize("name", ["sources", "tax_ids"])
def test_a_customer_without(call: Calls, name: str) -> None:
    path = f"/v1/customers/{call.customer()['id']}/{name}"
    assert call("GET", path, limit=1)["data"] == []
    call.error(404, "GET", f"/v1/customers/cus_invented/{name}")


def test_sources_of_a_kind(call: Calls) -> None:
    # As dj-stripe lists them when it syncs customers.
    path = f"/v1/customers/{call.customer()['id']}/sources"
    assert call("GET", path, object="card")["data"] == []


def test_balance_transactions_are_listed(call: Calls) -> None:
    first = call.simulator.complete_checkout(call.session(call.price())["id"])
    advance(call.simulator, days=2)
    call.simulator.complete_checkout(call.session(call.price(amount=500))["id"])
    newer, older = call("GET", "/v1/balance_transactions")["data"]
    assert (newer["amount"], older["amount"]) == (500, 900)
    assert older["created"] == first["created"]
    early = {"created": {"lte": START}}
    assert call("GET", "/v1/balance_transactions", **early)["data"] == [older]
    of_charge = call("GET", "/v1/balance_transactions", source=newer["source"])
    assert of_charge["data"] == [newer]
    assert call("GET", "/v1/balance_transactions", currency="brl")["data"] == []
