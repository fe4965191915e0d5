"""Lists cut in SQL: the same answers as filtering everything, without reading everything."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from caixa_subscriptions.simulator import Simulator
from caixa_subscriptions.simulator.routes import list_page
from caixa_subscriptions.simulator.store import COLUMNS, Store
from tests.simulator.tools import DAY, GOOD, START, Calls, advance, ids

Found = dict[str, Any]
# Path, kind, parameters, and what these say in Python.
FILTERS: list[tuple[str, str, dict[str, Any], Callable[[Found], bool]]] = [
    ("customers", "customer", {}, lambda one: True),
    ("customers", "customer", {"email": "a1@example.com"}, lambda one: one["email"][1] == "1"),
    (
        "customers",
        "customer",
        {"created": {"gt": START, "lte": START + 2 * DAY}},
        lambda one: START < one["created"] <= START + 2 * DAY,
    ),
    ("subscriptions", "subscription", {}, lambda one: one["status"] != "canceled"),
    ("subscriptions", "subscription", {"status": "all"}, lambda one: True),
    (
        "subscriptions",
        "subscription",
        {"status": "canceled", "created": START + DAY},
        lambda one: one["status"] == "canceled" and one["created"] == START + DAY,
    ),
    ("invoices", "invoice", {"status": "paid"}, lambda one: one["status"] == "paid"),
    ("charges", "charge", {}, lambda one: True),
    ("prices", "price", {"active": False}, lambda one: not one["active"]),
    ("events", "event", {"type": "invoice.paid"}, lambda one: one["type"] == "invoice.paid"),
    ("events", "event", {"type": "invoice.*"}, lambda one: one["type"].startswith("invoice.")),
    (
        "events",
        "event",
        {"types": ["charge.succeeded", "invoice.paid"], "delivery_success": True},
        lambda one: one["type"] in ("charge.succeeded", "invoice.paid"),
    ),
    ("invoice_payments", "invoice_payment", {"status": "open"}, lambda one: False),
    ("invoiceitems", "invoiceitem", {}, lambda one: True),
    ("invoiceitems", "invoiceitem", {"pending": True}, lambda one: one["invoice"] is None),
    ("invoiceitems", "invoiceitem", {"pending": False}, lambda one: one["invoice"] is not None),
    (
        "invoiceitems",
        "invoiceitem",
        {"created": {"lt": START + DAY}},
        lambda one: one["date"] < START + DAY,
    ),
    ("tax_rates", "tax_rate", {"active": False}, lambda one: not one["active"]),
    ("tax_rates", "tax_rate", {"inclusive": True}, lambda one: one["inclusive"]),
    ("entitlements/features", "entitlements.feature", {}, lambda one: one["active"]),
    (
        "entitlements/features",
        "entitlements.feature",
        {"archived": True},
        lambda one: not one["active"],
    ),
]


@pytest.fixture
def many(call: Calls) -> Simulator:
    price = call.price()
    call.price(active=False)
    for number in range(4):
        rate = {"display_name": "VAT", "percentage": number, "inclusive": number > 1}
        call("POST", "/v1/tax_rates", active=number % 2 == 0, **rate)
        feature = call(
            "POST", "/v1/entitlements/features", name="Export", lookup_key=f"key{number}"
        )
        if number > 1:
            call("POST", f"/v1/entitlements/features/{feature['id']}", active=False)
    for day in range(4):
        for number in range(3):
            customer = call.customer(GOOD, email=f"a{number}@example.com")
            item = {"customer": customer["id"], "amount": 10, "currency": "usd"}
            call("POST", "/v1/invoiceitems", **item)
            subscription = call.subscribe(customer, price)
            call("POST", "/v1/invoiceitems", **item)
            if number == 2:
                call("DELETE", f"/v1/subscriptions/{subscription['id']}")
        if day < 3:
            advance(call.simulator, days=1)
    return call.simulator


@pytest.mark.parametrize(("path", "kind", "params", "matches"), FILTERS)
def test_pages_are_those_of_all_objects_filtered(
    many: Simulator,
    call: Calls,
    path: str,
    kind: str,
    params: dict[str, Any],
    matches: Callable[[Found], bool],
) -> None:
    url = f"/v1/{path}"
    every = [one for one in many.list_objects(kind, limit=10_000) if matches(one)]
    cursors = [{}] + [
        {name: one["id"]}
        for one in (every[:1] + every[2:3] + every[-2:])
        for name in ("starting_after", "ending_before")
    ]
    for cursor in cursors:
        for limit in (1, 3, 100):
            page = {"limit": limit, **cursor}
            assert call("GET", url, **params, **page) == list_page(every, page, url)
    stranger = call.simulator.default_clock_id
    error = call.error(400, "GET", url, **params, ending_before=stranger)
    assert (error["code"], error["param"]) == ("resource_missing", "ending_before")


@pytest.mark.parametrize(("path", "params"), [(path, params) for path, _, params, _ in FILTERS])
def test_a_page_reads_no_more_than_itself(
    many: Simulator, call: Calls, path: str, params: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    loads = json.loads

    def counting(text: str) -> Any:
        read.append(text)
        return loads(text)

    asked: list[str] = []
    database = many._store._db
    database.set_trace_callback(asked.append)
    with monkeypatch.context() as patch:
        patch.setattr(json, "loads", counting)
        call("GET", f"/v1/{path}", limit=2, **params)
    database.set_trace_callback(None)
    assert len(read) <= 2
    for query in asked:
        if query.startswith("select data from objects"):
            plan = [row["detail"] for row in database.execute(f"explain query plan {query}")]
            assert "INDEX" in plan[0], plan
            assert not [step for step in plan if "TEMP B-TREE" in step], plan


def test_a_file_from_before_the_columns_is_still_read(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite3"
    item = {"id": "si_1", "object": "subscription_item", "subscription": "sub_1", "created": 1}
    with sqlite3.connect(path) as database:
        database.execute(
            "create table objects (seq integer primary key autoincrement, id text not null unique, "
            "kind text not null, customer text, data text not null)"
        )
        database.execute(
            "insert into objects (id, kind, customer, data) values (?, ?, ?, ?)",
            ("si_1", "subscription_item", "cus_1", json.dumps(item)),
        )
    database.close()
    for _ in range(2):
        store = Store(path)
        kept = {"customer": "cus_1", "subscription": "sub_1"}
        assert store.all("subscription_item", **kept) == [item]
        rows = store.execute("select * from objects")
        assert {name for name in COLUMNS if rows[0][name] is not None} == {*kept, "created"}
        store.close()


def test_customers_of_a_clock_come_with_it(call: Calls) -> None:
    clock = call("POST", "/v1/test_helpers/test_clocks", frozen_time=START)["id"]
    own = call.customer(GOOD, test_clock=clock)
    subscription = call.subscribe(own, call.price())
    call.customer(GOOD)
    for path, expected in (("customers", own), ("subscriptions", subscription)):
        assert ids(call("GET", f"/v1/{path}", test_clock=clock)) == [expected["id"]]
        assert expected["id"] not in ids(call("GET", f"/v1/{path}"))
