"""Parameters: their forms, types, and odd values."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from caixa_subscriptions.simulator import Simulator, StripeError
from caixa_subscriptions.simulator.params import decode_form
from caixa_subscriptions.simulator.routes import ROUTES, Route
from tests.simulator.tools import (
    START,
    Calls,
    Wall,
)

# Parameters


@pytest.mark.parametrize(
    ("pairs", "decoded"),
    [
        ([], {}),
        ([("a", "1"), ("b", "")], {"a": "1", "b": ""}),
        ([("a", "1"), ("a", "2")], {"a": "2"}),
        ([("a[b]", "1"), ("a[c][d]", "2")], {"a": {"b": "1", "c": {"d": "2"}}}),
        ([("a[]", "1"), ("a[]", "2")], {"a": {"0": "1", "1": "2"}}),
        ([("a[0][b]", "1"), ("a[1][b]", "2")], {"a": {"0": {"b": "1"}, "1": {"b": "2"}}}),
        ([("a[b", "1")], {"a": "1"}),
        ([("", "1")], {"": "1"}),
    ],
)
def test_decode_form(pairs: list[tuple[str, str]], decoded: dict[str, Any]) -> None:
    assert decode_form(pairs) == decoded


@pytest.mark.parametrize(
    "pairs", [[("a", "1"), ("a[b]", "2")], [("a" + "[b]" * 10, "1")], [("a" + "[b]" * 9999, "1")]]
)
def test_names_that_make_no_sense(pairs: list[tuple[str, str]]) -> None:
    with pytest.raises(StripeError) as raised:
        decode_form(pairs)
    assert (raised.value.status, raised.value.param) == (400, "a")


@pytest.mark.parametrize(
    ("method", "path", "params", "headers"),
    [
        ("POST", "/v1/customers", {"name": "Ana \ud83d"}, {}),
        ("POST", "/v1/customers", {"metadata": {"\udcff": "a"}}, {}),
        ("GET", "/v1/customers", {"email": "\udcff@example.com"}, {}),
        ("GET", "/v1/customers/\udcff", {}, {}),
        ("POST", "/v1/customers", {}, {"Idempotency-Key": "\udcff"}),
    ],
)
def test_half_a_surrogate_pair_is_no_text(
    call: Calls, method: str, path: str, params: dict[str, Any], headers: dict[str, str]
) -> None:
    answer = call.raw(method, path, params, headers)
    assert answer.status == 400, answer.body
    assert answer.body["error"]["type"] == "invalid_request_error"
    json.dumps([answer.headers, answer.body], ensure_ascii=False).encode()
    assert call.simulator.list_objects("customer") == []


def test_a_whole_surrogate_pair_is_text(call: Calls) -> None:
    assert call("POST", "/v1/customers", name="Ana \U0001f600")["name"] == "Ana \U0001f600"


def test_indexes_give_the_order_of_a_list(call: Calls) -> None:
    customer = call.customer(preferred_locales={"10": "c", "2": "b", "0": "a"})
    assert customer["preferred_locales"] == ["a", "b", "c"]


@pytest.mark.parametrize("locales", [{"²": "a"}, {"x": "a"}, {"0": {"a": "b"}}, "pt-BR"])
def test_what_is_no_list(call: Calls, locales: Any) -> None:
    error = call.error(400, "POST", "/v1/customers", preferred_locales=locales)
    assert error["param"].startswith("preferred_locales")


def test_texts_become_what_they_mean(call: Calls, sold: dict[str, Any]) -> None:
    price = call("POST", f"/v1/prices/{sold['items']['data'][0]['price']['id']}", active="false")
    assert price["active"] is False
    assert len(call("GET", "/v1/customers", limit="1")["data"]) == 1
    product = call("POST", "/v1/products", name=7)
    assert product["name"] == "7"
    for value in ("", "1.5", "1e3", "9" * 30, None):
        params = {"currency": "usd", "unit_amount": value, "product": product["id"]}
        assert call.error(400, "POST", "/v1/prices", **params)["param"] == "unit_amount"
    recurring = {"interval": ""}
    params = {"currency": "usd", "unit_amount": 9, "product": product["id"]}
    error = call.error(400, "POST", "/v1/prices", **params, recurring=recurring)
    assert error["param"] == "recurring[interval]"
    nothings: list[Any] = [[], {}, ["x"], {"x": "y"}]
    for nothing in nothings:
        assert call.error(400, "POST", "/v1/products", name=nothing)["param"] == "name"


def test_numbers_no_date_and_no_amount_has(call: Calls, sold: dict[str, Any]) -> None:
    path = f"/v1/subscriptions/{sold['id']}"
    assert call.error(400, "POST", path, cancel_at=10**12)["param"] == "cancel_at"
    item = {"id": sold["items"]["data"][0]["id"], "quantity": 10**17}
    assert call.error(400, "POST", path, items=[item])["param"] == "items[0][quantity]"
    call.error(
        400,
        "POST",
        "/v1/invoiceitems",
        customer=sold["customer"],
        currency="usd",
        unit_amount_decimal="9" * 40,
    )


# Anything at all


ODD: tuple[Any, ...] = (
    *("", "x", "-1", "0", "1.5", "now", str(10**17), "\N{SNOWMAN}", "x" * 5000),
    *([], {}, ["x"], [{}], {"0": "x"}, {"x": "y"}, {"gte": "x"}, {"data": {"x": []}}),
)


def honoured(one: Route) -> list[str]:
    return sorted({name.split(".")[0] for name in one.spec.honours})


@pytest.mark.parametrize("one", ROUTES, ids=lambda one: f"{one.method} {one.template}")
def test_odd_values_are_answered(call: Calls, sold: dict[str, Any], one: Route) -> None:
    """Whatever is sent, the answer is Stripe's, never an error of our own."""
    session = call.session(call.price())
    invoice = call.get(sold["latest_invoice"])
    examples = {
        "customer": sold["customer"],
        "subscription": sold["id"],
        "invoice": invoice["id"],
        "price": sold["items"]["data"][0]["price"]["id"],
        "product": sold["items"]["data"][0]["price"]["product"],
        "session": session["id"],
        "clock": call("POST", "/v1/test_helpers/test_clocks", frozen_time=START)["id"],
        "item": sold["items"]["data"][0]["id"],
        "payment_method": "pm_card_visa",
        "endpoint": call(
            "POST", "/v1/webhook_endpoints", url="https://a.example", enabled_events=["*"]
        )["id"],
    }
    path = re.sub(r"\{(\w+)\}", lambda found: examples.get(found[1], "x"), one.template)
    valid: dict[str, Any] = {
        "customer": sold["customer"],
        "items": [{"price": examples["price"]}],
        "line_items": [{"price": examples["price"]}],
        "mode": "subscription",
        "success_url": "https://shop.example/",
        "currency": "usd",
        "unit_amount": 900,
        "product": examples["product"],
        "name": "x",
        "url": "https://shop.example/",
        "enabled_events": ["*"],
        "type": "card",
        "subscription": sold["id"],
    }
    names = honoured(one)
    needed = {name: value for name, value in valid.items() if name in names}
    if one.method == "GET":
        needed = {key: value for key, value in needed.items() if key == "subscription"}
    for name in names:
        for value in ODD:
            response = call.raw(one.method, path, needed | {name: value})
            assert response.status in (200, 400, 402, 404, 429, 501), (name, value)
            assert (response.status == 200) is ("error" not in response.body)


def test_the_wall_clock_of_a_simulator_without_clocks(wall: Wall) -> None:
    with Simulator(now=wall, transport=lambda *_: 200) as simulator:
        assert simulator.default_clock_id is None
        assert simulator.now() == START
        created = Calls(simulator)("POST", "/v1/customers")
        assert (created["test_clock"], created["created"]) == (None, START)


def test_the_same_seed_gives_the_same_ids(wall: Wall) -> None:
    def first_customer(seed: int | None) -> str:
        simulator = Simulator(seed=seed, now=wall)
        found = str(Calls(simulator).customer()["id"])
        simulator.close()
        return found

    assert first_customer(7) == first_customer(7)
    assert first_customer(7) != first_customer(8)
    assert first_customer(None) != first_customer(None)


def test_reset_begins_anew(call: Calls) -> None:
    first = call.customer()["id"]
    clock = call.simulator.default_clock_id
    call.simulator.reset()
    assert call.simulator.get_object(first) is None
    assert call.simulator.list_objects("event")[0]["type"] == "test_helpers.test_clock.created"
    assert call.simulator.default_clock_id == clock
    assert call.customer()["id"] == first
