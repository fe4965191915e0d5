"""What becomes of callers, and of Stripe, while Stripe is down."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pytest
from django.db import connections

from caixa_subscriptions import stripe_gateway
from caixa_subscriptions.exceptions import StripeRateLimited, StripeUnavailable
from caixa_subscriptions.models import StripeRequest
from caixa_subscriptions.simulator import Simulator
from caixa_subscriptions.simulator.client import SimulatorHTTPClient
from caixa_subscriptions.stripe_gateway.breaker import Breaker
from tests.selling.writes import PassingTime

MINUTES = 10
CALLERS_A_SECOND = 20
LONGEST = 15 + 1e-6  # seconds


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    simulator = Simulator(seed=1)
    yield simulator
    simulator.close()


@pytest.fixture
def stripe(
    simulator: Simulator, stripe_clock: stripe_gateway.SkippingClock
) -> Iterator[PassingTime]:
    client = PassingTime(simulator, stripe_clock)
    with stripe_gateway.replaced_http_client(client):
        yield client


@pytest.mark.parametrize("status", [None, 500, 503])
@pytest.mark.parametrize("seed", range(3))
def test_ten_minutes_of_outage(
    seed: int,
    status: int | None,
    simulator: Simulator,
    stripe: PassingTime,
    stripe_clock: stripe_gateway.SkippingClock,
) -> None:
    chance = random.Random(seed)
    simulator.control.start_outage(status)
    begun = stripe_clock.now()
    longest = 0.0
    while stripe_clock.now() - begun < MINUTES * 60:
        before = stripe_clock.now()
        assert not _gets_through()
        longest = max(longest, stripe_clock.now() - before)
        stripe_clock.skip(chance.expovariate(CALLERS_A_SECOND))
    simulator.control.end_outage()
    ended = stripe_clock.now()
    while not _gets_through():
        stripe_clock.skip(chance.expovariate(CALLERS_A_SECOND))
    recovered = stripe_clock.now()

    assert longest <= LONGEST
    assert recovered - ended <= 30
    # The first callers found out; after them one call a second.
    probes = [at for at in stripe.calls if begun + 15 <= at < ended]
    assert len(probes) > MINUTES * 60 * 0.5
    assert all(later - at >= 1 for at, later in pairwise(probes))


def _gets_through() -> bool:
    try:
        stripe_gateway.has_features()
    except StripeUnavailable:
        return False
    return True


def test_a_stripe_that_hangs_holds_up_one_caller_at_a_time(
    simulator: Simulator, stripe: PassingTime, stripe_clock: stripe_gateway.SkippingClock
) -> None:
    simulator.control.delay(60)
    begun = stripe_clock.now()
    waits = []
    while stripe_clock.now() - begun < 300:
        before = stripe_clock.now()
        assert not _gets_through()
        waits.append(stripe_clock.now() - before)
        stripe_clock.skip(0.1)
    assert max(waits) <= LONGEST
    assert len([wait for wait in waits if wait]) < 60


def test_callers_are_told_at_once_while_the_breaker_is_open(
    simulator: Simulator, stripe: PassingTime, stripe_clock: stripe_gateway.SkippingClock
) -> None:
    with simulator.control.outage():
        for _ in range(2):
            assert not _gets_through()
        before = stripe_clock.now()
        with pytest.raises(StripeUnavailable) as caught:
            stripe_gateway.has_features()
        assert stripe_clock.now() == before
        assert caught.value.retry_after == 5


def test_refusals_and_rate_limits_are_no_outage(simulator: Simulator, stripe: PassingTime) -> None:
    simulator.control.fail(429, times=30)
    for _ in range(6):
        with pytest.raises(StripeRateLimited):
            stripe_gateway.has_features()
    assert len(stripe.calls) == 30


def test_stripe_says_how_long_to_wait(
    simulator: Simulator, stripe: PassingTime, stripe_clock: stripe_gateway.SkippingClock
) -> None:
    simulator.control.fail(429, retry_after=3)
    assert _gets_through()
    assert stripe.calls[1] - stripe.calls[0] >= 3
    simulator.control.fail(429, retry_after=120)
    before = stripe_clock.now()
    with pytest.raises(StripeRateLimited) as caught:
        stripe_gateway.has_features()
    assert stripe_clock.now() == before
    assert caught.value.retry_after == 120


@pytest.mark.parametrize(("should_retry", "calls"), [(True, 2), (False, 1)])
def test_stripes_own_word_on_trying_again_comes_first(
    should_retry: bool, calls: int, simulator: Simulator, stripe: PassingTime
) -> None:
    simulator.control.fail(503, should_retry=should_retry)
    assert _gets_through() is should_retry
    assert len(stripe.calls) == calls


def test_all_calls_of_a_request_share_its_time(
    simulator: Simulator, stripe: PassingTime, stripe_clock: stripe_gateway.SkippingClock
) -> None:
    simulator.control.delay(6)
    before = stripe_clock.now()
    with stripe_gateway.within():
        assert [_gets_through() for _ in range(4)] == [True, True, False, False]
    assert 12 <= stripe_clock.now() - before <= LONGEST


class TestBreaker:
    def opened(self, at: float = 0) -> Breaker:
        breaker = Breaker()
        for _ in range(10):
            assert breaker.admit(at)
            breaker.met_outage(at)
        assert breaker.is_open
        return breaker

    def test_one_success_between_keeps_it_closed(self) -> None:
        breaker = Breaker()
        for _ in range(9):
            breaker.met_outage(0)
        breaker.answered()
        for _ in range(9):
            breaker.met_outage(0)
        assert not breaker.is_open

    def test_one_probe_of_many_threads(self) -> None:
        breaker, barrier = self.opened(), threading.Barrier(16)

        def ask(_: int) -> bool:
            barrier.wait()
            return breaker.admit(1.0)

        with ThreadPoolExecutor(16) as pool:
            assert sum(pool.map(ask, range(16))) == 1

    def test_a_second_later_is_not_too_early_for_want_of_precision(self) -> None:
        moment = 0.118
        assert (moment + 1) - moment < 1
        assert self.opened(moment).admit(moment + 1)

    def test_no_second_probe_while_one_is_out(self) -> None:
        breaker = self.opened()
        assert breaker.admit(1.0)
        assert not breaker.admit(5.0)
        breaker.met_outage(5.0)
        assert breaker.admit(5.0)

    def test_a_probe_that_never_comes_back_is_given_up(self) -> None:
        breaker = self.opened()
        assert breaker.admit(1.0)
        assert not breaker.admit(12.9)
        assert breaker.admit(13.0)

    def test_the_first_success_closes_it(self) -> None:
        breaker = self.opened()
        assert breaker.admit(1.0)
        breaker.answered()
        assert all(breaker.admit(1.0) for _ in range(5))


@pytest.fixture
def silent_host(settings: Any) -> Iterator[None]:
    """It takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        settings.STRIPE_API_HOST = f"http://127.0.0.1:{server.getsockname()[1]}"
        yield


def test_a_host_that_says_nothing_is_given_up_in_time(silent_host: None) -> None:
    """By the wall clock and over a socket."""
    begun = time.monotonic()
    with (
        stripe_gateway.replaced_clock(stripe_gateway.Clock()),
        pytest.raises(StripeUnavailable),
        stripe_gateway.within(2),
    ):
        stripe_gateway.has_features()
    assert time.monotonic() - begun < 3


class AllAtOnce(SimulatorHTTPClient):
    """No first call of a thread goes on before all have come here."""

    def __init__(self, simulator: Simulator, callers: int) -> None:
        super().__init__(simulator)
        self._barrier = threading.Barrier(callers)
        self._seen = threading.local()

    def request(self, *args: Any, **kwargs: Any) -> Any:
        if not getattr(self._seen, "before", False):
            self._seen.before = True
            self._barrier.wait(timeout=30)
        return super().request(*args, **kwargs)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", range(20))
@pytest.mark.usefixtures("concurrent")
def test_the_same_request_at_once_is_one(seed: int, simulator: Simulator) -> None:
    print(f"seed {seed}")  # noqa: T201
    chance = random.Random(seed)
    callers = chance.randint(2, 8)
    for _ in range(chance.randint(0, 3)):
        if chance.random() < 0.5:
            simulator.control.drop(chance.choice(["before", "after"]), nth=chance.randint(1, 4))
        else:
            simulator.control.fail(chance.choice([409, 429, 503]), nth=chance.randint(1, 4))

    def create(_: int) -> str:
        try:
            for _try in range(20):
                try:
                    return stripe_gateway.create_customer(
                        {"email": "ana@example.com"},
                        scope="subscriber:1",
                        record=lambda new: None,
                    ).id
                except StripeUnavailable:
                    time.sleep(0.01)
            raise AssertionError("never got through")
        finally:
            connections.close_all()

    client = AllAtOnce(simulator, callers)
    with stripe_gateway.replaced_http_client(client), ThreadPoolExecutor(callers) as pool:
        made = set(pool.map(create, range(callers)))
    assert len(made) == 1
    assert len(simulator.list_objects("customer")) == 1
    assert not StripeRequest.objects.filter(settled_at=None).exists()
