"""The lease on a billing account: one at a time, whatever becomes of the one who holds it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import close_old_connections, connection, connections, transaction
from django.utils import timezone
from rest_framework.test import APIClient

from caixa_subscriptions.exceptions import Busy
from caixa_subscriptions.models import BillingAccount
from caixa_subscriptions.services import accounts
from caixa_subscriptions.services.accounts import LEASE, billing_lock
from caixa_subscriptions.services.customers import get_or_create_customer
from caixa_subscriptions.simulator import Simulator
from tests.factories import UserFactory

ROUNDS = int(os.environ.get("SELLING_ROUNDS", "20"))


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "WAIT_SECONDS", 0.05)


def together(count: int, work: Callable[[int], Any]) -> list[Any]:
    """What `count` threads that start at once return, or raise."""
    barrier = threading.Barrier(count)
    results: list[Any] = [None] * count

    def run(number: int) -> None:
        try:
            barrier.wait(60)
            results[number] = work(number)
        except BaseException as error:
            results[number] = error
        finally:
            close_old_connections()
            connections.close_all()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    return results


def test_the_account_is_made_once_and_is_free_afterwards(user: Any) -> None:
    with billing_lock(subscriber=user) as account:
        assert account.subscriber is user
        assert account.locked_by
        assert account.locked_until is not None
        assert timezone.now() < account.locked_until <= timezone.now() + LEASE
    with billing_lock(subscriber=user) as again:
        assert again.pk == account.pk
        assert again.locked_by != account.locked_by
    stored = BillingAccount.objects.get()
    assert (stored.locked_by, stored.locked_until) == ("", None)


def test_who_waits_too_long_is_told_to_come_back(user: Any, impatient: None) -> None:
    with billing_lock(subscriber=user), pytest.raises(Busy), billing_lock(subscriber=user):
        pytest.fail("there are two of them")


def test_subscribers_and_modes_do_not_wait_for_each_other(
    user: Any, impatient: None, settings: Any
) -> None:
    with billing_lock(subscriber=user), billing_lock(subscriber=UserFactory()):
        settings.STRIPE_LIVE_MODE = True
        with billing_lock(subscriber=user) as live:
            assert live.livemode is True


def test_an_error_frees_it(user: Any, impatient: None) -> None:
    with pytest.raises(LookupError), billing_lock(subscriber=user):
        raise LookupError
    with billing_lock(subscriber=user):
        pass


def test_a_lease_that_is_over_is_taken(user: Any, impatient: None) -> None:
    with billing_lock(subscriber=user) as slow:
        BillingAccount.objects.update(locked_until=timezone.now() - LEASE / 60)
        with billing_lock(subscriber=user) as quick:
            assert quick.locked_by != slow.locked_by


def test_only_its_token_frees_it(user: Any, impatient: None) -> None:
    with billing_lock(subscriber=user):
        BillingAccount.objects.update(locked_by="another", locked_until=timezone.now() + LEASE)
    assert BillingAccount.objects.get().locked_by == "another"
    with pytest.raises(Busy), billing_lock(subscriber=user):
        pytest.fail("another one's lock was freed")


@pytest.mark.django_db(transaction=True)
def test_a_transaction_is_refused(user: Any) -> None:
    with (
        transaction.atomic(),
        pytest.raises(RuntimeError, match="durable"),
        billing_lock(subscriber=user),
    ):
        pytest.fail("nothing could be committed before Stripe is called")
    assert not BillingAccount.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_our_endpoints_sell_under_atomic_requests(
    api: APIClient, shop: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    answer = api.post("/api/subscriptions/checkout/", {"price": "monthly"})
    assert answer.status_code == 201, answer.content


@pytest.mark.django_db(transaction=True)
def test_one_at_a_time(concurrent: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "WAIT_SECONDS", 60)
    for _ in range(ROUNDS):
        user = UserFactory()
        inside: list[int] = []
        most = []

        def work(
            number: int, user: Any = user, inside: list[int] = inside, most: list[int] = most
        ) -> None:
            with billing_lock(subscriber=user):
                inside.append(number)
                most.append(len(inside))
                time.sleep(0.001)
                inside.remove(number)

        results = together(16, work)
        assert results == [None] * 16
        assert most == [1] * 16
        assert BillingAccount.objects.filter(subscriber=user).count() == 1


HOLDER = """
import sys, time
import django
from django.conf import settings
django.setup()
settings.DATABASES["default"]["NAME"] = sys.argv[1]
from django.db import connections
connections["default"].settings_dict["NAME"] = sys.argv[1]
from django.contrib.auth import get_user_model
from caixa_subscriptions.services.accounts import billing_lock
with billing_lock(subscriber=get_user_model().objects.get(pk=sys.argv[2])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.mark.django_db(transaction=True)
def test_a_holder_that_is_killed_blocks_until_its_lease_is_over(
    user: Any, concurrent: None, impatient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = str(connection.settings_dict["NAME"])
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"}
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, name, str(user.pk)],
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        holder.send_signal(signal.SIGKILL)
    with pytest.raises(Busy), billing_lock(subscriber=user):
        pytest.fail("its lease is not over")
    BillingAccount.objects.update(locked_until=timezone.now())
    with billing_lock(subscriber=user) as account:
        assert account.subscriber == user


@pytest.mark.django_db(transaction=True)
def test_fifty_first_calls_at_once_make_one_customer(
    concurrent: None, stripe_api: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(ROUNDS):
        user = UserFactory()
        results = together(50, lambda _, user=user: get_or_create_customer(subscriber=user).id)
        (at_stripe,) = (
            one
            for one in stripe_api.list_objects("customer")
            if one["metadata"]["djstripe_subscriber"] == str(user.pk)
        )
        assert results == [at_stripe["id"]] * 50
        account = BillingAccount.objects.get(subscriber=user)
        assert account.customer_id == results[0]
        assert account.locked_by == ""
