"""Test clocks: time that stands still until it is advanced (Stripe docs: test clocks)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from caixa_subscriptions.simulator import lifecycle, objects, tasks
from caixa_subscriptions.simulator.errors import StripeError, invalid
from caixa_subscriptions.simulator.lists import stored_page
from caixa_subscriptions.simulator.periods import add_interval
from caixa_subscriptions.simulator.routes import LIST_PARAMS, Params, route
from caixa_subscriptions.simulator.world import World

MAX_YEARS_AHEAD = 5
KIND = "test_helpers.test_clock"


def new_clock(world: World, *, frozen_time: int, name: str | None) -> dict[str, Any]:
    clock = objects.test_clock(
        world.ids.new(KIND), frozen_time=frozen_time, name=name, created=world.wall()
    )
    return world.add(clock, "test_helpers.test_clock.created")


@route(
    "POST",
    "/v1/test_helpers/test_clocks",
    "test_helpers.TestClockCreateParams",
    "frozen_time name",
)
def create_clock(world: World, params: Params) -> dict[str, Any]:
    if not 0 < params["frozen_time"] <= add_interval(world.wall(), "year", MAX_YEARS_AHEAD):
        raise invalid(
            f"Invalid timestamp: can be no more than {MAX_YEARS_AHEAD} years in the future",
            "frozen_time",
        )
    return new_clock(world, frozen_time=params["frozen_time"], name=params.get("name"))


@route("GET", "/v1/test_helpers/test_clocks/{clock}", "test_helpers.TestClockRetrieveParams")
def retrieve_clock(world: World, params: Params, clock_id: str) -> dict[str, Any]:
    return world.get(KIND, clock_id)


@route("GET", "/v1/test_helpers/test_clocks", "test_helpers.TestClockListParams", LIST_PARAMS)
def list_clocks(world: World, params: Params) -> dict[str, Any]:
    return stored_page(world, KIND, params, "/v1/test_helpers/test_clocks")


@route("DELETE", "/v1/test_helpers/test_clocks/{clock}", "test_helpers.TestClockDeleteParams")
def delete_clock(world: World, params: Params, clock_id: str) -> dict[str, Any]:
    """Its customers go with it, their subscriptions are canceled."""
    clock = world.get(KIND, clock_id)
    if clock_id == world.default_clock_id:
        raise invalid("The simulator's own clock cannot be deleted.")
    _require_ready(clock)
    for customer in world.store.all("customer", test_clock=clock_id):
        for subscription in world.store.all("subscription", customer=customer["id"]):
            if subscription["status"] not in lifecycle.ENDED:
                lifecycle.cancel(world, subscription, reason=None)
        world.forget_customer(customer, None)
    world.store.delete(clock_id)
    world.emit("test_helpers.test_clock.deleted", clock)
    return {"id": clock_id, "object": KIND, "deleted": True}


@route(
    "POST",
    "/v1/test_helpers/test_clocks/{clock}/advance",
    "test_helpers.TestClockAdvanceParams",
    "frozen_time",
)
def start_advance(world: World, params: Params, clock_id: str) -> dict[str, Any]:
    """Answers at once with `advancing`; `step` does the work."""
    clock = world.get(KIND, clock_id)
    _require_ready(clock)
    target = params["frozen_time"]
    if target <= clock["frozen_time"]:
        raise invalid("The frozen time of a test clock can only be moved forward.", "frozen_time")
    _check_limit(world, clock, target)
    world.update(
        clock,
        {
            "status": "advancing",
            "status_details": {"advancing": {"target_frozen_time": target}},
        },
    )
    world.emit("test_helpers.test_clock.advancing", clock)
    return clock


def _require_ready(clock: dict[str, Any]) -> None:
    if clock["status"] == "advancing":
        raise StripeError(
            429,
            "Test clock advancement underway - cannot perform modifications",
            code="lock_timeout",
        )


def limit(world: World, clock: dict[str, Any]) -> int:
    """How far the clock may be moved in one go, Unix seconds (Stripe docs: test clocks)."""
    now = clock["frozen_time"]
    intervals = [
        (recurring["interval"], recurring["interval_count"])
        for subscription in world.store.all("subscription", test_clock=clock["id"])
        if subscription["status"] not in lifecycle.ENDED
        for recurring in [subscription["items"]["data"][0]["price"]["recurring"]]
    ]
    return min(
        (add_interval(now, interval, 2 * count) for interval, count in intervals),
        default=add_interval(now, "year", 2),
    )


def _check_limit(world: World, clock: dict[str, Any], target: int) -> None:
    now, most = clock["frozen_time"], limit(world, clock)
    if target > most:
        raise invalid(
            f"The frozen time of this clock is {now} ({_utc(now)}). You can only advance it up to "
            f"{most} ({_utc(most)}). You can only advance a test clock up to two intervals from "
            "the current frozen time at a time, based on the shortest subscription interval in "
            "the test clock. For example, if a test clock has a monthly and yearly subscription, "
            "you may only advance up to two months at a time. If the test clock has no "
            "subscriptions or subscription schedules, you can advance up to 2 years from the "
            "current frozen time.",
            "frozen_time",
        )


def _utc(timestamp: int) -> str:
    return f"{dt.datetime.fromtimestamp(timestamp, tz=dt.UTC):%Y-%m-%d %H:%M:%S} UTC"


def step(world: World, clock_id: str) -> bool:
    """One thing that falls due on the way to the target, or the arrival; whether more is left.

    In a file each step is a transaction of its own, so an advance interrupted anywhere goes on
    from there.
    """
    clock = world.store.get(clock_id)
    if clock is None or clock["status"] != "advancing":
        return False
    target = clock["status_details"]["advancing"]["target_frozen_time"]
    task = world.due_task(clock_id, target)
    if task is not None:
        object_id, action, due = task
        world.update(clock, {"frozen_time": max(due, clock["frozen_time"])})
        world.drop_task(object_id, action)
        tasks.run_task(world, object_id, action)
        return True
    world.update(clock, {"frozen_time": target, "status": "ready", "status_details": {}})
    world.emit("test_helpers.test_clock.ready", clock)
    return False


def fail(world: World, clock_id: str) -> None:
    """The advance broke off; the clock stays where it got to."""
    clock = world.get(KIND, clock_id)
    world.update(clock, {"status": "internal_failure", "status_details": {}})
    world.emit("test_helpers.test_clock.internal_failure", clock)
