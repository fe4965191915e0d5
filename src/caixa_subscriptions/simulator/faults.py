"""What goes wrong with API calls because a test wants it so (Stripe docs: error-low-level)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal

from caixa_subscriptions.simulator.errors import StripeError

# Where a call meets a fault, in the order it comes to these places.
Stage = Literal["delay", "lose_before", "refuse", "break", "lose_after"]

# Seconds a call was late, for clients that wait in figures only.
LATENCY = "Simulator-Latency"
FOREVER = 10**9  # seconds; nobody can sleep longer

MESSAGES = {
    "idempotency_key_in_use": "There is currently another in-progress request using this "
    "Idempotent Key (that probably means you submitted twice, and the other request is still "
    "going through): {key}. Please try again later.",
    "lock_timeout": "This object cannot be accessed right now because another API request or "
    "Stripe process is currently accessing it. If you see this error intermittently, retry the "
    "request. If you see this error frequently and are making multiple concurrent requests to a "
    "single object, make your requests serially or at a lower rate.",
    "rate_limit": "Request rate limit exceeded.",
}
# The first is the default.
CODES: dict[int, tuple[str | None, ...]] = {
    409: ("idempotency_key_in_use",),
    429: ("rate_limit", "lock_timeout"),
    500: (None,),
    503: (None,),
}


@dataclass(slots=True)
class Fault:
    """For the `nth` call that matches and `times - 1` after it; `times` None is for ever.

    `method` and `path` are patterns with `*`, which stands for slashes too. `seen` counts the
    calls that matched, `injected` those it went wrong for.
    """

    id: int
    stage: Stage
    method: str = "*"
    path: str = "*"
    nth: int = 1
    times: int | None = 1
    status: int | None = None
    code: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    committed: bool = False
    timeout: bool = False
    seconds: float = 0.0
    seen: int = 0
    injected: int = 0

    def __post_init__(self) -> None:
        if not (isinstance(self.method, str) and isinstance(self.path, str)):
            raise ValueError("method and path are texts")
        if type(self.nth) is not int or self.nth < 1:
            raise ValueError("nth is a number from 1")
        if self.times is not None and (type(self.times) is not int or self.times < 1):
            raise ValueError("times is a number from 1, or none for every call")
        if isinstance(self.seconds, bool) or not isinstance(self.seconds, int | float):
            raise ValueError("seconds is a number")
        if not 0 <= self.seconds < FOREVER:
            raise ValueError("seconds is a number from 0, and below a thousand million")

    def meets(self, method: str, path: str) -> bool:
        """Counts the call when it matches; whether it goes wrong for it."""
        if not (fnmatchcase(method, self.method.upper()) and fnmatchcase(path, self.path)):
            return False
        self.seen += 1
        return self.seen >= self.nth and (self.times is None or self.injected < self.times)

    def error(self, key: str | None = None) -> StripeError:
        """What is answered; `key` is the call's idempotency key."""
        if self.code is None:
            return StripeError(
                self.status or 500,
                "An unknown error occurred",
                type="api_error",
                executed=self.stage == "break",
                headers=self.headers,
            )
        message = MESSAGES[self.code].format(key=key or "")
        return StripeError(self.status or 429, message, code=self.code, headers=self.headers)


class Faults:
    """Thread-safe; forgotten when the process ends, whatever the state file."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._last_id = 0

    def add(self, stage: Stage, **which: object) -> Fault:
        with self._lock:
            fault = Fault(self._last_id + 1, stage, **which)  # type: ignore[arg-type]
            self._last_id = fault.id
            self._faults.append(fault)
        return fault

    def all(self) -> list[Fault]:
        return list(self._faults)

    def clear(self, fault_id: int | None = None) -> None:
        with self._lock:
            self._faults = [
                one for one in self._faults if fault_id is not None and one.id != fault_id
            ]

    def take(self, stage: Stage, method: str, path: str) -> Fault | None:
        """The fault this call meets here; the oldest, when there are several."""
        if not self._faults:
            return None
        with self._lock:
            met = [one for one in self._faults if one.stage == stage and one.meets(method, path)]
            if not met:
                return None
            met[0].injected += 1
            return met[0]

    def refuse(self, method: str, path: str, key: str | None) -> None:
        """Raises the StripeError this call is answered before anything is done."""
        if fault := self.take("refuse", method, path):
            raise fault.error(key)

    @contextmanager
    def around(self, method: str, path: str) -> Iterator[float]:
        """The seconds the call is late. Raises ConnectionResetError or TimeoutError, before the
        call or when it is done."""
        late = self.take("delay", method, path)
        self._lose("lose_before", method, path)
        yield late.seconds if late else 0.0
        self._lose("lose_after", method, path)

    def _lose(self, stage: Stage, method: str, path: str) -> None:
        if fault := self.take(stage, method, path):
            error = TimeoutError if fault.timeout else ConnectionResetError
            raise error(f"fault {fault.id} of the simulator: {stage.replace('_', ' ')}")
