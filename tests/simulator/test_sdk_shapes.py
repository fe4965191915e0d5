"""Everything served fits the SDK's own classes, so that what is tested here works at Stripe."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from caixa_subscriptions.simulator import Simulator
from caixa_subscriptions.simulator.objects import page
from tests.simulator.sdk_types import misfits, problems
from tests.simulator.served import Watch
from tests.simulator.tools import FAILS_LATER, GOOD, Calls, advance, events

KINDS = (
    "account",
    "balance_transaction",
    "billing_portal.configuration",
    "billing_portal.session",
    "charge",
    "checkout.session",
    "coupon",
    "customer",
    "customer_balance_transaction",
    "discount",
    "dispute",
    "entitlements.active_entitlement",
    "entitlements.feature",
    "event",
    "invoice",
    "invoice_payment",
    "invoiceitem",
    "payment_intent",
    "payment_method",
    "price",
    "product",
    "product_feature",
    "promotion_code",
    "radar.early_fraud_warning",
    "refund",
    "setup_intent",
    "subscription",
    "subscription_item",
    "tax_rate",
    "test_helpers.test_clock",
    "webhook_endpoint",
)


@pytest.fixture
def world(call: Calls) -> Simulator:
    """Bought, on trial, renewed, changed, declined, canceled by the portal, and over."""
    call(
        "POST",
        "/v1/webhook_endpoints",
        url="https://shop.example/hook",
        enabled_events=["*"],
    )
    price = call.price(lookup_key="monthly")
    simulator = call.simulator
    paid = simulator.complete_checkout(call.session(price, customer_email="a@example.com")["id"])
    trial = {"trial_period_days": 7}
    simulator.complete_checkout(call.session(price, subscription_data=trial)["id"])
    late = call.session(price, subscription_data=trial)
    simulator.complete_checkout(late["id"], card_number=FAILS_LATER)
    advance(simulator, days=8)
    subscription = f"/v1/subscriptions/{paid['subscription']}"
    dear = call.price(amount=5000)
    item = call("GET", subscription)["items"]["data"][0]["id"]
    for one in (dear, price):
        rows = [{"id": item, "price": one["id"]}]
        call("POST", subscription, items=rows, proration_behavior="always_invoice")
    token = call.portal(paid["customer"])
    simulator.portal_cancel(token, paid["subscription"])
    simulator.portal_update_card(token, card_number="5555555555554444")
    call.subscribe(call.customer(FAILS_LATER, name="Ana"), price)
    call("POST", f"/v1/customers/{paid['customer']}", metadata={"a": "b"}, name="Bea")
    entitle(call, price)
    redeem(call, price)
    give_back(call, price)
    call("POST", "/v1/tax_rates", display_name="VAT", percentage=19, inclusive=True)
    advance(simulator, days=30)
    return simulator


def entitle(call: Calls, price: dict[str, Any]) -> None:
    feature = call("POST", "/v1/entitlements/features", name="Exports", lookup_key="exports")
    path = f"/v1/products/{price['product']}/features"
    call("POST", path, entitlement_feature=feature["id"])


def give_back(call: Calls, price: dict[str, Any]) -> None:
    call.subscribe(call.customer("4000000000000259"), price)
    call.subscribe(call.customer("4000000000005423"), price)
    paid = call.subscribe(call.customer(GOOD), price)
    (charge,) = call("GET", "/v1/charges", customer=paid["customer"])["data"]
    call("POST", "/v1/refunds", charge=charge["id"], amount=1)


def redeem(call: Calls, price: dict[str, Any]) -> None:
    products = {"products": [price["product"]]}
    months = {"duration": "repeating", "duration_in_months": 1}
    coupon = call("POST", "/v1/coupons", percent_off=10, applies_to=products, **months)["id"]
    promotion = {"type": "coupon", "coupon": coupon}
    code = call("POST", "/v1/promotion_codes", promotion=promotion)["id"]
    customer = call.customer(GOOD)
    made = call.subscribe(customer, price, discounts=[{"promotion_code": code}])
    path = f"/v1/subscriptions/{made['id']}"
    call("POST", path, discounts=[{"coupon": coupon}])


def stored(simulator: Simulator, call: Calls, kind: str) -> list[dict[str, Any]]:
    if kind == "account":
        return [call("GET", "/v1/account")]
    if kind == "billing_portal.configuration":
        return list(call("GET", "/v1/billing_portal/configurations")["data"])
    return simulator.list_objects(kind, limit=10_000)


@pytest.mark.parametrize("kind", KINDS)
def test_objects_fit(world: Simulator, call: Calls, kind: str) -> None:
    found = stored(world, call, kind)
    assert found
    assert [problem for obj in found for problem in misfits(obj)] == []


def test_what_events_carry_fits(world: Simulator) -> None:
    # Of an upcoming invoice, the one object without an id, see `served`.
    found = [one["data"] for one in events(world) if one["type"] != "invoice.upcoming"]
    assert [problem for data in found for problem in misfits(data["object"])] == []
    updates = [data for data in found if "previous_attributes" in data]
    assert updates
    assert [
        problem
        for data in updates
        for problem in misfits(
            data["previous_attributes"], sparse=True, kind=data["object"]["object"]
        )
    ] == []


def test_updates_and_nothing_else_tell_what_was_before(world: Simulator) -> None:
    for event in events(world):
        updated = event["type"].endswith((".updated", ".detached"))
        assert ("previous_attributes" in event["data"]) is updated, event["type"]


def test_previous_attributes_of_hashes_name_what_changed_in_them(call: Calls) -> None:
    customer = call.customer("4242424242424242", metadata={"kept": "1", "gone": "2"})
    path = f"/v1/customers/{customer['id']}"
    call("POST", path, metadata={"gone": "", "new": "3"})
    first, second = events(call.simulator, "customer.updated")
    assert first["data"]["previous_attributes"] == {
        "invoice_settings": {"default_payment_method": None}
    }
    assert second["data"]["previous_attributes"] == {"metadata": {"gone": "2", "new": None}}


def test_every_event_is_known_to_the_sdk(world: Simulator) -> None:
    known = set(stripe.Event.__annotations__["type"].__args__)
    assert {event["type"] for event in events(world)} <= known


def test_line_items_fit(world: Simulator, call: Calls) -> None:
    (session, *_) = world.list_objects("checkout.session")
    path = f"/v1/checkout/sessions/{session['id']}/line_items"
    (item,) = call("GET", path)["data"]
    assert list(problems(item, stripe.LineItem, path="item")) == []


@pytest.mark.parametrize(
    ("kind", "paths"),
    [
        ("charge", ["balance_transaction", "customer", "payment_intent", "refunds"]),
        ("dispute", ["charge", "payment_intent"]),
        ("radar.early_fraud_warning", ["charge", "payment_intent"]),
        ("refund", ["charge", "balance_transaction", "payment_intent"]),
        ("checkout.session", ["line_items", "subscription.latest_invoice.payments"]),
        ("customer", ["sources", "subscriptions", "tax", "tax_ids", "invoice_credit_balance"]),
        (
            "invoice",
            [
                *("payments.data.payment.payment_intent", "customer", "confirmation_secret"),
                "discounts.source.coupon",
                "total_discount_amounts.discount.promotion_code",
            ],
        ),
        ("coupon", ["applies_to"]),
        ("promotion_code", ["promotion.coupon", "customer"]),
        ("price", ["product", "currency_options"]),
        (
            "subscription",
            ["customer", "default_payment_method", "items.data.price.product", "discounts.source"],
        ),
    ],
)
def test_expanded_objects_fit(world: Simulator, call: Calls, kind: str, paths: list[str]) -> None:
    for obj in world.list_objects(kind):
        path = "/v1/" + kind.replace(".", "/") + f"s/{obj['id']}"
        expanded = call("GET", path, expand=paths)
        assert misfits(expanded) == []
        for name in paths:
            node: Any = expanded
            for step in name.split("."):
                if node is None:
                    break
                node = [one[step] for one in node] if isinstance(node, list) else node[step]
            assert node is None or not isinstance(node, str), name


@pytest.mark.parametrize(
    "broken",
    [
        {"email": 5},
        {"created": None},
        {"invented": True},
        {"invoice_settings": {"invented": 1}},
        {"object": "person"},
        {"preferred_locales": [1]},
        {"livemode": 0},
    ],
)
def test_the_check_itself_finds_misfits(call: Calls, broken: dict[str, Any]) -> None:
    customer = call.customer()
    assert misfits(customer) == []
    assert len(misfits(customer | broken, kind="customer")) == 1


def test_the_check_itself_finds_missing_keys(call: Calls) -> None:
    customer = call.customer()
    del customer["created"]
    assert misfits(customer) == ["customer.created: missing"]


def test_answers_and_events_are_watched_in_every_test(call: Calls, watched: Watch) -> None:
    fitting = call.customer()
    watched.answer("GET /v1/customers", page([fitting | {"email": 5}], "/v1/customers"))
    watched.answer("GET /v1/customers", page([], "/v1/customers") | {"invented": 1})
    watched.event("customer.updated", fitting, {"name": 5})
    assert watched.told() == [
        "GET /v1/customers: customer.email: 5 is no str",
        "GET /v1/customers: unknown keys ['invented']",
        "customer.updated previous_attributes: customer.name: 5 is no str",
    ]
