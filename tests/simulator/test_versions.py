"""Earlier API versions, in answers and in webhooks; each endpoint's own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from caixa_subscriptions.simulator import Simulator, versions
from caixa_subscriptions.simulator.objects import API_VERSION
from tests.simulator.tools import GOOD, Calls, Inbox, Wall

BASIL, CLOVER, DAHLIA = "2025-03-31.basil", "2025-09-30.clover", "2026-03-25.dahlia"
URL = "https://shop.example/hook"


def ask(call: Calls, version: str, method: str, path: str, **params: Any) -> dict[str, Any]:
    response = call.raw(method, path, params, {"Stripe-Version": version})
    assert response.status == 200, response.body
    assert response.headers["Stripe-Version"] == version
    return response.body


def subscribed(call: Calls, version: str = API_VERSION) -> dict[str, Any]:
    customer, price = call.customer(GOOD), call.price()
    items = [{"price": price["id"]}]
    return ask(call, version, "POST", "/v1/subscriptions", customer=customer["id"], items=items)


def test_the_version_spoken_by_default_is_the_newest(call: Calls) -> None:
    response = call.raw("POST", "/v1/customers", {})
    assert response.headers["Stripe-Version"] == API_VERSION == versions.VERSIONS[-1]
    assert list(versions.VERSIONS) == sorted(versions.VERSIONS)
    assert set(versions.SINCE) <= set(versions.VERSIONS)


@pytest.mark.parametrize(
    ("version", "status", "code"),
    [
        ("2024-12-18.acacia", 501, "not_simulated"),
        ("2020-08-27", 501, "not_simulated"),
        ("2026-09-30.endive", 501, "not_simulated"),
        ("latest", 400, None),
    ],
)
def test_other_versions_are_refused(
    call: Calls, version: str, status: int, code: str | None
) -> None:
    response = call.raw("POST", "/v1/customers", {}, {"Stripe-Version": version})
    assert (response.status, response.body["error"].get("code")) == (status, code)
    assert call("GET", "/v1/customers")["data"] == []


@pytest.mark.parametrize(
    ("version", "absent"),
    [
        (
            BASIL,
            {
                *("billing_mode", "billing_schedules", "billing_thresholds"),
                *("customer_account", "managed_payments"),
            },
        ),
        ("2025-06-30.basil", {"customer_account", "billing_schedules", "managed_payments"}),
        (CLOVER, {"customer_account", "billing_schedules", "managed_payments"}),
        ("2025-12-15.clover", {"billing_schedules", "managed_payments"}),
        (DAHLIA, {"billing_schedules", "managed_payments"}),
        ("2026-04-22.dahlia", {"billing_schedules"}),
        (API_VERSION, set()),
    ],
)
def test_a_subscription_has_the_keys_of_its_version(
    call: Calls, version: str, absent: set[str]
) -> None:
    made = subscribed(call)
    shown = ask(call, version, "GET", f"/v1/subscriptions/{made['id']}")
    assert set(made) - set(shown) == absent


def test_nested_and_expanded_objects_have_the_shape_too(call: Calls) -> None:
    made = subscribed(call)
    path = f"/v1/subscriptions/{made['id']}"
    shown = ask(call, DAHLIA, "GET", path, expand=["latest_invoice", "customer"])
    assert "billed_until" not in shown["items"]["data"][0]
    assert "amount_paid_off_stripe" not in shown["latest_invoice"]
    (line,) = shown["latest_invoice"]["lines"]["data"]
    assert "subscription" not in line
    assert line["quantity_decimal"] == "1"
    assert "customer_account" in shown["customer"]
    older = ask(call, CLOVER, "GET", path, expand=["latest_invoice.lines"])
    (line,) = older["latest_invoice"]["lines"]["data"]
    assert not {"subtotal", "quantity_decimal"} & set(line)


def test_lists_have_the_shape_too(call: Calls) -> None:
    subscribed(call)
    (shown,) = ask(call, CLOVER, "GET", "/v1/customers")["data"]
    assert "customer_account" not in shown


def test_what_is_kept_has_the_newest_shape_whoever_made_it(call: Calls) -> None:
    made = subscribed(call, CLOVER)
    assert "billing_schedules" not in made
    assert "billing_schedules" in call("GET", f"/v1/subscriptions/{made['id']}")


@pytest.mark.parametrize(
    ("version", "ui_mode"), [("2026-02-25.clover", "hosted"), (DAHLIA, "hosted_page")]
)
def test_checkout_names_its_page_as_the_version_does(
    call: Calls, version: str, ui_mode: str
) -> None:
    session = call.session(call.price())
    assert session["ui_mode"] == "hosted_page"
    shown = ask(call, version, "GET", f"/v1/checkout/sessions/{session['id']}")
    assert shown["ui_mode"] == ui_mode


@pytest.mark.parametrize(
    ("given", "version", "expected"),
    [
        ({"ui_mode": "hosted"}, CLOVER, {"ui_mode": "hosted_page"}),
        ({"ui_mode": "hosted"}, DAHLIA, {"ui_mode": "hosted"}),
        ({"mode": "setup"}, CLOVER, {"mode": "setup"}),
    ],
)
def test_parameters_are_read_as_the_version_names_them(
    given: dict[str, str], version: str, expected: dict[str, str]
) -> None:
    assert versions.incoming("/v1/checkout/sessions", given, version) == expected


def test_promotion_codes_name_their_coupon_as_the_version_does() -> None:
    incoming = versions.incoming("/v1/promotion_codes", {"coupon": "TEN", "code": "x"}, BASIL)
    assert incoming == {"code": "x", "promotion": {"type": "coupon", "coupon": "TEN"}}
    coupon = {"id": "TEN", "object": "coupon", "_own": 1}
    promotion = {"type": "coupon", "coupon": "TEN"}
    code = {"object": "promotion_code", "promotion": dict(promotion)}
    shown = versions.shaped(code, BASIL, {"TEN": coupon}.get)
    assert shown["coupon"] == {"id": "TEN", "object": "coupon"}
    discount = {"object": "discount", "source": dict(promotion)}
    assert versions.shaped(discount, BASIL, {}.get)["coupon"] == "TEN"
    assert "source" in versions.shaped({**discount, "source": promotion}, CLOVER, {}.get)


def test_classic_billing_is_the_default_before_clover(call: Calls) -> None:
    assert subscribed(call, CLOVER)["billing_mode"]["type"] == "flexible"
    assert subscribed(call, "2025-08-27.basil")["billing_mode"]["type"] == "classic"


def test_the_portal_cancels_classic_billing_at_the_periods_end(call: Calls) -> None:
    made = call.subscribe(call.customer(GOOD), call.price(), billing_mode={"type": "classic"})
    assert made["billing_mode"] == {"flexible": None, "type": "classic", "updated_at": None}
    canceled = call.simulator.portal_cancel(call.portal(made["customer"]), made["id"])
    assert canceled["cancel_at_period_end"] is True
    assert canceled["cancel_at"] == made["items"]["data"][0]["current_period_end"]


def test_an_endpoint_is_told_in_its_own_version(wall: Wall) -> None:
    inbox = Inbox()
    call = Calls(Simulator(seed=1, now=wall, default_clock=True, transport=inbox))
    for number, version in enumerate((BASIL, API_VERSION)):
        call(
            "POST",
            "/v1/webhook_endpoints",
            url=f"{URL}/{number}",
            enabled_events=["customer.subscription.created", "customer.subscription.updated"],
            api_version=version,
        )
    made = subscribed(call)
    call("POST", f"/v1/subscriptions/{made['id']}", cancel_at_period_end=True)
    call.simulator.deliver_pending()
    told = [(url, json.loads(body)) for url, _headers, body in inbox.received]
    assert len(told) == 4
    for url, event in told:
        old = url.endswith("0")
        assert event["api_version"] == (BASIL if old else API_VERSION)
        assert ("billing_mode" in event["data"]["object"]) is not old
    kept = call("GET", f"/v1/events/{told[0][1]['id']}")
    assert kept["api_version"] == API_VERSION
    assert "billing_mode" in kept["data"]["object"]
    # What an event carries keeps its shape, whoever asks for it.
    assert ask(call, BASIL, "GET", f"/v1/events/{kept['id']}") == kept
