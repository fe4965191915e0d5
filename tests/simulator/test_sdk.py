"""A subscription's life, told to the simulator by the unmodified SDK: over HTTP, and in process."""

from __future__ import annotations

import http.client
import io
import select
import socket
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import stripe

from caixa_subscriptions.simulator import Simulator
from caixa_subscriptions.simulator.server import ThreadingWSGIServer
from caixa_subscriptions.simulator.wsgi import SimulatorApplication
from tests.simulator.tools import DAY, GOOD, HOUR, KEY, START, Calls, advance


@pytest.fixture(params=["over HTTP", "in process"])
def client(
    request: pytest.FixtureRequest, simulator: Simulator, server: ThreadingWSGIServer
) -> Iterator[stripe.StripeClient]:
    http_client = (
        stripe.RequestsClient()
        if request.param == "over HTTP"
        else simulator.http_client(base_url=server.url)
    )
    yield stripe.StripeClient(
        KEY, base_addresses={"api": server.url}, http_client=http_client, max_network_retries=0
    )
    http_client.close()  # type: ignore[no-untyped-call]


@pytest.fixture
def price(client: stripe.StripeClient) -> stripe.Price:
    return client.v1.prices.create(
        {
            "currency": "usd",
            "unit_amount": 900,
            "lookup_key": "reports_monthly",
            "recurring": {"interval": "month"},
            "product_data": {"name": "Reports"},
        }
    )


def test_from_checkout_to_the_end(
    simulator: Simulator, client: stripe.StripeClient, price: stripe.Price
) -> None:
    found = client.v1.prices.list({"lookup_keys": ["reports_monthly"], "active": True})
    assert [one.id for one in found.data] == [price.id]
    customer = client.v1.customers.create(
        {"email": "ana@example.com", "metadata": {"subscriber": "7", "0": "digits are no list"}}
    )
    assert customer.metadata is not None
    assert customer.metadata.to_dict() == {"subscriber": "7", "0": "digits are no list"}
    session = client.v1.checkout.sessions.create(
        {
            "mode": "subscription",
            "customer": customer.id,
            "line_items": [{"price": price.id, "quantity": 1}],
            "success_url": "https://shop.example/done?session={CHECKOUT_SESSION_ID}",
            "subscription_data": {"trial_period_days": 14, "metadata": {"plan": "reports"}},
        }
    )
    assert session.url is not None
    assert session.success_url == "https://shop.example/done?session={CHECKOUT_SESSION_ID}"
    simulator.complete_checkout(session.id, card_number=GOOD)

    done = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["subscription"]})
    subscription = done.subscription
    assert isinstance(subscription, stripe.Subscription)
    assert subscription.status == "trialing"
    assert subscription.trial_end == START + 14 * DAY
    assert subscription["items"].data[0].current_period_end == START + 14 * DAY

    advance(simulator, days=14, hours=1)
    subscription = client.v1.subscriptions.retrieve(
        subscription.id, {"expand": ["latest_invoice.payments.data"]}
    )
    assert subscription.status == "active"
    invoice = subscription.latest_invoice
    assert isinstance(invoice, stripe.Invoice)
    assert (invoice.status, invoice.amount_paid) == ("paid", 900)
    assert invoice.payments is not None
    payment = client.v1.invoice_payments.retrieve(
        invoice.payments.data[0].id, {"expand": ["payment.payment_intent"]}
    )
    intent = payment.payment.payment_intent
    assert isinstance(intent, stripe.PaymentIntent)
    assert intent.status == "succeeded"

    asked = client.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    assert (asked.cancel_at_period_end, asked.cancel_at) == (
        True,
        asked["items"].data[0].current_period_end,
    )
    kept = client.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": False})
    assert (kept.cancel_at, kept.canceled_at) == (None, None)
    over = client.v1.subscriptions.cancel(subscription.id)
    assert (over.status, over.ended_at) == ("canceled", START + 14 * DAY + HOUR)
    assert client.v1.customers.delete(customer.id).deleted is True


def test_every_page_is_walked(client: stripe.StripeClient) -> None:
    made = [client.v1.customers.create({"name": str(n)}).id for n in range(5)]
    page = client.v1.customers.list({"limit": 2})
    assert [one.id for one in page.auto_paging_iter()] == made[::-1]
    last = client.v1.customers.list({"limit": 2, "ending_before": made[0]})
    assert [one.id for one in last.auto_paging_iter()] == made[1:]


def test_errors_are_the_sdks(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as raised:
        client.v1.customers.retrieve("cus_none")
    assert (raised.value.http_status, raised.value.code) == (404, "resource_missing")
    assert raised.value.request_id is not None
    customer = client.v1.customers.create({})
    with pytest.raises(stripe.CardError) as declined:
        client.v1.payment_methods.attach("pm_card_chargeDeclined", {"customer": customer.id})
    assert declined.value.code == "card_declined"
    assert declined.value.error is not None
    assert declined.value.error.decline_code == "generic_decline"
    client.v1.customers.create({"name": "Ana"}, {"idempotency_key": "once"})
    with pytest.raises(stripe.IdempotencyError):
        client.v1.customers.create({"name": "Bea"}, {"idempotency_key": "once"})
    again = client.v1.customers.create({"name": "Ana"}, {"idempotency_key": "once"})
    assert again.last_response is not None
    assert again.last_response.headers["Idempotent-Replayed"] == "true"


def test_a_refused_key_is_an_authentication_error(server: ThreadingWSGIServer) -> None:
    http_client = stripe.RequestsClient()
    client = stripe.StripeClient(
        "sk_" + "live_" + "x" * 24, base_addresses={"api": server.url}, http_client=http_client
    )
    with pytest.raises(stripe.AuthenticationError, match="refuses live keys"):
        client.v1.customers.list()
    http_client.close()  # type: ignore[no-untyped-call]


def test_empty_strings_unset(client: stripe.StripeClient) -> None:
    customer = client.v1.customers.create({"name": "Ana", "metadata": {"a": "1", "b": "2"}})
    changed = client.v1.customers.update(customer.id, {"name": "", "metadata": {"a": ""}})
    assert changed.name is None
    assert changed.metadata is not None
    assert changed.metadata.to_dict() == {"b": "2"}


def test_a_clock_of_ones_own(client: stripe.StripeClient, price: stripe.Price) -> None:
    clock = client.v1.test_helpers.test_clocks.create({"frozen_time": START})
    customer = client.v1.customers.create(
        {"test_clock": clock.id, "payment_method": "pm_card_visa"}
    )
    (card,) = client.v1.customers.payment_methods.list(customer.id).data
    subscription = client.v1.subscriptions.create(
        {
            "customer": customer.id,
            "items": [{"price": price.id}],
            "default_payment_method": card.id,
        }
    )
    moving = client.v1.test_helpers.test_clocks.advance(clock.id, {"frozen_time": START + 31 * DAY})
    assert moving.status == "advancing"
    assert client.v1.test_helpers.test_clocks.retrieve(clock.id).status == "ready"
    invoices = client.v1.invoices.list({"subscription": subscription.id})
    assert [one.billing_reason for one in invoices.data] == [
        "subscription_cycle",
        "subscription_create",
    ]
    client.v1.test_helpers.test_clocks.delete(clock.id)


# What no SDK sends


@pytest.fixture
def connection(server: ThreadingWSGIServer) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=5)
    yield connection
    connection.close()


AUTHORIZED = {"Authorization": f"Bearer {KEY}"}


@pytest.mark.parametrize(
    ("path", "status", "location"),
    [("/", 303, "/simulator/"), ("/simulator", 303, "/simulator/"), ("/favicon.ico", 404, None)],
)
def test_other_paths(
    connection: http.client.HTTPConnection, path: str, status: int, location: str | None
) -> None:
    connection.request("GET", path)
    response = connection.getresponse()
    response.read()
    assert (response.status, response.getheader("Location")) == (status, location)


def test_a_body_that_is_not_text(connection: http.client.HTTPConnection) -> None:
    connection.request("POST", "/v1/customers", body=b"name=\xff", headers=AUTHORIZED)
    response = connection.getresponse()
    assert response.status == 400
    assert b"not UTF-8" in response.read()


def test_a_body_that_is_too_large(connection: http.client.HTTPConnection) -> None:
    headers = AUTHORIZED | {"Content-Length": str(1024 * 1024 + 1)}
    connection.putrequest("POST", "/v1/customers")
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    response = connection.getresponse()
    assert response.status == 413
    assert b"too large" in response.read()


@pytest.mark.parametrize(
    ("length", "status", "said"),
    [
        ("", 200, b'"object": "customer"'),
        ("-1", 400, b"not a number"),
        ("many", 400, b"not a number"),
        ("9" * 5000, 413, b"too large"),
    ],
)
def test_a_content_length_that_is_none(
    connection: http.client.HTTPConnection, length: str, status: int, said: bytes
) -> None:
    connection.putrequest("POST", "/v1/customers")
    for name, value in (AUTHORIZED | {"Content-Length": length}).items():
        connection.putheader(name, value)
    connection.endheaders()
    response = connection.getresponse()
    assert response.status == status
    assert said in response.read()


def test_a_chunked_body_is_not_overlooked(
    simulator: Simulator, connection: http.client.HTTPConnection
) -> None:
    connection.request("POST", "/v1/customers", body=iter([b"name=Ana"]), headers=AUTHORIZED)
    response = connection.getresponse()
    assert response.status == 411
    assert b"Content-Length" in response.read()
    assert simulator.list_objects("customer") == []


@pytest.mark.parametrize("header", ["Transfer-Encoding: chunked", "Content-Length: 2000000"])
def test_what_is_sent_after_a_refusal_does_not_lose_it(
    server: ThreadingWSGIServer, header: str
) -> None:
    head = f"POST /v1/customers HTTP/1.1\r\nHost: 127.0.0.1\r\n{header}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=5) as raw:
        raw.sendall(head.encode())
        assert select.select([raw], [], [], 5)[0]  # answered, before any of the body was sent
        for _ in range(10):
            time.sleep(0.01)
            raw.sendall(b"4\r\nname\r\n")
        raw.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: raw.recv(65536), b""))
    assert answer.startswith((b"HTTP/1.0 411", b"HTTP/1.0 413"))


def test_a_folded_header_is_repeated_on_one_line(connection: http.client.HTTPConnection) -> None:
    connection.putrequest("POST", "/v1/customers")
    connection.putheader("Authorization", AUTHORIZED["Authorization"])
    connection.putheader("Idempotency-Key", "one", "two: three")
    connection.endheaders()
    response = connection.getresponse()
    assert response.status == 200
    assert response.getheader("Idempotency-Key") == "one two: three"


def test_head_has_no_body(server: ThreadingWSGIServer) -> None:
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=5) as raw:
        raw.sendall(b"HEAD /v1/account HTTP/1.0\r\n\r\n")
        answer = b"".join(iter(lambda: raw.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.0 401")
    assert answer.endswith(b"\r\n\r\n")


def test_names_that_contradict_each_other(connection: http.client.HTTPConnection) -> None:
    connection.request("POST", "/v1/customers", body=b"name=a&name[b]=c", headers=AUTHORIZED)
    response = connection.getresponse()
    assert response.status == 400
    assert b'"param": "name"' in response.read()


def test_a_trailing_slash_and_the_hosts_own_name(
    simulator: Simulator,
    server: ThreadingWSGIServer,
    client: stripe.StripeClient,
    price: stripe.Price,
) -> None:
    session = client.v1.checkout.sessions.create(
        {
            "mode": "subscription",
            "line_items": [{"price": price.id, "quantity": 1}],
            "success_url": "https://shop.example/",
        }
    )
    assert session.url == f"{server.url}/simulator/checkout/{session.id}"
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=5)
    connection.request("GET", "/v1/account/", headers=AUTHORIZED)
    response = connection.getresponse()
    response.read()
    assert response.status == 200
    connection.close()


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "[::1"])
def test_a_name_of_another_site_does_not_open_the_simulator(
    server: ThreadingWSGIServer, host: str
) -> None:
    for path in ("/simulator/", "/v1/account"):
        answer = requests.get(server.url + path, headers={"Host": host}, timeout=5)
        assert answer.status_code in (400, 403)


@pytest.mark.parametrize("coupon", ["VERÃO", "50%25", "TEN OFF", "2/3", "a+b", "what?", "#1"])
def test_an_id_of_any_letters_is_found_again(
    simulator: Simulator, client: stripe.StripeClient, coupon: str
) -> None:
    client.v1.coupons.create({"id": coupon, "percent_off": 10, "duration": "once"})
    in_process = stripe.StripeClient(KEY, http_client=simulator.http_client())
    for one in (client, in_process):
        assert one.v1.coupons.retrieve(coupon).id == coupon
        assert one.v1.coupons.update(coupon, {"name": "Sale"}).name == "Sale"
    in_process.v1.coupons.delete(coupon)
    with pytest.raises(stripe.InvalidRequestError, match="No such coupon"):
        client.v1.coupons.delete(coupon)


def test_a_server_that_tells_the_decoded_path_only(simulator: Simulator, call: Calls) -> None:
    call("POST", "/v1/coupons", id="VERÃO 1", percent_off=10)
    told: list[str] = []
    path = "/v1/coupons/VERÃO 1".encode().decode("latin-1")
    environ = {"PATH_INFO": path, "REQUEST_METHOD": "GET", "HTTP_HOST": "127.0.0.1"}
    environ |= {"wsgi.url_scheme": "http", "HTTP_AUTHORIZATION": f"Bearer {KEY}"}
    more: dict[str, Any] = {"wsgi.input": io.BytesIO()}
    SimulatorApplication(simulator)(environ | more, lambda status, *rest: told.append(status))
    assert told == ["200 OK"]
