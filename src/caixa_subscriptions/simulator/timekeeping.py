"""Carrying out what is due, so that one thing that fails holds up nothing else.

What fails by the wall clock is put aside, for nobody is there to be told; `control.failed_tasks`
lists it. What fails on a clock breaks its advance off, and whoever advanced it is told.
"""

from __future__ import annotations

import logging
import traceback
from dataclasses import dataclass
from pathlib import Path

from caixa_subscriptions.simulator import tasks
from caixa_subscriptions.simulator.resources import clocks
from caixa_subscriptions.simulator.store import Store
from caixa_subscriptions.simulator.world import WALL, World

logger = logging.getLogger(__name__)

STEPS_AT_ONCE = 20  # of an advancing clock, in one transaction where no kill can be survived


@dataclass(frozen=True, slots=True)
class FailedTask:
    """What was due at `due`, Unix seconds, failed and was undone; `error` says where."""

    object_id: str
    action: str
    due: int
    error: str


class Timekeeper:
    def __init__(self, store: Store, world: World) -> None:
        self._store = store
        self._world = world

    def catch_up(self) -> dict[str, Exception]:
        """Everything that is due: clocks on the move, and the wall clock. What broke off the
        advance of which clock."""
        with self._store.transaction():
            moving = [clock["id"] for clock in self._store.all(clocks.KIND, status="advancing")]
        broken = {clock_id: self._advance(clock_id) for clock_id in moving}
        while self._wall_task():
            pass
        return {clock_id: error for clock_id, error in broken.items() if error}

    def _advance(self, clock_id: str) -> Exception | None:
        more, broken = True, None
        while more:
            with self._store.transaction():
                for _ in range(1 if self._store.in_file else STEPS_AT_ONCE):
                    try:
                        with self._store.savepoint():
                            more = clocks.step(self._world, clock_id)
                    except Exception as error:
                        clocks.fail(self._world, clock_id)
                        logger.error(
                            "Clock %s broke off and all else goes on: %s", clock_id, _place(error)
                        )
                        more, broken = False, error
                    if not more:
                        break
        return broken

    def _wall_task(self) -> bool:
        """Whether there was one."""
        world = self._world
        with self._store.transaction():
            task = world.due_task(WALL, world.wall())
            if task is None:
                return False
            object_id, action, _due = task
            try:
                with self._store.savepoint():
                    world.drop_task(object_id, action)
                    tasks.run_task(world, object_id, action)
            except Exception as error:
                place = _place(error)
                world.put_aside(object_id, action, place)
                logger.error(
                    "%s of %s is put aside and all else goes on: %s", action, object_id, place
                )
        return True


def failed_tasks(store: Store) -> list[FailedTask]:
    """Those put aside, the earliest first."""
    rows = store.execute(
        "select object_id, action, due, error from tasks "
        "where error is not null order by due, rowid"
    )
    return [FailedTask(**dict(row)) for row in rows]


def retry_failed_tasks(store: Store) -> None:
    """They are due again, at once."""
    store.execute("update tasks set error = null where error is not null")


def _place(error: Exception) -> str:
    """Its class and where it was raised, without its words: they may quote what was sent."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {Path(frame.filename).name}, line {frame.lineno}"
