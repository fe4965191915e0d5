"""Coupons and promotion codes: made, changed, over."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from caixa_subscriptions.simulator import Simulator
from tests.simulator.tools import DAY, START, Calls, advance, event_types, events, ids

TEN = {"percent_off": 10, "duration": "forever"}


def coupon(call: Calls, **params: Any) -> dict[str, Any]:
    return call("POST", "/v1/coupons", **(TEN | params))


def code(call: Calls, coupon_id: str, **params: Any) -> dict[str, Any]:
    promotion = {"type": "coupon", "coupon": coupon_id}
    return call("POST", "/v1/promotion_codes", promotion=promotion, **params)


def test_a_coupon_keeps_its_terms(call: Calls) -> None:
    product = call("POST", "/v1/products", name="Reports")["id"]
    made = coupon(
        call,
        id="SPRING",
        name="Spring",
        duration="repeating",
        duration_in_months=3,
        max_redemptions=5,
        redeem_by=START + DAY,
        applies_to={"products": [product]},
        metadata={"a": "b"},
    )
    assert made == {
        "id": "SPRING",
        "object": "coupon",
        "amount_off": None,
        "created": START,
        "currency": None,
        "duration": "repeating",
        "duration_in_months": 3,
        "livemode": False,
        "max_redemptions": 5,
        "metadata": {"a": "b"},
        "name": "Spring",
        "percent_off": 10.0,
        "redeem_by": START + DAY,
        "times_redeemed": 0,
        "valid": True,
    }
    assert call("GET", "/v1/coupons/SPRING") == made
    shown = call("GET", "/v1/coupons/SPRING", expand=["applies_to"])
    assert shown["applies_to"] == {"products": [product]}


def test_an_amount_once_unless_said_otherwise(call: Calls) -> None:
    made = call("POST", "/v1/coupons", amount_off=500, currency="USD")
    assert (made["amount_off"], made["currency"], made["duration"]) == (500, "usd", "once")
    assert len(made["id"]) == 8
    assert "applies_to" not in call("GET", f"/v1/coupons/{made['id']}", expand=["applies_to"])


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({}, None),
        ({"percent_off": 10, "amount_off": 5, "currency": "usd"}, None),
        ({"percent_off": 0}, "percent_off"),
        ({"percent_off": 100.5}, "percent_off"),
        ({"amount_off": 0, "currency": "usd"}, "amount_off"),
        ({"amount_off": 5}, "currency"),
        ({"percent_off": 5, "duration": "repeating"}, "duration_in_months"),
        ({"percent_off": 5, "duration": "once", "duration_in_months": 2}, "duration_in_months"),
        ({"percent_off": 5, "max_redemptions": 0}, "max_redemptions"),
        ({"percent_off": 5, "redeem_by": START}, "redeem_by"),
        ({"percent_off": 5, "applies_to": {"products": ["prod_x"]}}, "applies_to[products][0]"),
    ],
)
def test_coupons_that_cannot_be(call: Calls, params: dict[str, Any], param: str | None) -> None:
    assert call.error(400, "POST", "/v1/coupons", **params).get("param") == param


def test_an_id_is_taken_once(call: Calls) -> None:
    coupon(call, id="SPRING")
    error = call.error(400, "POST", "/v1/coupons", id="SPRING", **TEN)
    assert error["code"] == "resource_already_exists"


def test_a_product_may_have_the_id_of_a_coupon(call: Calls, simulator: Simulator) -> None:
    product = call("POST", "/v1/products", id="BOTH", name="Reports")
    made = coupon(call, id="BOTH", redeem_by=START + DAY, applies_to={"products": ["BOTH"]})
    assert call("GET", "/v1/products/BOTH") == product
    assert call("GET", "/v1/coupons/BOTH") == made
    assert call("POST", "/v1/coupons/BOTH", name="Ten")["name"] == "Ten"
    assert call("POST", "/v1/products/BOTH", name="Books")["object"] == "product"
    last = coupon(call, id="LAST")["id"]
    assert ids(call("GET", "/v1/coupons", starting_after=last)) == ["BOTH"]
    assert [one["id"] for one in simulator.list_objects("coupon", before=last)] == ["BOTH"]
    found = simulator.search("BOT")
    assert sorted(one["object"] for one in found) == ["coupon", "product"]
    promotion = code(call, "BOTH")
    for version in ("2025-08-27.basil", "2026-08-26.dahlia"):
        path = f"/v1/promotion_codes/{promotion['id']}"
        expand = [] if "basil" in version else ["promotion.coupon"]
        told = call.raw("GET", path, {"expand": expand}, {"Stripe-Version": version}).body
        assert (told.get("coupon") or told["promotion"]["coupon"])["object"] == "coupon"
    advance(simulator, days=2)
    assert call("GET", "/v1/coupons/BOTH")["valid"] is False
    call("DELETE", "/v1/coupons/BOTH")
    assert call.error(404, "GET", "/v1/coupons/BOTH")["code"] == "resource_missing"
    assert call("GET", "/v1/products/BOTH")["name"] == "Books"


def test_coupons_of_a_state_from_before_they_had_keys(tmp_path: Path) -> None:
    state = tmp_path / "stripe.sqlite3"
    with Simulator(state=state) as simulator:
        made = coupon(Calls(simulator), id="SPRING")
    before = sqlite3.connect(state)
    before.execute("update objects set id = 'SPRING' where id = 'coupon:SPRING'")
    before.execute("pragma user_version = 0")
    before.execute("drop index objects_about")
    before.execute("alter table objects drop column about")
    before.commit()
    before.close()
    for _start in "12":
        with Simulator(state=state) as simulator:
            call = Calls(simulator)
            assert call("GET", "/v1/coupons/SPRING") == made
            assert simulator.get_object("SPRING") == made


def test_prices_in_other_currencies_are_not_simulated(call: Calls) -> None:
    options = {"eur": {"amount_off": 400}}
    params = {"amount_off": 500, "currency": "usd", "currency_options": options}
    assert call.error(501, "POST", "/v1/coupons", **params)["code"] == "not_simulated"


def test_only_name_and_metadata_change(call: Calls) -> None:
    coupon(call, id="SPRING", name="Spring")
    changed = call("POST", "/v1/coupons/SPRING", name="Summer", metadata={"a": "b"})
    assert (changed["name"], changed["metadata"]) == ("Summer", {"a": "b"})
    assert call("POST", "/v1/coupons/SPRING", name="")["name"] is None
    call.error(400, "POST", "/v1/coupons/SPRING", percent_off=50)
    told = event_types(call.simulator)[1:]
    assert told == ["coupon.created", "coupon.updated", "coupon.updated"]


def test_a_deleted_coupon_closes_its_codes(call: Calls) -> None:
    coupon(call, id="SPRING")
    promotion = code(call, "SPRING", code="HELLO")
    assert call("DELETE", "/v1/coupons/SPRING") == {
        "id": "SPRING",
        "object": "coupon",
        "deleted": True,
    }
    call.error(404, "GET", "/v1/coupons/SPRING")
    assert call("GET", f"/v1/promotion_codes/{promotion['id']}")["active"] is False
    assert event_types(call.simulator)[-2:] == ["promotion_code.updated", "coupon.deleted"]
    path = f"/v1/promotion_codes/{promotion['id']}"
    assert call.error(400, "POST", path, active=True)["param"] == "active"


def test_after_redeem_by_a_coupon_and_its_codes_are_over(call: Calls) -> None:
    coupon(call, id="SPRING", redeem_by=START + DAY)
    promotion = code(call, "SPRING")
    advance(call.simulator, days=2)
    assert call("GET", "/v1/coupons/SPRING")["valid"] is False
    assert call("GET", f"/v1/promotion_codes/{promotion['id']}")["active"] is False
    error = call.error(
        400, "POST", "/v1/promotion_codes", promotion={"type": "coupon", "coupon": "SPRING"}
    )
    assert error["param"] == "promotion[coupon]"


def test_coupons_are_listed(call: Calls) -> None:
    older = coupon(call)["id"]
    advance(call.simulator, days=1)
    newer = coupon(call)["id"]
    assert ids(call("GET", "/v1/coupons")) == [newer, older]
    assert ids(call("GET", "/v1/coupons", created={"gt": START})) == [newer]


def test_a_promotion_code_keeps_its_terms(call: Calls) -> None:
    coupon(call, id="SPRING")
    customer = call.customer()["id"]
    restrictions = {
        "first_time_transaction": True,
        "minimum_amount": 500,
        "minimum_amount_currency": "USD",
    }
    made = code(
        call,
        "SPRING",
        code="Hello-10",
        customer=customer,
        expires_at=START + DAY,
        max_redemptions=2,
        metadata={"a": "b"},
        restrictions=restrictions,
    )
    assert made == {
        "id": made["id"],
        "object": "promotion_code",
        "active": True,
        "code": "Hello-10",
        "created": START,
        "customer": customer,
        "customer_account": None,
        "expires_at": START + DAY,
        "livemode": False,
        "max_redemptions": 2,
        "metadata": {"a": "b"},
        "promotion": {"coupon": "SPRING", "type": "coupon"},
        "restrictions": restrictions | {"minimum_amount_currency": "usd"},
        "times_redeemed": 0,
    }
    path = f"/v1/promotion_codes/{made['id']}"
    assert call("GET", path) == made
    shown = call("GET", path, expand=["promotion.coupon"])
    assert shown["promotion"]["coupon"]["percent_off"] == 10
    (event,) = events(call.simulator, "promotion_code.created")
    assert event["data"]["object"] == made


def test_a_code_is_made_up_when_none_is_given(call: Calls) -> None:
    first, second = (code(call, coupon(call)["id"])["code"] for _ in range(2))
    assert len(first) == 8
    assert first != second


def test_a_code_is_unique_among_the_active_whatever_its_case(call: Calls) -> None:
    coupon(call, id="SPRING")
    promotion = {"type": "coupon", "coupon": "SPRING"}
    first = code(call, "SPRING", code="HELLO")
    error = call.error(400, "POST", "/v1/promotion_codes", promotion=promotion, code="hello")
    assert error["message"] == "An active promotion code with `code: hello` already exists."
    code(call, "SPRING", code="hello", active=False)
    path = f"/v1/promotion_codes/{first['id']}"
    call("POST", path, active=False)
    second = code(call, "SPRING", code="hello")
    assert call.error(400, "POST", path, active=True)["param"] == "code"
    call("POST", f"/v1/promotion_codes/{second['id']}", active=False)
    assert call("POST", path, active=True, metadata={"a": "b"})["active"] is True


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"code": "TWO WORDS"}, "code"),
        ({"customer": "cus_x"}, "customer"),
        ({"expires_at": START}, "expires_at"),
        ({"expires_at": START + 9 * DAY}, "expires_at"),
        ({"max_redemptions": 0}, "max_redemptions"),
        ({"max_redemptions": 9}, "max_redemptions"),
        ({"restrictions": {"minimum_amount": 5}}, "restrictions[minimum_amount]"),
        ({"promotion": {"type": "coupon"}}, "promotion[coupon]"),
        ({"promotion": {"type": "coupon", "coupon": "x"}}, "promotion[coupon]"),
    ],
)
def test_codes_that_cannot_be(call: Calls, params: dict[str, Any], param: str) -> None:
    coupon(call, id="SPRING", max_redemptions=5, redeem_by=START + 5 * DAY)
    given = {"promotion": {"type": "coupon", "coupon": "SPRING"}} | params
    assert call.error(400, "POST", "/v1/promotion_codes", **given)["param"] == param


def test_a_code_expires(call: Calls) -> None:
    promotion = code(call, coupon(call)["id"], expires_at=START + DAY)
    advance(call.simulator, days=2)
    path = f"/v1/promotion_codes/{promotion['id']}"
    assert call("GET", path)["active"] is False
    (event,) = events(call.simulator, "promotion_code.updated")
    assert event["data"]["previous_attributes"] == {"active": True}
    assert call.error(400, "POST", path, active=True)["param"] == "active"


def test_promotion_codes_are_listed(call: Calls) -> None:
    coupon(call, id="A")
    coupon(call, id="B")
    customer = call.customer()["id"]
    first = code(call, "A", code="ONE", customer=customer)["id"]
    second = code(call, "B", code="TWO", active=False)["id"]

    def listed(**params: Any) -> list[str]:
        return ids(call("GET", "/v1/promotion_codes", **params))

    assert listed() == [second, first]
    assert listed(active=True) == listed(code="one") == listed(coupon="A") == [first]
    assert listed(customer=customer) == [first]
    assert listed(created={"gt": START}) == []
