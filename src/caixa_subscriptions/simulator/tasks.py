"""What falls due by itself, and who does it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from caixa_subscriptions.simulator.world import World

Task = Callable[["World", dict[str, Any]], None]

TASKS: dict[str, Task] = {}
# When several things fall on the same second, the lowest rank comes first: a cancellation before
# a renewal.
RANKS: dict[str, int] = {}
# What an action is done to, where its id alone does not tell.
KINDS: dict[str, str] = {}


def task(action: str, *, rank: int, kind: str = "") -> Callable[[Task], Task]:
    """`function(world, obj)` does what `world.schedule(obj, action, ...)` has planned; to objects
    of a `kind` where their ids alone do not tell it."""

    def register(function: Task) -> Task:
        TASKS[action] = function
        RANKS[action] = rank
        KINDS[action] = kind
        return function

    return register


def run_task(world: World, object_id: str, action: str) -> None:
    """Nothing happens for an object that is gone."""
    if (obj := world.store.get(object_id, KINDS[action])) is not None:
        TASKS[action](world, obj)
