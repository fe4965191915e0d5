"""Products, prices, customers and their cards."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator.tools import (
    DECLINED,
    GOOD,
    Calls,
    event_types,
    events,
    message,
)

# Products and prices


def test_a_product_without_prices_can_be_deleted(call: Calls) -> None:
    product = call("POST", "/v1/products", name="Books")
    feature = call("POST", "/v1/entitlements/features", name="Exports", lookup_key="exports")
    path = f"/v1/products/{product['id']}"
    call("POST", f"{path}/features", entitlement_feature=feature["id"])
    gone = call("DELETE", path)
    assert gone == {"id": product["id"], "object": "product", "deleted": True}
    (told,) = events(call.simulator, "product.deleted")
    assert told["data"]["object"] == product
    assert call.error(404, "GET", path)["code"] == "resource_missing"
    assert call("GET", "/v1/products")["data"] == []
    assert call.simulator.list_objects("product_feature") == []


def test_a_default_price_is_the_products_own(call: Calls) -> None:
    price, other = call.price(), call.price()
    path = f"/v1/products/{price['product']}"
    error = call.error(400, "POST", path, default_price=other["id"])
    assert error["param"] == "default_price"
    assert call("POST", path, default_price=price["id"])["default_price"] == price["id"]


def test_a_product_with_a_price_cannot_be_deleted(call: Calls) -> None:
    price = call.price()
    call("POST", f"/v1/prices/{price['id']}", active=False)
    error = call.error(400, "DELETE", f"/v1/products/{price['product']}")
    assert "one or more user-created prices" in message(error)
    assert call("GET", f"/v1/products/{price['product']}")["name"] == "Reports"
    assert events(call.simulator, "product.deleted") == []


def test_a_lookup_key_is_one_prices_own(call: Calls) -> None:
    first = call.price(lookup_key="monthly")
    error = call.error(
        400,
        "POST",
        "/v1/prices",
        currency="usd",
        unit_amount=1,
        product=first["product"],
        lookup_key="monthly",
    )
    assert (error["param"], message(error)) == (
        "lookup_key",
        f"A price (`{first['id']}`) already uses that lookup key.",
    )
    second = call.price(lookup_key="monthly", transfer_lookup_key=True)
    assert second["lookup_key"] == "monthly"
    assert call.get(first["id"])["lookup_key"] is None
    (moved,) = events(call.simulator, "price.updated")
    assert moved["data"]["previous_attributes"] == {"lookup_key": "monthly"}
    path = f"/v1/prices/{first['id']}"
    call.error(400, "POST", path, lookup_key="monthly")
    assert call("POST", path, lookup_key="monthly", transfer_lookup_key=True)["lookup_key"]
    assert call("POST", path, lookup_key="")["lookup_key"] is None


def test_a_price_is_changed(call: Calls) -> None:
    price = call.price(nickname="Old", tax_behavior="exclusive")
    changed = call(
        "POST", f"/v1/prices/{price['id']}", nickname="New", active=False, metadata={"a": "b"}
    )
    assert (changed["nickname"], changed["active"]) == ("New", False)
    assert call("GET", f"/v1/prices/{price['id']}") == changed
    call.error(400, "POST", f"/v1/prices/{price['id']}", unit_amount=5)


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"unit_amount": -1}, "unit_amount"),
        ({"recurring": {"interval": "fortnight"}}, "recurring[interval]"),
        ({"recurring": {"interval": "month", "interval_count": 0}}, "recurring[interval_count]"),
        ({"recurring": {"interval": "month", "interval_count": 37}}, "recurring[interval_count]"),
        ({"recurring": {}}, "recurring[interval]"),
        ({"recurring": "monthly"}, "recurring"),
        ({"active": "perhaps"}, "active"),
        ({"product": "prod_none"}, "product"),
    ],
)
def test_what_is_no_price(call: Calls, params: dict[str, Any], param: str) -> None:
    product = call("POST", "/v1/products", name="Reports")["id"]
    params = {"currency": "usd", "unit_amount": 1, "product": product} | params
    assert call.error(400, "POST", "/v1/prices", **params)["param"] == param


def test_products(call: Calls) -> None:
    product = call("POST", "/v1/products", id="prod_own", name="Reports", description="All")
    assert (product["id"], product["description"]) == ("prod_own", "All")
    error = call.error(400, "POST", "/v1/products", id="prod_own", name="Again")
    assert error["code"] == "resource_already_exists"
    assert call("POST", "/v1/products/prod_own", active=False)["active"] is False
    price = call.price(product="prod_own")
    changed = call("POST", "/v1/products/prod_own", name="New", default_price=price["id"])
    assert (changed["name"], changed["default_price"]) == ("New", price["id"])
    assert call("GET", "/v1/products/prod_own") == changed
    error = call.error(400, "POST", "/v1/products/prod_own", default_price="price_none")
    assert error["param"] == "default_price"


# Customers and payment methods


def test_a_customer_by_and_by(call: Calls) -> None:
    customer = call.customer(
        email="ana@example.com",
        name="Ana",
        address={"city": "Recife", "country": "BR"},
        preferred_locales=["pt-BR"],
    )
    assert customer["address"]["city"] == "Recife"
    assert customer["address"]["line1"] is None
    path = f"/v1/customers/{customer['id']}"
    changed = call("POST", path, email="", name=None, address="", preferred_locales=["en"])
    assert (changed["email"], changed["address"]) == (None, None)
    assert (changed["name"], changed["preferred_locales"]) == ("Ana", ["en"])
    error = call.error(400, "POST", path, email="ana")
    assert (error["code"], message(error)) == ("email_invalid", "Invalid email address: ana")


def test_a_token_gives_a_card_of_its_own(call: Calls) -> None:
    customer = call.customer()["id"]
    first = call("POST", "/v1/payment_methods/pm_card_visa/attach", customer=customer)
    second = call("POST", "/v1/payment_methods/pm_card_visa/attach", customer=customer)
    assert first["id"].startswith("pm_1")
    assert first["id"] != second["id"]
    assert first["card"]["fingerprint"] == second["card"]["fingerprint"]
    made = call.customer(payment_method="pm_card_mastercard")
    (card,) = call("GET", f"/v1/customers/{made['id']}/payment_methods")["data"]
    assert card["card"]["brand"] == "mastercard"
    error = call.error(400, "POST", "/v1/customers", payment_method="pm_none")
    assert error["param"] == "payment_method"


def test_a_declined_card_is_not_attached(call: Calls) -> None:
    customer = call.customer()["id"]
    path = "/v1/payment_methods/pm_card_chargeDeclined/attach"
    error = call.error(402, "POST", path, customer=customer)
    assert error["type"] == "card_error"
    assert error["code"] == "card_declined"
    assert error["decline_code"] == "generic_decline"
    assert error["advice_code"] == "try_again_later"
    assert error["network_decline_code"] == "01"
    assert error["param"] == ""
    details = {"number": DECLINED, "exp_month": 12, "exp_year": 2034}
    card = call("POST", "/v1/payment_methods", type="card", card=details)
    call.error(402, "POST", f"/v1/payment_methods/{card['id']}/attach", customer=customer)
    call.error(402, "POST", "/v1/customers", payment_method=card["id"])
    assert call("GET", "/v1/payment_methods", customer=customer)["data"] == []


def test_a_payment_method_that_is_none(call: Calls) -> None:
    customer = call.customer()["id"]
    path = "/v1/payment_methods/pm_none/attach"
    assert call.error(404, "POST", path, customer=customer)["param"] == "payment_method"
    call.error(400, "POST", "/v1/payment_methods", type="boleto")
    details = {"number": "4242", "exp_month": 12, "exp_year": 2034}
    error = call.error(402, "POST", "/v1/payment_methods", type="card", card=details)
    assert error["code"] == "incorrect_number"


@pytest.mark.parametrize("name", ["number", "exp_month", "exp_year"])
def test_a_card_needs(call: Calls, name: str) -> None:
    card = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2034}
    del card[name]
    error = call.error(400, "POST", "/v1/payment_methods", type="card", card=card)
    assert (error["code"], error["param"]) == ("parameter_missing", f"card[{name}]")


@pytest.mark.parametrize(
    ("details", "code"),
    [
        ({"exp_month": 13}, "invalid_expiry_month"),
        ({"exp_month": 5, "exp_year": 2026}, "invalid_expiry_month"),  # last month
        ({"exp_year": 2025}, "invalid_expiry_year"),
        ({"exp_year": 34}, "invalid_expiry_year"),
        ({"exp_year": 2100}, "invalid_expiry_year"),
        ({"cvc": "12"}, "invalid_cvc"),
    ],
)
def test_a_card_out_of_date(call: Calls, details: dict[str, Any], code: str) -> None:
    card = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2034, **details}
    error = call.error(402, "POST", "/v1/payment_methods", type="card", card=card)
    assert error["code"] == code


def test_a_card_of_a_token(call: Calls) -> None:
    card = call("POST", "/v1/payment_methods", type="card", card={"token": "tok_mastercard"})
    assert (card["card"]["brand"], card["card"]["last4"]) == ("mastercard", "4444")
    path = "/v1/payment_methods"
    error = call.error(400, "POST", path, type="card", card={"token": "tok_invented"})
    assert (error["code"], error["param"]) == ("resource_missing", "card[token]")


def test_an_idempotency_key_that_is_too_long(call: Calls) -> None:
    key = {"Idempotency-Key": "k" * 256}
    assert call.raw("POST", "/v1/customers", {}, key).status == 400
    assert call.raw("POST", "/v1/customers", {}, {"Idempotency-Key": "k" * 255}).status == 200


def test_a_card_belongs_to_one_customer(call: Calls) -> None:
    owner, stranger = call.customer()["id"], call.customer()["id"]
    card = call.card(GOOD, owner)
    path = f"/v1/payment_methods/{card['id']}"
    assert call("GET", path)["customer"] == owner
    call.error(400, "POST", f"{path}/attach", customer=stranger)
    error = call.error(
        400,
        "POST",
        f"/v1/customers/{stranger}",
        invoice_settings={"default_payment_method": card["id"]},
    )
    assert "must be attached to the customer" in message(error)


def test_detaching_takes_it_from_the_defaults(call: Calls) -> None:
    customer = call.customer(GOOD)
    card = customer["invoice_settings"]["default_payment_method"]
    other = call.card(GOOD, customer["id"])["id"]
    with_it = call.subscribe(customer, call.price(), default_payment_method=card)
    without_it = call.subscribe(customer, call.price(), default_payment_method=other)
    path = f"/v1/payment_methods/{card}/detach"
    assert call("POST", path)["customer"] is None
    call.error(400, "POST", path)
    assert call.get(customer["id"])["invoice_settings"]["default_payment_method"] is None
    assert call.get(with_it["id"])["default_payment_method"] is None
    assert call.get(without_it["id"])["default_payment_method"] == other
    call("POST", f"/v1/payment_methods/{other}/detach")
    assert call("GET", "/v1/payment_methods", customer=customer["id"])["data"] == []


def test_a_default_card_is_taken_away(call: Calls) -> None:
    customer = call.customer(GOOD)
    path = f"/v1/customers/{customer['id']}"
    changed = call("POST", path, invoice_settings={"default_payment_method": ""})
    assert changed["invoice_settings"]["default_payment_method"] is None


def test_empty_values_unset_what_a_product_has(call: Calls) -> None:
    given = {"description": "Long", "images": ["https://a.example/1"], "unit_label": "seat"}
    product = call("POST", "/v1/products", name="Reports", url="https://a.example/", **given)
    assert product | given == product
    unset = call("POST", f"/v1/products/{product['id']}", **dict.fromkeys([*given, "url"], ""))
    left = {"description": None, "images": [], "unit_label": None, "url": None}
    assert unset | left == unset


def test_a_subscription_shows_its_price_as_it_is_now(call: Calls) -> None:
    price = call.price(lookup_key="monthly")
    subscription = call.subscribe(call.customer(GOOD), price)
    before = len(events(call.simulator))
    changes = {"active": False, "nickname": "Old", "metadata": {"plan": "pro"}}
    call("POST", f"/v1/prices/{price['id']}", **changes)
    call.price(lookup_key="monthly", transfer_lookup_key=True)
    found = call("GET", f"/v1/subscriptions/{subscription['id']}")
    (item,) = found["items"]["data"]
    assert item["price"] == call("GET", f"/v1/prices/{price['id']}")
    assert (item["price"]["active"], item["price"]["lookup_key"]) == (False, None)
    assert found["plan"] == item["plan"]
    assert (item["plan"]["nickname"], item["plan"]["metadata"]) == ("Old", {"plan": "pro"})
    assert call("GET", f"/v1/subscription_items/{item['id']}")["price"] == item["price"]
    assert "customer.subscription.updated" not in event_types(call.simulator, before)
