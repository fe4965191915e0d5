"""Checkout beside subscriptions: single payments, cards kept for later, prices made inline."""

from __future__ import annotations

from typing import Any

import pytest

from caixa_subscriptions.simulator import CardError
from tests.simulator.tools import DECLINED, GOOD, Calls, event_types, events, message

SHOP = "https://shop.example/done"


def once(call: Calls, amount: int = 1500) -> dict[str, Any]:
    return call(
        "POST",
        "/v1/prices",
        currency="usd",
        unit_amount=amount,
        product_data={"name": "Book"},
    )


def payment(call: Calls, price: dict[str, Any] | None = None, **params: Any) -> dict[str, Any]:
    items = [{"price": (price or once(call))["id"], "quantity": 2}]
    params = {"mode": "payment", "success_url": SHOP, "line_items": items} | params
    return call("POST", "/v1/checkout/sessions", **params)


def setup(call: Calls, **params: Any) -> dict[str, Any]:
    params = {"mode": "setup", "success_url": SHOP, "currency": "USD"} | params
    return call("POST", "/v1/checkout/sessions", **params)


# Payment


def test_a_payment_is_charged_once(call: Calls) -> None:
    customer = call.customer(email="ana@example.com")
    data = {"description": "Books", "metadata": {"a": "b"}, "receipt_email": "ana@example.com"}
    session = payment(call, customer=customer["id"], payment_intent_data=data)
    assert (session["amount_total"], session["currency"]) == (3000, "usd")
    assert (session["payment_intent"], session["payment_method_collection"]) == (
        None,
        "if_required",
    )
    before = len(events(call.simulator))
    done = call.simulator.complete_checkout(session["id"])
    assert (done["status"], done["payment_status"], done["subscription"]) == (
        "complete",
        "paid",
        None,
    )
    intent = call.get(done["payment_intent"])
    assert (intent["status"], intent["amount_received"]) == ("succeeded", 3000)
    assert {key: intent[key] for key in data} == data
    assert "payment_details" not in intent  # as recorded
    assert call.get(intent["latest_charge"])["customer"] == customer["id"]
    # Nothing asked for the card to be kept.
    assert call.get(intent["payment_method"])["customer"] is None
    assert event_types(call.simulator, before) == [
        "charge.succeeded",
        "payment_intent.created",
        "payment_intent.succeeded",
        "checkout.session.completed",
        "charge.updated",
    ]


def test_a_payment_keeps_the_card_when_asked_to(call: Calls) -> None:
    session = payment(
        call,
        customer_creation="always",
        customer_email="ana@example.com",
        payment_intent_data={"setup_future_usage": "off_session"},
    )
    done = call.simulator.complete_checkout(session["id"])
    intent = call.get(done["payment_intent"])
    assert call.get(done["customer"])["email"] == "ana@example.com"
    assert intent["setup_future_usage"] == "off_session"
    assert call.get(intent["payment_method"])["customer"] == done["customer"]


def test_a_guest_pays_without_becoming_a_customer(call: Calls) -> None:
    session = payment(call, customer_email="guest@example.com")
    assert session["customer_creation"] == "if_required"
    done = call.simulator.complete_checkout(session["id"])
    assert done["customer"] is None
    assert done["customer_details"]["email"] == "guest@example.com"
    assert call.simulator.list_objects("customer") == []


def test_a_declined_payment_leaves_the_session_open(call: Calls) -> None:
    session = payment(call)
    with pytest.raises(CardError):
        call.simulator.complete_checkout(session["id"], card_number=DECLINED)
    assert call.get(session["id"])["status"] == "open"
    assert call.simulator.complete_checkout(session["id"])["payment_status"] == "paid"


def test_a_payment_of_nothing_asks_for_no_card(call: Calls) -> None:
    session = payment(call, once(call, 0))
    done = call.simulator.complete_checkout(session["id"], card_number="")
    assert (done["payment_status"], done["payment_intent"]) == ("no_payment_required", None)


# Setup


def test_a_card_is_kept_for_later(call: Calls) -> None:
    customer = call.customer(email="ana@example.com")
    data = {"description": "For later", "metadata": {"a": "b"}}
    session = setup(call, customer=customer["id"], setup_intent_data=data)
    assert (session["payment_status"], session["amount_total"]) == ("no_payment_required", None)
    assert call.get(session["setup_intent"])["status"] == "requires_payment_method"
    before = len(events(call.simulator))
    done = call.simulator.complete_checkout(session["id"])
    assert (done["status"], done["payment_status"]) == ("complete", "no_payment_required")
    intent = call.get(done["setup_intent"])
    assert (intent["status"], intent["customer"]) == ("succeeded", customer["id"])
    assert (intent["description"], intent["metadata"]) == ("For later", {"a": "b"})
    assert call.get(intent["payment_method"])["customer"] == customer["id"]
    assert event_types(call.simulator, before) == [
        "setup_intent.succeeded",
        "payment_method.attached",
        "checkout.session.completed",
    ]
    # It is no default: the application makes it one.
    settings = call.get(customer["id"])["invoice_settings"]
    assert settings["default_payment_method"] is None


def test_a_card_is_kept_for_nobody_or_for_a_new_customer(call: Calls) -> None:
    done = call.simulator.complete_checkout(setup(call)["id"])
    assert done["customer"] is None
    session = setup(call, customer_creation="always", payment_method_types=["card"])
    done = call.simulator.complete_checkout(session["id"])
    assert call.get(done["setup_intent"])["customer"] == done["customer"]


def test_setup_needs_a_currency_or_types_of_payment_methods(call: Calls) -> None:
    params = {"mode": "setup", "success_url": SHOP}
    error = call.error(400, "POST", "/v1/checkout/sessions", **params)
    assert error["param"] == "currency"
    session = setup(call, currency="", payment_method_types=["card"])
    assert session["currency"] is None


# Prices


def test_prices_made_inline_are_for_sale_nowhere_else(call: Calls) -> None:
    data = {
        "currency": "usd",
        "unit_amount": 900,
        "recurring": {"interval": "month"},
        "product_data": {"name": "Reports", "description": "Charts"},
    }
    items = [{"price_data": data, "quantity": 1, "metadata": {"a": "b"}}]
    session = call(
        "POST",
        "/v1/checkout/sessions",
        mode="subscription",
        success_url=SHOP,
        line_items=items,
    )
    path = f"/v1/checkout/sessions/{session['id']}/line_items"
    (line,) = call("GET", path)["data"]
    assert (line["description"], line["amount_total"]) == ("Reports", 900)
    assert line["metadata"] == {"a": "b"}
    assert line["price"]["active"] is False
    product = call.get(line["price"]["product"])
    assert (product["active"], product["description"]) == (False, "Charts")
    done = call.simulator.complete_checkout(session["id"])
    subscription = call.get(done["subscription"])
    assert subscription["items"]["data"][0]["price"]["id"] == line["price"]["id"]
    error = call.error(
        400,
        "POST",
        "/v1/checkout/sessions",
        mode="subscription",
        success_url=SHOP,
        line_items=[{"price": line["price"]["id"], "quantity": 1}],
    )
    assert "inactive" in message(error)


def test_a_price_made_inline_may_be_of_a_known_product(call: Calls) -> None:
    product = call.price()["product"]
    data = {"currency": "usd", "unit_amount": 5, "product": product}
    session = payment(call, line_items=[{"price_data": data, "quantity": 3}])
    assert session["amount_total"] == 15


@pytest.mark.parametrize(
    ("params", "param", "words"),
    [
        ({"mode": None}, "mode", "Missing required param: mode."),
        (
            {"line_items": [{"price": "{month}"}]},
            "line_items",
            "You specified `payment` mode but passed a recurring price.",
        ),
        (
            {"mode": "subscription"},
            "line_items",
            "You must provide at least one recurring price in `subscription` mode",
        ),
        ({"line_items": [{"price": "price_none"}]}, "line_items[0][price]", "No such price"),
        ({"line_items": [{}]}, "line_items[0][price]", "Missing required param"),
        (
            {"line_items": [{"price": "{once}", "price_data": {"currency": "usd"}}]},
            "line_items[0][price]",
            "only specify one",
        ),
        (
            {"line_items": [{"price": "{once}", "quantity": 0}]},
            "line_items[0][quantity]",
            "greater than or equal to 1",
        ),
        ({"line_items": [{"price": "{once}"}] * 101}, "line_items", "at most 100"),
        ({"currency": "eur"}, "line_items", "same currency"),
        ({"mode": "setup"}, "line_items", "You can not pass `line_items` in `setup` mode."),
        ({"subscription_data": {}}, "subscription_data", "in `payment` mode"),
        ({"setup_intent_data": {"description": "x"}}, "setup_intent_data", "in `payment` mode"),
        (
            {"payment_method_collection": "always"},
            "payment_method_collection",
            "in `payment` mode",
        ),
        (
            {"mode": "subscription", "customer_creation": "always"},
            "customer_creation",
            "in `subscription` mode",
        ),
        (
            {"mode": "subscription", "line_items": [{"price": "{month}"}, {"price": "{year}"}]},
            "line_items",
            "same interval",
        ),
        (
            {"mode": "subscription", "line_items": [{"price": "{month}"}] * 21},
            "line_items",
            "at most 20",
        ),
    ],
)
def test_what_no_mode_sells(call: Calls, params: dict[str, Any], param: str, words: str) -> None:
    prices = {"{month}": call.price()["id"], "{once}": once(call)["id"]}
    prices["{year}"] = call.price(interval="year")["id"]
    base = {"mode": "payment", "success_url": SHOP, "line_items": [{"price": "{once}"}]}
    given = {key: value for key, value in (base | params).items() if value is not None}
    given["line_items"] = [
        one | ({"price": prices.get(one["price"], one["price"])} if "price" in one else {})
        for one in given["line_items"]
    ]
    error = call.error(400, "POST", "/v1/checkout/sessions", **given)
    assert error["param"] == param
    assert words in message(error)


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"ui_mode": "embedded_page"}, "ui_mode"),
        ({"payment_method_types": ["card", "oxxo"]}, "payment_method_types[1]"),
        ({"invoice_creation": {"enabled": True}}, "invoice_creation"),
    ],
)
def test_what_is_not_simulated(call: Calls, params: dict[str, Any], param: str) -> None:
    items = [{"price": once(call)["id"]}]
    given = {"mode": "payment", "success_url": SHOP, "line_items": items} | params
    error = call.error(501, "POST", "/v1/checkout/sessions", **given)
    assert error["param"] == param


# Changing


def test_the_metadata_of_a_session_is_changed(call: Calls) -> None:
    session = payment(call, metadata={"a": "1", "b": "2"}, submit_type="donate")
    assert session["submit_type"] == "donate"
    path = f"/v1/checkout/sessions/{session['id']}"
    changed = call("POST", path, metadata={"b": "", "c": "3"})
    assert changed["metadata"] == {"a": "1", "c": "3"}
    call.simulator.complete_checkout(session["id"], card_number=GOOD)
    assert call("GET", path)["metadata"] == {"a": "1", "c": "3"}
