"""What runs in the background, when something there goes wrong."""

from __future__ import annotations

import gc
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from caixa_subscriptions.simulator import Simulator, tasks
from tests.simulator.tools import DAY, START, Calls, Inbox, Wall, events


def until(condition: Callable[[], bool], seconds: float = 5) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def listen(call: Calls) -> None:
    call("POST", "/v1/webhook_endpoints", url="https://shop.example/hook", enabled_events=["*"])


def status(simulator: Simulator, object_id: str) -> str:
    return str((simulator.get_object(object_id) or {})["status"])


def test_an_endpoint_that_hangs_holds_up_no_clock(wall: Wall) -> None:
    hanging, released = threading.Event(), threading.Event()

    def transport(url: str, headers: Mapping[str, str], body: bytes) -> int:
        hanging.set()
        released.wait(10)
        return 200

    with Simulator(now=wall, transport=transport, default_clock=True) as simulator:
        try:
            listen(call := Calls(simulator))
            call.customer()
            assert hanging.wait(5)
            clock = str(simulator.default_clock_id)
            simulator.advance_clock(clock, START + DAY)
            until(lambda: status(simulator, clock) == "ready")
            assert simulator.now() == START + DAY
        finally:
            released.set()


def test_closing_waits_for_one_delivery_only_and_the_rest_stay_pending(wall: Wall) -> None:
    hanging, released = threading.Event(), threading.Event()
    delivered: list[str] = []

    def transport(url: str, headers: Mapping[str, str], body: bytes) -> int:
        hanging.set()
        released.wait(10)
        delivered.append(url)
        return 200

    simulator = Simulator(now=wall, transport=transport)
    listen(call := Calls(simulator))
    call.customer()
    call.customer()
    simulator.start()
    assert hanging.wait(5)
    simulator._workers.stopping = True
    released.set()
    postman = simulator._workers._threads[1]
    until(lambda: not postman.is_alive())
    assert [one.status for one in simulator.list_deliveries()] == ["pending", "delivered"]
    simulator.close()
    assert len(delivered) == 1


@pytest.fixture
def breaking(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first thing that falls due breaks."""
    honest = tasks.run_task
    broken: list[Any] = []

    def run_task(*arguments: Any) -> None:
        if not broken:
            broken.append(arguments)
            raise RuntimeError("broken")
        honest(*arguments)

    monkeypatch.setattr(tasks, "run_task", run_task)


@pytest.mark.usefixtures("breaking")
def test_an_advance_that_breaks_off_is_an_internal_failure(
    wall: Wall, inbox: Inbox, caplog: pytest.LogCaptureFixture
) -> None:
    with Simulator(now=wall, transport=inbox) as simulator:
        call = Calls(simulator)
        first, second = (
            call("POST", "/v1/test_helpers/test_clocks", frozen_time=START)["id"] for _ in "12"
        )
        for clock in (first, second):
            call.subscribe(call.customer(test_clock=clock), call.price(), trial_period_days=7)
        for clock in (first, second):
            simulator.advance_clock(clock, START + 5 * DAY)
            until(lambda clock=clock: status(simulator, clock) != "advancing")  # type: ignore[misc]
        assert [status(simulator, clock) for clock in (first, second)] == [
            "internal_failure",
            "ready",
        ]
        (failure,) = events(simulator, "test_helpers.test_clock.internal_failure")
        assert failure["data"]["object"]["id"] == first
        assert simulator.now(first) == START
        assert "goes on" in caplog.text


@pytest.mark.usefixtures("breaking")
def test_without_a_worker_the_caller_sees_what_broke(simulator: Simulator, call: Calls) -> None:
    call.subscribe(call.customer(), call.price(), trial_period_days=7)
    with pytest.raises(RuntimeError, match="broken"):
        simulator.advance_clock(str(simulator.default_clock_id), START + 5 * DAY, wait=True)


def test_a_transport_that_breaks_is_seen_and_tried_again(
    simulator: Simulator, call: Calls, inbox: Inbox
) -> None:
    listen(call)
    inbox.status = RuntimeError("of the receiver")
    call.customer()
    with pytest.raises(RuntimeError, match="of the receiver"):
        simulator.deliver_pending()
    (delivery,) = simulator.list_deliveries()
    assert (delivery.status, delivery.attempts) == ("pending", 1)
    assert delivery.last_error == "RuntimeError"
    assert delivery.next_attempt_at > time.time()
    inbox.status = 200
    simulator.resend(delivery.id)
    assert simulator.deliver_pending() == 1


def test_the_background_outlives_a_transport_that_breaks(
    wall: Wall, inbox: Inbox, caplog: pytest.LogCaptureFixture
) -> None:
    inbox.status = RuntimeError("of the receiver")
    with Simulator(now=wall, transport=inbox) as simulator:
        listen(call := Calls(simulator))
        call.customer()
        until(lambda: simulator.list_deliveries()[0].attempts == 1)
        inbox.status = 200
        second = call.customer()["id"]
        assert simulator.wait_for_event("customer.created", second, timeout=5)
        assert "of the receiver" in caplog.text


def test_a_forgotten_simulator_closes_its_state() -> None:
    """Or Python 3.13 warns of it, long after the test that forgot it."""
    simulator = Simulator()
    connection = simulator._store._db
    del simulator
    gc.collect()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        connection.execute("select 1")
