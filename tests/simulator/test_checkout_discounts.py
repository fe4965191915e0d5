"""Coupons and promotion codes in Checkout."""

from __future__ import annotations

from typing import Any

import pytest

from caixa_subscriptions.simulator.core import StripeError
from tests.simulator.test_coupons import code, coupon
from tests.simulator.tools import Calls, advance, event_types, events, invoice_of

PATH = "/v1/checkout/sessions"


def amounts(session: dict[str, Any]) -> tuple[int, int, int]:
    details = session["total_details"]
    return session["amount_subtotal"], details["amount_discount"], session["amount_total"]


def test_the_shop_gives_a_coupon(call: Calls) -> None:
    coupon(call, id="TEN")
    session = call.session(call.price(), discounts=[{"coupon": "TEN"}])
    assert session["discounts"] == [{"coupon": "TEN", "promotion_code": None}]
    assert amounts(session) == (900, 90, 810)
    (line,) = call("GET", f"{PATH}/{session['id']}/line_items")["data"]
    shown = (line["amount_subtotal"], line["amount_discount"], line["amount_total"])
    assert shown == (900, 90, 810)
    done = call.simulator.complete_checkout(session["id"])
    assert (done["payment_status"], amounts(done)) == ("paid", (900, 90, 810))
    path = f"/v1/subscriptions/{done['subscription']}"
    (discount,) = call("GET", path, expand=["discounts"])["discounts"]
    assert discount["checkout_session"] == session["id"]
    assert invoice_of(call, call.get(done["subscription"]))["amount_paid"] == 810


def test_a_customer_types_a_code(call: Calls) -> None:
    coupon(call, id="TEN")
    promotion = code(call, "TEN", code="HELLO")["id"]
    session = call.session(call.price(), allow_promotion_codes=True)
    assert amounts(session) == (900, 0, 900)
    done = call.simulator.complete_checkout(session["id"], promotion_code=" hello ")
    assert done["discounts"] == [{"coupon": None, "promotion_code": promotion}]
    assert amounts(done) == (900, 90, 810)
    assert call("GET", f"/v1/promotion_codes/{promotion}")["times_redeemed"] == 1
    told = event_types(call.simulator)
    assert told.index("customer.discount.created") < told.index("customer.subscription.created")
    shown = call("GET", f"{PATH}/{session['id']}", expand=["discounts.promotion_code"])
    assert shown["discounts"][0]["promotion_code"]["code"] == "HELLO"


def test_a_code_for_all_of_it_leaves_nothing_to_pay(call: Calls) -> None:
    coupon(call, id="ALL", percent_off=100, duration="once")
    session = call.session(
        call.price(), discounts=[{"coupon": "ALL"}], payment_method_collection="if_required"
    )
    assert amounts(session) == (900, 900, 0)
    done = call.simulator.complete_checkout(session["id"], card_number="")
    assert done["payment_status"] == "no_payment_required"
    assert call.get(done["subscription"])["status"] == "active"


def test_nothing_comes_off_a_trial_until_it_ends(call: Calls) -> None:
    coupon(call, id="HALF", percent_off=50, duration="once")
    session = call.session(
        call.price(),
        discounts=[{"coupon": "HALF"}],
        subscription_data={"trial_period_days": 7},
    )
    assert amounts(session) == (0, 0, 0)
    done = call.simulator.complete_checkout(session["id"])
    advance(call.simulator, days=7, hours=1)
    assert invoice_of(call, call.get(done["subscription"]))["amount_paid"] == 450


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"discounts": [{"coupon": "X"}], "allow_promotion_codes": True}, None),
        ({"discounts": [{"coupon": "X"}, {"coupon": "X"}]}, "discounts"),
        ({"discounts": [{"coupon": "X", "promotion_code": "Y"}]}, "discounts[0]"),
        ({"discounts": [{"coupon": "X"}]}, "discounts[0][coupon]"),
        ({"discounts": [{"promotion_code": "X"}]}, "discounts[0][promotion_code]"),
    ],
)
def test_discounts_a_session_cannot_have(
    call: Calls, params: dict[str, Any], param: str | None
) -> None:
    price = call.price()["id"]
    given = {
        "mode": "subscription",
        "line_items": [{"price": price, "quantity": 1}],
        "success_url": "https://shop.example/done",
    }
    assert call.error(400, "POST", PATH, **given, **params).get("param") == param


@pytest.mark.parametrize(
    ("allowed", "typed", "message"),
    [
        (False, "HELLO", "This checkout takes no promotion codes."),
        (True, "HALLO", "This code is invalid."),
        (True, "OLD", "This promotion code cannot be redeemed because it is inactive."),
    ],
)
def test_codes_that_are_not_taken(call: Calls, allowed: bool, typed: str, message: str) -> None:
    coupon(call, id="TEN")
    code(call, "TEN", code="HELLO")
    code(call, "TEN", code="OLD", active=False)
    session = call.session(call.price(), allow_promotion_codes=allowed)
    with pytest.raises(StripeError, match=message):
        call.simulator.complete_checkout(session["id"], promotion_code=typed)
    assert call.get(session["id"])["status"] == "open"
    assert events(call.simulator, "customer.created") == []


def test_a_code_may_be_over_when_it_comes_to_paying(call: Calls) -> None:
    coupon(call, id="ONE", max_redemptions=1)
    sessions = [call.session(call.price(), discounts=[{"coupon": "ONE"}]) for _ in range(2)]
    call.simulator.complete_checkout(sessions[0]["id"])
    with pytest.raises(StripeError, match="used up"):
        call.simulator.complete_checkout(sessions[1]["id"])
    assert call.get(sessions[1]["id"])["status"] == "open"


@pytest.mark.parametrize(
    "params", [{"allow_promotion_codes": True}, {"discounts": [{"coupon": "TEN"}]}]
)
def test_single_payments_are_without_discounts_so_far(call: Calls, params: dict[str, Any]) -> None:
    data = {"currency": "usd", "unit_amount": 900, "product_data": {"name": "Book"}}
    given = {
        "mode": "payment",
        "line_items": [{"price_data": data, "quantity": 1}],
        "success_url": "https://shop.example/done",
    }
    assert call.error(501, "POST", PATH, **given, **params)["code"] == "not_simulated"
