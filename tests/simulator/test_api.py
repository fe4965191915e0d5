"""The API's manners: errors, keys, idempotency."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from caixa_subscriptions.simulator import Simulator
from tests.simulator.tools import (
    DAY,
    FAILS_LATER,
    KEY,
    Calls,
    Wall,
    advance,
    events,
    message,
)

# Errors


def test_an_unknown_parameter(call: Calls) -> None:
    error = call.error(400, "POST", "/v1/customers", nickname="Ana")
    assert error["code"] == "parameter_unknown"
    assert error["param"] == "nickname"
    assert message(error) == "Received unknown parameter: nickname"
    assert error["type"] == "invalid_request_error"
    assert error["doc_url"] == "https://stripe.com/docs/error-codes/parameter-unknown"


def test_an_unknown_nested_parameter(call: Calls) -> None:
    error = call.error(400, "POST", "/v1/customers", invoice_settings={"colour": "red"})
    assert error["param"] == "invoice_settings[colour]"


def test_a_misspelt_parameter_of_a_list(call: Calls) -> None:
    error = call.error(
        400, "POST", "/v1/checkout/sessions", mode="subscription", line_items=[{"prise": "x"}]
    )
    assert error["param"] == "line_items[0][prise]"


def test_an_answer_is_undone_with_its_error(call: Calls) -> None:
    call.error(400, "POST", "/v1/customers", payment_method="pm_none")
    assert call.simulator.list_objects("customer") == []
    assert events(call.simulator, "customer.created") == []


@pytest.mark.parametrize(
    ("path", "params", "param"),
    [
        ("/v1/products", {}, "name"),
        ("/v1/prices", {"unit_amount": 1, "product_data": {"name": "x"}}, "currency"),
        ("/v1/prices", {"currency": "usd", "product_data": {"name": "x"}}, "unit_amount"),
        ("/v1/prices", {"currency": "usd", "unit_amount": 1}, "product"),
        (
            "/v1/prices",
            {"currency": "usd", "unit_amount": 1, "product_data": {}},
            "product_data[name]",
        ),
        ("/v1/subscriptions", {"items": [{"price": "price_x"}]}, "customer"),
        ("/v1/billing_portal/sessions", {}, "customer"),
        ("/v1/checkout/sessions", {"mode": "subscription"}, "success_url"),
        ("/v1/webhook_endpoints", {"url": "https://shop.example/"}, "enabled_events"),
        ("/v1/test_helpers/test_clocks", {}, "frozen_time"),
        ("/v1/payment_methods/pm_card_visa/attach", {}, "customer"),
    ],
)
def test_a_missing_parameter(call: Calls, path: str, params: dict[str, Any], param: str) -> None:
    error = call.error(400, "POST", path, **params)
    assert (error["code"], error["param"]) == ("parameter_missing", param)


def test_missing_items(call: Calls) -> None:
    customer = call.customer()["id"]
    error = call.error(400, "POST", "/v1/subscriptions", customer=customer)
    assert error["param"] == "items"
    error = call.error(400, "POST", "/v1/subscriptions", customer=customer, items=[{"quantity": 2}])
    assert error["param"] == "items[0][price]"


@pytest.mark.parametrize(
    ("method", "path", "params", "param"),
    [
        ("POST", "/v1/customers", {"shipping": {"name": "Ana"}}, "shipping"),
        ("POST", "/v1/subscriptions", {"collection_method": "send_invoice"}, "collection_method"),
        ("POST", "/v1/checkout/sessions", {"mode": "payment", "ui_mode": "elements"}, "ui_mode"),
        (
            "POST",
            "/v1/checkout/sessions",
            {"subscription_data": {"proration_behavior": "none"}},
            "subscription_data[proration_behavior]",
        ),
        (
            "POST",
            "/v1/webhook_endpoints",
            {"url": "https://a.example", "enabled_events": ["*"], "api_version": "2020-08-27"},
            "api_version",
        ),
    ],
)
def test_what_stripe_would_do_and_the_simulator_does_not(
    call: Calls, method: str, path: str, params: dict[str, Any], param: str
) -> None:
    error = call.error(501, method, path, **params)
    assert (error["code"], error["param"]) == ("not_simulated", param)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/v1/customers/cus_none", "No such customer: 'cus_none'"),
        ("/v1/customers/cus_none/payment_methods", "No such customer: 'cus_none'"),
        ("/v1/customers/cus_none/sources", "No such customer: 'cus_none'"),
        ("/v1/subscriptions/sub_none", "No such subscription: 'sub_none'"),
        ("/v1/payment_methods/pm_none", "No such PaymentMethod: 'pm_none'"),
        ("/v1/invoices/in_none", "No such invoice: 'in_none'"),
        ("/v1/events/evt_none", "No such event: 'evt_none'"),
        ("/v1/accounts/acct_none", "No such account: 'acct_none'"),
        ("/v1/coupons/none", "No such coupon: 'none'"),
        ("/v1/billing_portal/configurations/bpc_none", "No such configuration: 'bpc_none'"),
        ("/v1/products/prod_none/features", "No such product: 'prod_none'"),
    ],
)
def test_what_the_path_names_is_missing_with_404(call: Calls, path: str, message: str) -> None:
    error = call.error(404, "GET", path)
    assert (error["code"], error["param"], error["message"]) == ("resource_missing", "id", message)


def test_an_id_of_another_kind_is_missing(call: Calls) -> None:
    customer = call.customer()["id"]
    call.error(404, "GET", f"/v1/subscriptions/{customer}")


def test_what_a_parameter_names_is_missing_with_400(call: Calls) -> None:
    customer = call.customer()["id"]
    error = call.error(
        400, "POST", "/v1/subscriptions", customer=customer, items=[{"price": "invalid"}]
    )
    assert error["code"] == "resource_missing"
    assert error["param"] == "items[0][price]"
    assert message(error) == "No such price: 'invalid'"
    error = call.error(400, "POST", "/v1/billing_portal/sessions", customer="cus_none")
    assert error["param"] == "customer"
    error = call.error(
        400,
        "POST",
        f"/v1/customers/{customer}",
        invoice_settings={"default_payment_method": "pm_none"},
    )
    assert error["param"] == "invoice_settings[default_payment_method]"
    assert call.error(400, "GET", "/v1/subscriptions", customer="cus_none")["param"] == "customer"


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PUT"])
def test_an_unknown_path(call: Calls, method: str) -> None:
    assert "Unrecognized request URL" in message(call.error(404, method, "/v1/nothing"))


def test_a_known_path_with_another_method(call: Calls) -> None:
    call.error(404, "DELETE", "/v1/account")


# Keys


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "Bearer ",
        "Basic ",
        "Basic not-base64",
        "Basic " + base64.b64encode(b"\xff\xfe").decode(),
    ],
)
def test_no_key(simulator: Simulator, authorization: str | None) -> None:
    headers = {"Authorization": authorization} if authorization is not None else {}
    response = simulator.request("GET", "/v1/account", headers=headers)
    assert response.status == 401
    assert "You did not provide an API key" in response.body["error"]["message"]


@pytest.mark.parametrize("kind", ["sk", "rk"])
def test_a_live_key_is_refused(simulator: Simulator, kind: str) -> None:
    key = f"{kind}_" + "live_" + "x" * 24
    response = simulator.request("GET", "/v1/account", headers={"Authorization": f"Bearer {key}"})
    assert response.status == 401
    assert "refuses live keys" in response.body["error"]["message"]
    assert key not in str(response.body)


def test_a_malformed_key_is_refused_and_not_repeated(simulator: Simulator) -> None:
    headers = {"authorization": "Bearer pk_test_simulator000000000000000000"}
    response = simulator.request("GET", "/v1/account", headers=headers)
    assert response.status == 401
    error = response.body["error"]
    assert error["message"] == "Invalid API Key provided: pk_test_***0000"
    assert "code" not in error


def test_basic_authentication(simulator: Simulator) -> None:
    credentials = base64.b64encode(f"{KEY}:".encode()).decode()
    headers = {"Authorization": f"Basic {credentials}"}
    assert simulator.request("GET", "/v1/account", headers=headers).status == 200


def test_answer_headers(call: Calls) -> None:
    got = call.raw("GET", "/v1/account", headers={"Stripe-Version": "2025-10-29.clover"})
    assert set(got.headers) == {"Request-Id", "Stripe-Version"}
    assert got.headers["Stripe-Version"] == "2025-10-29.clover"
    posted = call.raw("POST", "/v1/customers", {}, {"Idempotency-Key": "k"})
    assert posted.headers["Original-Request"] == posted.headers["Request-Id"]
    assert posted.headers["Idempotency-Key"] == "k"
    assert posted.headers["Stripe-Should-Retry"] == "false"
    refused = call.raw("POST", "/v1/customers", {"x": "y"})
    assert "Stripe-Should-Retry" not in refused.headers


# Idempotency


def test_the_same_key_is_answered_the_same(call: Calls) -> None:
    headers = {"Idempotency-Key": "once"}
    first = call.raw("POST", "/v1/customers", {"email": "a@example.com"}, headers)
    again = call.raw("POST", "/v1/customers", {"email": "a@example.com"}, headers)
    assert again.status == 200
    assert again.body == first.body
    assert again.headers == first.headers | {"Idempotent-Replayed": "true"}
    assert "Idempotent-Replayed" not in first.headers
    assert len(call.simulator.list_objects("customer")) == 1


@pytest.mark.parametrize(
    ("path", "params"),
    [("/v1/customers", {"email": "b@example.com"}), ("/v1/products", {"name": "x"})],
)
def test_the_same_key_with_something_else(call: Calls, path: str, params: dict[str, Any]) -> None:
    headers = {"Idempotency-Key": "once"}
    call.raw("POST", "/v1/customers", {"email": "a@example.com"}, headers)
    other = call.raw("POST", path, params, headers)
    assert other.status == 400
    error = other.body["error"]
    assert error["type"] == "idempotency_error"
    assert "Try using a key other than 'once'" in error["message"]


def test_a_refused_call_is_not_remembered(call: Calls) -> None:
    headers = {"Idempotency-Key": "once"}
    path = "/v1/billing_portal/sessions"
    assert call.raw("POST", path, {"customer": "cus_none"}, headers).status == 400
    customer = call.customer()["id"]
    assert call.raw("POST", path, {"customer": customer}, headers).status == 200


def test_a_decline_is_remembered(call: Calls) -> None:
    customer = call.customer()
    subscription = call.subscribe(customer, call.price(), trial_period_days=7)
    card = call.card(FAILS_LATER, customer["id"])
    call(
        "POST",
        f"/v1/subscriptions/{subscription['id']}",
        default_payment_method=card["id"],
    )
    advance(call.simulator, days=7, hours=1)
    path = f"/v1/invoices/{call.get(subscription['id'])['latest_invoice']}/pay"
    first = call.raw("POST", path, {}, {"Idempotency-Key": "pay"})
    assert first.status == 402
    charges = len(call.simulator.list_objects("charge"))
    again = call.raw("POST", path, {}, {"Idempotency-Key": "pay"})
    assert (again.status, again.body) == (402, first.body)
    assert len(call.simulator.list_objects("charge")) == charges


def test_a_key_is_forgotten_after_a_day(call: Calls, wall: Wall) -> None:
    """Of the simulator's own wall clock, which need not be this machine's."""
    headers = {"Idempotency-Key": "once"}
    first = call.raw("POST", "/v1/customers", {}, headers)
    wall.time += DAY - 1
    assert call.raw("POST", "/v1/customers", {}, headers).body == first.body
    wall.time += 1
    later = call.raw("POST", "/v1/customers", {"name": "Ana"}, headers)
    assert later.status == 200
    assert later.body["id"] != first.body["id"]


def test_reading_knows_no_keys(call: Calls) -> None:
    headers = {"Idempotency-Key": "once"}
    first = call.raw("GET", "/v1/customers", {}, headers)
    call.customer()
    assert call.raw("GET", "/v1/customers", {}, headers).body != first.body
