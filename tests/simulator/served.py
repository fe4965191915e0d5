"""Watches what simulators serve: does it fit the SDK's annotations?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from caixa_subscriptions.simulator import Simulator
from caixa_subscriptions.simulator.answers import Response
from caixa_subscriptions.simulator.expand import public
from caixa_subscriptions.simulator.objects import API_VERSION
from caixa_subscriptions.simulator.world import World
from tests.simulator.sdk_types import list_misfits, misfits


class Watch:
    def __init__(self) -> None:
        self._found: list[str] = []
        self._fine: set[str] = set()

    def told(self) -> list[str]:
        """What was found since last time."""
        found, self._found = self._found, []
        return found

    def answer(self, call: str, body: dict[str, Any]) -> None:
        if "next_page_url" in body:  # a list of API v2
            return
        if "data" in body and body["object"] in ("list", "search_result"):
            self._found += [f"{call}: {problem}" for problem in list_misfits(body)]
            for one in body["data"]:
                self._check(call, one, str(one["object"]))
        else:
            self._check(call, body, str(body["object"]))

    def event(self, name: str, obj: dict[str, Any], previous: dict[str, Any] | None) -> None:
        # The one object without an id (the SDK's text of the event).
        told = {"id": "upcoming_in_1"} | obj if name == "invoice.upcoming" else obj
        self._check(name, told, str(obj["object"]))
        if previous is not None:
            self._check(f"{name} previous_attributes", previous, str(obj["object"]), sparse=True)

    def _check(self, where: str, obj: dict[str, Any], kind: str, *, sparse: bool = False) -> None:
        seen = f"{kind} {sparse} {json.dumps(obj)}"
        if seen not in self._fine:
            found = misfits(obj, kind=kind, sparse=sparse)
            self._found += [f"{where}: {problem}" for problem in found]
            if not found:
                self._fine.add(seen)


@contextmanager
def watching() -> Iterator[Watch]:
    """Answers of the newest API version, and what every event carries."""
    watch = Watch()
    request, emit = Simulator.request, World.emit

    def watched_request(self: Simulator, *args: Any, **kwargs: Any) -> Response:
        response = request(self, *args, **kwargs)
        if response.status == 200 and response.headers["Stripe-Version"] == API_VERSION:
            watch.answer(" ".join(args[:2]), response.body)
        return response

    def watched_emit(
        self: World,
        type: str,  # noqa: A002  as the original
        obj: dict[str, Any],
        previous: dict[str, Any] | None = None,
    ) -> None:
        watch.event(type, public(obj), previous)
        emit(self, type, obj, previous)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Simulator, "request", watched_request)
        patch.setattr(World, "emit", watched_emit)
        yield watch
