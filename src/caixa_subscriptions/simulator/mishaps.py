"""What happens to webhooks on their way because a test wants it so."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal

Kind = Literal["drop", "duplicate", "delay", "fail", "hold"]


@dataclass(slots=True)
class Mishap:
    """For the `nth` delivery that matches and `times - 1` after it; `times` None is for ever.

    `endpoint` is an id or a pattern of its URL, `type` a pattern of event types. `fail` counts
    every attempt, the others a delivery's first one. `seconds` are the wall clock's.
    """

    id: int
    kind: Kind
    endpoint: str = "*"
    type: str = "*"
    nth: int = 1
    times: int | None = 1
    seconds: float = 0.0
    copies: int = 1
    status: int | None = None
    seen: int = 0
    injected: int = 0

    def __post_init__(self) -> None:
        if not (isinstance(self.endpoint, str) and isinstance(self.type, str)):
            raise ValueError("endpoint and type are texts")
        if type(self.nth) is not int or self.nth < 1:
            raise ValueError("nth is a number from 1")
        if self.times is not None and (type(self.times) is not int or self.times < 1):
            raise ValueError("times is a number from 1, or none for every delivery")

    def meets(
        self,
        delivery: Mapping[str, Any],
        endpoint: Mapping[str, Any],
        met: set[tuple[int, int]],
    ) -> bool:
        """Counts the delivery when it matches; whether it goes wrong for it. `met` are the ids of
        mishaps and deliveries that had to do with each other before."""
        if not fnmatchcase(delivery["event_type"], self.type):
            return False
        if self.endpoint != endpoint["id"] and not fnmatchcase(endpoint["url"], self.endpoint):
            return False
        if self.kind != "fail":
            key = (self.id, delivery["id"])
            if delivery["attempts"] or key in met:
                return False
            met.add(key)
        self.seen += 1
        return self.seen >= self.nth and (self.times is None or self.injected < self.times)


class Mishaps:
    """Thread-safe; forgotten when the process ends, whatever the state file."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._mishaps: list[Mishap] = []
        self._last_id = 0
        self._met: set[tuple[int, int]] = set()
        self.shuffled: int | None = None  # the seed

    def add(self, kind: Kind, **which: Any) -> Mishap:
        with self._lock:
            mishap = Mishap(self._last_id + 1, kind, **which)
            self._last_id = mishap.id
            self._mishaps.append(mishap)
        return mishap

    def all(self) -> list[Mishap]:
        return list(self._mishaps)

    def clear(self, mishap_id: int | None = None, *, kind: Kind | None = None) -> None:
        """One, those of a kind, or all."""
        with self._lock:
            if mishap_id is None and kind is None:
                self._mishaps = []
                self.shuffled = None
            else:
                self._mishaps = [
                    one for one in self._mishaps if one.id != mishap_id and one.kind != kind
                ]

    def take(self, delivery: Mapping[str, Any], endpoint: Mapping[str, Any]) -> Mishap | None:
        """What this delivery meets now; the oldest, when there are several."""
        with self._lock:
            met = [one for one in self._mishaps if one.meets(delivery, endpoint, self._met)]
            if not met:
                return None
            met[0].injected += 1
            return met[0]

    def place(self, delivery_id: int) -> bytes | int:
        """Where a delivery stands among those that are due."""
        if self.shuffled is None:
            return delivery_id
        return hashlib.sha256(f"{self.shuffled}:{delivery_id}".encode()).digest()
