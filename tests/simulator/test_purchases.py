"""Checkout, and subscriptions created by API."""

from __future__ import annotations

from typing import Any

import pytest

from caixa_subscriptions.simulator import CardError, Simulator, StripeError
from caixa_subscriptions.simulator.cards import DECLINED as DECLINES
from caixa_subscriptions.simulator.cards import checked_number
from tests.simulator.tools import (
    DAY,
    FAILS_LATER,
    GOOD,
    HOUR,
    START,
    Calls,
    Wall,
    advance,
    at,
    bought,
    event_types,
    events,
    invoice_of,
    message,
    on_trial,
    period,
)

# Checkout


def test_checkout_without_a_trial_charges_at_once(call: Calls) -> None:
    session = call.session(call.price(), customer_email="ana@example.com")
    assert (session["status"], session["payment_status"]) == ("open", "unpaid")
    assert session["subscription"] is None
    assert session["invoice"] is None
    done = call.simulator.complete_checkout(session["id"])
    assert (done["status"], done["payment_status"], done["url"]) == ("complete", "paid", None)
    subscription = call.get(done["subscription"])
    assert subscription["status"] == "active"
    assert period(subscription) == (START, at(2026, 7, 1))
    invoice = call.get(done["invoice"])
    assert (invoice["status"], invoice["amount_paid"]) == ("paid", 900)
    assert (invoice["billing_reason"], invoice["attempt_count"]) == ("subscription_create", 1)
    customer = call.get(done["customer"])
    assert customer["email"] == "ana@example.com"


def test_checkout_makes_its_card_the_default_of_the_subscription_only(call: Calls) -> None:
    subscription = bought(call)
    customer = call.get(subscription["customer"])
    assert customer["invoice_settings"]["default_payment_method"] is None
    card = call.get(subscription["default_payment_method"])
    assert card["customer"] == customer["id"]
    assert card["card"]["last4"] == "4242"


def test_checkout_without_a_customer_makes_a_new_one_each_time(call: Calls) -> None:
    first = bought(call, customer_email="same@example.com")
    second = bought(call, customer_email="same@example.com")
    assert first["customer"] != second["customer"]


def test_checkout_with_a_customer_keeps_to_it(call: Calls) -> None:
    customer = call.customer(email="ana@example.com")
    session = call.session(call.price(), customer=customer["id"])
    assert session["customer_details"]["email"] == "ana@example.com"
    done = call.simulator.complete_checkout(session["id"])
    assert done["customer"] == customer["id"]
    assert call.get(done["subscription"])["customer"] == customer["id"]


def test_checkout_with_a_trial(call: Calls) -> None:
    session = call.session(call.price(), subscription_data={"trial_period_days": 14})
    assert session["amount_total"] == 0
    done = call.simulator.complete_checkout(session["id"])
    assert done["payment_status"] == "no_payment_required"
    subscription = call.get(done["subscription"])
    assert subscription["status"] == "trialing"
    assert subscription["trial_start"] == START
    assert subscription["trial_end"] == START + 14 * DAY
    assert subscription["billing_cycle_anchor"] == subscription["trial_end"]
    assert period(subscription) == (START, START + 14 * DAY)
    invoice = call.get(done["invoice"])
    assert (invoice["status"], invoice["amount_due"], invoice["attempt_count"]) == ("paid", 0, 0)
    assert invoice["lines"]["data"][0]["description"] == "Free trial for 1 × Reports"  # noqa: RUF001
    assert call.simulator.list_objects("charge") == []


def test_a_line_names_the_products_unit_as_recorded(call: Calls) -> None:
    product = call("POST", "/v1/products", name="Reports", unit_label="seat")["id"]
    sold = call.subscribe(call.customer(GOOD), call.price(product=product))
    (line,) = invoice_of(call, sold)["lines"]["data"]
    assert line["description"] == "1 seat × Reports (at $9.00 / month)"  # noqa: RUF001


def test_checkout_with_a_trial_end(call: Calls) -> None:
    subscription = bought(call, subscription_data={"trial_end": START + 3 * DAY + 1})
    assert subscription["trial_end"] == START + 3 * DAY + 1


def test_checkout_trial_days(call: Calls) -> None:
    price = call.price()
    days = call.session(price, subscription_data={"trial_period_days": 14})
    end = call.session(price, subscription_data={"trial_end": START + 3 * DAY + 1})
    none = call.session(price)
    assert [call.simulator.checkout_trial_days(one["id"]) for one in (days, end, none)] == [
        14,
        4,
        0,
    ]


def test_what_checkout_passes_on_to_the_subscription(call: Calls) -> None:
    subscription = bought(
        call,
        metadata={"on": "session"},
        subscription_data={
            "metadata": {"on": "subscription"},
            "description": "For Ana",
            "trial_period_days": 7,
            "trial_settings": {"end_behavior": {"missing_payment_method": "cancel"}},
        },
    )
    assert subscription["metadata"] == {"on": "subscription"}
    assert subscription["description"] == "For Ana"
    assert subscription["trial_settings"]["end_behavior"]["missing_payment_method"] == "cancel"
    details = invoice_of(call, subscription)["parent"]["subscription_details"]
    assert details["metadata"] == {"on": "subscription"}


def test_a_trial_that_asks_for_no_card(call: Calls) -> None:
    session = call.session(
        call.price(),
        payment_method_collection="if_required",
        subscription_data={"trial_period_days": 7},
    )
    before = len(events(call.simulator))
    done = call.simulator.complete_checkout(session["id"], card_number="")
    assert done["payment_status"] == "no_payment_required"
    subscription = call.get(done["subscription"])
    assert (subscription["status"], subscription["default_payment_method"]) == ("trialing", None)
    assert event_types(call.simulator, before)[:2] == ["customer.created", "invoice.created"]
    advance(call.simulator, days=7, hours=1)
    assert call.get(subscription["id"])["status"] == "past_due"


def test_a_card_is_asked_for_when_something_is_due(call: Calls) -> None:
    trial = {"trial_period_days": 7}
    for session in (
        call.session(call.price(), payment_method_collection="if_required"),
        call.session(call.price(), subscription_data=trial),
    ):
        with pytest.raises(CardError):
            call.simulator.complete_checkout(session["id"], card_number="")


def test_nothing_due_is_no_payment(call: Calls) -> None:
    session = call.session(call.price(amount=0), allow_promotion_codes=True)
    assert session["allow_promotion_codes"] is True
    done = call.simulator.complete_checkout(session["id"])
    assert done["payment_status"] == "no_payment_required"
    subscription = call.get(done["subscription"])
    assert subscription["status"] == "active"
    assert subscription["default_payment_method"]


@pytest.mark.parametrize("number", sorted(DECLINES))
def test_a_declined_card_leaves_the_session_open(call: Calls, number: str) -> None:
    session = call.session(call.price(), subscription_data={"trial_period_days": 14})
    with pytest.raises(CardError) as raised:
        call.simulator.complete_checkout(session["id"], card_number=number)
    assert raised.value.status == 402
    assert raised.value.decline_code == DECLINES[number]["decline_code"]
    assert call.get(session["id"])["status"] == "open"
    assert call.simulator.list_objects("subscription") == []
    assert call.simulator.list_objects("customer") == []
    call.simulator.complete_checkout(session["id"])


def test_a_card_that_fails_later_is_declined_when_something_is_due_now(call: Calls) -> None:
    with pytest.raises(CardError, match="declined"):
        bought(call, card=FAILS_LATER)
    assert on_trial(call, card=FAILS_LATER)["status"] == "trialing"


@pytest.mark.parametrize(
    ("card", "code"),
    [
        ({"card_number": "4242424242424241"}, "incorrect_number"),
        ({"card_number": "42"}, "incorrect_number"),
        ({"card_number": "not a card number"}, "incorrect_number"),
        ({"card_number": ""}, "incorrect_number"),
        ({"exp_month": 13}, "invalid_expiry_month"),
        ({"exp_year": 1999}, "invalid_expiry_year"),
        ({"cvc": "1"}, "invalid_cvc"),
    ],
)
def test_what_is_no_card(call: Calls, card: dict[str, Any], code: str) -> None:
    session = call.session(call.price())
    with pytest.raises(CardError) as raised:
        call.simulator.complete_checkout(session["id"], **card)
    assert raised.value.code == code


def test_spaces_and_dashes_in_a_card_number() -> None:
    assert checked_number("4242 4242-4242 4242") == GOOD


def test_a_session_is_completed_once(call: Calls) -> None:
    session = call.session(call.price())
    call.simulator.complete_checkout(session["id"])
    with pytest.raises(StripeError, match="no longer active"):
        call.simulator.complete_checkout(session["id"])


def test_a_session_expires_after_a_day(call: Calls) -> None:
    session = call.session(call.price())
    assert session["expires_at"] == START + DAY
    advance(call.simulator, hours=23)
    assert call.get(session["id"])["status"] == "open"
    advance(call.simulator, hours=1)
    expired = call.get(session["id"])
    assert (expired["status"], expired["url"]) == ("expired", None)
    assert len(events(call.simulator, "checkout.session.expired")) == 1
    with pytest.raises(StripeError, match="no longer active"):
        call.simulator.complete_checkout(session["id"])


def test_a_completed_session_does_not_expire(call: Calls) -> None:
    session = call.session(call.price())
    call.simulator.complete_checkout(session["id"])
    advance(call.simulator, days=2)
    assert call.get(session["id"])["status"] == "complete"


def test_a_session_is_expired_by_hand_once(call: Calls) -> None:
    session = call.session(call.price(), expires_at=START + 2 * HOUR)
    path = f"/v1/checkout/sessions/{session['id']}/expire"
    assert call("POST", path)["status"] == "expired"
    assert call.error(400, "POST", path)["message"] == (
        'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session '
        "has a status of `expired`."
    )
    advance(call.simulator, days=1)
    assert len(events(call.simulator, "checkout.session.expired")) == 1


# Created by API


def test_without_a_payment_method(call: Calls) -> None:
    customer, price = call.customer(), call.price()
    call.card(GOOD, customer["id"])
    error = call.error(
        400,
        "POST",
        "/v1/subscriptions",
        customer=customer["id"],
        items=[{"price": price["id"]}],
    )
    assert error["code"] == "resource_missing"
    assert "param" not in error
    assert error["message"].startswith(
        "This customer has no attached payment source or default payment method."
    )


def test_a_declined_first_payment_is_incomplete_then_expires(call: Calls) -> None:
    subscription = call.subscribe(call.customer(FAILS_LATER), call.price())
    assert subscription["status"] == "incomplete"
    invoice = invoice_of(call, subscription)
    assert (invoice["status"], invoice["next_payment_attempt"]) == ("open", None)
    advance(call.simulator, hours=23, seconds=-1)
    assert call.get(subscription["id"])["status"] == "incomplete"
    advance(call.simulator, seconds=1)
    expired = call.get(subscription["id"])
    assert expired["status"] == "incomplete_expired"
    assert expired["ended_at"] == START + 23 * HOUR
    assert invoice_of(call, subscription)["status"] == "void"
    updated = events(call.simulator, "customer.subscription.updated")[-1]
    assert updated["data"]["previous_attributes"]["status"] == "incomplete"
    advance(call.simulator, days=40)
    assert len(call.simulator.list_objects("invoice")) == 1


def test_an_incomplete_one_becomes_active_when_paid(call: Calls) -> None:
    customer = call.customer(FAILS_LATER)
    subscription = call.subscribe(customer, call.price())
    good = call.card(GOOD, customer["id"])
    invoice = subscription["latest_invoice"]
    call("POST", f"/v1/invoices/{invoice}/pay", payment_method=good["id"])
    assert call.get(subscription["id"])["status"] == "active"
    advance(call.simulator, days=2)
    assert call.get(subscription["id"])["status"] == "active"


def test_with_its_own_payment_method(call: Calls) -> None:
    customer = call.customer()
    card = call.card(GOOD, customer["id"])
    subscription = call.subscribe(
        customer,
        call.price(),
        default_payment_method=card["id"],
        metadata={"a": "b"},
        description="Own",
        cancel_at_period_end=True,
    )
    assert subscription["status"] == "active"
    assert subscription["cancel_at_period_end"] is True
    assert (subscription["metadata"], subscription["description"]) == ({"a": "b"}, "Own")
    stranger = call.customer()
    call.error(
        400,
        "POST",
        "/v1/subscriptions",
        customer=stranger["id"],
        items=[{"price": call.price()["id"]}],
        default_payment_method=card["id"],
    )


def test_several_items(call: Calls) -> None:
    first, second = call.price(amount=900), call.price(amount=100)
    subscription = call(
        "POST",
        "/v1/subscriptions",
        customer=call.customer(GOOD)["id"],
        items=[{"price": first["id"]}, {"price": second["id"], "quantity": 3}],
    )
    assert subscription["items"]["total_count"] == 2
    assert subscription["plan"] is None
    assert invoice_of(call, subscription)["amount_paid"] == 1200


def test_deleting_a_customer_cancels(call: Calls) -> None:
    subscription = bought(call)
    waiting = call.session(call.price(), customer=subscription["customer"])
    before = len(events(call.simulator))
    path = f"/v1/customers/{subscription['customer']}"
    gone = {"id": subscription["customer"], "object": "customer", "deleted": True}
    assert call("DELETE", path) == gone
    assert call("GET", path) == gone
    assert event_types(call.simulator, before) == [
        "customer.subscription.deleted",
        "customer.deleted",
    ]
    canceled = call("GET", f"/v1/subscriptions/{subscription['id']}")
    assert canceled["status"] == "canceled"
    call.error(404, "POST", path, email="a@example.com")
    call.error(404, "DELETE", path)
    listed = call("GET", "/v1/subscriptions", customer=subscription["customer"], status="all")
    assert [one["id"] for one in listed["data"]] == [subscription["id"]]
    advance(call.simulator, days=2)
    expired = events(call.simulator, "checkout.session.expired")[-1]
    assert expired["data"]["object"]["id"] == waiting["id"]
    assert expired["created"] == waiting["expires_at"]


def test_without_a_default_clock_the_wall_clock_counts(wall: Wall) -> None:
    simulator = Simulator(seed=1, now=wall, transport=lambda *_: 200)
    call = Calls(simulator)
    subscription = on_trial(call, 14)
    assert call.get(subscription["customer"])["test_clock"] is None
    wall.time += 14 * DAY + HOUR
    # Time does its work at the next call.
    assert call("GET", "/v1/subscriptions")["data"][0]["id"] == subscription["id"]
    assert call.get(subscription["id"])["status"] == "active"
    assert call.simulator.now() == wall.time
    simulator.close()


def test_items_that_cannot_be_sold_together(call: Calls) -> None:
    monthly, product = call.price(), {"name": "Quarterly"}
    quarterly = call(
        "POST",
        "/v1/prices",
        currency="usd",
        unit_amount=2400,
        recurring={"interval": "month", "interval_count": 3},
        product_data=product,
    )
    customer = call.customer(GOOD)["id"]
    for other, why in ((quarterly, "same interval"), (monthly, "same price")):
        items = [{"price": monthly["id"]}, {"price": other["id"]}]
        error = call.error(400, "POST", "/v1/subscriptions", customer=customer, items=items)
        assert why in message(error)
