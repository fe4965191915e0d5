"""What follows from an event inside the simulator itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from caixa_subscriptions.simulator.world import World

# With the event's object and its `previous_attributes`.
Follower = Callable[["World", dict[str, Any], Mapping[str, Any]], None]

FOLLOWERS: dict[str, list[Follower]] = {}


def follows(*types: str) -> Callable[[Follower], Follower]:
    """`function(world, obj, previous)` is called after each event of these types; its own events
    come after it. It must not change the object, which its caller still holds."""

    def register(function: Follower) -> Follower:
        for one in types:
            FOLLOWERS.setdefault(one, []).append(function)
        return function

    return register
