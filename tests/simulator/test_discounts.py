"""Discounts on subscriptions: who may redeem, what comes off, and for how long."""

from __future__ import annotations

from typing import Any

import pytest

from caixa_subscriptions.simulator import discounts
from caixa_subscriptions.simulator.taking_off import amounts_off
from tests.simulator.test_coupons import code, coupon
from tests.simulator.tools import (
    DAY,
    GOOD,
    START,
    Calls,
    advance,
    event_types,
    events,
    invoice_of,
)


def off(call: Calls, subscription: dict[str, Any]) -> tuple[int, int]:
    """Of the latest invoice: what came off, what is due."""
    invoice = invoice_of(call, subscription)
    taken = sum(one["amount"] for one in invoice["total_discount_amounts"])
    assert invoice["subtotal"] - taken == invoice["total"] == invoice["amount_due"]
    return taken, invoice["amount_due"]


def subscribe(call: Calls, *coupons: str, **params: Any) -> dict[str, Any]:
    customer = call.customer(GOOD)
    given = [{"coupon": one} for one in coupons]
    return dict(call.subscribe(customer, call.price(), discounts=given, **params))


def update(call: Calls, subscription: dict[str, Any], **params: Any) -> dict[str, Any]:
    return call("POST", f"/v1/subscriptions/{subscription['id']}", **params)


def test_a_coupon_takes_a_part_off_the_invoice(call: Calls) -> None:
    coupon(call, id="TEN")
    subscription = subscribe(call, "TEN")
    (discount,) = subscription["discounts"]
    invoice = invoice_of(call, subscription)
    amounts = [{"amount": 90, "discount": discount}]
    assert invoice["discounts"] == [discount]
    assert invoice["total_discount_amounts"] == amounts
    assert invoice["total_pretax_credit_amounts"] == [amounts[0] | {"type": "discount"}]
    (line,) = invoice["lines"]["data"]
    assert line["discount_amounts"] == amounts
    assert (line["amount"], line["discounts"]) == (900, [])
    assert (invoice["subtotal"], invoice["total"], invoice["amount_paid"]) == (900, 810, 810)


def test_the_discount_says_where_it_comes_from(call: Calls) -> None:
    coupon(call, id="TEN")
    promotion = code(call, "TEN")["id"]
    customer = call.customer(GOOD)
    given = [{"promotion_code": promotion}]
    made = call.subscribe(customer, call.price(), discounts=given, expand=["discounts"])
    (discount,) = made["discounts"]
    assert discount == {
        "id": discount["id"],
        "object": "discount",
        "checkout_session": None,
        "customer": customer["id"],
        "customer_account": None,
        "end": None,
        "invoice": None,
        "invoice_item": None,
        "promotion_code": promotion,
        "source": {"coupon": "TEN", "type": "coupon"},
        "start": START,
        "subscription": made["id"],
        "subscription_item": None,
    }
    (event,) = events(call.simulator, "customer.discount.created")
    assert event["data"]["object"] == discount


def test_redeeming_is_counted_and_told(call: Calls) -> None:
    coupon(call, id="TEN", max_redemptions=1)
    promotion = code(call, "TEN")["id"]
    customer = call.customer(GOOD)
    since = len(event_types(call.simulator))
    given = [{"promotion_code": promotion}]
    call.subscribe(customer, call.price(), discounts=given)
    counted = call("GET", "/v1/coupons/TEN")
    assert (counted["times_redeemed"], counted["valid"]) == (1, False)
    promoted = call("GET", f"/v1/promotion_codes/{promotion}")
    assert (promoted["times_redeemed"], promoted["active"]) == (1, False)
    told = event_types(call.simulator, since)
    assert [one for one in told if "coupon" in one or "promotion" in one or "discount" in one] == [
        "promotion_code.updated",
        "coupon.updated",
        "promotion_code.updated",
        "customer.discount.created",
    ]
    (event,) = events(call.simulator, "coupon.updated")
    assert event["data"]["previous_attributes"] == {"times_redeemed": 0, "valid": True}


def test_once_is_the_first_invoice_with_something_to_pay(call: Calls) -> None:
    coupon(call, id="HALF", percent_off=50, duration="once")
    subscription = subscribe(call, "HALF", trial_period_days=7)
    assert len(subscription["discounts"]) == 1
    assert off(call, subscription) == (0, 0)
    advance(call.simulator, days=7, hours=1)
    assert off(call, subscription) == (450, 450)
    assert call.get(subscription["id"])["discounts"] == []
    assert len(events(call.simulator, "customer.discount.deleted")) == 1
    advance(call.simulator, days=32)
    assert off(call, subscription) == (0, 900)


def test_once_is_over_with_the_subscriptions_first_invoice(call: Calls) -> None:
    coupon(call, id="HALF", percent_off=50, duration="once")
    subscription = subscribe(call, "HALF")
    assert subscription["discounts"] == []
    assert off(call, subscription) == (450, 450)


def test_repeating_ends_after_its_months(call: Calls) -> None:
    coupon(call, id="TWO", duration="repeating", duration_in_months=2)
    subscription = subscribe(call, "TWO")
    (discount,) = subscription["discounts"]
    ends = call("GET", f"/v1/subscriptions/{subscription['id']}", expand=["discounts"])
    assert ends["discounts"][0]["end"] == START + 61 * DAY  # June has 30 days, July 31
    assert off(call, subscription) == (90, 810)
    advance(call.simulator, days=30, hours=1)
    assert off(call, subscription) == (90, 810)
    advance(call.simulator, days=31)
    assert off(call, subscription) == (0, 900)
    assert call.get(subscription["id"])["discounts"] == []
    (event,) = events(call.simulator, "customer.discount.deleted")
    assert event["data"]["object"]["id"] == discount


def test_a_discount_of_an_ended_subscription_ends_unseen(call: Calls) -> None:
    coupon(call, id="ONE", duration="repeating", duration_in_months=1)
    subscription = subscribe(call, "ONE")
    call("DELETE", f"/v1/subscriptions/{subscription['id']}")
    advance(call.simulator, days=32)
    assert call.get(subscription["id"])["discounts"] == subscription["discounts"]
    assert events(call.simulator, "customer.discount.deleted") == []


def test_an_amount_never_takes_off_more_than_there_is(call: Calls) -> None:
    call("POST", "/v1/coupons", id="MUCH", amount_off=5000, currency="usd", duration="forever")
    # Nothing is due, so no card is needed.
    made = call.subscribe(call.customer(), call.price(), discounts=[{"coupon": "MUCH"}])
    assert made["status"] == "active"
    assert off(call, made) == (900, 0)


def test_several_discounts_come_off_one_after_the_other(call: Calls) -> None:
    coupon(call, id="HALF", percent_off=50)
    call("POST", "/v1/coupons", id="TWO", amount_off=200, currency="usd", duration="forever")
    subscription = subscribe(call, "HALF", "TWO")
    assert off(call, subscription) == (650, 250)


def test_a_coupon_for_some_products_leaves_the_others(call: Calls) -> None:
    price, other = call.price(), call.price(amount=1000)
    coupon(call, id="SOME", percent_off=50, applies_to={"products": [price["product"]]})
    made = call(
        "POST",
        "/v1/subscriptions",
        customer=call.customer(GOOD)["id"],
        items=[{"price": price["id"]}, {"price": other["id"]}],
        discounts=[{"coupon": "SOME"}],
    )
    assert off(call, made) == (450, 1450)
    lines = invoice_of(call, made)["lines"]["data"]
    assert [len(line["discount_amounts"]) for line in lines] == [1, 0]


def test_amounts_are_spread_to_the_cent() -> None:
    free = {"percent_off": None, "amount_off": 100, "_applies_to": None}
    third = {"percent_off": 33.3, "amount_off": None, "_applies_to": None}
    assert amounts_off([free], [(100, "a"), (100, "b"), (100, "c")]) == [[33, 33, 34]]
    assert amounts_off([free], [(0, "a"), (-50, "b")]) == [[0, 0]]
    assert amounts_off([free, third], [(105, "a")]) == [[100], [2]]
    assert amounts_off([third], [(50, "a"), (15, "b")]) == [[17, 5]]
    assert amounts_off([], [(50, "a")]) == []


@pytest.mark.parametrize(
    ("given", "message", "param"),
    [
        ({"coupon": "NONE"}, "No such coupon: 'NONE'", "discounts[0][coupon]"),
        (
            {"promotion_code": "promo_x"},
            "No such promotion code: 'promo_x'",
            "discounts[0][promotion_code]",
        ),
        ({"discount": "di_x"}, "No such discount: 'di_x'", "discounts[0][discount]"),
        (
            {},
            "You must specify one of these parameters: coupon, promotion_code, discount.",
            "discounts[0]",
        ),
        (
            {"coupon": "EURO"},
            "The coupon takes off an amount in eur, and this purchase is in usd.",
            "discounts[0][coupon]",
        ),
    ],
)
def test_what_cannot_be_redeemed(
    call: Calls, given: dict[str, str], message: str, param: str
) -> None:
    call("POST", "/v1/coupons", id="EURO", amount_off=500, currency="eur")
    items = [{"price": call.price()["id"]}]
    customer = call.customer(GOOD)["id"]
    path = "/v1/subscriptions"
    error = call.error(400, "POST", path, customer=customer, items=items, discounts=[given])
    assert (error["message"], error["param"]) == (message, param)
    assert call("GET", path)["data"] == []


def refused(call: Calls, customer: dict[str, Any], **named: str) -> dict[str, Any]:
    params = {"customer": customer["id"], "items": [{"price": call.price()["id"]}]}
    return call.error(400, "POST", "/v1/subscriptions", discounts=[named], **params)


def test_a_coupon_is_spent(call: Calls) -> None:
    coupon(call, id="ONE", max_redemptions=1)
    subscribe(call, "ONE")
    error = refused(call, call.customer(GOOD), coupon="ONE")
    assert error["message"] == "Coupon ONE is used up and cannot be applied."


def test_a_coupon_is_over(call: Calls) -> None:
    coupon(call, id="OLD", redeem_by=START + DAY)
    advance(call.simulator, days=2)
    error = refused(call, call.customer(GOOD), coupon="OLD")
    assert (error["code"], error["message"]) == ("coupon_expired", "Coupon expired: OLD")


@pytest.mark.parametrize(
    ("params", "because"),
    [
        ({"active": False}, "it is inactive."),
        ({"expires_at": START + DAY}, "it has expired."),
        ({"customer": True}, "it belongs to another customer."),
        (
            {"restrictions": {"minimum_amount": 901, "minimum_amount_currency": "usd"}},
            "the associated purchase does not meet the minimum amount requirement.",
        ),
        (
            {"restrictions": {"minimum_amount": 900, "minimum_amount_currency": "eur"}},
            "the associated purchase does not meet the minimum amount requirement.",
        ),
        (
            {"restrictions": {"first_time_transaction": True}},
            "the associated customer has prior transactions.",
        ),
    ],
)
def test_a_code_is_refused(call: Calls, params: dict[str, Any], because: str) -> None:
    coupon(call, id="TEN")
    if params.get("customer"):
        params = {"customer": call.customer()["id"]}
    promotion = code(call, "TEN", **params)["id"]
    customer = call.customer(GOOD)
    call.subscribe(customer, call.price())
    advance(call.simulator, days=2)
    error = refused(call, customer, promotion_code=promotion)
    assert error["message"] == f"This promotion code cannot be redeemed because {because}"
    assert error["param"] == "discounts[0][promotion_code]"


def test_a_code_whose_restrictions_are_met(call: Calls) -> None:
    coupon(call, id="TEN")
    customer = call.customer(GOOD)
    restrictions = {
        "first_time_transaction": True,
        "minimum_amount": 900,
        "minimum_amount_currency": "usd",
    }
    promotion = code(call, "TEN", customer=customer["id"], restrictions=restrictions)["id"]
    made = call.subscribe(customer, call.price(), discounts=[{"promotion_code": promotion}])
    assert off(call, made) == (90, 810)


def test_at_most_twenty(call: Calls) -> None:
    subscription = subscribe(call)
    path = f"/v1/subscriptions/{subscription['id']}"
    error = call.error(400, "POST", path, discounts=[{"coupon": "X"}] * 21)
    assert error["param"] == "discounts"


def test_a_discount_is_added_later_and_kept(call: Calls) -> None:
    coupon(call, id="TEN")
    coupon(call, id="HALF", percent_off=50)
    subscription = subscribe(call)
    changed = update(call, subscription, discounts=[{"coupon": "TEN"}])
    (ten,) = changed["discounts"]
    changed = update(call, subscription, discounts=[{"coupon": "HALF"}, {"discount": ten}])
    assert changed["discounts"][1] == ten
    assert update(call, subscription, description="x")["discounts"] == changed["discounts"]
    assert update(call, subscription, discounts=[])["discounts"] == changed["discounts"]
    assert call("GET", "/v1/coupons/TEN")["times_redeemed"] == 1
    told = event_types(call.simulator)
    assert told.count("customer.discount.created") == 2
    advance(call.simulator, days=32)
    assert off(call, subscription) == (495, 405)


def test_one_coupon_for_another_is_a_switch(call: Calls) -> None:
    coupon(call, id="TEN")
    coupon(call, id="HALF", percent_off=50)
    subscription = subscribe(call, "TEN")
    update(call, subscription, discounts=[{"coupon": "HALF"}])
    (event,) = events(call.simulator, "customer.discount.updated")
    assert event["data"]["object"]["source"]["coupon"] == "HALF"
    before = event["data"]["previous_attributes"]
    assert before == {
        "id": subscription["discounts"][0],
        "source": {"coupon": "TEN", "type": "coupon"},
    }


def test_an_empty_string_clears_them(call: Calls) -> None:
    coupon(call, id="TEN")
    subscription = subscribe(call, "TEN")
    assert update(call, subscription, discounts="")["discounts"] == []
    assert event_types(call.simulator)[-2:] == [
        "customer.discount.deleted",
        "customer.subscription.updated",
    ]
    advance(call.simulator, days=32)
    assert off(call, subscription) == (0, 900)


def test_delete_discount(call: Calls) -> None:
    coupon(call, id="TEN", duration="repeating", duration_in_months=1)
    subscription = subscribe(call, "TEN")
    path = f"/v1/subscriptions/{subscription['id']}/discount"
    gone = call("DELETE", path)
    assert (gone["id"], gone["deleted"]) == (subscription["discounts"][0], True)
    assert call.get(subscription["id"])["discounts"] == []
    error = call.error(404, "DELETE", path)
    assert error["message"] == (
        f"No active discount for subscription {subscription['id']} "
        f"on customer {subscription['customer']}"
    )
    advance(call.simulator, days=32)
    assert len(events(call.simulator, "customer.discount.deleted")) == 1


@pytest.mark.parametrize(
    ("version", "path"), [("2025-03-31.basil", "discounts"), (None, "discounts.source.coupon")]
)
def test_a_deleted_coupon_is_still_shown_by_its_discount(
    call: Calls, version: str | None, path: str
) -> None:
    given = coupon(call)["id"]
    subscription = call.subscribe(call.customer(GOOD), call.price(), discounts=[{"coupon": given}])
    call("DELETE", f"/v1/coupons/{given}")
    headers = {"Stripe-Version": version} if version else {}
    url = f"/v1/subscriptions/{subscription['id']}"
    answer = call.raw("GET", url, {"expand": [path]}, headers)
    assert answer.status == 200, answer.body
    (discount,) = answer.body["discounts"]
    shown = discount["coupon"] if version else discount["source"]["coupon"]
    assert (shown["object"], shown["id"], shown["valid"]) == ("coupon", given, False)


def test_a_deleted_coupon_goes_on_where_it_was_redeemed(call: Calls) -> None:
    coupon(call, id="TEN")
    subscription = subscribe(call, "TEN")
    call("DELETE", "/v1/coupons/TEN")
    advance(call.simulator, days=32)
    assert off(call, subscription) == (90, 810)


def give(call: Calls, customer: dict[str, Any], named: str) -> None:
    with call.simulator.deed() as world:
        discounts.discount_customer(world, world.get("customer", customer["id"]), {"coupon": named})


def test_a_customers_discount_counts_for_subscriptions_without_one(call: Calls) -> None:
    coupon(call, id="TEN")
    coupon(call, id="HALF", percent_off=50)
    customer = call.customer(GOOD)
    give(call, customer, "TEN")
    own = call.get(customer["id"])["discount"]
    assert (own["source"]["coupon"], own["subscription"]) == ("TEN", None)
    inherits = call.subscribe(customer, call.price())
    assert inherits["discounts"] == []
    assert off(call, inherits) == (90, 810)
    assert off(call, call.subscribe(customer, call.price(), discounts=[{"coupon": "HALF"}])) == (
        450,
        450,
    )
    kept = call.subscribe(customer, call.price(), discounts=[{"discount": own["id"]}])
    assert kept["discounts"] == [own["id"]]


def test_a_customers_discount_is_spent_or_ends_or_is_deleted(call: Calls) -> None:
    coupon(call, id="ONCE", duration="once")
    coupon(call, id="MONTH", duration="repeating", duration_in_months=1)
    customer = call.customer(GOOD)
    give(call, customer, "ONCE")
    assert off(call, call.subscribe(customer, call.price())) == (90, 810)
    assert call.get(customer["id"])["discount"] is None
    give(call, customer, "MONTH")
    advance(call.simulator, days=32)
    assert call.get(customer["id"])["discount"] is None
    path = f"/v1/customers/{customer['id']}/discount"
    assert call.error(404, "DELETE", path)["message"] == (
        f"No active discount for customer {customer['id']}"
    )
    give(call, customer, "MONTH")
    assert call("DELETE", path)["deleted"] is True
    assert call.get(customer["id"])["discount"] is None
    assert event_types(call.simulator)[-2:] == ["customer.updated", "customer.discount.deleted"]
    call("DELETE", f"/v1/customers/{customer['id']}")
