"""Search: Stripe's query language, its pages, and how late it may be."""

from __future__ import annotations

from typing import Any

import pytest

from caixa_subscriptions.simulator.searching import FIELDS
from tests.simulator.tools import GOOD, START, Calls, Wall, ids, message


def found(call: Calls, kind: str, query: str, **params: Any) -> list[str]:
    """The names of what a query finds, else the ids."""
    page = call("GET", f"/v1/{kind}s/search", query=query, **params)
    assert (page["object"], page["url"]) == ("search_result", f"/v1/{kind}s/search")
    return [one.get("name") or one["id"] for one in page["data"]]


@pytest.fixture
def people(call: Calls) -> None:
    call.customer(name="Ana", email="ana@example.com", metadata={"plan": "Gold", "a b": "1"})
    call.customer(name="Bia", email="bia@shop.example", metadata={"plan": "silver"})
    call.customer(name='Caio "C"', phone="+55 11 5555")


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("email:'ana@example.com'", ["Ana"]),
        ('email:"ANA@example.com"', ["Ana"]),
        ("email:'ana'", []),
        ("email~'example'", ["Bia", "Ana"]),
        ("-email~'shop'", ['Caio "C"', "Ana"]),
        ("email:null", ['Caio "C"']),
        ("-email:NULL", ["Bia", "Ana"]),
        ("metadata['plan']:'gold'", ["Ana"]),
        ('metadata["plan"]~"ilv"', ["Bia"]),
        ('metadata["a b"]:1', ["Ana"]),
        ('-metadata["plan"]:null', ["Bia", "Ana"]),
        ("name:'Ana' AND email~'exa'", ["Ana"]),
        ("name:'Ana' email~'shop'", []),
        ("name:'Ana' or name:'Bia'", ["Bia", "Ana"]),
        (r'name:"caio \"c\""', ['Caio "C"']),
        ("phone~'5555'", ['Caio "C"']),
        (f"created:{START}", ['Caio "C"', "Bia", "Ana"]),
        (f"created>{START}", []),
        (f"created>={START} AND created<={START}", ['Caio "C"', "Bia", "Ana"]),
        (f"created<{START}", []),
    ],
)
def test_what_a_query_finds(call: Calls, query: str, names: list[str]) -> None:
    assert found(call, "customer", query) == names


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("", "cannot be read at character 1"),
        ("email", "cannot be read at character 1"),
        ("email:'ana", "cannot be read at character 1"),
        ("email:'ana'name:'Ana'", "cannot be read at character 12"),
        ("email:'ana' AND", "cannot be read"),
        ("shoe_size:44", "none of this resource: shoe_size"),
        ("metadata:'gold'", "none of this resource: metadata"),
        ("name['x']:'gold'", "none of this resource: name"),
        ("email~'an'", "does not fit: email~'an'"),
        ("email>'an'", "does not fit"),
        ("created~'178'", "does not fit"),
        ("created>'today'", "does not fit"),
        ("created>null", "does not fit"),
        ("name:'a' AND name:'b' OR name:'c'", "cannot have both AND and OR"),
        (" ".join(["name:'a'"] * 11), "at most 10 clauses"),
    ],
)
def test_what_is_no_query(call: Calls, query: str, why: str) -> None:
    error = call.error(400, "GET", "/v1/customers/search", query=query)
    assert (error["type"], error["param"]) == ("invalid_request_error", "query")
    assert why in message(error)


def test_a_query_there_must_be(call: Calls) -> None:
    error = call.error(400, "GET", "/v1/customers/search")
    assert error["code"] == "parameter_missing"


def test_every_resource_that_can_be_searched(call: Calls) -> None:
    price = call.price(lookup_key="monthly", metadata={"a": "1"})
    sold = call.subscribe(call.customer(GOOD), price)
    invoice = sold["latest_invoice"]
    charge = call.simulator.list_objects("charge")[0]
    for kind, query, expected in [
        ("charge", "payment_method_details.card.last4:4242 amount>=900", charge["id"]),
        ("charge", "-disputed:'true' refunded:false", charge["id"]),
        ("invoice", f"subscription:'{sold['id']}' AND total>0", invoice),
        ("payment_intent", "status:'succeeded' currency:'USD'", charge["payment_intent"]),
        ("price", "lookup_key:'monthly' active:'true'", price["id"]),
        ("product", "name~'report'", "Reports"),
        ("subscription", "status:'active' canceled_at:null", sold["id"]),
    ]:
        assert found(call, kind, query) == [expected]
    for kind, fields in FIELDS.items():
        for name, type_ in fields.items():
            field = "metadata['a']" if name == "metadata" else name
            value = "0" if type_ == "numeric" else "'none'"
            assert found(call, kind, f"{field}:{value}") == []


def test_pages_of_what_was_found(call: Calls) -> None:
    for number in range(5):
        call.customer(name=f"Ana {number}")
    call.customer(name="Bia")
    query, names, pages = "name~'ana'", [], []
    page: dict[str, Any] = {}
    while not pages or page["has_more"]:
        token = {"page": page["next_page"]} if page else {}
        page = call("GET", "/v1/customers/search", query=query, limit=2, **token)
        pages.append(ids(page))
        names += [one["name"] for one in page["data"]]
    assert names == [f"Ana {number}" for number in reversed(range(5))]
    assert [len(one) for one in pages] == [2, 2, 1]
    assert page["next_page"] is None
    for token in ("x", "cGFnZTp4", "aWQ6MQ=="):
        error = call.error(400, "GET", "/v1/customers/search", query=query, page=token)
        assert error["param"] == "page"
    call.error(400, "GET", "/v1/customers/search", query=query, limit=101)


def test_what_was_found_is_expanded(call: Calls) -> None:
    call.subscribe(call.customer(GOOD, name="Ana"), call.price())
    page = call(
        "GET", "/v1/subscriptions/search", query="status:'active'", expand=["data.customer"]
    )
    assert page["data"][0]["customer"]["name"] == "Ana"


def test_search_is_late_on_demand(call: Calls, wall: Wall) -> None:
    call.simulator.control.delay_search(60)
    for number in range(101):
        call.customer(name=f"Ana {number}")
    wall.time += 1
    call.customer(name="Ana the last")
    assert found(call, "customer", "name~'ana'") == []
    wall.time += 59
    assert found(call, "customer", "name:'Ana 0'") == ["Ana 0"]
    assert found(call, "customer", "name:'Ana the last'") == []
    wall.time += 1
    assert found(call, "customer", "name:'Ana the last'") == ["Ana the last"]
    with pytest.raises(ValueError, match="seconds is a number from 0"):
        call.simulator.control.delay_search(-1)


# Rate limits


def test_no_more_calls_in_a_second_than_stripe_takes(call: Calls, wall: Wall) -> None:
    statuses = [call.raw("GET", "/v1/customers").status for _ in range(30)]
    assert set(statuses) == {200}
    call.simulator.set_option("rate_limits", True)
    statuses = [call.raw("GET", "/v1/customers").status for _ in range(30)]
    assert (statuses.count(200), statuses.count(429)) == (25, 5)
    refused = call.raw("POST", "/v1/customers")
    assert refused.body["error"]["code"] == "rate_limit"
    assert refused.headers["Stripe-Rate-Limited-Reason"] == "global-rate"
    assert call.simulator.list_objects("customer") == []
    wall.time += 1
    searches = [call.raw("GET", "/v1/customers/search", {"query": "name:'Ana'"}) for _ in range(21)]
    assert [one.status for one in searches] == [200] * 20 + [429]
    assert searches[-1].headers["Stripe-Rate-Limited-Reason"] == "endpoint-rate"
    assert call.raw("GET", "/v1/customers").status == 200
