"""The SDK's calls answered in process: what `test_sdk` does not tell beside HTTP."""

from __future__ import annotations

import asyncio
import socket
from typing import Any, NoReturn

import pytest
import stripe

from caixa_subscriptions.simulator import Simulator
from caixa_subscriptions.simulator.core import Response
from tests.simulator.tools import DAY, KEY, START


@pytest.fixture(autouse=True)
def _no_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object) -> NoReturn:
        raise AssertionError("a connection was made")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture
def client(simulator: Simulator) -> stripe.StripeClient:
    return stripe.StripeClient(KEY, http_client=simulator.http_client(), max_network_retries=2)


@pytest.fixture
def default_client(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stripe, "default_http_client", simulator.http_client())
    monkeypatch.setattr(stripe, "api_key", KEY)


def failing_first(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch, *failures: Exception | Response
) -> list[dict[str, Any]]:
    """The first answers are `failures`; the headers of every call."""
    answers = list(failures)
    seen: list[dict[str, Any]] = []
    request = simulator.request

    def fail_first(*args: Any, headers: dict[str, Any], **kwargs: Any) -> Response:
        seen.append(dict(headers))
        if not answers:
            return request(*args, headers=headers, **kwargs)
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(simulator, "request", fail_first)
    return seen


async def _lifecycle(client: stripe.StripeClient) -> list[str]:
    clock = await client.v1.test_helpers.test_clocks.create_async({"frozen_time": START})
    customer = await client.v1.customers.create_async(
        {"test_clock": clock.id, "payment_method": "pm_card_visa"}
    )
    (card,) = (await client.v1.customers.payment_methods.list_async(customer.id)).data
    price = await client.v1.prices.create_async(
        {
            "currency": "usd",
            "unit_amount": 900,
            "recurring": {"interval": "month"},
            "product_data": {"name": "Reports"},
        }
    )
    subscription = await client.v1.subscriptions.create_async(
        {
            "customer": customer.id,
            "items": [{"price": price.id}],
            "default_payment_method": card.id,
        }
    )
    await client.v1.test_helpers.test_clocks.advance_async(
        clock.id, {"frozen_time": START + 31 * DAY}
    )
    page = await client.v1.invoices.list_async({"subscription": subscription.id, "limit": 1})
    reasons = [str(one.billing_reason) async for one in page.auto_paging_iter()]
    with pytest.raises(stripe.InvalidRequestError):
        await client.v1.customers.retrieve_async("cus_none")
    over = await client.v1.subscriptions.cancel_async(subscription.id)
    return [*reasons, over.status]


def test_a_life_told_asynchronously(client: stripe.StripeClient) -> None:
    assert asyncio.run(_lifecycle(client)) == [
        "subscription_cycle",
        "subscription_create",
        "canceled",
    ]


def test_calls_gathered_are_answered_in_their_order(client: stripe.StripeClient) -> None:
    async def create_many() -> None:
        names = [{"name": str(number)} for number in range(20)]
        await asyncio.gather(*(client.v1.customers.create_async(name) for name in names))  # type: ignore[arg-type]

    asyncio.run(create_many())
    found = client.v1.customers.list({"limit": 20})
    assert [one.name for one in found.data] == [str(number) for number in reversed(range(20))]


@pytest.mark.usefixtures("default_client")
def test_the_global_client() -> None:
    customer = stripe.Customer.create(email="ana@example.com", metadata={"a": "1"})
    assert stripe.Customer.retrieve(customer.id).email == "ana@example.com"
    assert [one.id for one in stripe.Customer.list().auto_paging_iter()] == [customer.id]
    found = asyncio.run(stripe.Customer.retrieve_async(customer.id))
    assert found.metadata is not None
    assert found.metadata.to_dict() == {"a": "1"}


@pytest.mark.parametrize("failure", [ConnectionResetError("gone"), TimeoutError("slow")])
def test_a_broken_connection_is_the_sdks_error(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    client = stripe.StripeClient(KEY, http_client=simulator.http_client(), max_network_retries=0)
    failing_first(simulator, monkeypatch, failure)
    with pytest.raises(stripe.APIConnectionError, match=str(failure)) as raised:
        client.v1.customers.create({})
    assert raised.value.__cause__ is failure


def test_a_broken_connection_is_retried_with_the_same_key(
    simulator: Simulator, client: stripe.StripeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = failing_first(simulator, monkeypatch, ConnectionError(), ConnectionError())
    customer = client.v1.customers.create({"name": "Ana"})
    assert client.v1.customers.list().data == [customer]
    assert len(seen) == 4
    assert len({one["Idempotency-Key"] for one in seen[:3]}) == 1


def test_broken_connections_are_retried_asynchronously(
    simulator: Simulator, client: stripe.StripeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = failing_first(simulator, monkeypatch, ConnectionError())
    asyncio.run(client.v1.customers.create_async({}))
    assert len(seen) == 2


@pytest.mark.parametrize(
    ("headers", "calls"),
    [({}, 2), ({"Stripe-Should-Retry": "false"}, 1), ({"Stripe-Should-Retry": "true"}, 2)],
)
def test_the_answer_says_whether_to_retry(
    simulator: Simulator,
    client: stripe.StripeClient,
    monkeypatch: pytest.MonkeyPatch,
    headers: dict[str, str],
    calls: int,
) -> None:
    body = {"error": {"type": "api_error", "message": "No."}}
    seen = failing_first(simulator, monkeypatch, Response(500, headers, body))
    if calls == 1:
        with pytest.raises(stripe.APIError, match=r"No\."):
            client.v1.customers.create({})
    else:
        client.v1.customers.create({})
    assert len(seen) == calls


def test_the_delay_between_retries_is_an_option(simulator: Simulator) -> None:
    assert simulator.http_client()._sleep_time_seconds(3) == 0
    assert simulator.http_client(retry_delay=0.5)._sleep_time_seconds(3) == 0.5


def test_headers_are_found_by_names_in_any_case(client: stripe.StripeClient) -> None:
    response = client.v1.customers.create({}).last_response
    assert response is not None
    assert response.headers["Request-Id"] == response.headers["request-id"] == response.request_id
    assert set(response.headers) >= {"request-id", "stripe-version"}
    assert len(response.headers) == len(list(response.headers))
    assert "Retry-After" not in response.headers


def test_where_hosted_pages_are(simulator: Simulator) -> None:
    http_client = simulator.http_client(base_url="http://127.0.0.1:9999")
    client = stripe.StripeClient(KEY, http_client=http_client)
    customer = client.v1.customers.create({})
    session = client.v1.billing_portal.sessions.create({"customer": customer.id})
    assert session.url.startswith("http://127.0.0.1:9999/simulator/")


def test_calls_of_any_kind(client: stripe.StripeClient) -> None:
    response = client.raw_request("get", "/v1/customers", limit=1)
    assert response.data["data"] == []  # type: ignore[index]
    with pytest.raises(stripe.InvalidRequestError, match="Unrecognized request URL"):
        client.raw_request("post", "/v2/core/event_destinations", name="JSON is no form")
    with pytest.raises(stripe.InvalidRequestError, match="Invalid name"):
        client.raw_request("get", "/v1/customers?name=a&name[b]=c")


def test_streamed_answers(simulator: Simulator) -> None:
    http_client = simulator.http_client()
    headers = {"Authorization": f"Bearer {KEY}"}
    url = "https://api.stripe.com/v1/customers"
    stream, status, _headers = http_client.request_stream("get", url, headers)
    assert (status, b'"data": []' in stream.read()) == (200, True)

    async def read() -> bytes:
        stream, _status, _headers = await http_client.request_stream_async("get", url, headers)
        return b"".join([part async for part in stream])

    assert b'"data": []' in asyncio.run(read())


def test_closing_the_client_leaves_the_simulator_open(simulator: Simulator) -> None:
    http_client = simulator.http_client()
    http_client.close()
    asyncio.run(http_client.close_async())
    assert stripe.StripeClient(KEY, http_client=http_client).v1.customers.list().data == []
