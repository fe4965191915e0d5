"""What the gateway lives by in this process, and what tests put in its place: time, the way to
Stripe, and what is known of Stripe's health.

A request of a person has one deadline for all its calls together (`within`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

import stripe

from caixa_subscriptions.stripe_gateway.breaker import Breaker

# All calls of one request together, the pauses between attempts included.
DEADLINE_SECONDS = 15.0
# One attempt; shorter when less is left.
ATTEMPT_SECONDS = 10.0


class Clock:
    """Seconds as they pass. A test's own need not let any pass."""

    def now(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class SkippingClock(Clock):
    """Pauses are over at once, and their time has passed. For tests; `skip` passes more."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now = 0.0

    def now(self) -> float:
        return self._now

    def skip(self, seconds: float) -> None:
        with self._lock:
            self._now += seconds

    sleep = skip


@dataclass(frozen=True, slots=True)
class Runtime:
    """`http_client` None is the network; `clients` are the SDK's, by key and timeout."""

    clock: Clock = field(default_factory=Clock)
    http_client: stripe.HTTPClient | None = None
    breaker: Breaker = field(default_factory=Breaker)
    clients: dict[Hashable, stripe.StripeClient] = field(default_factory=dict, repr=False)


_runtime = Runtime()
_deadline: ContextVar[float | None] = ContextVar("stripe_deadline", default=None)


def runtime() -> Runtime:
    return _runtime


@contextmanager
def replaced_http_client(client: stripe.HTTPClient) -> Iterator[None]:
    """Our calls and dj-stripe's go through `client`, in all threads, until the end. For tests."""
    before = stripe.default_http_client
    stripe.default_http_client = client
    try:
        with _replaced(Runtime(clock=_runtime.clock, http_client=client)):
            yield
    finally:
        stripe.default_http_client = before


@contextmanager
def replaced_clock(clock: Clock) -> Iterator[None]:
    """Pauses and deadlines go by `clock`, in all threads, until the end. For tests."""
    with _replaced(Runtime(clock=clock, http_client=_runtime.http_client)):
        yield


@contextmanager
def _replaced(by: Runtime) -> Iterator[None]:
    global _runtime
    before, _runtime = _runtime, by
    try:
        yield
    finally:
        _runtime = before


@contextmanager
def within(seconds: float = DEADLINE_SECONDS) -> Iterator[None]:
    """All calls inside are over after so many seconds, together; also a decorator.

    Inside another one the earlier end counts.
    """
    end = _runtime.clock.now() + seconds
    outer = _deadline.get()
    token = _deadline.set(end if outer is None else min(outer, end))
    try:
        yield
    finally:
        _deadline.reset(token)


def seconds_left() -> float:
    """Until the deadline of the request under way; the whole time when there is none."""
    end = _deadline.get()
    return DEADLINE_SECONDS if end is None else end - _runtime.clock.now()


def attempt_seconds() -> float:
    """How long the next attempt may take."""
    return min(ATTEMPT_SECONDS, max(seconds_left(), 0.0))
