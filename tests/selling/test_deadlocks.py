"""Callers of whom the database chose one to lose."""

from __future__ import annotations

import datetime as dt
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from caixa_subscriptions.exceptions import StripeUnavailable
from caixa_subscriptions.models import StripeRequest
from caixa_subscriptions.stripe_gateway import idempotency
from caixa_subscriptions.stripe_gateway.deadlocks import ATTEMPTS, again_after_deadlock
from tests.factories import NOW
from tests.selling.test_accounts import ROUNDS, together

ENDS = ("settle", "keep", "forget", "renew")

pytestmark = pytest.mark.django_db(transaction=True)


def deadlock() -> OperationalError:
    """As Django tells of one."""
    error = OperationalError(1213, "Deadlock found when trying to get lock")
    error.__cause__ = DeadlockDetected()
    return error


class DeadlockDetected(Exception):
    sqlstate = "40P01"


@contextmanager
def no_wrappers() -> Iterator[None]:
    wrappers, connection.execute_wrappers = connection.execute_wrappers, []
    try:
        yield
    finally:
        connection.execute_wrappers = wrappers


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


def attempts_at(error: OperationalError) -> int:
    """How often work that always ends in this error is begun."""
    begun = []

    @again_after_deadlock
    def lost() -> None:
        begun.append(1)
        raise error

    with pytest.raises(OperationalError):
        lost()
    return len(begun)


def test_who_loses_always_is_told_in_the_end() -> None:
    assert attempts_at(deadlock()) == ATTEMPTS


def test_without_autocommit_a_transaction_is_always_open() -> None:
    transaction.set_autocommit(False)
    try:
        assert attempts_at(deadlock()) == 1
    finally:
        transaction.rollback()
        transaction.set_autocommit(True)


def test_another_error_is_raised_at_once() -> None:
    assert attempts_at(OperationalError("server has gone away")) == 1


STATES = {
    "none": None,
    "one": {},
    "in doubt": {"is_in_doubt": True},
    "shared": {"is_shared": True},
    "settled": {"is_shared": True, "settled_at": NOW},
    "over": {"is_shared": True, "settled_at": NOW - dt.timedelta(days=1)},
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("operation", ["begin", *ENDS])
def test_of_each_statement_the_second_attempt_does_what_the_first_would_have(
    operation: str, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotency, "_new_key", lambda: "new")
    monkeypatch.setattr(timezone, "now", lambda: NOW)
    lost: set[str] = set()

    def first_is_lost(execute: Any, sql: str, *args: Any) -> Any:
        if sql not in lost and sql != "BEGIN":
            lost.add(sql)
            raise deadlock()
        return execute(sql, *args)

    undisturbed = carry_out(operation, STATES[state])
    StripeRequest.objects.all().delete()
    with connection.execute_wrapper(first_is_lost):
        disturbed = carry_out(operation, STATES[state])
    assert lost
    assert disturbed == undisturbed


def carry_out(operation: str, state: dict[str, Any] | None) -> Any:
    """What is told, and which rows are there afterwards."""
    about = {"livemode": False, "operation": "create", "scope": "one"}
    about["params_digest"] = idempotency._digest({})
    if state is not None:
        with no_wrappers():
            StripeRequest.objects.create(**about, idempotency_key="old", **state)
    pending = idempotency.Pending(about, key="old", is_repeat=False, is_old=False)
    if operation == "begin":
        told = idempotency.begin("create", "one", {}, lifetime=idempotency.KEY_LIFETIME)
    else:
        told = getattr(idempotency, operation)(pending)
    with no_wrappers():
        return told, [{**row, "id": None} for row in StripeRequest.objects.values()]


@pytest.mark.usefixtures("concurrent")
def test_one_request_begun_and_ended_by_many_at_once() -> None:
    if connection.vendor == "postgresql":
        pytest.skip("PostgreSQL has no deadlock there")

    def turns(number: int) -> int:
        chance = random.Random(number)
        ends: list[Any] = [getattr(idempotency, end) for end in ENDS]
        for _ in range(10 * ROUNDS):
            with suppress(StripeUnavailable):  # lost ten races: nothing asks Stripe in between
                pending = idempotency.begin("create", "one", {}, lifetime=idempotency.KEY_LIFETIME)
                chance.choice(ends)(pending)
        return number

    assert together(8, turns) == list(range(8))
