"""What is due and fails: it holds up nothing else, and nobody's state is left half done."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from caixa_subscriptions.simulator import Simulator, tasks
from caixa_subscriptions.simulator.world import World
from tests.simulator.tools import DAY, GOOD, HOUR, START, Calls, Inbox, Wall, events

PLACE = "RuntimeError in test_timekeeping.py, line "


@pytest.fixture
def timeless(wall: Wall, inbox: Inbox) -> Iterator[Calls]:
    """Of a simulator whose customers live by the wall clock."""
    simulator = Simulator(seed=1, now=wall, transport=inbox)
    yield Calls(simulator)
    simulator.close()


@pytest.fixture
def renewals_break(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Half way, when something was changed and told already."""

    def broken(world: World, subscription: dict[str, Any]) -> None:
        world.update(subscription, {"description": "half"}, "customer.subscription.updated")
        raise RuntimeError(f"secret of {subscription['metadata']}")

    with monkeypatch.context() as patch:
        patch.setitem(tasks.TASKS, "period_end", broken)
        yield patch


def month_later(call: Calls, wall: Wall) -> tuple[dict[str, Any], dict[str, Any]]:
    """A subscription whose renewal breaks, and one whose trial announces its end, both due."""
    renews = call.subscribe(call.customer(GOOD), call.price(), metadata={"a": "payload"})
    trial = call.subscribe(call.customer(GOOD), call.price(), trial_period_days=60)
    wall.time = START + 58 * DAY
    return dict(renews), dict(trial)


@pytest.mark.usefixtures("renewals_break")
def test_a_task_that_fails_is_put_aside_and_all_else_goes_on(
    timeless: Calls, wall: Wall, caplog: pytest.LogCaptureFixture
) -> None:
    renews, trial = month_later(timeless, wall)
    timeless.customer()
    timeless.customer()
    (told,) = events(timeless.simulator, "customer.subscription.trial_will_end")
    assert told["data"]["object"]["id"] == trial["id"]
    assert timeless.get(renews["id"]) == renews
    assert events(timeless.simulator, "customer.subscription.updated") == []
    (failed,) = timeless.simulator.control.failed_tasks()
    assert (failed.object_id, failed.action) == (renews["id"], "period_end")
    assert failed.due == renews["items"]["data"][0]["current_period_end"]
    assert failed.error.startswith(PLACE)
    assert timeless.simulator.upcoming(renews["id"]) == []
    (line,) = [one.getMessage() for one in caplog.records]
    assert line.startswith(f"period_end of {renews['id']} is put aside")
    assert "payload" not in caplog.text
    assert "secret" not in caplog.text


def test_what_was_put_aside_is_done_again_when_asked(
    timeless: Calls, wall: Wall, renewals_break: pytest.MonkeyPatch
) -> None:
    renews, _trial = month_later(timeless, wall)
    timeless.customer()
    control = timeless.simulator.control
    control.retry_failed_tasks()
    assert [one.object_id for one in control.failed_tasks()] == [renews["id"]]
    renewals_break.undo()
    control.retry_failed_tasks()
    assert control.failed_tasks() == []
    wall.time += 2 * HOUR
    timeless.customer()
    after = timeless.get(renews["id"])
    assert after["status"] == "active"
    invoices = timeless.simulator.list_objects("invoice", subscription=renews["id"])
    assert [one["status"] for one in invoices] == ["paid", "paid"]


@pytest.mark.usefixtures("renewals_break")
def test_what_is_planned_anew_is_put_aside_no_more(timeless: Calls, wall: Wall) -> None:
    renews, _trial = month_later(timeless, wall)
    timeless.customer()
    timeless("DELETE", f"/v1/subscriptions/{renews['id']}")
    assert timeless.simulator.control.failed_tasks() == []


def test_an_advance_that_fails_is_told_and_can_be_done_again(
    simulator: Simulator, call: Calls, sold: dict[str, Any], renewals_break: pytest.MonkeyPatch
) -> None:
    clock = str(simulator.default_clock_id)
    with pytest.raises(RuntimeError, match="secret"):
        simulator.advance_clock(clock, START + 40 * DAY)
    assert call.get(clock)["status"] == "internal_failure"
    assert simulator.now() == START + 27 * DAY  # of `invoice.upcoming`, the last that was done
    assert call.get(sold["id"]) == sold
    assert simulator.control.failed_tasks() == []
    (due, *_rest) = simulator.upcoming(sold["id"])
    assert due.action == "period_end"
    renewals_break.undo()
    assert simulator.advance_clock(clock, START + 40 * DAY)["status"] == "ready"
    assert len(simulator.list_objects("invoice", subscription=sold["id"])) == 2


@pytest.mark.usefixtures("renewals_break")
def test_an_advance_by_api_is_answered_and_its_clock_tells_the_failure(
    simulator: Simulator, call: Calls, sold: dict[str, Any]
) -> None:
    path = f"/v1/test_helpers/test_clocks/{simulator.default_clock_id}"
    answer = call("POST", f"{path}/advance", frozen_time=START + 40 * DAY)
    assert answer["status"] == "advancing"
    assert call("GET", path)["status"] == "internal_failure"
    assert call.get(sold["id"]) == sold
    call.customer()


@pytest.mark.usefixtures("renewals_break")
def test_an_advance_that_fails_in_the_background_is_told_to_who_waits_for_it(
    wall: Wall, inbox: Inbox
) -> None:
    with Simulator(now=wall, default_clock=True, transport=inbox) as simulator:
        call = Calls(simulator)
        call.subscribe(call.customer(GOOD), call.price())
        with pytest.raises(RuntimeError):
            simulator.advance_clock(str(simulator.default_clock_id), START + 40 * DAY, wait=True)


def test_a_state_from_before_there_were_failed_tasks(tmp_path: Path, wall: Wall) -> None:
    state = tmp_path / "stripe.sqlite3"
    Simulator(state=state, now=wall).close()
    before = sqlite3.connect(state)
    before.execute("alter table tasks drop column error")
    before.close()
    with Simulator(state=state, now=wall) as simulator:
        assert simulator.control.failed_tasks() == []
