"""Webhooks: signed, in order, tried again; and what survives a restart."""

from __future__ import annotations

import http.server
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import stripe

from caixa_subscriptions.simulator import Simulator
from caixa_subscriptions.simulator.__main__ import main
from caixa_subscriptions.simulator.delivery import BACKOFF, Delivery
from caixa_subscriptions.simulator.resources import clocks
from caixa_subscriptions.simulator.transport import post
from tests.simulator.tools import (
    DAY,
    GOOD,
    HOUR,
    KEY,
    START,
    Calls,
    Inbox,
    Wall,
    advance,
    events,
)

URL = "https://shop.example/hook"


class Now:
    """Stands in for the `time` module of delivery: its time is moved by hand."""

    def __init__(self) -> None:
        self.seconds = time.time()

    def time(self) -> float:
        return self.seconds

    def monotonic(self) -> float:
        return time.monotonic()


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Now:
    now = Now()
    monkeypatch.setattr("caixa_subscriptions.simulator.delivery.time", now)
    return now


def listen(call: Calls, url: str = URL, enabled_events: tuple[str, ...] = ("*",)) -> dict[str, Any]:
    return call("POST", "/v1/webhook_endpoints", url=url, enabled_events=list(enabled_events))


def types(inbox: Inbox) -> list[str]:
    return [json.loads(body)["type"] for _url, _headers, body in inbox.received]


def delivery_of(simulator: Simulator, event_type: str) -> Delivery:
    (found,) = [one for one in simulator.list_deliveries() if one.event_type == event_type]
    return found


# Signing


def test_the_signature_verifies_with_the_sdk(call: Calls, inbox: Inbox) -> None:
    endpoint = listen(call)
    customer = call.customer(email="ana@example.com")
    assert call.simulator.deliver_pending() == 1
    ((url, headers, body),) = inbox.received
    assert url == URL
    event = stripe.Webhook.construct_event(body, headers["Stripe-Signature"], endpoint["secret"])
    assert (event.type, event.data.object["id"]) == ("customer.created", customer["id"])
    assert event.api_version == endpoint["api_version"]
    assert headers["Content-Type"] == "application/json; charset=utf-8"
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body + b" ", headers["Stripe-Signature"], endpoint["secret"])


def test_every_endpoint_signs_with_its_own_secret(call: Calls, inbox: Inbox) -> None:
    secrets = {url: listen(call, url)["secret"] for url in (URL, URL + "/2")}
    assert len(set(secrets.values())) == 2
    call.customer()
    call.simulator.deliver_pending()
    assert {url for url, _headers, _body in inbox.received} == set(secrets)
    for url, headers, body in inbox.received:
        stripe.WebhookSignature.verify_header(
            body.decode(), headers["Stripe-Signature"], secrets[url], tolerance=300
        )


def test_the_signature_has_the_time_of_the_wall(call: Calls, inbox: Inbox, now: Now) -> None:
    call.subscribe(call.customer(GOOD), call.price())
    endpoint = listen(call)
    advance(call.simulator, days=30)
    call.simulator.deliver_pending()
    _url, headers, body = inbox.received[types(inbox).index("invoice.created")]
    assert headers["Stripe-Signature"].startswith(f"t={int(now.seconds)},v1=")
    assert json.loads(body)["created"] == START + 30 * DAY
    stripe.Webhook.construct_event(body, headers["Stripe-Signature"], endpoint["secret"])


def test_private_keys_never_leave(call: Calls, inbox: Inbox) -> None:
    listen(call)
    token = call.portal(call.customer(GOOD)["id"])
    call.simulator.complete_checkout(call.session(call.price())["id"])
    call.simulator.portal_update_card(token, card_number=GOOD)
    call.simulator.deliver_pending()
    assert len(inbox.received) > 10
    for _url, _headers, body in inbox.received:
        assert b'"_' not in body
        assert GOOD.encode() not in body


# Who gets what


def test_only_what_an_endpoint_listens_to(call: Calls, inbox: Inbox) -> None:
    listen(call, enabled_events=("price.created", "product.created"))
    call.customer()
    call.price()
    call.simulator.deliver_pending()
    assert types(inbox) == ["product.created", "price.created"]


def test_nothing_from_before_it_was_there(call: Calls, inbox: Inbox) -> None:
    call.customer()
    listen(call)
    assert call.simulator.deliver_pending() == 0
    assert inbox.received == []


def test_a_disabled_endpoint_gets_nothing_new(call: Calls, inbox: Inbox) -> None:
    endpoint = listen(call)
    call("POST", f"/v1/webhook_endpoints/{endpoint['id']}", disabled=True)
    call.customer()
    assert call.simulator.deliver_pending() == 0
    assert events(call.simulator, "customer.created")[0]["pending_webhooks"] == 0


@pytest.mark.parametrize("gone", ["disabled", "deleted"])
def test_what_was_on_its_way_to_an_endpoint_that_is_gone(
    call: Calls, inbox: Inbox, gone: str
) -> None:
    endpoint = listen(call)
    call.customer()
    path = f"/v1/webhook_endpoints/{endpoint['id']}"
    if gone == "deleted":
        call("DELETE", path)
    else:
        call("POST", path, disabled=True)
    call.simulator.deliver_pending()
    assert inbox.received == []
    delivery = delivery_of(call.simulator, "customer.created")
    assert (delivery.status, delivery.last_error) == ("failed", "the endpoint is gone")
    assert delivery.url == ("" if gone == "deleted" else URL)


# Trying again


@pytest.mark.parametrize(
    ("answer", "response_status", "error"),
    [
        (500, 500, ""),
        (404, 404, ""),
        (302, 302, ""),
        (ConnectionRefusedError(), None, "ConnectionRefusedError"),
        (TimeoutError(), None, "TimeoutError"),
        (http.client.RemoteDisconnected(""), None, "RemoteDisconnected"),
        (ValueError(), None, "ValueError"),
    ],
)
def test_what_is_no_2xx_is_tried_again(
    call: Calls,
    inbox: Inbox,
    now: Now,
    answer: int | Exception,
    response_status: int | None,
    error: str,
) -> None:
    listen(call)
    customer = call.customer()
    inbox.status = answer
    assert call.simulator.deliver_pending() == 1
    delivery = delivery_of(call.simulator, "customer.created")
    assert (delivery.status, delivery.attempts) == ("pending", 1)
    assert (delivery.response_status, delivery.last_error) == (response_status, error)
    assert (delivery.object_id, delivery.url) == (customer["id"], URL)
    assert call.simulator.deliver_pending() == 0  # not yet
    inbox.status = 204
    now.seconds += BACKOFF["quick"][0]
    assert call.simulator.deliver_pending() == 1
    delivery = delivery_of(call.simulator, "customer.created")
    assert (delivery.status, delivery.attempts, delivery.response_status) == ("delivered", 2, 204)
    first, second = (body for _url, _headers, body in inbox.received)
    assert json.loads(first)["id"] == json.loads(second)["id"]


@pytest.mark.parametrize("retries", BACKOFF)
def test_pauses_grow_and_an_end_comes(call: Calls, inbox: Inbox, now: Now, retries: str) -> None:
    call.simulator.set_option("webhook_retries", retries)
    listen(call)
    call.customer()
    inbox.status = 500
    for pause in BACKOFF[retries]:
        assert call.simulator.deliver_pending() == 1
        delivery = delivery_of(call.simulator, "customer.created")
        assert delivery.status == "pending"
        assert delivery.next_attempt_at == pytest.approx(now.seconds + pause)
        now.seconds += pause - 0.5
        assert call.simulator.deliver_pending() == 0
        now.seconds += 0.5
    assert call.simulator.deliver_pending() == 1
    assert delivery_of(call.simulator, "customer.created").status == "failed"
    now.seconds += 30 * DAY
    assert call.simulator.deliver_pending() == 0


def test_how_long_stripe_tries() -> None:
    assert len(BACKOFF["test"]) == 2
    assert HOUR < sum(BACKOFF["test"]) < 6 * HOUR
    assert 2 * DAY < sum(BACKOFF["live"]) <= 3 * DAY


def test_later_events_do_not_wait_for_one_that_fails(
    call: Calls, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    listen(call)

    def fails_for_customers(url: str, headers: Mapping[str, str], body: bytes) -> int:
        inbox(url, headers, body)
        return 500 if json.loads(body)["type"] == "customer.created" else 200

    monkeypatch.setattr(call.simulator._outbox, "transport", fails_for_customers)
    call.customer()
    call.price()
    assert call.simulator.deliver_pending() == 3
    assert types(inbox) == ["customer.created", "product.created", "price.created"]
    assert delivery_of(call.simulator, "customer.created").status == "pending"
    assert delivery_of(call.simulator, "price.created").status == "delivered"
    failed = call("GET", "/v1/events", delivery_success=False)["data"]
    assert [one["type"] for one in failed] == ["customer.created"]
    ok = call("GET", "/v1/events", delivery_success=True, types=["price.created"])["data"]
    assert [one["pending_webhooks"] for one in ok] == [0]


def test_a_delivery_is_sent_again_on_demand(call: Calls, inbox: Inbox) -> None:
    listen(call)
    call.customer()
    call.simulator.deliver_pending()
    delivery = delivery_of(call.simulator, "customer.created")
    call.simulator.resend(delivery.id)
    assert delivery_of(call.simulator, "customer.created").status == "pending"
    call.simulator.deliver_pending()
    first, second = (json.loads(body) for _url, _headers, body in inbox.received)
    assert first["id"] == second["id"]
    assert call.get(first["id"])["pending_webhooks"] == 0


# Over HTTP


class Receiver(http.server.BaseHTTPRequestHandler):
    answers: list[int]
    received: list[tuple[str, str]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.received.append((self.path, json.loads(body)["type"]))
        self.send_response(self.answers.pop(0) if self.answers else 200)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class's name
        pass


@pytest.fixture
def receiver() -> Iterator[tuple[str, type[Receiver]]]:
    handler = type("Handler", (Receiver,), {"answers": [], "received": []})
    server = http.server.HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hook?a=b", handler
    server.shutdown()
    thread.join()
    server.server_close()


def test_delivery_over_http(wall: Wall, receiver: tuple[str, type[Receiver]]) -> None:
    url, handler = receiver
    simulator = Simulator(now=wall)
    call = Calls(simulator)
    listen(call, url)
    call.customer()
    assert simulator.deliver_pending() == 1
    assert handler.received == [("/hook?a=b", "customer.created")]
    assert simulator.list_deliveries()[0].response_status == 200
    simulator.close()


def test_post_raises_when_nobody_answers() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    for scheme in ("http", "https"):
        with pytest.raises(OSError):
            post(f"{scheme}://127.0.0.1:{port}", {}, b"{}")


# In the background


def until(condition: Callable[[], bool], seconds: float = 5) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_the_worker_delivers_and_lets_time_pass(wall: Wall, inbox: Inbox) -> None:
    with Simulator(now=wall, transport=inbox) as simulator:
        simulator.start()  # a second time is none
        call = Calls(simulator)
        listen(call)
        subscription = call.subscribe(call.customer(GOOD), call.price(), trial_period_days=7)
        assert simulator.wait_for_event(
            "customer.subscription.created", subscription["id"], timeout=5
        )
        assert "customer.subscription.created" in types(inbox)
        wall.time += 7 * DAY + HOUR
        simulator.resend(1)  # wakes it
        until(lambda: call.get(subscription["id"])["status"] == "active")
    assert not simulator._workers.running


def test_an_advance_is_left_to_the_worker(inbox: Inbox, wall: Wall) -> None:
    with Simulator(now=wall, transport=inbox, default_clock=True) as simulator:
        clock = simulator.default_clock_id
        assert clock is not None
        assert simulator.advance_clock(clock, START + DAY)["status"] == "advancing"
        until(lambda: (simulator.get_object(clock) or {})["status"] == "ready")
        assert simulator.now() == START + DAY


def test_waiting_for_an_event(wall: Wall, inbox: Inbox) -> None:
    with Simulator(now=wall, transport=inbox) as simulator:
        call = Calls(simulator)
        assert simulator.wait_for_event("customer.created", "cus_none", timeout=0)
        listen(call)
        inbox.status = 500
        customer = call.customer()["id"]
        assert not simulator.wait_for_event("customer.created", customer, timeout=0.05)
        inbox.status = 200
        simulator.resend(simulator.list_deliveries()[0].id)
        assert simulator.wait_for_event("customer.created", customer, timeout=5)


def test_waiting_ends_when_delivery_is_given_up(wall: Wall, inbox: Inbox) -> None:
    with Simulator(now=wall, transport=inbox) as simulator:
        call = Calls(simulator)
        endpoint = listen(call)
        with simulator._outbox._delivering:  # the worker has to wait
            customer = call.customer()["id"]
            call("DELETE", f"/v1/webhook_endpoints/{endpoint['id']}")
        started = time.monotonic()
        assert not simulator.wait_for_event("customer.created", customer, timeout=30)
        assert time.monotonic() - started < 10


def test_without_a_worker_nothing_is_waited_for(call: Calls) -> None:
    listen(call)
    customer = call.customer()["id"]
    assert call.simulator.wait_for_event("customer.created", customer, timeout=60)


def test_calls_of_two_threads_at_once(wall: Wall, inbox: Inbox) -> None:
    with Simulator(now=wall, transport=inbox, default_clock=True) as simulator:
        call = Calls(simulator)
        listen(call)
        price = call.price()
        errors: list[BaseException] = []
        barrier = threading.Barrier(4)

        def shop() -> None:
            try:
                barrier.wait(5)
                for _ in range(5):
                    simulator.complete_checkout(call.session(price)["id"])
                    headers = {"Idempotency-Key": "shared"}
                    call.raw("POST", "/v1/products", {"name": "Once"}, headers)
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=shop) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        subscriptions = simulator.list_objects("subscription", limit=100)
        assert len(subscriptions) == 20
        assert len({one["customer"] for one in subscriptions}) == 20
        assert len(simulator.list_objects("product", name="Once")) == 1
        until(
            lambda: all(one.status == "delivered" for one in simulator.list_deliveries(limit=999))
        )
    created = [one for one in types(inbox) if one == "checkout.session.completed"]
    assert len(created) == 20


# Restarts


def test_a_state_file_goes_on_where_it_stopped(tmp_path: Path, wall: Wall, inbox: Inbox) -> None:
    state = tmp_path / "stripe.sqlite3"
    first = Simulator(state=state, seed=1, now=wall, default_clock=True, transport=inbox)
    call = Calls(first)
    listen(call)
    subscription = call.subscribe(call.customer(GOOD), call.price(), trial_period_days=7)
    advance(first, days=2)
    clock = first.default_clock_id
    before = {event["id"] for event in events(first)}
    first.close()
    assert inbox.received == []

    second = Simulator(state=state, seed=1, now=wall, default_clock=True, transport=inbox)
    assert second.default_clock_id == clock
    assert second.now() == START + 2 * DAY
    assert second.deliver_pending() > 0
    assert "customer.subscription.created" in types(inbox)
    call = Calls(second)
    assert call.get(subscription["id"])["status"] == "trialing"
    call.customer()
    advance(second, days=5, hours=1)
    assert call.get(subscription["id"])["status"] == "active"
    after = [event["id"] for event in events(second)]
    assert len(after) == len(set(after))
    assert before < set(after)
    second.close()


def test_an_idempotency_key_is_remembered_over_a_restart(tmp_path: Path, wall: Wall) -> None:
    headers = {"Idempotency-Key": "once"}
    answers = []
    for _ in range(2):
        simulator = Simulator(state=tmp_path / "stripe.sqlite3", now=wall)
        answers.append(Calls(simulator).raw("POST", "/v1/customers", {}, headers).body)
        simulator.close()
    assert answers[0] == answers[1]


def test_an_interrupted_advance_goes_on(
    tmp_path: Path, wall: Wall, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = tmp_path / "stripe.sqlite3"
    first = Simulator(state=state, seed=1, now=wall, default_clock=True, transport=inbox)
    call = Calls(first)
    subscription = call.subscribe(call.customer(GOOD), call.price(), trial_period_days=7)
    clock = first.default_clock_id
    assert clock is not None
    steps, step = [], clocks.step

    def killed_at_the_fourth(world: Any, clock_id: str) -> bool:
        steps.append(clock_id)
        more = step(world, clock_id)
        if len(steps) == 4:
            raise KeyboardInterrupt
        return more

    with monkeypatch.context() as patch:
        patch.setattr(clocks, "step", killed_at_the_fourth)
        with pytest.raises(KeyboardInterrupt):
            first.advance_clock(clock, START + 8 * DAY, wait=True)
    # The fourth step is undone, those before it are not.
    assert call.get(clock)["status"] == "advancing"
    assert call.get(clock)["frozen_time"] == START + 7 * DAY
    assert call.get(subscription["id"])["status"] == "active"
    assert first.list_objects("charge") == []
    first.close()

    with Simulator(state=state, seed=1, now=wall, default_clock=True, transport=inbox) as second:
        call = Calls(second)
        until(lambda: call.get(clock)["status"] == "ready")
        assert second.now() == START + 8 * DAY
        assert len(second.list_objects("charge")) == 1
        (will_end,) = events(second, "customer.subscription.trial_will_end")
        assert will_end["created"] == START + 4 * DAY


def test_an_error_of_our_own_leaves_nothing_behind(
    call: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    price, customer = call.price(), call.customer(GOOD)
    before = len(events(call.simulator))

    def broken(*args: Any, **kwargs: Any) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr("caixa_subscriptions.simulator.billing.plan_ahead", broken)
        with pytest.raises(ZeroDivisionError):
            call.subscribe(customer, price)
    assert len(events(call.simulator)) == before
    assert call.simulator.list_objects("charge") == []
    assert call.subscribe(customer, price)["status"] == "active"


# On the command line


def test_main_serves_until_it_is_stopped(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    stop = threading.Event()
    codes: list[int] = []
    arguments = ["--port", "0", "--seed", "1", "--state", str(tmp_path / "stripe.sqlite3")]
    thread = threading.Thread(target=lambda: codes.append(main(arguments, stop=stop)))
    thread.start()
    printed = ""

    def announced() -> bool:
        nonlocal printed
        printed += capsys.readouterr().out
        return "\n" in printed

    until(announced)
    url = printed.split("Simulated Stripe on ")[1].split()[0]
    http_client = stripe.RequestsClient()
    client = stripe.StripeClient(KEY, base_addresses={"api": url}, http_client=http_client)
    assert client.v1.customers.create({"name": "Ana"}).name == "Ana"
    http_client.close()  # type: ignore[no-untyped-call]
    stop.set()
    thread.join(10)
    assert codes == [0]


def test_main_ends_on_ctrl_c(capsys: pytest.CaptureFixture[str]) -> None:
    class Interrupted(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            raise KeyboardInterrupt

    assert main(["--port", "0"], stop=Interrupted()) == 0
    assert "Simulated Stripe on http://127.0.0.1:" in capsys.readouterr().out


def test_main_tells_of_a_used_port(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as used:
        used.bind(("127.0.0.1", 0))
        used.listen()
        port = used.getsockname()[1]
        assert main(["--port", str(port)]) == 1
    assert f"Port {port} cannot be used" in capsys.readouterr().err
