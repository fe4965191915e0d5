"""Callers of whom the database chose one to lose, on PostgreSQL and MariaDB."""

from __future__ import annotations

import random
import threading
from contextlib import suppress
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from caixa_subscriptions.exceptions import StripeUnavailable
from caixa_subscriptions.models import StripeRequest
from caixa_subscriptions.stripe_gateway import idempotency
from caixa_subscriptions.stripe_gateway.deadlocks import ATTEMPTS, again_after_deadlock, is_deadlock
from tests.selling.test_accounts import ROUNDS, together

ENDS = ("settle", "keep", "forget", "renew")

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def concurrent(db: None) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("TEST_DATABASE_URL is SQLite, which has one writer at a time")


class Crossing:
    """Two who lock the same two rows, each the other's first one last."""

    def __init__(self) -> None:
        self.rows = [
            StripeRequest.objects.create(operation="create", scope=scope, idempotency_key=scope)
            for scope in ("first", "second")
        ]
        self.met = threading.Barrier(2)
        self.begun = [0, 0]

    def __call__(self, number: int) -> str:
        self.begun[number] += 1
        with transaction.atomic():
            self._lock(number)
            if self.begun[number] == 1:
                self.met.wait(60)
            self._lock(1 - number)
        return "done"

    def _lock(self, number: int) -> None:
        StripeRequest.objects.select_for_update().get(pk=self.rows[number].pk)


@pytest.mark.usefixtures("concurrent")
def test_who_loses_begins_again() -> None:
    crossing = Crossing()
    assert together(2, again_after_deadlock(crossing)) == ["done", "done"]
    assert sorted(crossing.begun) == [1, 2]


@pytest.mark.usefixtures("concurrent")
def test_without_it_one_hears_of_it() -> None:
    crossing = Crossing()
    told = together(2, crossing)
    told.remove("done")
    assert isinstance(told[0], OperationalError)
    assert crossing.begun == [1, 1]


@pytest.mark.usefixtures("concurrent")
def test_inside_a_transaction_all_of_it_is_lost() -> None:
    crossing = Crossing()

    def inside(number: int) -> str:
        with transaction.atomic():
            return again_after_deadlock(crossing)(number)

    told = together(2, inside)
    told.remove("done")
    assert isinstance(told[0], OperationalError)
    assert crossing.begun == [1, 1]


@pytest.mark.usefixtures("concurrent")
def test_who_loses_always_is_told_in_the_end() -> None:
    caught = []

    def once_more(number: int) -> None:
        try:
            Crossing.__call__(crossing, number)
        except OperationalError as error:
            caught.append(error)

    crossing = Crossing()
    together(2, once_more)
    deadlock = caught[0]
    assert is_deadlock(deadlock)
    begun = []

    @again_after_deadlock
    def never() -> None:
        begun.append(1)
        raise deadlock

    with pytest.raises(OperationalError):
        never()
    assert len(begun) == ATTEMPTS


def test_another_error_is_raised_at_once() -> None:
    begun = []

    @again_after_deadlock
    def lost() -> None:
        begun.append(1)
        raise OperationalError("server has gone away")

    with pytest.raises(OperationalError):
        lost()
    assert len(begun) == 1


@pytest.mark.usefixtures("concurrent")
def test_one_request_begun_and_ended_by_many_at_once() -> None:
    def turns(number: int) -> int:
        chance = random.Random(number)
        ends: list[Any] = [getattr(idempotency, end) for end in ENDS]
        for _ in range(10 * ROUNDS):
            with suppress(StripeUnavailable):  # lost ten races: nothing asks Stripe in between
                pending = idempotency.begin("create", "one", {}, lifetime=idempotency.KEY_LIFETIME)
                chance.choice(ends)(pending)
        return number

    assert together(8, turns) == list(range(8))
