"""SIGKILL between Stripe's commit and ours, a hundred times: nothing twice, and no trial lost.

Another process sells, against a simulated Stripe that keeps its state in a file and is called over
HTTP. It is killed while Stripe, which has carried a write out, holds its answer back; and a few
times more before and after SQL statements and calls (`test_every_point` tries all of those).
"""

from __future__ import annotations

import datetime as dt
import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import stripe
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from djstripe.models import Subscription

from caixa_subscriptions.access import get_access, live_subscriptions
from caixa_subscriptions.exceptions import AlreadySubscribed
from caixa_subscriptions.models import BillingAccount, CheckoutAttempt, Remedy, TrialUsageTracking
from caixa_subscriptions.services.checkout import CheckoutSession, complete_checkout
from caixa_subscriptions.services.webhook_endpoints import set_up_webhook_endpoint
from caixa_subscriptions.simulator import Simulator
from caixa_subscriptions.simulator.server import serve
from caixa_subscriptions.simulator.wsgi import SimulatorApplication
from tests.conftest import post_with_django, request
from tests.factories import UserFactory
from tests.test_checkout import check_out

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("concurrent")]

POINTS = int(os.environ.get("KILL_POINTS", "100"))
ROOT = Path(__file__).parent.parent.parent
# What is killed: the first checkout of a subscriber, one for the same or for another price while a
# session is open, and the success page.
STAGES = ("first", "again", "other", "complete")
# How many writes to Stripe each makes, whose answers can be held back.
WRITES = {"first": 2, "again": 0, "other": 2, "complete": 0}


class Holding:
    """The simulator, which carries the n-th write out and then says nothing."""

    def __init__(self, application: SimulatorApplication) -> None:
        self.application = application
        self.prefixes = application.prefixes
        self._nth = 0
        self.holds = threading.Event()
        self.release = threading.Event()

    def hold(self, nth: int) -> None:
        self.holds.clear()
        self.release.clear()
        self._nth = nth

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        answer = self.application(environ, start_response)
        if self._nth and environ["REQUEST_METHOD"] == "POST":
            self._nth -= 1
            if not self._nth:
                self.holds.set()
                self.release.wait(20)
        return answer


class Killable:
    """The other process."""

    def __init__(self, url: str) -> None:
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "PYTHONPATH": str(ROOT),
            "KILLABLE_DATABASE": connection.settings_dict["NAME"],
            "KILLABLE_STRIPE": url,
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.selling.killable"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(
        self,
        order: dict[str, Any],
        *,
        die_at: int | None = None,
        meanwhile: Callable[[int], None] | None = None,
    ) -> dict[str, Any]:
        """What it told; `meanwhile` is given the pid while the order is carried out."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps({**order, "die_at": die_at}) + "\n")
        self._process.stdin.flush()
        pid = self._next()["pid"]
        if meanwhile:
            meanwhile(pid)
        told: dict[str, Any] = {}
        while "signal" not in told:
            told |= self._next()
        assert "error" not in told, told
        return told

    def _next(self) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line, "the other process has ended"
        return json.loads(line)  # type: ignore[no-any-return]

    def end(self) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait(20)
        self._process.stdout.close()


@pytest.fixture
def seed() -> int:
    """`SELLING_SEED` repeats a run."""
    seed = int(os.environ.get("SELLING_SEED") or random.randrange(2**32))
    print(f"SELLING_SEED={seed}")  # noqa: T201  shown when the test fails
    return seed


@pytest.fixture
def store(
    tmp_path: Path, seed: int, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Simulator, Holding]]:
    simulator = Simulator(state=tmp_path / "stripe.db", seed=seed, transport=post_with_django)
    holding = Holding(SimulatorApplication(simulator))
    server = serve(holding)
    settings.STRIPE_API_HOST = server.url
    monkeypatch.setattr(stripe, "api_base", server.url)
    product = request(simulator, "POST", "/v1/products", {"name": "Reports"})
    for lookup_key, amount, interval in (
        ("reports_monthly", "900", "month"),
        ("reports_yearly", "9000", "year"),
    ):
        price = {"product": product["id"], "currency": "usd", "unit_amount": amount}
        recurring = {"lookup_key": lookup_key, "recurring": {"interval": interval}}
        request(simulator, "POST", "/v1/prices", {**price, **recurring})
    call_command("sync_stripe", only=["products", "prices"], stdout=StringIO())
    set_up_webhook_endpoint(base_url="http://testserver", register=True)
    yield simulator, holding
    holding.release.set()
    server.shutdown()
    server.server_close()
    simulator.close()


def prepare(simulator: Simulator, stage: str) -> tuple[Any, dict[str, Any]]:
    """A new subscriber, and the order that is to be killed."""
    user = UserFactory()
    order = {"do": "check_out", "user": user.pk, "price": "monthly"}
    if stage == "first":
        return user, order
    session = check_out(user, price="yearly" if stage == "other" else "monthly")
    if stage == "complete":
        simulator.complete_checkout(session.session_id)
        order = {"do": "complete", "user": user.pk, "session": session.session_id}
    return user, order


def customers_of(simulator: Simulator, user: Any) -> list[str]:
    return [
        one["id"]
        for one in simulator.list_objects("customer", limit=100_000)
        if one["metadata"].get("djstripe_subscriber") == str(user.pk)
    ]


def sessions_of(simulator: Simulator, customer: str, status: str) -> list[str]:
    found = simulator.list_objects("checkout.session", limit=100_000, status=status)
    return [one["id"] for one in found if one["customer"] == customer]


def let_the_lease_end(user: Any) -> None:
    BillingAccount.objects.filter(subscriber=user, locked_until__isnull=False).update(
        locked_until=timezone.now() - dt.timedelta(seconds=1)
    )


def go_on(simulator: Simulator, user: Any, stage: str, order: dict[str, Any]) -> None:
    """What a person does who saw nothing happen; and nothing is there twice."""
    let_the_lease_end(user)
    if stage == "complete":
        complete_checkout(subscriber=user, session_id=order["session"])
    else:
        sell(simulator, check_out(user), user)
    simulator.deliver_pending()
    (customer,) = customers_of(simulator, user)
    assert sessions_of(simulator, customer, "open") == []
    found = simulator.list_objects("subscription", limit=100_000)
    (subscription,) = (one for one in found if one["customer"] == customer)
    assert subscription["status"] == "trialing"  # not lost
    assert get_access(user).is_trialing
    assert len(live_subscriptions(user)) == 1
    usage = TrialUsageTracking.objects.get(subscriber=user)
    assert (usage.has_used_trial, usage.subscription_id) == (True, subscription["id"])
    complete = CheckoutAttempt.objects.filter(subscriber=user, status="complete")
    assert complete.count() == 1
    assert not CheckoutAttempt.objects.filter(subscriber=user, status="open").exists()
    with pytest.raises(AlreadySubscribed):
        check_out(user)


def sell(simulator: Simulator, session: CheckoutSession, user: Any) -> None:
    """Webhooks of what was done so far come in between, too."""
    (customer,) = customers_of(simulator, user)
    assert sessions_of(simulator, customer, "open") == [session.session_id]
    assert session.trial_days == 7
    simulator.deliver_pending()
    assert check_out(user) == session
    simulator.complete_checkout(session.session_id)


def test_a_hundred_kills(store: tuple[Simulator, Holding], seed: int, caixa: Any) -> None:
    caixa(SECOND_TRIAL="allow")  # all subscribers have the same card
    simulator, holding = store
    dice = random.Random(seed)
    killable = Killable(stripe.api_base)
    try:
        points = {}
        for stage in STAGES:  # nothing killed: how many points there are
            user, order = prepare(simulator, stage)
            points[stage] = killable(order)["points"]
            go_on(simulator, user, stage, order)
        assert min(points.values()) > 10
        kills = [(stage, "point") for stage in STAGES for _ in range(POINTS // 20)]
        held = [stage for stage in STAGES if WRITES[stage]]
        kills += [(dice.choice(held), "held") for _ in range(POINTS)]
        dice.shuffle(kills)
        for number, (stage, kind) in enumerate(kills):
            user, order = prepare(simulator, stage)
            if kind == "held":
                at = dice.randint(1, WRITES[stage])
                holding.hold(at)
                told = killable(order, meanwhile=lambda pid: kill_while_held(holding, pid))
                holding.release.set()
            else:
                at = dice.randint(1, points[stage])
                told = killable(order, die_at=at)
            where = f"kill {number}: {stage}, {kind} {at} of {points[stage]}"
            assert told["signal"] == signal.SIGKILL, where
            try:
                go_on(simulator, user, stage, order)
            except BaseException as error:
                error.add_note(where)
                raise
        assert not Remedy.objects.exists()
        assert Subscription.objects.count() == len(STAGES) + len(kills)
    finally:
        killable.end()


def kill_while_held(holding: Holding, pid: int) -> None:
    assert holding.holds.wait(20)
    os.kill(pid, signal.SIGKILL)
