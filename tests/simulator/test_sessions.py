"""What subscriptions, hosted sessions and webhook endpoints are made of."""

from __future__ import annotations

from typing import Any

import pytest

from caixa_subscriptions.simulator.objects import PORTAL_CONFIGURATION_ID
from tests.simulator.tools import (
    DAY,
    GOOD,
    HOUR,
    START,
    Calls,
    message,
)

# Subscriptions and Checkout


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"trial_period_days": 0}, "trial_period_days"),
        ({"trial_period_days": 731}, "trial_period_days"),
        ({"trial_end": START}, "trial_end"),
        ({"trial_end": "soon"}, "trial_end"),
        ({"trial_period_days": 3, "trial_end": START + DAY}, None),
        (
            {"trial_settings": {"end_behavior": {"missing_payment_method": "hope"}}},
            "trial_settings[end_behavior][missing_payment_method]",
        ),
        ({"trial_settings": {}}, "trial_settings[end_behavior]"),
        ({"default_payment_method": "pm_none"}, "default_payment_method"),
    ],
)
def test_what_is_no_subscription(call: Calls, params: dict[str, Any], param: str | None) -> None:
    price, customer = call.price()["id"], call.customer(GOOD)["id"]
    error = call.error(
        400, "POST", "/v1/subscriptions", customer=customer, items=[{"price": price}], **params
    )
    assert error.get("param") == param


def test_prices_that_do_not_recur_together(call: Calls) -> None:
    customer = call.customer(GOOD)["id"]
    monthly = call.price()
    once = call("POST", "/v1/prices", currency="usd", unit_amount=1, product=monthly["product"])
    assert (once["type"], once["recurring"]) == ("one_time", None)
    euro = call(
        "POST",
        "/v1/prices",
        currency="EUR",
        unit_amount=1,
        product=monthly["product"],
        recurring={"interval": "month"},
    )
    inactive = call.price(active=False)
    for items, part in (
        ([once], "type=one_time"),
        ([inactive], "inactive"),
        ([monthly, euro], "same currency"),
        ([monthly, call.price(interval="year")], "same interval"),
    ):
        error = call.error(
            400,
            "POST",
            "/v1/subscriptions",
            customer=customer,
            items=[{"price": one["id"]} for one in items],
        )
        assert part in message(error)
    error = call.error(
        400,
        "POST",
        "/v1/subscriptions",
        customer=customer,
        items=[{"price": monthly["id"], "quantity": 0}],
    )
    assert error["param"] == "items[0][quantity]"


def test_a_subscription_is_changed(call: Calls, sold: dict[str, Any]) -> None:
    path = f"/v1/subscriptions/{sold['id']}"
    card = call.card(GOOD, sold["customer"])["id"]
    behavior = {"end_behavior": {"missing_payment_method": "pause"}}
    changed = call(
        "POST",
        path,
        description="New",
        metadata={"a": "b"},
        default_payment_method=card,
        trial_settings=behavior,
    )
    assert (changed["description"], changed["metadata"]) == ("New", {"a": "b"})
    assert (changed["default_payment_method"], changed["trial_settings"]) == (card, behavior)
    assert call("POST", path, default_payment_method="", description="")["description"] is None
    error = call.error(400, "POST", path, default_payment_method="pm_none")
    assert error["param"] == "default_payment_method"


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"success_url": "shop.example"}, "success_url"),
        ({"cancel_url": "javascript:alert(1)"}, "cancel_url"),
        ({"customer_email": "nobody"}, "customer_email"),
        ({"expires_at": START + 60}, "expires_at"),
        ({"expires_at": START + 25 * HOUR}, "expires_at"),
        ({"subscription_data": {"trial_end": START + DAY}}, "subscription_data[trial_end]"),
        ({"client_reference_id": "x" * 201}, "client_reference_id"),
        ({"line_items": []}, "line_items"),
        ({"customer": "cus_none"}, "customer"),
        ({"locale": "klingon"}, "locale"),
    ],
)
def test_what_is_no_checkout_session(call: Calls, params: dict[str, Any], param: str) -> None:
    params = {
        "mode": "subscription",
        "line_items": [{"price": call.price()["id"], "quantity": 1}],
        "success_url": "https://shop.example/done",
    } | params
    assert call.error(400, "POST", "/v1/checkout/sessions", **params)["param"] == param


def test_a_session_names_its_customer_once(call: Calls) -> None:
    customer = call.customer()["id"]
    error = call.error(
        400,
        "POST",
        "/v1/checkout/sessions",
        mode="subscription",
        success_url="https://shop.example",
        customer=customer,
        customer_email="a@example.com",
    )
    assert "only specify one" in message(error)


def test_a_session_keeps_what_it_is_told(call: Calls) -> None:
    session = call.session(
        call.price(),
        cancel_url="https://shop.example/back",
        client_reference_id="user-7",
        locale="pt-BR",
        payment_method_collection="if_required",
        metadata={"a": "b"},
    )
    assert session["cancel_url"] == "https://shop.example/back"
    assert session["client_reference_id"] == "user-7"
    assert session["locale"] == "pt-BR"
    assert session["payment_method_collection"] == "if_required"
    assert session["metadata"] == {"a": "b"}
    assert session["url"] == f"http://127.0.0.1:12111/simulator/checkout/{session['id']}"


# Portal


def test_portal_sessions_and_their_configuration(call: Calls) -> None:
    customer = call.customer()["id"]
    session = call(
        "POST",
        "/v1/billing_portal/sessions",
        customer=customer,
        return_url="https://shop.example/account",
    )
    assert session["return_url"] == "https://shop.example/account"
    assert "/simulator/portal/test_" in session["url"]
    path = "/v1/billing_portal/configurations"
    (configuration,) = call("GET", path, active=True, is_default=True)["data"]
    assert configuration["id"] == PORTAL_CONFIGURATION_ID == session["configuration"]
    assert call("GET", path, active=False)["data"] == []
    assert call("GET", f"{path}/{PORTAL_CONFIGURATION_ID}") == configuration


# Webhook endpoints


def test_the_secret_is_in_the_first_answer_only(call: Calls) -> None:
    endpoint = call(
        "POST",
        "/v1/webhook_endpoints",
        url="https://shop.example/hook",
        enabled_events=["customer.created"],
        description="Shop",
        metadata={"a": "b"},
    )
    secret = endpoint.pop("secret")
    assert secret.startswith("whsec_")
    path = f"/v1/webhook_endpoints/{endpoint['id']}"
    assert call("GET", path) == endpoint
    assert call("GET", "/v1/webhook_endpoints")["data"] == [endpoint]
    changed = call("POST", path, disabled=True, url="https://shop.example/other")
    assert (changed["status"], changed["url"]) == ("disabled", "https://shop.example/other")
    assert "secret" not in changed
    assert call("POST", path, disabled=False)["status"] == "enabled"
    assert call("POST", path, description="New")["description"] == "New"
    gone = call("DELETE", path)
    assert gone == {"id": endpoint["id"], "object": "webhook_endpoint", "deleted": True}
    call.error(404, "DELETE", path)


@pytest.mark.parametrize(
    "url", ["shop.example", "ftp://shop.example", "http://", "http://a:99999/", "http://[x/"]
)
def test_what_is_no_endpoint_url(call: Calls, url: str) -> None:
    error = call.error(400, "POST", "/v1/webhook_endpoints", url=url, enabled_events=["*"])
    assert error["param"] == "url"


def test_an_event_no_endpoint_can_have(call: Calls) -> None:
    error = call.error(
        400,
        "POST",
        "/v1/webhook_endpoints",
        url="https://shop.example",
        enabled_events=["customer.sneezed"],
    )
    assert error["param"] == "enabled_events[0]"


def test_sixteen_endpoints(call: Calls) -> None:
    params = {"url": "https://shop.example", "enabled_events": ["*"]}
    for _ in range(16):
        call("POST", "/v1/webhook_endpoints", **params)
    assert "maximum of 16" in message(call.error(400, "POST", "/v1/webhook_endpoints", **params))
