"""Whatever goes wrong on the way to Stripe, a write is carried out once, and nobody waits long."""

from __future__ import annotations

import logging
import os
import random
from collections.abc import Iterator
from typing import Any

import pytest

from caixa_subscriptions import stripe_gateway
from caixa_subscriptions.exceptions import StripeUnavailable
from caixa_subscriptions.models import StripeRequest
from caixa_subscriptions.simulator import Simulator
from caixa_subscriptions.simulator.client import SimulatorHTTPClient
from tests.selling.writes import WRITES, PassingTime, Shop, Write, furnish

pytestmark = pytest.mark.django_db

SEEDS = int(os.environ.get("GATEWAY_SEEDS", "200"))
TRIES = 12  # a person gives up sooner; no combination of faults here needs as many
LONGEST = 15 + 1e-6  # seconds


@pytest.fixture
def clock(stripe_clock: stripe_gateway.SkippingClock) -> stripe_gateway.SkippingClock:
    return stripe_clock


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    simulator = Simulator(seed=1)
    yield simulator
    simulator.close()


@pytest.fixture
def shop(simulator: Simulator) -> Shop:
    return furnish(simulator)


@pytest.fixture(autouse=True)
def stripe(simulator: Simulator, clock: stripe_gateway.SkippingClock) -> Iterator[PassingTime]:
    client = PassingTime(simulator, clock)
    with stripe_gateway.replaced_http_client(client):
        yield client


def insist(write: Write, shop: Shop, clock: stripe_gateway.SkippingClock) -> int:
    """Call it until it answers, as somebody does who is told to try again; how often it failed."""
    for failures in range(TRIES):
        before, wait = clock.now(), None
        try:
            write.call(shop)
        except StripeUnavailable as error:
            wait = error.retry_after
        assert clock.now() - before <= LONGEST
        if wait is None:
            return failures
        assert wait > 0
        clock.skip(wait)
    raise AssertionError(f"{write.name} never got through")


def add_fault(simulator: Simulator, kind: str, path: str, method: str) -> None:
    control = simulator.control
    where: dict[str, Any] = {"path": path, "method": method}
    match kind:
        case "drop before":
            control.drop("before", **where)
        case "drop after":
            control.drop("after", **where)
        case "timeout before":
            control.drop("before", timeout=True, **where)
        case "late":
            control.delay(40, times=1, **where)
        case "slow":
            control.delay(6, times=2, **where)
        case "500":
            control.fail(500, **where)
        case "500 committed":
            control.fail(500, committed=True, **where)
        case "503":
            control.fail(503, **where)
        case "409":
            control.fail(409, **where)
        case "429 x 3":
            control.fail(429, times=3, **where)
        case "429, wait 2":
            control.fail(429, retry_after=2, **where)
        case "lock timeout":
            control.fail(429, code="lock_timeout", **where)
        case "nothing":
            pass


KINDS = [
    "drop before",
    "drop after",
    "timeout before",
    "late",
    "slow",
    "500",
    "500 committed",
    "503",
    "409",
    "429 x 3",
    "429, wait 2",
    "lock timeout",
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("write", WRITES, ids=lambda write: write.name)
def test_one_fault(
    write: Write,
    kind: str,
    simulator: Simulator,
    shop: Shop,
    clock: stripe_gateway.SkippingClock,
) -> None:
    before = write.effects(simulator, shop)
    add_fault(simulator, kind, write.path, "POST" if write.name[:6] in "create update" else "*")
    insist(write, shop, clock)
    assert simulator.control.faults()[-1].injected > 0
    done = write.effects(simulator, shop) - before
    if kind == "500 committed" and write.name == "create_portal_session":
        assert done == 2  # a link nobody saw
    else:
        assert done == 1
    assert not StripeRequest.objects.filter(settled_at=None).exists()


@pytest.mark.parametrize("seed", range(SEEDS))
def test_many_faults(
    seed: int, simulator: Simulator, shop: Shop, clock: stripe_gateway.SkippingClock
) -> None:
    """Up to three faults on every call of a write, its own questions to Stripe included."""
    print(f"seed {seed}")  # noqa: T201
    chance = random.Random(seed)
    write = WRITES[seed % len(WRITES)]
    before = write.effects(simulator, shop)
    kinds = chance.sample(KINDS, chance.randint(1, 3))
    if not write.found_out or write.name == "create_webhook_endpoint":
        kinds = [kind for kind in kinds if kind != "500 committed"]
    for kind in kinds:
        path = chance.choice([write.path, write.path, "*"])
        add_fault(simulator, kind, path, chance.choice(["*", "POST", "GET", "DELETE"]))
    insist(write, shop, clock)
    assert write.effects(simulator, shop) - before == 1
    assert not StripeRequest.objects.filter(settled_at=None).exists()


@pytest.mark.parametrize("write", WRITES, ids=lambda write: write.name)
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_process_that_is_killed_under_way(
    write: Write,
    moment: str,
    simulator: Simulator,
    shop: Shop,
    stripe: PassingTime,
    clock: stripe_gateway.SkippingClock,
) -> None:
    before = write.effects(simulator, shop)
    with stripe_gateway.replaced_http_client(Killing(simulator, moment)), pytest.raises(SystemExit):
        write.call(shop)
    insist(write, shop, clock)
    assert write.effects(simulator, shop) - before == 1
    assert not StripeRequest.objects.filter(settled_at=None).exists()


class Killing(SimulatorHTTPClient):
    """The process ends `before` or `after` Stripe has carried out its first call."""

    def __init__(self, simulator: Simulator, moment: str) -> None:
        super().__init__(simulator)
        self._moment = moment

    def request(self, *args: Any, **kwargs: Any) -> Any:
        if self._moment == "after":
            super().request(*args, **kwargs)
        raise SystemExit


@pytest.mark.parametrize("write", WRITES, ids=lambda write: write.name)
def test_no_log_tells_what_was_sent_or_answered(
    write: Write,
    simulator: Simulator,
    shop: Shop,
    clock: stripe_gateway.SkippingClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """However much the project logs. That of the network is not ours (urllib3, at DEBUG)."""
    caplog.set_level(logging.DEBUG)
    simulator.control.fail(500, method="POST", committed=True)
    simulator.control.fail(429, method="POST")
    insist(write, shop, clock)
    simulator.control.fail(500, times=None)
    with pytest.raises(StripeUnavailable) as caught:
        write.call(shop)
    assert "failed" in caplog.text
    for canary in ("@", "https:", "http:", "sk_test", "whsec_", "Ana", "/v1/"):
        assert canary not in caplog.text + repr(caught.value), canary
