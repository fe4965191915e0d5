"""The API's manners: errors, idempotency, lists, expanding, metadata, parameters."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest

from caixa_subscriptions.simulator import Simulator, StripeError
from caixa_subscriptions.simulator.objects import ACCOUNT_ID, PORTAL_CONFIGURATION_ID
from caixa_subscriptions.simulator.params import decode_form
from caixa_subscriptions.simulator.resources import clocks
from caixa_subscriptions.simulator.routes import ROUTES, Route
from tests.simulator.tools import (
    DAY,
    DECLINED,
    FAILS_LATER,
    GOOD,
    HOUR,
    KEY,
    START,
    Calls,
    Wall,
    advance,
    events,
)


def message(error: dict[str, Any]) -> str:
    return str(error["message"])


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
        ("POST", "/v1/checkout/sessions", {"mode": "payment"}, "mode"),
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


def test_a_key_is_forgotten_after_a_day(call: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    headers = {"Idempotency-Key": "once"}
    first = call.raw("POST", "/v1/customers", {}, headers)
    with monkeypatch.context() as patch:
        patch.setattr("caixa_subscriptions.simulator.answers.KEPT_SECONDS", -1)
        later = call.raw("POST", "/v1/customers", {"name": "Ana"}, headers)
    assert later.status == 200
    assert later.body["id"] != first.body["id"]


def test_reading_knows_no_keys(call: Calls) -> None:
    headers = {"Idempotency-Key": "once"}
    first = call.raw("GET", "/v1/customers", {}, headers)
    call.customer()
    assert call.raw("GET", "/v1/customers", {}, headers).body != first.body


# Lists


@pytest.fixture
def three(call: Calls) -> list[str]:
    """Ids of three customers, newest first as lists have them."""
    return [call.customer(email=f"{name}@example.com")["id"] for name in "abc"][::-1]


def ids(page: dict[str, Any]) -> list[str]:
    return [one["id"] for one in page["data"]]


def test_pages_forward(call: Calls, three: list[str]) -> None:
    first = call("GET", "/v1/customers", limit=2)
    assert (first["object"], first["url"]) == ("list", "/v1/customers")
    assert (ids(first), first["has_more"]) == (three[:2], True)
    rest = call("GET", "/v1/customers", limit=2, starting_after=three[1])
    assert (ids(rest), rest["has_more"]) == (three[2:], False)


def test_pages_backward(call: Calls, three: list[str]) -> None:
    before = call("GET", "/v1/customers", limit=1, ending_before=three[2])
    assert (ids(before), before["has_more"]) == ([three[1]], True)
    first = call("GET", "/v1/customers", limit=2, ending_before=three[1])
    assert (ids(first), first["has_more"]) == ([three[0]], False)


def test_ten_to_a_page(call: Calls) -> None:
    for _ in range(11):
        call.customer()
    page = call("GET", "/v1/customers")
    assert (len(page["data"]), page["has_more"]) == (10, True)


def test_bad_cursors_and_limits(call: Calls, three: list[str]) -> None:
    error = call.error(400, "GET", "/v1/customers", starting_after="cus_none")
    assert (error["code"], error["param"]) == ("resource_missing", "starting_after")
    call.error(400, "GET", "/v1/customers", starting_after=three[0], ending_before=three[0])
    for limit in (0, 101, -1):
        assert call.error(400, "GET", "/v1/customers", limit=limit)["param"] == "limit"
    assert call.error(400, "GET", "/v1/customers", limit="many")["code"] == (
        "parameter_invalid_integer"
    )


def test_customers_by_email_exactly(call: Calls, three: list[str]) -> None:
    assert ids(call("GET", "/v1/customers", email="a@example.com")) == [three[2]]
    assert ids(call("GET", "/v1/customers", email="A@example.com")) == []


def test_created_filters(call: Calls) -> None:
    old = call.customer()["id"]
    advance(call.simulator, days=1)
    new = call.customer()["id"]
    later = START + DAY
    for created, expected in (
        (START, [old]),
        ({"gt": START}, [new]),
        ({"gte": START}, [new, old]),
        ({"lt": later}, [old]),
        ({"lte": later, "gt": START}, [new]),
    ):
        assert ids(call("GET", "/v1/customers", created=created)) == expected


def test_subscription_filters(call: Calls) -> None:
    customer, price = call.customer(GOOD), call.price()
    live = call.subscribe(customer, price)["id"]
    trial = call.subscribe(customer, call.price(), trial_period_days=3)["id"]
    ended = call.subscribe(customer, price)["id"]
    call("DELETE", f"/v1/subscriptions/{ended}")
    stranger = call.subscribe(call.customer(GOOD), price)["id"]

    def listed(**params: Any) -> list[str]:
        return ids(call("GET", "/v1/subscriptions", **params))

    assert listed(customer=customer["id"]) == [trial, live]
    assert listed(customer=customer["id"], status="all") == [ended, trial, live]
    assert listed(status="canceled") == listed(status="ended") == [ended]
    assert listed(status="trialing") == [trial]
    assert listed(price=price["id"]) == [stranger, live]
    call.error(400, "GET", "/v1/subscriptions", status="happy")


def test_unscoped_lists_hide_the_objects_of_test_clocks(call: Calls) -> None:
    clock = call("POST", "/v1/test_helpers/test_clocks", frozen_time=START)["id"]
    hidden = call.customer(GOOD, test_clock=clock)
    shown = call.customer(GOOD)
    assert ids(call("GET", "/v1/customers")) == [shown["id"]]
    assert ids(call("GET", "/v1/customers", test_clock=clock)) == [hidden["id"]]
    subscription = call.subscribe(hidden, call.price())
    assert ids(call("GET", "/v1/subscriptions")) == []
    assert ids(call("GET", "/v1/subscriptions", customer=hidden["id"])) == [subscription["id"]]


def test_filters_of_the_other_lists(call: Calls) -> None:
    customer = call.customer(GOOD)
    price = call.price(lookup_key="monthly")
    call.price(active=False)
    subscription = call.subscribe(customer, price)
    other = call.subscribe(call.customer(GOOD), price)
    mine = {"customer": customer["id"]}
    invoice = call.get(subscription["latest_invoice"])
    assert ids(call("GET", "/v1/invoices", **mine)) == [invoice["id"]]
    assert ids(call("GET", "/v1/invoices", subscription=other["id"])) == [other["latest_invoice"]]
    assert ids(call("GET", "/v1/invoices", status="open")) == []
    assert ids(call("GET", f"/v1/invoices/{invoice['id']}/lines")) == [
        invoice["lines"]["data"][0]["id"]
    ]
    (charge,) = call("GET", "/v1/charges", **mine)["data"]
    intent = charge["payment_intent"]
    assert ids(call("GET", "/v1/charges", payment_intent=intent)) == [charge["id"]]
    assert ids(call("GET", "/v1/payment_intents", **mine)) == [intent]
    assert ids(call("GET", "/v1/setup_intents", **mine)) == []
    for params in (
        {"invoice": invoice["id"]},
        {"payment": {"payment_intent": intent, "type": "payment_intent"}},
    ):
        (payment,) = call("GET", "/v1/invoice_payments", **params)["data"]
        assert payment["invoice"] == invoice["id"]
    assert len(call("GET", "/v1/invoice_payments", status="paid")["data"]) == 2
    assert call("GET", f"/v1/invoice_payments/{payment['id']}") == payment
    assert call("GET", f"/v1/charges/{charge['id']}") == charge
    assert call("GET", f"/v1/payment_intents/{intent}")["status"] == "succeeded"
    transaction = call("GET", f"/v1/balance_transactions/{charge['balance_transaction']}")
    assert (transaction["amount"], transaction["fee"], transaction["net"]) == (900, 56, 844)
    items = call("GET", "/v1/subscription_items", subscription=subscription["id"])
    assert ids(items) == [subscription["items"]["data"][0]["id"]]
    assert call("GET", f"/v1/subscription_items/{ids(items)[0]}") == items["data"][0]
    assert ids(call("GET", "/v1/prices", lookup_keys=["monthly"])) == [price["id"]]
    assert ids(call("GET", "/v1/prices", active=True, type="recurring")) == [price["id"]]
    assert ids(call("GET", "/v1/prices", product=price["product"])) == [price["id"]]
    assert ids(call("GET", "/v1/products", ids=[price["product"]])) == [price["product"]]
    assert ids(call("GET", "/v1/products", active=False)) == []
    cards = call("GET", f"/v1/customers/{customer['id']}/payment_methods", type="card")
    assert len(cards["data"]) == 1
    assert call("GET", "/v1/payment_methods", **mine)["data"] == cards["data"]
    assert call("GET", "/v1/payment_methods", type="boleto")["data"] == []
    clock = call.simulator.default_clock_id
    assert ids(call("GET", "/v1/test_helpers/test_clocks")) == [clock]


def test_checkout_session_lists(call: Calls) -> None:
    customer = call.customer()["id"]
    price = call.price()
    open_one = call.session(price, customer=customer)
    done = call.simulator.complete_checkout(call.session(price)["id"])
    path = "/v1/checkout/sessions"
    assert ids(call("GET", path, customer=customer)) == [open_one["id"]]
    assert ids(call("GET", path, status="complete")) == [done["id"]]
    assert ids(call("GET", path, subscription=done["subscription"])) == [done["id"]]
    (item,) = call("GET", f"{path}/{done['id']}/line_items")["data"]
    assert (item["object"], item["amount_total"], item["description"]) == ("item", 900, "Reports")
    assert call("GET", f"{path}/{done['id']}") == done


def test_events_by_type_and_delivery(call: Calls) -> None:
    customer = call.customer(email="a@example.com")
    call("POST", f"/v1/customers/{customer['id']}", email="b@example.com")
    call.price()
    (created,) = call("GET", "/v1/events", type="customer.created")["data"]
    assert call("GET", f"/v1/events/{created['id']}") == created
    assert len(call("GET", "/v1/events", type="customer.*")["data"]) == 2
    some = call("GET", "/v1/events", types=["customer.updated", "price.created"])["data"]
    assert [one["type"] for one in some] == ["price.created", "customer.updated"]
    call.error(400, "GET", "/v1/events", type="a", types=["b"])
    assert call("GET", "/v1/events", delivery_success=False)["data"] == []


@pytest.mark.parametrize(
    "path", ["coupons", "promotion_codes", "tax_rates", "invoiceitems", "accounts"]
)
def test_what_there_is_none_of(call: Calls, path: str) -> None:
    assert call("GET", f"/v1/{path}")["data"] == []


def test_product_features_and_sources(call: Calls) -> None:
    product = call("POST", "/v1/products", name="Reports")["id"]
    assert call("GET", f"/v1/products/{product}/features")["data"] == []
    assert call("GET", f"/v1/customers/{call.customer()['id']}/sources")["data"] == []


def test_account(call: Calls) -> None:
    account = call("GET", "/v1/account")
    assert (account["id"], account["object"]) == (ACCOUNT_ID, "account")
    assert call("GET", f"/v1/accounts/{ACCOUNT_ID}") == account


# Expanding


@pytest.fixture
def sold(call: Calls) -> dict[str, Any]:
    return dict(call.subscribe(call.customer(GOOD), call.price()))


def test_expand(call: Calls, sold: dict[str, Any]) -> None:
    got = call(
        "GET",
        f"/v1/subscriptions/{sold['id']}",
        expand=["customer", "latest_invoice.payments", "items.data.price.product"],
    )
    assert got["customer"]["id"] == sold["customer"]
    assert got["latest_invoice"]["payments"]["data"][0]["amount_paid"] == 900
    assert got["items"]["data"][0]["price"]["product"]["name"] == "Reports"
    # Nothing of it sticks.
    assert call("GET", f"/v1/subscriptions/{sold['id']}") == sold


def test_expand_in_a_list(call: Calls, sold: dict[str, Any]) -> None:
    page = call("GET", "/v1/subscriptions", expand=["data.customer", "data.default_payment_method"])
    assert page["data"][0]["customer"]["object"] == "customer"
    assert page["data"][0]["default_payment_method"] is None
    call.error(400, "GET", "/v1/subscriptions", expand=["customer"])


def test_expand_what_is_not_there_otherwise(call: Calls, sold: dict[str, Any]) -> None:
    paths = ["subscriptions", "sources", "tax", "tax_ids", "invoice_credit_balance"]
    customer = call("GET", f"/v1/customers/{sold['customer']}", expand=paths)
    assert ids(customer["subscriptions"]) == [sold["id"]]
    assert customer["sources"]["data"] == customer["tax_ids"]["data"] == []
    price = sold["items"]["data"][0]["price"]
    got = call("GET", f"/v1/prices/{price['id']}", expand=["currency_options", "tiers"])
    assert got["currency_options"]["usd"]["unit_amount"] == 900
    assert "tiers" not in got
    (charge,) = call("GET", "/v1/charges", expand=["data.refunds", "data.balance_transaction"])[
        "data"
    ]
    assert charge["refunds"]["data"] == []
    assert charge["balance_transaction"]["object"] == "balance_transaction"
    session = call.session(price)
    got = call(
        "GET",
        f"/v1/checkout/sessions/{session['id']}",
        expand=["line_items.data.discounts", "line_items.data.taxes", "total_details.breakdown"],
    )
    assert got["line_items"]["data"][0]["price"]["id"] == price["id"]
    assert got["total_details"]["breakdown"] == {"discounts": [], "taxes": []}


def test_expand_a_deleted_customer(call: Calls, sold: dict[str, Any]) -> None:
    call("DELETE", f"/v1/customers/{sold['customer']}")
    got = call("GET", f"/v1/subscriptions/{sold['id']}", expand=["customer"])
    gone = {"id": sold["customer"], "object": "customer", "deleted": True}
    assert got["customer"] == gone
    path = f"/v1/customers/{sold['customer']}"
    assert call("GET", path, expand=["default_source", "subscriptions"]) == gone


@pytest.mark.parametrize(
    "path",
    ["nothing", "status", "id", "created", "livemode", "customer.nothing", "", "customer.email.x"],
)
def test_what_cannot_be_expanded(call: Calls, sold: dict[str, Any], path: str) -> None:
    call("POST", f"/v1/customers/{sold['customer']}", email="a@example.com")
    error = call.error(400, "GET", f"/v1/subscriptions/{sold['id']}", expand=[path])
    assert message(error) == f"This property cannot be expanded ({path})."


def test_expand_is_four_levels_deep(call: Calls, sold: dict[str, Any]) -> None:
    deep = "latest_invoice.customer.subscriptions.data.customer"
    error = call.error(400, "GET", f"/v1/subscriptions/{sold['id']}", expand=[deep])
    assert message(error).startswith("You cannot expand more than 4 levels of a property.")
    four = "latest_invoice.customer.subscriptions.data"
    call("GET", f"/v1/subscriptions/{sold['id']}", expand=[four])
    call("GET", "/v1/subscriptions", expand=[f"data.{four}"])


def test_expand_takes_a_list(call: Calls) -> None:
    error = call.error(400, "GET", "/v1/customers", expand="data.tax")
    assert (message(error), error["param"]) == ("Invalid array", "expand")


# Metadata


def test_metadata_is_merged(call: Calls) -> None:
    customer = call.customer(metadata={"a": "1", "b": "2", "0": "zero"})
    path = f"/v1/customers/{customer['id']}"
    assert call("POST", path, metadata={"b": 3, "c": True})["metadata"] == {
        "a": "1",
        "b": "3",
        "c": "true",
        "0": "zero",
    }
    assert "a" not in call("POST", path, metadata={"a": ""})["metadata"]
    assert call("POST", path, name="Ana")["metadata"] != {}
    assert call("POST", path, metadata="")["metadata"] == {}


@pytest.mark.parametrize(
    "metadata",
    [
        {"k" * 41: "v"},
        {"a[b]": "v"},
        {"k": "v" * 501},
        {f"k{n}": "v" for n in range(51)},
        {"nested": {"a": "b"}},
    ],
)
def test_metadata_limits(call: Calls, metadata: dict[str, Any]) -> None:
    assert call.error(400, "POST", "/v1/customers", metadata=metadata)["param"].startswith(
        "metadata"
    )


def test_metadata_at_its_limits(call: Calls) -> None:
    metadata = {f"{n:040d}": "v" * 500 for n in range(50)}
    assert call.customer(metadata=metadata)["metadata"] == metadata


def test_metadata_is_no_list(call: Calls) -> None:
    call.error(400, "POST", "/v1/customers", metadata=["a"])


# Products and prices


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


# Test clocks


def advance_path(clock: str) -> str:
    return f"/v1/test_helpers/test_clocks/{clock}/advance"


@pytest.fixture
def clock(call: Calls) -> str:
    return str(call("POST", "/v1/test_helpers/test_clocks", frozen_time=START, name="Mine")["id"])


def test_a_clock_advances_and_is_ready(call: Calls, clock: str) -> None:
    answer = call("POST", advance_path(clock), frozen_time=START + DAY)
    assert (answer["status"], answer["frozen_time"]) == ("advancing", START)
    assert answer["status_details"] == {"advancing": {"target_frozen_time": START + DAY}}
    ready = call("GET", f"/v1/test_helpers/test_clocks/{clock}")
    assert (ready["status"], ready["frozen_time"]) == ("ready", START + DAY)
    types = [f"test_helpers.test_clock.{name}" for name in ("created", "advancing", "ready")]
    found = [one for one in events(call.simulator, *types) if one["data"]["object"]["id"] == clock]
    assert [one["type"] for one in found] == types
    assert call.simulator.now(clock) == START + DAY
    assert call.simulator.now() == START


def test_while_it_advances_nothing_of_it_changes(
    call: Calls, clock: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscription = call.subscribe(call.customer(GOOD, test_clock=clock), call.price())
    customer = call.get(subscription["customer"])
    with monkeypatch.context() as patch:
        patch.setattr(clocks, "step", lambda world, clock_id: False)
        call("POST", advance_path(clock), frozen_time=START + DAY)
        for method, path, params in (
            ("POST", f"/v1/customers/{customer['id']}", {"name": "Ana"}),
            ("DELETE", f"/v1/customers/{customer['id']}", {}),
            ("POST", f"/v1/subscriptions/{subscription['id']}", {"metadata": {"a": "b"}}),
            ("DELETE", f"/v1/subscriptions/{subscription['id']}", {}),
            ("POST", f"/v1/invoices/{subscription['latest_invoice']}/void", {}),
            ("POST", advance_path(clock), {"frozen_time": START + 2 * DAY}),
            ("DELETE", f"/v1/test_helpers/test_clocks/{clock}", {}),
        ):
            error = call.error(429, method, path, **params)
            assert error["code"] == "lock_timeout"
            assert message(error) == (
                "Test clock advancement underway - cannot perform modifications"
            )
        assert call("GET", f"/v1/customers/{customer['id']}") == customer
    call("GET", "/v1/account")  # time goes on with the next call
    call("POST", f"/v1/customers/{customer['id']}", name="Ana")


@pytest.mark.parametrize("target", [START, START - DAY])
def test_a_clock_only_moves_forward(call: Calls, clock: str, target: int) -> None:
    error = call.error(400, "POST", advance_path(clock), frozen_time=target)
    assert error["param"] == "frozen_time"


@pytest.mark.parametrize("frozen_time", [0, -1, 10**15, START + 6 * 366 * DAY])
def test_a_clock_starts_at_a_time_there_is(call: Calls, frozen_time: int) -> None:
    error = call.error(400, "POST", "/v1/test_helpers/test_clocks", frozen_time=frozen_time)
    assert error["param"] == "frozen_time"


def test_two_years_without_a_subscription(call: Calls, clock: str) -> None:
    far = START + 732 * DAY
    assert "up to 2 years" in message(call.error(400, "POST", advance_path(clock), frozen_time=far))
    call("POST", advance_path(clock), frozen_time=far - DAY)


def test_two_intervals_of_the_shortest_subscription(call: Calls, clock: str) -> None:
    customer = call.customer(GOOD, test_clock=clock)
    call.subscribe(customer, call.price(interval="year"))
    call.subscribe(customer, call.price(interval="month"))
    error = call.error(400, "POST", advance_path(clock), frozen_time=START + 61 * DAY + 1)
    assert message(error).startswith(
        f"The frozen time of this clock is {START} (2026-06-01 12:00:00 UTC). You can only advance "
        f"it up to {START + 61 * DAY} (2026-08-01 12:00:00 UTC)."
    )
    call("POST", advance_path(clock), frozen_time=START + 61 * DAY)


def test_three_customers_to_a_clock(call: Calls, clock: str) -> None:
    for _ in range(3):
        call.customer(test_clock=clock)
    error = call.error(400, "POST", "/v1/customers", test_clock=clock)
    assert error["param"] == "test_clock"
    assert call.error(400, "POST", "/v1/customers", test_clock="clock_none")["code"] == (
        "resource_missing"
    )


def test_a_clock_takes_its_customers_with_it(call: Calls, clock: str) -> None:
    customer = call.customer(GOOD, test_clock=clock)
    live, ended = (call.subscribe(customer, call.price()) for _ in range(2))
    call("DELETE", f"/v1/subscriptions/{ended['id']}")
    call("DELETE", f"/v1/test_helpers/test_clocks/{clock}")
    assert call("GET", f"/v1/customers/{customer['id']}")["deleted"] is True
    assert call.get(live["id"])["status"] == "canceled"
    assert len(events(call.simulator, "customer.subscription.deleted")) == 2
    call.error(404, "GET", f"/v1/test_helpers/test_clocks/{clock}")
    default = call.simulator.default_clock_id
    call.error(400, "DELETE", f"/v1/test_helpers/test_clocks/{default}")


# Parameters


@pytest.mark.parametrize(
    ("pairs", "decoded"),
    [
        ([], {}),
        ([("a", "1"), ("b", "")], {"a": "1", "b": ""}),
        ([("a", "1"), ("a", "2")], {"a": "2"}),
        ([("a[b]", "1"), ("a[c][d]", "2")], {"a": {"b": "1", "c": {"d": "2"}}}),
        ([("a[]", "1"), ("a[]", "2")], {"a": {"0": "1", "1": "2"}}),
        ([("a[0][b]", "1"), ("a[1][b]", "2")], {"a": {"0": {"b": "1"}, "1": {"b": "2"}}}),
        ([("a[b", "1")], {"a": "1"}),
        ([("", "1")], {"": "1"}),
    ],
)
def test_decode_form(pairs: list[tuple[str, str]], decoded: dict[str, Any]) -> None:
    assert decode_form(pairs) == decoded


@pytest.mark.parametrize(
    "pairs", [[("a", "1"), ("a[b]", "2")], [("a" + "[b]" * 10, "1")], [("a" + "[b]" * 9999, "1")]]
)
def test_names_that_make_no_sense(pairs: list[tuple[str, str]]) -> None:
    with pytest.raises(StripeError) as raised:
        decode_form(pairs)
    assert (raised.value.status, raised.value.param) == (400, "a")


def test_indexes_give_the_order_of_a_list(call: Calls) -> None:
    customer = call.customer(preferred_locales={"10": "c", "2": "b", "0": "a"})
    assert customer["preferred_locales"] == ["a", "b", "c"]


@pytest.mark.parametrize("locales", [{"²": "a"}, {"x": "a"}, {"0": {"a": "b"}}, "pt-BR"])
def test_what_is_no_list(call: Calls, locales: Any) -> None:
    error = call.error(400, "POST", "/v1/customers", preferred_locales=locales)
    assert error["param"].startswith("preferred_locales")


def test_texts_become_what_they_mean(call: Calls, sold: dict[str, Any]) -> None:
    price = call("POST", f"/v1/prices/{sold['items']['data'][0]['price']['id']}", active="false")
    assert price["active"] is False
    assert len(call("GET", "/v1/customers", limit="1")["data"]) == 1
    product = call("POST", "/v1/products", name=7)
    assert product["name"] == "7"
    for value in ("", "1.5", "1e3", "9" * 30, None):
        params = {"currency": "usd", "unit_amount": value, "product": product["id"]}
        assert call.error(400, "POST", "/v1/prices", **params)["param"] == "unit_amount"
    nothings: list[Any] = [[], {}, ["x"], {"x": "y"}]
    for nothing in nothings:
        assert call.error(400, "POST", "/v1/products", name=nothing)["param"] == "name"


# Anything at all


ODD: tuple[Any, ...] = (
    *("", "x", "-1", "0", "1.5", "now", str(10**17), "\N{SNOWMAN}", "x" * 5000),
    *([], {}, ["x"], [{}], {"0": "x"}, {"x": "y"}, {"gte": "x"}, {"data": {"x": []}}),
)


def honoured(one: Route) -> list[str]:
    return sorted({name.split(".")[0] for name in one.spec.honours})


@pytest.mark.parametrize("one", ROUTES, ids=lambda one: f"{one.method} {one.template}")
def test_odd_values_are_answered(call: Calls, sold: dict[str, Any], one: Route) -> None:
    """Whatever is sent, the answer is Stripe's, never an error of our own."""
    session = call.session(call.price())
    invoice = call.get(sold["latest_invoice"])
    examples = {
        "customer": sold["customer"],
        "subscription": sold["id"],
        "invoice": invoice["id"],
        "price": sold["items"]["data"][0]["price"]["id"],
        "product": sold["items"]["data"][0]["price"]["product"],
        "session": session["id"],
        "clock": call("POST", "/v1/test_helpers/test_clocks", frozen_time=START)["id"],
        "item": sold["items"]["data"][0]["id"],
        "payment_method": "pm_card_visa",
        "endpoint": call(
            "POST", "/v1/webhook_endpoints", url="https://a.example", enabled_events=["*"]
        )["id"],
    }
    path = re.sub(r"\{(\w+)\}", lambda found: examples.get(found[1], "x"), one.template)
    valid: dict[str, Any] = {
        "customer": sold["customer"],
        "items": [{"price": examples["price"]}],
        "line_items": [{"price": examples["price"]}],
        "mode": "subscription",
        "success_url": "https://shop.example/",
        "currency": "usd",
        "unit_amount": 900,
        "product": examples["product"],
        "name": "x",
        "url": "https://shop.example/",
        "enabled_events": ["*"],
        "type": "card",
        "subscription": sold["id"],
    }
    names = honoured(one)
    needed = {name: value for name, value in valid.items() if name in names}
    if one.method == "GET":
        needed = {key: value for key, value in needed.items() if key == "subscription"}
    for name in names:
        for value in ODD:
            response = call.raw(one.method, path, needed | {name: value})
            assert response.status in (200, 400, 402, 404, 429, 501), (name, value)
            assert (response.status == 200) is ("error" not in response.body)


def test_the_wall_clock_of_a_simulator_without_clocks(wall: Wall) -> None:
    with Simulator(now=wall, transport=lambda *_: 200) as simulator:
        assert simulator.default_clock_id is None
        assert simulator.now() == START
        created = Calls(simulator)("POST", "/v1/customers")
        assert (created["test_clock"], created["created"]) == (None, START)


def test_the_same_seed_gives_the_same_ids(wall: Wall) -> None:
    def first_customer(seed: int | None) -> str:
        simulator = Simulator(seed=seed, now=wall)
        found = str(Calls(simulator).customer()["id"])
        simulator.close()
        return found

    assert first_customer(7) == first_customer(7)
    assert first_customer(7) != first_customer(8)
    assert first_customer(None) != first_customer(None)


def test_reset_begins_anew(call: Calls) -> None:
    first = call.customer()["id"]
    clock = call.simulator.default_clock_id
    call.simulator.reset()
    assert call.simulator.get_object(first) is None
    assert call.simulator.list_objects("event")[0]["type"] == "test_helpers.test_clock.created"
    assert call.simulator.default_clock_id == clock
    assert call.customer()["id"] == first
