"""Many at once: one customer, one session, one trial, one subscription.

On PostgreSQL and MariaDB, with real threads; SQLite has one writer at a time and cannot show it.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import close_old_connections, connections

from caixa_subscriptions import signals, stripe_gateway
from caixa_subscriptions.access import live_subscriptions
from caixa_subscriptions.models import BillingAccount, CheckoutAttempt, Remedy, TrialUsageTracking
from caixa_subscriptions.services import accounts
from caixa_subscriptions.services.webhook_endpoints import set_up_webhook_endpoint
from caixa_subscriptions.simulator import Simulator
from caixa_subscriptions.simulator.client import SimulatorHTTPClient
from tests.conftest import post_with_django, request
from tests.factories import UserFactory
from tests.selling.test_accounts import ROUNDS, together
from tests.selling.test_second_subscription import open_another
from tests.test_checkout import check_out

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("concurrent")]

AT_ONCE = 50
PATIENCE = accounts.WAIT_SECONDS  # as it is shipped
PRICES = ("monthly", "yearly")
USERS = int(os.environ.get("SELLING_USERS", "500"))
POOL = 16
# One that hears of a deadlock or a conflict answers 500, and Stripe delivers the event again.
DELIVERIES = 5


@pytest.fixture
def seed() -> int:
    """`SELLING_SEED` repeats a run."""
    seed = int(os.environ.get("SELLING_SEED") or random.randrange(2**32))
    print(f"SELLING_SEED={seed}")  # noqa: T201  shown when the test fails
    return seed


Mail = tuple[str, dict[str, str], bytes]


class Mailbox:
    """Keeps webhooks for the test to deliver, or delivers them."""

    def __init__(self) -> None:
        self.kept: list[Mail] = []
        self.keeps = False

    def __call__(self, url: str, headers: Any, body: bytes) -> int:
        if self.keeps:
            self.kept.append((url, dict(headers), body))
            return 200
        return post_with_django(url, headers, body)


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def store(mailbox: Mailbox, seed: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    """A simulated Stripe that is called without a socket, with the example's prices."""
    # A machine that is busy with other tests needs longer than a person waits.
    monkeypatch.setattr(accounts, "WAIT_SECONDS", 60.0)
    simulator = Simulator(seed=seed, transport=mailbox)
    with stripe_gateway.replaced_http_client(simulator.http_client()):
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
        yield simulator
    simulator.close()


def of_customer(store: Simulator, kind: str, customer: str) -> list[dict[str, Any]]:
    return [one for one in store.list_objects(kind, limit=100_000) if one["customer"] == customer]


def test_fifty_checkouts_of_one_user(store: Simulator) -> None:
    for _ in range(ROUNDS):
        user = UserFactory()
        customers = len(store.list_objects("customer", limit=1000))
        answers = together(AT_ONCE, lambda number, user=user: check_out(user))
        assert [one for one in answers if isinstance(one, BaseException)] == []
        assert len(set(answers)) == 1
        assert answers[0].trial_days == 7
        assert len(store.list_objects("customer", limit=1000)) == customers + 1
        customer = BillingAccount.objects.get(subscriber=user).customer_id
        assert customer
        (session,) = of_customer(store, "checkout.session", customer)
        assert (session["id"], session["status"]) == (answers[0].session_id, "open")
        assert CheckoutAttempt.objects.get(subscriber=user).session_id == session["id"]
        usage = TrialUsageTracking.objects.get(subscriber=user)
        assert usage.checkout_session_id == session["id"]


class SlowStripe(SimulatorHTTPClient):
    def request(self, *args: Any, **kwargs: Any) -> Any:
        time.sleep(0.25)
        return super().request(*args, **kwargs)


def test_fifty_checkouts_while_stripe_takes_its_time(
    store: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the lock's own patience and deadline: who waited is not looked into anew."""
    monkeypatch.setattr(accounts, "WAIT_SECONDS", PATIENCE)
    user = UserFactory()
    with (
        stripe_gateway.replaced_clock(stripe_gateway.Clock()),
        stripe_gateway.replaced_http_client(SlowStripe(store)),
    ):
        answers = together(AT_ONCE, lambda number: check_out(user))
    assert [one for one in answers if isinstance(one, BaseException)] == []
    assert len(set(answers)) == 1
    assert len(store.list_objects("checkout.session", limit=1000)) == 1


def test_fifty_checkouts_for_two_prices_leave_one_open(store: Simulator) -> None:
    for _ in range(max(ROUNDS // 10, 1)):
        user = UserFactory()
        answers = together(
            AT_ONCE, lambda number, user=user: check_out(user, price=PRICES[number % 2])
        )
        assert [one for one in answers if isinstance(one, BaseException)] == []
        customer = BillingAccount.objects.get(subscriber=user).customer_id
        assert customer
        sessions = of_customer(store, "checkout.session", customer)
        assert sorted({one["status"] for one in sessions}) == ["expired", "open"]
        assert len([one for one in sessions if one["status"] == "open"]) == 1


def test_two_tabs_paid_and_told_of_at_once(
    store: Simulator, mailbox: Mailbox, caixa: Any, seed: int
) -> None:
    caixa(TRIAL_DAYS=0)
    dice = random.Random(seed)
    alerts: list[str] = []

    def receive(remedy: Remedy, **kwargs: Any) -> None:
        alerts.append(remedy.subscription_id)

    signals.remedy_applied.connect(receive)
    try:
        for _ in range(ROUNDS):
            alerts.clear()
            user = UserFactory()
            first = check_out(user).session_id
            second = open_another(store, user)
            store.deliver_pending()
            mailbox.keeps, mailbox.kept = True, []
            customer = store.complete_checkout(first)["customer"]
            store.complete_checkout(second)
            store.deliver_pending()
            mailbox.keeps = False
            mail = list(mailbox.kept)
            dice.shuffle(mail)
            together(8, lambda number, mail=mail: deliver(mail[number::8]))
            store.deliver_pending()
            found = of_customer(store, "subscription", customer)
            kept, ended = sorted(found, key=lambda one: (one["created"], one["id"]))
            assert (kept["status"], ended["status"]) == ("active", "canceled")
            assert alerts == [ended["id"]]
            paid = 9000 if ended["items"]["data"][0]["price"]["unit_amount"] == 9000 else 900
            (refund,) = (
                one
                for one in store.list_objects("refund", limit=1000)
                if intent_customer(store, one) == customer
            )
            assert refund["amount"] == paid
            assert [one.id for one in live_subscriptions(user)] == [kept["id"]]
    finally:
        signals.remedy_applied.disconnect(receive)


def intent_customer(store: Simulator, refund: dict[str, Any]) -> Any:
    return request(store, "GET", f"/v1/payment_intents/{refund['payment_intent']}")["customer"]


def deliver(mail: list[Mail]) -> None:
    for url, headers, body in mail:
        for _attempt in range(DELIVERIES):
            if post_with_django(url, headers, body) == 200:
                break
        else:
            raise AssertionError("an event was never accepted")


def in_pool(work: Callable[[Any], Any], about: list[Any]) -> list[Any]:
    """What a pool of threads returns, or raises; each closes its connection in the end."""

    def run(one: Any) -> Any:
        close_old_connections()
        return work(one)

    barrier = threading.Barrier(POOL)

    def leave(_number: int) -> None:
        barrier.wait(60)
        connections.close_all()

    with ThreadPoolExecutor(POOL) as pool:
        found = list(pool.map(run, about))
        list(pool.map(leave, range(POOL)))
    return found


def test_five_hundred_users_four_times_each(store: Simulator, seed: int) -> None:
    users = UserFactory.create_batch(USERS)
    random.Random(seed).shuffle(users)
    asked = [user for user in users for _ in range(4)]  # each user's four at once
    answers = in_pool(lambda user: (user.pk, check_out(user)), asked)
    sessions = dict(answers)
    assert len(sessions) == USERS == len(set(answers))
    assert len(store.list_objects("customer", limit=100_000)) == USERS
    assert len(store.list_objects("checkout.session", limit=100_000)) == USERS
    for session in sessions.values():
        store.complete_checkout(session.session_id)
    subscriptions = store.list_objects("subscription", limit=100_000)
    trials = [one for one in subscriptions if one["status"] == "trialing"]
    assert (len(subscriptions), len(trials)) == (USERS, USERS)
    assert TrialUsageTracking.objects.filter(reserved_until__isnull=False).count() == USERS
