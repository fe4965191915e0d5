"""Pages and filters of lists."""

from __future__ import annotations

from typing import Any

import pytest

from caixa_subscriptions.simulator.objects import ACCOUNT_ID
from tests.simulator.tools import (
    DAY,
    GOOD,
    START,
    Calls,
    advance,
    ids,
)


@pytest.fixture
def three(call: Calls) -> list[str]:
    """Ids of three customers, newest first as lists have them."""
    return [call.customer(email=f"{name}@example.com")["id"] for name in "abc"][::-1]


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
    by_record = {"type": "payment_record"}
    assert ids(call("GET", "/v1/invoice_payments", payment=by_record)) == []
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


@pytest.mark.parametrize("path", ["invoiceitems", "accounts"])
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
