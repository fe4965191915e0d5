"""The cache of the facts: what it saves, and what it must never show."""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from collections import OrderedDict
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import transaction
from djstripe.models import Customer, Subscription

from caixa_subscriptions.access import Access, aget_access, cache, get_access
from caixa_subscriptions.access.facts import subscription_facts
from caixa_subscriptions.access.invalidation import drop_cached_access
from caixa_subscriptions.models import CustomerEntitlements
from tests.factories import (
    CustomerFactory,
    InvoiceFactory,
    SubscriptionFactory,
    UserFactory,
    in_days,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def subscription(user: Any, frozen: dt.datetime) -> Subscription:
    return SubscriptionFactory(customer__subscriber=user)


@pytest.fixture
def committed(django_capture_on_commit_callbacks: Any) -> Any:
    """A block whose hooks run at its end, as after a commit."""
    return lambda: django_capture_on_commit_callbacks(execute=True)


@pytest.fixture
def a_second_later(monkeypatch: pytest.MonkeyPatch) -> Any:
    """From when it is called the machine's clock is a second ahead."""
    monotonic = time.monotonic

    def pass_a_second() -> None:
        monkeypatch.setattr(cache.time, "monotonic", lambda: monotonic() + 1)

    return pass_a_second


def cancel(subscription: Subscription) -> None:
    subscription.stripe_data["status"] = "canceled"
    subscription.save()


def test_cold_is_one_query_and_warm_is_none(
    user: Any, subscription: Any, cached: Any, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(1):
        cold = get_access(user)
    with django_assert_num_queries(0):
        warm = get_access(user)
    assert warm == cold
    assert warm.allowed


def test_that_there_is_nothing_is_kept_too(
    user: Any, cached: Any, django_assert_num_queries: Any
) -> None:
    get_access(user)
    with django_assert_num_queries(0):
        assert get_access(user).code == "subscription_required"


def test_time_is_decided_when_it_is_read(
    user: Any, frozen: dt.datetime, cached: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    SubscriptionFactory(customer__subscriber=user, payload={"cancel_at": in_days(1)})
    assert get_access(user).allowed
    monkeypatch.setattr("tests.conftest.NOW", in_days(1))
    assert get_access(user).code == "subscription_canceled"


def test_modes_do_not_mix(user: Any, subscription: Any, cached: Any, settings: Any) -> None:
    assert get_access(user).allowed
    settings.STRIPE_LIVE_MODE = True
    assert not get_access(user).allowed


def test_the_policy_of_today_is_asked(user: Any, frozen: Any, cached: Any, caixa: Any) -> None:
    SubscriptionFactory(
        customer__subscriber=user,
        payload={"status": "past_due", "current_period_start": in_days(-3)},
    )
    assert get_access(user).allowed
    caixa(PAST_DUE_DAYS=2)
    assert not get_access(user).allowed


# Dropping


def test_a_subscription_that_is_saved(
    user: Any, subscription: Any, cached: Any, committed: Any
) -> None:
    assert get_access(user).allowed
    with committed():
        cancel(subscription)
    assert not get_access(user).allowed


def test_a_subscription_that_is_deleted(
    user: Any, subscription: Any, cached: Any, committed: Any
) -> None:
    assert get_access(user).allowed
    with committed():
        Subscription.objects.all().delete()
    assert not get_access(user).allowed


def test_a_customer_that_changes_hands(
    user: Any, subscription: Any, cached: Any, committed: Any
) -> None:
    other = UserFactory()
    assert get_access(user).allowed
    assert not get_access(other).allowed
    customer = Customer.objects.get()
    with committed():
        customer.subscriber = other
        customer.save(update_fields=["subscriber"])
    assert not get_access(user).allowed
    assert get_access(other).allowed


def test_an_invoice(user: Any, frozen: Any, cached: Any, committed: Any) -> None:
    subscription = SubscriptionFactory(
        customer__subscriber=user,
        payload={"status": "past_due", "current_period_start": in_days(-20)},
    )
    assert not get_access(user).allowed
    with committed():
        InvoiceFactory(subscription=subscription, status="open", created=in_days(-1))
    assert get_access(user).past_due_until == in_days(6)


def test_entitlements(user: Any, subscription: Any, cached: Any, committed: Any) -> None:
    assert not get_access(user).features
    with committed():
        CustomerEntitlements.objects.create(customer=subscription.customer, lookup_keys=["export"])
    assert get_access(user).features == {"export"}


def test_a_subscriber_that_is_deleted(
    user: Any, subscription: Any, cached: Any, committed: Any
) -> None:
    pk = user.pk
    assert get_access(user).allowed
    with committed():
        user.delete()
    user.pk = pk  # as if somebody else were given this key
    assert not get_access(user).allowed


def test_dropping_by_hand(user: Any, subscription: Any, cached: Any, committed: Any) -> None:
    assert get_access(user).allowed
    Subscription.objects.update(stripe_data={"status": "canceled"})
    assert get_access(user).allowed
    with committed():
        drop_cached_access(user)
    assert not get_access(user).allowed


def test_a_customer_of_nobody_and_no_cache_at_all(caixa: Any, cached: Any) -> None:
    CustomerFactory(subscriber=None).save()
    caixa(CACHE=None)
    CustomerFactory().save()
    drop_cached_access(UserFactory())


# Races


def test_facts_read_before_a_write_are_not_kept_after_it(
    user: Any, subscription: Any, cached: Any, committed: Any
) -> None:
    at = cache.read(user, livemode=False)
    facts = subscription_facts(user, livemode=False)
    with committed():
        cancel(subscription)
    cache.keep(at, facts)
    assert not get_access(user).allowed


def test_while_a_write_is_under_way_the_database_is_asked_and_nothing_kept(
    user: Any, subscription: Any, cached: Any, django_assert_num_queries: Any, committed: Any
) -> None:
    get_access(user)
    with committed():
        cancel(subscription)
        for _ in range(2):
            with django_assert_num_queries(1):
                get_access(user)
    get_access(user)
    with django_assert_num_queries(0):
        assert not get_access(user).allowed


def test_a_write_that_is_rolled_back_leaves_no_lie(
    user: Any, subscription: Any, cached: Any
) -> None:
    get_access(user)
    with transaction.atomic():
        cancel(subscription)
        get_access(user)
        transaction.set_rollback(True)
    assert get_access(user).allowed


def test_of_two_writers_the_one_still_writing_decides(user: Any, cached: Any) -> None:
    first = cache.begin_write(user.pk, livemode=False)
    second = cache.begin_write(user.pk, livemode=False)
    cache.end_write(user.pk, livemode=False, token=first)
    assert cache.read(user, livemode=False).generation is None
    cache.end_write(user.pk, livemode=False, token=second)
    between = cache.read(user, livemode=False)
    assert between.generation is not None
    cache.keep(between, [])
    assert cache.read(user, livemode=False).facts == []
    # And who ends last, having begun first, voids what was kept meanwhile.
    cache.end_write(user.pk, livemode=False, token=first)
    assert cache.read(user, livemode=False).facts is None


def test_a_generation_that_was_evicted_voids_the_facts(
    user: Any, subscription: Any, cached: Any, a_second_later: Any
) -> None:
    get_access(user)
    Subscription.objects.update(stripe_data={"status": "canceled"})
    key = cache.read(user, livemode=False).key
    cached.delete(key)
    a_second_later()
    assert not get_access(user).allowed


def test_facts_grow_old(user: Any, subscription: Any, cached: Any, caixa: Any) -> None:
    caixa(CACHE="access", CACHE_SECONDS=1)
    get_access(user)
    Subscription.objects.update(stripe_data={"status": "canceled"})
    threading.Event().wait(1.1)
    assert not get_access(user).allowed


# A yes is trusted for a second


def written_elsewhere(subscription: Subscription, cached: Any, user: Any, **payload: Any) -> None:
    """What another process commits: the row, and the generation in the shared cache."""
    Subscription.objects.update(stripe_data=subscription.stripe_data | payload)
    cached.set(cache.read(user, livemode=False).key, "another generation")


def test_a_yes_asks_the_shared_cache_once_a_second(
    user: Any, subscription: Any, cached: Any, a_second_later: Any
) -> None:
    assert get_access(user).allowed
    written_elsewhere(subscription, cached, user, status="canceled")
    assert get_access(user).allowed
    assert async_to_sync(aget_access)(user).allowed
    a_second_later()
    assert not get_access(user).allowed


def test_a_write_here_ends_it_for_a_subscriber_whose_key_is_text_too(
    user: Any, subscription: Any, cached: Any, committed: Any
) -> None:
    """As of those who are known by a token alone."""
    known_by_token = UserFactory.build(pk=str(user.pk))
    assert get_access(known_by_token).allowed
    with committed():
        cancel(subscription)
    assert not get_access(known_by_token).allowed


def test_a_no_asks_it_every_time(user: Any, subscription: Any, cached: Any) -> None:
    cancel(subscription)
    assert not get_access(user).allowed
    written_elsewhere(subscription, cached, user, status="active")
    assert get_access(user).allowed


def test_being_asked_does_not_make_a_yes_last_longer(
    user: Any, subscription: Any, cached: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = time.monotonic()
    assert get_access(user).allowed
    written_elsewhere(subscription, cached, user, status="canceled")
    monkeypatch.setattr(cache.time, "monotonic", lambda: begun + 0.9)
    assert get_access(user).allowed
    monkeypatch.setattr(cache.time, "monotonic", lambda: begun + 1.1)
    assert not get_access(user).allowed


def test_a_yes_that_was_read_before_a_write_is_not_trusted_after_it(
    user: Any, subscription: Any, cached: Any, committed: Any
) -> None:
    """The reader has its facts, and is overtaken before it gives its answer."""
    read = cache.read(user, livemode=False)
    with committed():
        cancel(subscription)
    cache.trust(user.pk, Access(allowed=True, code=None, livemode=False), read)
    assert not get_access(user).allowed


def test_a_yes_without_a_generation_is_not_trusted(
    user: Any, subscription: Any, cached: Any, django_assert_num_queries: Any
) -> None:
    cache.begin_write(user.pk, livemode=False)
    assert get_access(user).allowed
    with django_assert_num_queries(1):
        get_access(user)


def test_trusted_answers_do_not_fill_the_memory(
    user: Any, subscription: Any, cached: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "_MOST_KEPT", 2)
    for _ in range(5):
        get_access(SubscriptionFactory().customer.subscriber)
    assert len(cache._trusted) <= 2


# A cache that fails


class Broken:
    """A cache whose every call fails, and how many there were."""

    calls = 0

    def __getattr__(self, name: str) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            self.calls += 1
            raise ConnectionError("redis://:secret@cache.example:6379")

        return call


@pytest.fixture
def broken(memory_cache: Any, monkeypatch: pytest.MonkeyPatch) -> Broken:
    broken = Broken()
    monkeypatch.setattr(cache, "_cache", lambda: broken)
    return broken


def test_the_database_answers_for_a_broken_cache(
    user: Any, subscription: Any, broken: Broken, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        assert get_access(user).allowed
    assert "ConnectionError" in caplog.text
    assert "secret" not in caplog.text


def test_a_broken_cache_is_left_alone_for_a_while(
    user: Any, subscription: Any, broken: Broken, monkeypatch: pytest.MonkeyPatch
) -> None:
    get_access(user)
    asked = broken.calls
    for _ in range(5):
        assert get_access(user).allowed
    assert broken.calls == asked == 1
    monkeypatch.setattr(cache, "_resting_until", 0.0)
    get_access(user)
    assert broken.calls == 2


def test_writers_try_a_broken_cache_every_time(
    user: Any, subscription: Any, broken: Broken, committed: Any
) -> None:
    get_access(user)
    with committed():
        cancel(subscription)
    assert broken.calls == 3
    assert not get_access(user).allowed


def test_only_so_many_are_kept(
    user: Any, cached: Any, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    monkeypatch.setattr(cache, "_MOST_KEPT", 2)
    users = [user, UserFactory(), UserFactory()]
    for one in users:
        get_access(one)
    with django_assert_num_queries(0):
        get_access(users[2])
        get_access(users[1])
    with django_assert_num_queries(1):
        get_access(users[0])


def test_another_process_reads_for_itself_and_is_told_of_writes(
    user: Any, subscription: Any, cached: Any, committed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours: Any = OrderedDict()
    theirs: Any = OrderedDict()
    for kept in (ours, theirs):
        monkeypatch.setattr(cache, "_kept", kept)
        assert get_access(user).allowed
    with committed():
        cancel(subscription)
    for kept in (ours, theirs):
        monkeypatch.setattr(cache, "_kept", kept)
        assert not get_access(user).allowed


# Async code


def test_async_code_gets_the_same_answer(user: Any, subscription: Any, cached: Any) -> None:
    assert async_to_sync(aget_access)(user) == get_access(user)
    assert async_to_sync(aget_access)(None).code == "subscription_required"


def test_what_is_cached_is_answered_without_leaving_the_event_loop(
    user: Any, subscription: Any, cached: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = get_access(user)

    def hop(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("went to another thread")

    monkeypatch.setattr("caixa_subscriptions.access.sync_to_async", hop)
    assert async_to_sync(aget_access)(user) == expected


@pytest.mark.django_db(transaction=True)
def test_what_is_not_cached_is_asked_of_the_database_in_a_thread(user: Any, caixa: Any) -> None:
    caixa(CACHE=None)
    assert async_to_sync(aget_access)(user).code == "subscription_required"
