"""What goes wrong with webhooks when a test wants it, and what a test does by hand."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import stripe

from caixa_subscriptions.simulator import Simulator, StripeError
from caixa_subscriptions.simulator.control_webhooks import WebhookControl
from caixa_subscriptions.simulator.server import ThreadingWSGIServer
from tests.simulator.test_delivery import URL, Now, delivery_of, listen, types
from tests.simulator.test_faults import Remote
from tests.simulator.tools import DAY, GOOD, START, Calls, Inbox, Wall, bought, events

OTHER = "https://shop.example/other"


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Now:
    now = Now()
    for module in ("delivery", "resources.webhook_endpoints"):
        monkeypatch.setattr(f"caixa_subscriptions.simulator.{module}.time", now)
    return now


@pytest.fixture
def webhooks(simulator: Simulator) -> WebhookControl:
    return simulator.control.webhooks


def deliver(call: Calls) -> int:
    return call.simulator.deliver_pending()


def names(inbox: Inbox) -> list[str]:
    """Of the customers told of, as the webhooks came."""
    return [json.loads(body)["data"]["object"]["name"] for _url, _headers, body in inbox.received]


def customers(call: Calls, *given: str) -> None:
    for name in given:
        call.customer(name=name)


# What goes wrong


def test_a_lost_delivery_never_comes(call: Calls, inbox: Inbox, webhooks: WebhookControl) -> None:
    listen(call)
    lost = webhooks.drop(type="customer.*", nth=2)
    customers(call, "Ana", "Bia", "Caio")
    deliver(call)
    webhooks.retry_now()
    assert deliver(call) == 0
    assert names(inbox) == ["Ana", "Caio"]
    assert (lost.seen, lost.injected) == (3, 1)
    assert webhooks.mishaps() == [lost]
    (event,) = call("GET", "/v1/events", delivery_success=False)["data"]
    assert (event["data"]["object"]["name"], event["pending_webhooks"]) == ("Bia", 1)


def test_a_lost_delivery_can_be_sent_again(
    call: Calls, inbox: Inbox, webhooks: WebhookControl
) -> None:
    listen(call)
    webhooks.drop()
    customers(call, "Ana")
    deliver(call)
    webhooks.resend(events(call.simulator, "customer.created")[0]["id"])
    deliver(call)
    assert names(inbox) == ["Ana"]


def test_one_event_comes_several_times(call: Calls, inbox: Inbox, webhooks: WebhookControl) -> None:
    listen(call)
    webhooks.duplicate(2, nth=2, times=1)
    customers(call, "Ana", "Bia")
    assert deliver(call) == 4
    assert names(inbox) == ["Ana", "Bia", "Bia", "Bia"]
    assert len({json.loads(body)["id"] for _url, _headers, body in inbox.received}) == 2
    assert {one["pending_webhooks"] for one in events(call.simulator, "customer.created")} == {0}


def test_two_events_tell_of_one_change(call: Calls, inbox: Inbox, webhooks: WebhookControl) -> None:
    listen(call)
    customers(call, "Ana")
    (first,) = events(call.simulator, "customer.created")
    again = webhooks.repeat(first["id"])
    deliver(call)
    one, two = (json.loads(body) for _url, _headers, body in inbox.received)
    assert two == one | {"id": again}
    assert again != first["id"]


def test_a_delivery_that_takes_its_time(
    call: Calls, inbox: Inbox, webhooks: WebhookControl, now: Now
) -> None:
    listen(call)
    webhooks.delay(600, times=1)
    customers(call, "Ana", "Bia")
    assert deliver(call) == 1
    now.seconds += 599
    assert deliver(call) == 0
    now.seconds += 1
    assert deliver(call) == 1
    assert names(inbox) == ["Bia", "Ana"]
    assert {one.attempts for one in call.simulator.list_deliveries()} == {1}


@pytest.mark.parametrize(
    ("status", "response_status", "error"),
    [(None, None, "ConnectionRefusedError"), (503, 503, "")],
)
def test_an_outage_of_one_endpoint(
    call: Calls,
    inbox: Inbox,
    webhooks: WebhookControl,
    status: int | None,
    response_status: int | None,
    error: str,
) -> None:
    endpoint = listen(call)
    listen(call, OTHER)
    with webhooks.outage(status, endpoint=endpoint["id"]) as outage:
        customers(call, "Ana")
        deliver(call)
        webhooks.retry_now()
        deliver(call)
        assert [url for url, _headers, _body in inbox.received] == [OTHER]
        (failing,) = call.simulator.list_deliveries(outcome="failing")
        assert (failing.url, failing.attempts) == (URL, 2)
        assert (failing.response_status, failing.last_error) == (response_status, error)
        assert events(call.simulator, "customer.created")[0]["pending_webhooks"] == 1
    assert (outage.seen, outage.injected) == (2, 2)
    webhooks.retry_now()
    deliver(call)
    assert [url for url, _headers, _body in inbox.received] == [OTHER, URL]
    assert events(call.simulator, "customer.created")[0]["pending_webhooks"] == 0


def test_an_outage_of_one_type_of_events(
    call: Calls, inbox: Inbox, webhooks: WebhookControl
) -> None:
    listen(call)
    webhooks.fail(500, endpoint="https://shop.example/*", type="price.*", times=None)
    call.price()
    deliver(call)
    assert types(inbox) == ["product.created"]
    webhooks.clear()
    assert webhooks.mishaps() == []
    webhooks.retry_now()
    deliver(call)
    assert types(inbox) == ["product.created", "price.created"]


@pytest.mark.parametrize(
    ("verb", "arguments", "why"),
    [
        ("drop", {"type": 5}, "endpoint and type are texts"),
        ("drop", {"nth": "1"}, "nth is a number from 1"),
        ("drop", {"times": 0}, "times is a number from 1"),
        ("duplicate", {"copies": 0}, "copies is a number from 1"),
        ("delay", {"seconds": -1}, "seconds is a number from 0"),
        ("fail", {"status": 700}, "status is one of HTTP's"),
        ("release", {"events": "customer.created"}, "events is a list"),
    ],
)
def test_what_makes_no_sense_is_refused(
    webhooks: WebhookControl, verb: str, arguments: dict[str, Any], why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        getattr(webhooks, verb)(**arguments)
    assert webhooks.mishaps() == []


# Order


def test_a_shuffle_is_decided_by_its_seed(wall: Wall) -> None:
    orders = []
    for seed in (1, 1, 2, None):
        inbox = Inbox()
        simulator = Simulator(seed=1, now=wall, transport=inbox)
        call = Calls(simulator)
        listen(call)
        if seed is not None:
            simulator.control.webhooks.shuffle(seed)
        customers(call, *"abcdefgh")
        assert simulator.deliver_pending() == 8
        orders.append("".join(names(inbox)))
        simulator.close()
    assert orders[0] == orders[1]
    assert len({*orders[1:]}) == 3
    assert orders[3] == "abcdefgh"
    assert {"".join(sorted(order)) for order in orders} == {"abcdefgh"}


def test_a_shuffle_ends_when_all_is_cleared(
    call: Calls, inbox: Inbox, webhooks: WebhookControl
) -> None:
    listen(call)
    webhooks.shuffle(2)
    webhooks.clear()
    customers(call, *"abcdefgh")
    deliver(call)
    assert names(inbox) == list("abcdefgh")


@pytest.mark.parametrize(("order", "is_second"), [("A", False), ("B", True)])
def test_the_recorded_orders_of_a_checkout(
    call: Calls, inbox: Inbox, order: str, is_second: bool
) -> None:
    call.simulator.control.set_option("checkout_event_order", order)
    listen(call)
    bought(call)
    deliver(call)
    told = types(inbox)
    assert told.index("checkout.session.completed") > told.index("charge.succeeded")
    assert (told[-1] != "checkout.session.completed") is is_second


def test_by_hand_in_any_order(call: Calls, inbox: Inbox, webhooks: WebhookControl) -> None:
    listen(call)
    webhooks.hold()
    customers(call, "Ana", "Bia")
    call.price()
    assert deliver(call) == 0
    assert [one.event_type for one in webhooks.held()] == [
        *("customer.created", "customer.created", "product.created", "price.created")
    ]
    assert {one.status for one in call.simulator.list_deliveries(outcome="pending")} == {"held"}
    second = webhooks.held()[1].event_id
    assert webhooks.release(["price.*", second, "*.created"]) == 4
    assert types(inbox) == [
        *("price.created", "customer.created", "customer.created", "product.created")
    ]
    assert json.loads(inbox.received[1][2])["id"] == second
    assert webhooks.held() == []
    call.customer()
    assert deliver(call) == 0  # it goes on holding


def test_what_is_not_held_cannot_be_released(
    call: Calls, inbox: Inbox, webhooks: WebhookControl
) -> None:
    listen(call)
    webhooks.hold(type="customer.*")
    call.customer()
    call.price()
    assert deliver(call) == 2
    assert webhooks.release(["price.created", "evt_none"]) == 0
    assert call.simulator._outbox.release([one.id for one in call.simulator.list_deliveries()]) == 1
    assert types(inbox) == ["product.created", "price.created", "customer.created"]


def test_everything_is_released_and_nothing_held_any_more(
    call: Calls, inbox: Inbox, webhooks: WebhookControl
) -> None:
    listen(call)
    failing = webhooks.fail(type="price.*")
    webhooks.hold(type="customer.*")
    customers(call, "Ana", "Bia")
    deliver(call)
    assert webhooks.release() == 2
    customers(call, "Caio")
    deliver(call)
    assert names(inbox) == ["Ana", "Bia", "Caio"]
    assert webhooks.mishaps() == [failing]


def test_what_is_held_outlives_a_restart(tmp_path: Path, wall: Wall, inbox: Inbox) -> None:
    state = tmp_path / "stripe.sqlite3"
    first = Simulator(state=state, now=wall, transport=inbox)
    listen(Calls(first))
    first.control.webhooks.hold()
    Calls(first).customer(name="Ana")
    first.deliver_pending()
    first.close()
    second = Simulator(state=state, now=wall, transport=inbox)
    assert second.deliver_pending() == 0
    assert second.control.webhooks.release() == 1
    assert names(inbox) == ["Ana"]
    second.close()


# Sending again


def test_an_event_goes_to_an_endpoint_that_never_had_it(
    call: Calls, inbox: Inbox, webhooks: WebhookControl
) -> None:
    customers(call, "Ana")
    event = events(call.simulator, "customer.created")[0]["id"]
    webhooks.resend(event)
    assert deliver(call) == 0
    endpoint = listen(call, enabled_events=("price.created",))
    for _ in range(2):
        webhooks.resend(event, endpoint_id=endpoint["id"])
        assert deliver(call) == 1
    assert names(inbox) == ["Ana", "Ana"]
    assert len(call.simulator.list_deliveries()) == 1
    with pytest.raises(StripeError, match="No such event"):
        webhooks.resend("evt_none")
    with pytest.raises(StripeError, match="No such webhook_endpoint"):
        webhooks.resend(event, endpoint_id="we_none")


def test_events_are_kept_for_30_days(
    call: Calls, inbox: Inbox, webhooks: WebhookControl, wall: Wall
) -> None:
    listen(call)
    customers(call, "Ana")
    deliver(call)
    (event,) = events(call.simulator, "customer.created")
    wall.time = START + 30 * DAY
    assert call("GET", f"/v1/events/{event['id']}")["id"] == event["id"]
    assert len(call("GET", "/v1/events", type="customer.created")["data"]) == 1
    webhooks.resend(event["id"])
    assert deliver(call) == 1
    wall.time += 1
    error = call.error(404, "GET", f"/v1/events/{event['id']}")
    assert error["code"] == "resource_missing"
    assert call("GET", "/v1/events")["data"] == []
    with pytest.raises(StripeError, match="for 30 days"):
        webhooks.resend(event["id"])


def test_the_dashboard_sends_again_for_15_days(
    call: Calls, inbox: Inbox, wall: Wall, server: ThreadingWSGIServer
) -> None:
    listen(call)
    call.customer()
    deliver(call)
    delivery = delivery_of(call.simulator, "customer.created")
    wall.time = START + 15 * DAY
    call.simulator.resend(delivery.id)
    assert deliver(call) == 1
    wall.time += 1
    with pytest.raises(StripeError, match="for 15 days"):
        call.simulator.resend(delivery.id)
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    connection.request("POST", f"/simulator/deliveries/{delivery.id}/resend")
    response = connection.getresponse()
    assert response.status == 400
    assert b"for 15 days" in response.read()
    connection.close()


# Secrets


def verified(inbox: Inbox, secret: str, moment: float) -> bool:
    """Whether the last webhook verifies with the SDK; `moment` stands for the receiver's time."""
    _url, headers, body = inbox.received[-1]
    try:
        stripe.Webhook.construct_event(body, headers["Stripe-Signature"], secret, tolerance=None)
    except stripe.SignatureVerificationError:
        return False
    assert f"t={int(moment)}," in headers["Stripe-Signature"]
    return True


def test_two_secrets_sign_while_one_is_rolled(
    call: Calls, inbox: Inbox, webhooks: WebhookControl, now: Now
) -> None:
    endpoint = listen(call)
    old = endpoint["secret"]
    new = webhooks.roll_secret(endpoint["id"], expire_after_seconds=DAY)
    assert new.startswith("whsec_")
    assert new != old
    call.customer()
    deliver(call)
    assert inbox.received[-1][1]["Stripe-Signature"].count("v1=") == 2
    assert verified(inbox, old, now.seconds)
    assert verified(inbox, new, now.seconds)
    now.seconds += DAY
    call.customer()
    deliver(call)
    assert not verified(inbox, old, now.seconds)
    assert verified(inbox, new, now.seconds)


def test_a_secret_rolled_at_once_signs_no_more(
    call: Calls, inbox: Inbox, webhooks: WebhookControl, now: Now
) -> None:
    endpoint = listen(call)
    new = webhooks.roll_secret(endpoint["id"])
    call.customer()
    deliver(call)
    assert not verified(inbox, endpoint["secret"], now.seconds)
    assert verified(inbox, new, now.seconds)
    for seconds in (-1, DAY + 1):
        with pytest.raises(ValueError, match="0 to 86400 seconds"):
            webhooks.roll_secret(endpoint["id"], expire_after_seconds=seconds)
    with pytest.raises(StripeError, match="No such webhook_endpoint"):
        webhooks.roll_secret("we_none")


def test_the_signature_of_test_mode_has_a_decoy(call: Calls, inbox: Inbox) -> None:
    listen(call)
    call.customer(GOOD)
    deliver(call)
    schemes = [part.split("=")[0] for part in inbox.received[0][1]["Stripe-Signature"].split(",")]
    assert schemes == ["t", "v1", "v0"]


# Over HTTP


@pytest.fixture
def remote(server: ThreadingWSGIServer) -> Iterator[Remote]:
    remote = Remote(server.server_port)
    yield remote
    remote.connection.close()


def test_webhooks_are_controlled_over_http(call: Calls, inbox: Inbox, remote: Remote) -> None:
    endpoint = listen(call)
    status, answer = remote("webhooks/hold", '{"type": "customer.*"}')
    assert (status, answer["result"]["kind"], answer["result"]["seen"]) == (200, "hold", 0)
    customers(call, "Ana", "Bia")
    deliver(call)
    held = remote("webhooks/held")[1]["result"]
    assert [one["event_type"] for one in held] == ["customer.created"] * 2
    chosen = json.dumps({"events": [held[1]["event_id"], held[0]["event_id"]]})
    assert remote("webhooks/release", chosen) == (200, {"result": 2})
    assert names(inbox) == ["Bia", "Ana"]
    rolled = remote("webhooks/roll_secret", json.dumps({"endpoint_id": endpoint["id"]}))
    assert rolled[1]["result"].startswith("whsec_")
    status, answer = remote("webhooks/roll_secret", '{"endpoint_id": "we_none"}')
    assert (status, answer) == (404, {"error": "No such webhook_endpoint: 'we_none'"})
    status, answer = remote("set_option", '{"name": "checkout_event_order", "value": "C"}')
    assert status == 400
    assert remote("set_option", '{"name": "checkout_event_order", "value": "B"}')[0] == 200
    assert remote("webhooks/clear") == (200, {"result": None})
    assert call.simulator.control.webhooks.mishaps() == []


def test_reset_forgets_what_was_to_go_wrong(call: Calls, inbox: Inbox) -> None:
    call.simulator.control.fail(500, times=None)
    call.simulator.control.webhooks.drop(times=None)
    call.simulator.control.webhooks.hold()
    call.simulator.reset()
    listen(call)
    customers(call, "Ana")
    assert deliver(call) == 1
    assert names(inbox) == ["Ana"]
