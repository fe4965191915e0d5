"""Readers in threads and in other processes against a writer, on real PostgreSQL and Redis."""

from __future__ import annotations

import datetime as dt
import json
import os
import random
import subprocess
import sys
import threading
import time
from typing import Any

import pytest
import redis
from django.db import close_old_connections, connection, connections, transaction
from djstripe.models import Subscription

from caixa_subscriptions.access import get_access
from tests.factories import NOW, SubscriptionFactory

READERS = 16
SECONDS = float(os.environ.get("ACCESS_RACE_SECONDS", "3"))


class Shared:
    """What the threads tell each other."""

    def __init__(self) -> None:
        self.committed = 0  # the newest version that is surely committed
        self.stop = threading.Event()
        self.start = threading.Barrier(READERS + 1)
        self.reads = 0
        self.stale: list[tuple[int, int]] = []
        self.errors: list[BaseException] = []


@pytest.mark.django_db(transaction=True)
def test_no_reader_sees_the_old_answer_after_a_commit(
    user: Any, frozen: dt.datetime, redis_cache: Any
) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("TEST_DATABASE_URL is no PostgreSQL")
    subscription = SubscriptionFactory(customer__subscriber=user, payload=payload(0))
    shared = Shared()
    readers = [threading.Thread(target=read, args=(user, shared)) for _ in range(READERS)]
    for thread in readers:
        thread.start()
    written = write(subscription, shared)
    shared.stop.set()
    for thread in readers:
        thread.join(60)
    sys.stdout.write(f"{written} commits, {shared.reads} reads, {SECONDS:g} s\n")
    assert shared.errors == []
    assert shared.stale == []
    assert written > SECONDS, "the machine is too busy for this to prove anything"
    assert shared.reads > 10 * written


@pytest.mark.django_db(transaction=True)
def test_other_processes_see_a_no_late_by_a_second_at_most_and_a_yes_at_once(
    user: Any, frozen: dt.datetime, redis_cache: Any
) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("TEST_DATABASE_URL is no PostgreSQL")
    subscription = SubscriptionFactory(customer__subscriber=user, payload=payload(0))
    prefix = str(redis_cache.key_prefix)
    told = redis.Redis.from_url(os.environ["TEST_REDIS_URL"])
    told.delete(*(f"{prefix}:{name}" for name in ("stop", "ready", "commits")))
    database = str(connection.settings_dict["NAME"])
    reader = subprocess.Popen(
        [sys.executable, "-m", "tests.access.reading_process", str(user.pk), database, prefix],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"},
    )
    try:
        until = time.monotonic() + 60
        while not told.exists(f"{prefix}:ready"):
            assert reader.poll() is None
            assert time.monotonic() < until
            time.sleep(0.05)
        until = time.monotonic() + SECONDS
        version = 0
        while time.monotonic() < until:
            version += 1
            fresh = SubscriptionFactory.build(customer=None, payload=payload(version))
            subscription.stripe_data = fresh.stripe_data | {"id": subscription.id}
            subscription.save()
            told.rpush(f"{prefix}:commits", json.dumps([version, time.monotonic()]))
            time.sleep(random.choice([0.003, 0.02, 0.3]))
        told.set(f"{prefix}:stop", 1, ex=60)
        found = json.loads(reader.communicate(timeout=60)[0])
    finally:
        reader.kill()
        reader.wait()
    sys.stdout.write(f"{version} commits, {found}\n")
    assert found["stale"] == []
    assert found["reads"] > version


def payload(version: int) -> dict[str, Any]:
    """Canceled and renewed by turns; the period's end tells which version it is."""
    status = "canceled" if version % 2 else "active"
    return {"status": status, "current_period_end": NOW + dt.timedelta(days=1, seconds=version)}


def write(subscription: Subscription, shared: Shared) -> int:
    shared.start.wait(60)
    until = time.monotonic() + SECONDS
    version = 0
    while time.monotonic() < until:
        version += 1
        fresh = SubscriptionFactory.build(customer=None, payload=payload(version))
        subscription.stripe_data = fresh.stripe_data | {"id": subscription.id}
        with transaction.atomic():
            # Runs before the hook of the cache: from here on the old answer is a lie.
            transaction.on_commit(lambda version=version: tell(shared, version))
            subscription.save()
        time.sleep(0.002)  # so that there is something to be kept between two writes
    return version


def tell(shared: Shared, version: int) -> None:
    shared.committed = version


def read(user: Any, shared: Shared) -> None:
    chance = random.Random(threading.get_ident())
    try:
        shared.start.wait(60)
        while not shared.stop.is_set():
            committed = shared.committed
            access = get_access(user)
            assert access.current_period_end is not None
            seen = int((access.current_period_end - NOW).total_seconds()) - 86_400
            shared.reads += 1
            if seen < committed or access.allowed is bool(seen % 2):
                shared.stale.append((seen, committed))
            time.sleep(chance.uniform(0, 0.02))  # or sixteen busy threads starve the writer
    except BaseException as error:
        shared.errors.append(error)
    finally:
        close_old_connections()
        connections.close_all()
