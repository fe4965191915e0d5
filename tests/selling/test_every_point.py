"""A checkout that ends at any of its points, and whoever asks again: nothing twice, nothing lost.

`test_checkout_kills` sends SIGKILL to a process at points of chance; here every point is tried, in
this process, which does nothing any more from that point on: no SQL, no call to Stripe.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from caixa_subscriptions import stripe_gateway
from caixa_subscriptions.models import BillingAccount, CheckoutAttempt, TrialUsageTracking
from caixa_subscriptions.services.checkout import create_checkout_session
from caixa_subscriptions.services.customers import get_or_create_customer
from caixa_subscriptions.simulator import Simulator
from caixa_subscriptions.simulator.client import SimulatorHTTPClient
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


TRANSACTIONS = ("BEGIN", "SAVEPOINT", "RELEASE", "ROLLBACK")


class Ended(BaseException):
    """The process is no more."""


class Points:
    """Counts those before and after each SQL statement and each call; from `end_at` on, the end."""

    def __init__(self, end_at: int | None = None) -> None:
        self.end_at = end_at
        self.passed = 0

    def __call__(self) -> None:
        self.passed += 1
        if self.end_at is not None and self.passed >= self.end_at:
            raise Ended

    def around_sql(self, execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
        if sql.startswith(TRANSACTIONS):  # which the database undoes of whoever is no more
            return execute(sql, params, many, context)
        self()
        result = execute(sql, params, many, context)
        self()
        return result


class CountingClient(SimulatorHTTPClient):
    def __init__(self, simulator: Simulator, points: Points) -> None:
        super().__init__(simulator)
        self._points = points

    def request(self, *args: Any, **kwargs: Any) -> Any:
        self._points()
        answer = super().request(*args, **kwargs)
        self._points()
        return answer


@contextmanager
def counted(simulator: Simulator, points: Points) -> Iterator[None]:
    with (
        stripe_gateway.replaced_http_client(CountingClient(simulator, points)),
        connection.execute_wrapper(points.around_sql),
    ):
        yield


def make_customer(user: Any) -> Any:
    return get_or_create_customer(subscriber=user).id


def check_out(user: Any) -> Any:
    return create_checkout_session(
        subscriber=user,
        price="monthly",
        success_url="https://testserver/done/",
        cancel_url="https://testserver/",
    )


def of_user(simulator: Simulator, user: Any) -> tuple[list[str], list[str]]:
    """Ids of their customers and of their sessions."""
    customers = [
        one["id"]
        for one in simulator.list_objects("customer", limit=10_000)
        if one["metadata"].get("djstripe_subscriber") == str(user.pk)
    ]
    sessions = simulator.list_objects("checkout.session", limit=10_000)
    return customers, [one["id"] for one in sessions if one["customer"] in customers]


@pytest.mark.parametrize("work", [make_customer, check_out])
def test_whoever_asks_again_gets_what_was_begun(
    store: Simulator, work: Callable[[Any], Any]
) -> None:
    work(UserFactory())  # the first one looks more up
    points, user = Points(), UserFactory()
    with counted(store, points):
        work(user)
    assert points.passed > 20
    for end_at in range(1, points.passed + 1):
        user = UserFactory()
        with pytest.raises(Ended), counted(store, Points(end_at)):
            work(user)
        BillingAccount.objects.filter(subscriber=user, locked_until__isnull=False).update(
            locked_until=timezone.now() - dt.timedelta(seconds=1)
        )
        answer = work(user)
        customers, sessions = of_user(store, user)
        assert len(customers) == 1, f"point {end_at} of {points.passed}"
        assert BillingAccount.objects.get(subscriber=user).customer_id == customers[0]
        if work is check_out:
            assert sessions == [answer.session_id], f"point {end_at} of {points.passed}"
            assert answer.trial_days == 7, f"point {end_at} of {points.passed}"
            assert CheckoutAttempt.objects.get(subscriber=user).session_id == sessions[0]
            usage = TrialUsageTracking.objects.get(subscriber=user)
            assert usage.checkout_session_id == sessions[0]
