"""What goes wrong with API calls when a test wants it: which call, what is answered, what is left
behind."""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from caixa_subscriptions.simulator import Simulator
from caixa_subscriptions.simulator.core import Response
from caixa_subscriptions.simulator.server import ThreadingWSGIServer
from caixa_subscriptions.simulator.wsgi import SimulatorApplication
from tests.simulator.tools import KEY, Calls

CUSTOMERS = "/v1/customers"


@pytest.fixture
def in_process(simulator: Simulator) -> stripe.StripeClient:
    return stripe.StripeClient(KEY, http_client=simulator.http_client(), max_network_retries=0)


@pytest.fixture
def retrying(simulator: Simulator) -> stripe.StripeClient:
    return stripe.StripeClient(KEY, http_client=simulator.http_client(), max_network_retries=2)


def names(call: Calls) -> list[str]:
    return [one["name"] for one in reversed(call.simulator.list_objects("customer"))]


def create(call: Calls, name: str, key: str | None = None) -> Response:
    headers = {"Idempotency-Key": key} if key else {}
    return call.raw("POST", CUSTOMERS, {"name": name}, headers)


# Which call


def test_the_nth_call_that_matches(call: Calls) -> None:
    fault = call.simulator.control.fail(500, method="post", path="/v1/cust*", nth=2, times=2)
    call("GET", CUSTOMERS)
    call.price()
    statuses = [create(call, str(number)).status for number in range(1, 6)]
    assert statuses == [200, 500, 500, 200, 200]
    assert names(call) == ["1", "4", "5"]
    assert (fault.seen, fault.injected) == (5, 2)
    assert call.simulator.control.faults() == [fault]


def test_every_call_until_cleared(call: Calls) -> None:
    control = call.simulator.control
    first = control.fail(503, times=None)
    assert [call.raw("GET", CUSTOMERS).status for _ in range(3)] == [503, 503, 503]
    control.fail(429, times=None)
    control.clear(first.id)
    assert call.raw("GET", CUSTOMERS).status == 429
    control.clear()
    assert call.raw("GET", CUSTOMERS).status == 200
    assert control.faults() == []


def test_the_oldest_of_several_faults_comes_first(call: Calls) -> None:
    control = call.simulator.control
    control.fail(429)
    later = control.fail(409)
    assert [create(call, "Ana").status for _ in range(3)] == [429, 409, 200]
    assert (later.seen, later.injected) == (3, 1)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"status": 418}, "status is one of 409, 429, 500, 503"),
        ({"status": 409, "code": "rate_limit"}, "there is no 409 with the code 'rate_limit'"),
        ({"status": 503, "committed": True}, "only a 500"),
        ({"status": 500, "nth": 0}, "nth is a number from 1"),
        ({"status": 500, "times": 0}, "times is a number from 1"),
        ({"status": 500, "path": 5}, "method and path are texts"),
    ],
)
def test_what_makes_no_sense_is_refused(call: Calls, arguments: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        call.simulator.control.fail(**arguments)
    with pytest.raises(ValueError, match="seconds is a number"):
        call.simulator.control.delay("long")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="when is 'before' or 'after'"):
        call.simulator.control.drop("never")
    assert call.simulator.control.faults() == []


# What is answered


def test_too_many_calls(call: Calls, retrying: stripe.StripeClient) -> None:
    fault = call.simulator.control.fail(429, times=None, retry_after=7)
    response = create(call, "Ana")
    assert response.body["error"] | {"request_log_url": ""} == {
        "code": "rate_limit",
        "doc_url": "https://stripe.com/docs/error-codes/rate-limit",
        "message": "Request rate limit exceeded.",
        "request_log_url": "",
        "type": "invalid_request_error",
    }
    assert response.headers["Stripe-Rate-Limited-Reason"] == "global-rate"
    assert response.headers["Retry-After"] == "7"
    assert "Stripe-Should-Retry" not in response.headers
    with pytest.raises(stripe.RateLimitError):
        retrying.v1.customers.create({})
    assert fault.injected == 2  # the SDK retries no 429


def test_a_locked_object_is_worth_another_try(call: Calls, retrying: stripe.StripeClient) -> None:
    fault = call.simulator.control.fail(429, code="lock_timeout", times=2)
    retrying.v1.customers.create({"name": "Ana"})
    assert (fault.seen, names(call)) == (3, ["Ana"])


def test_an_outage_of_stripes_own(call: Calls, in_process: stripe.StripeClient) -> None:
    call.simulator.control.fail(503)
    with pytest.raises(stripe.APIError, match="An unknown error occurred"):
        in_process.v1.customers.list()


@pytest.mark.parametrize(
    ("method", "should_retry", "calls"),
    [("POST", None, 1), ("POST", True, 3), ("GET", None, 3), ("GET", False, 1)],
)
def test_the_answer_tells_the_sdk_whether_to_try_again(
    call: Calls,
    retrying: stripe.StripeClient,
    method: str,
    should_retry: bool | None,
    calls: int,
) -> None:
    """A 500 of a POST that was begun would only be replayed: Stripe says not to retry (SDK)."""
    asked = call.simulator.control.delay(0)
    call.simulator.control.fail(500, times=None, should_retry=should_retry)
    with pytest.raises(stripe.APIError):
        retrying.raw_request(method.lower(), CUSTOMERS)
    assert asked.seen == calls


# Idempotency


@pytest.mark.parametrize(("committed", "left"), [(False, []), (True, ["Ana"])])
def test_a_500_is_kept_for_its_key(call: Calls, committed: bool, left: list[str]) -> None:
    call.simulator.control.fail(500, committed=committed)
    first = create(call, "Ana", key="one")
    again = create(call, "Ana", key="one")
    assert (first.status, again.status, again.body) == (500, 500, first.body)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert names(call) == left
    assert create(call, "Ana", key="another").status == 200


@pytest.mark.parametrize("status", [409, 429, 503])
def test_what_comes_before_the_call_is_kept_for_no_key(call: Calls, status: int) -> None:
    call.simulator.control.fail(status)
    assert create(call, "Ana", key="one").status == status
    done = create(call, "Ana", key="one")
    assert (done.status, names(call)) == (200, ["Ana"])
    assert "Idempotent-Replayed" not in done.headers


def test_a_conflict_of_keys(call: Calls, retrying: stripe.StripeClient) -> None:
    fault = call.simulator.control.fail(409, times=2)
    retrying.v1.customers.create({"name": "Ana"}, {"idempotency_key": "one"})
    assert (fault.seen, names(call)) == (3, ["Ana"])
    call.simulator.control.fail(409)
    error = create(call, "Bia", key="two").body["error"]
    assert error["code"] == "idempotency_key_in_use"
    assert "Idempotent Key" in error["message"]
    assert "two. Please" in error["message"]


def test_a_key_whose_first_call_is_still_running(
    call: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two threads: the second call comes while the first one is being carried out."""
    begun, second_has_come = threading.Event(), threading.Event()
    execute = call.simulator._calls._execute

    def slow(*args: Any) -> Any:
        begun.set()
        assert second_has_come.wait(10)
        return execute(*args)

    monkeypatch.setattr(call.simulator._calls, "_execute", slow)
    claim = call.simulator._in_flight.claim

    def noticed(key: str | None) -> Any:
        if begun.is_set():
            second_has_come.set()
        return claim(key)

    monkeypatch.setattr(call.simulator._in_flight, "claim", noticed)
    responses: list[Response] = []
    thread = threading.Thread(target=lambda: responses.append(create(call, "Ana", key="one")))
    thread.start()
    assert begun.wait(10)
    conflict = create(call, "Ana", key="one")
    thread.join()
    assert responses[0].status == 200
    assert conflict.status == 409
    assert conflict.body["error"]["code"] == "idempotency_key_in_use"
    assert create(call, "Ana", key="one").body == responses[0].body
    assert names(call) == ["Ana"]


# Lost connections


@pytest.mark.parametrize("timeout", [False, True])
@pytest.mark.parametrize(("when", "left"), [("before", []), ("after", ["Ana"])])
def test_a_lost_connection(
    call: Calls, in_process: stripe.StripeClient, when: str, left: list[str], timeout: bool
) -> None:
    call.simulator.control.drop(when, timeout=timeout)
    with pytest.raises(stripe.APIConnectionError) as raised:
        in_process.v1.customers.create({"name": "Ana"})
    assert isinstance(raised.value.__cause__, TimeoutError if timeout else ConnectionResetError)
    assert names(call) == left


@pytest.mark.parametrize("when", ["before", "after"])
def test_the_sdks_retry_of_a_lost_call_makes_one_object(
    call: Calls, retrying: stripe.StripeClient, when: str
) -> None:
    fault = call.simulator.control.drop(when, method="POST", times=2)
    created = retrying.v1.customers.create({"name": "Ana"})
    assert (fault.injected, names(call)) == (2, ["Ana"])
    assert call.get(created.id)["name"] == "Ana"


def test_a_call_lost_asynchronously(call: Calls, retrying: stripe.StripeClient) -> None:
    call.simulator.control.drop("after")
    asyncio.run(retrying.v1.customers.create_async({"name": "Ana"}))
    assert names(call) == ["Ana"]


@pytest.mark.parametrize("timeout", [False, True])
@pytest.mark.parametrize(("when", "left"), [("before", []), ("after", ["Ana"])])
def test_the_server_closes_the_socket(
    call: Calls, client: stripe.StripeClient, when: str, left: list[str], timeout: bool
) -> None:
    call.simulator.control.drop(when, timeout=timeout)
    with pytest.raises(stripe.APIConnectionError):
        client.v1.customers.create({"name": "Ana"})
    assert names(call) == left
    client.v1.customers.list()


# Outages


def test_an_outage_ends(call: Calls, in_process: stripe.StripeClient) -> None:
    with call.simulator.control.outage() as fault:
        for _ in range(2):
            with pytest.raises(stripe.APIConnectionError):
                in_process.v1.customers.list()
    assert fault.injected == 2
    assert in_process.v1.customers.list().data == []


def test_an_outage_with_answers(call: Calls) -> None:
    control = call.simulator.control
    control.start_outage()
    control.start_outage(503)
    assert call.raw("GET", CUSTOMERS).status == 503
    assert len(control.faults()) == 1
    control.end_outage()
    control.end_outage()
    assert call.raw("GET", CUSTOMERS).status == 200


# Late answers


def test_nobody_waits_for_a_late_answer_in_process(simulator: Simulator, call: Calls) -> None:
    http_client = simulator.http_client(timeout=10)
    client = stripe.StripeClient(KEY, http_client=http_client, max_network_retries=0)
    simulator.control.delay(4, method="GET")
    client.v1.customers.list()
    client.v1.customers.list()
    assert http_client.waited == 8
    simulator.control.delay(60, method="POST", times=1)
    with pytest.raises(stripe.APIConnectionError, match="no answer within 10 seconds"):
        client.v1.customers.create({"name": "Ana"})
    assert (http_client.waited, names(call)) == (18, ["Ana"])


def test_the_server_is_really_late(server: ThreadingWSGIServer, simulator: Simulator) -> None:
    slept: list[float] = []
    server.set_app(SimulatorApplication(simulator, sleep=slept.append))
    simulator.control.delay(2.5)
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    connection.request("GET", CUSTOMERS, headers={"Authorization": f"Bearer {KEY}"})
    response = connection.getresponse()
    assert (response.status, response.headers["Simulator-Latency"]) == (200, "2.5")
    connection.close()
    assert slept == [2.5]


# Over HTTP


class Remote:
    """The control, as a program of another language has it."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)

    def __call__(
        self,
        verb: str,
        body: str = "",
        *,
        method: str = "POST",
        content_type: str = "application/json",
    ) -> tuple[int, Any]:
        headers = {"Content-Type": content_type}
        self.connection.request(method, f"/simulator/control/{verb}", body, headers)
        response = self.connection.getresponse()
        return response.status, json.loads(response.read())


@pytest.fixture
def remote(server: ThreadingWSGIServer) -> Iterator[Remote]:
    remote = Remote(server.server_port)
    yield remote
    remote.connection.close()


def test_the_control_over_http(call: Calls, remote: Remote) -> None:
    status, answer = remote("fail", '{"status": 500, "path": "/v1/customers", "nth": 2}')
    assert (status, answer["result"]["id"], answer["result"]["stage"]) == (200, 1, "break")
    assert [create(call, "Ana").status for _ in range(3)] == [200, 500, 200]
    (fault,) = remote("faults")[1]["result"]
    assert (fault["seen"], fault["injected"]) == (3, 1)
    assert remote("clear", '{"fault_id": 1}') == (200, {"result": None})
    assert remote("faults") == (200, {"result": []})
    assert remote("start_outage", '{"status": 503}')[0] == 200
    assert create(call, "Ana").status == 503
    assert remote("end_outage")[0] == 200
    assert remote("drop", '{"when": "after"}')[0] == 200
    assert remote("delay", '{"seconds": 1}')[0] == 200


@pytest.mark.parametrize(
    ("verb", "body", "status", "why"),
    [
        ("outage", "", 404, "The control has: clear, delay,"),
        ("__init__", "", 404, "The control has"),
        ("fail", "", 400, "missing a required argument: 'status'"),
        ("fail", '{"status": 500, "often": 3}', 400, "unexpected keyword argument 'often'"),
        ("fail", '{"status": []}', 400, "unhashable"),
        ("fail", "[]", 400, "JSON object"),
        ("fail", "{", 400, "Expecting property name"),
        ("fail", '{"status": 429, "retry_after": "\\r\\nX: y"}', 400, "whole number"),
        ("delay", '{"seconds": -1}', 400, "from 0"),
        ("delay", '{"seconds": Infinity}', 400, "below"),
        ("delay_search", f'{{"seconds": {10**30}}}', 400, "from 0"),
        ("webhooks/delay", '{"seconds": NaN}', 400, "from 0"),
        ("webhooks/repeat", '{"event_id": []}', 404, "No such event"),
        ("webhooks/resend", '{"event_id": {}}', 404, "No such event"),
        ("webhooks/roll_secret", '{"endpoint_id": []}', 404, "No such webhook_endpoint"),
        ("fail", " " * 65_537, 400, "at most 65536 bytes"),
    ],
)
def test_what_the_control_cannot_do(
    remote: Remote, verb: str, body: str, status: int, why: str
) -> None:
    answered, answer = remote(verb, body)
    assert answered == status
    assert why in answer["error"]


def test_no_form_of_another_site_reaches_the_control(call: Calls, remote: Remote) -> None:
    assert remote("start_outage", content_type="text/plain")[0] == 415
    assert remote("start_outage", method="GET")[0] == 405
    assert call.simulator.control.faults() == []
