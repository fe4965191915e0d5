"""Writes about many subscribers at once, as `fix_customer_links` makes them."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.db import transaction
from djstripe.models import Customer, Subscription

from caixa_subscriptions.access import cache, get_access
from caixa_subscriptions.access.invalidation import drop_cached_access_of_many
from tests.factories import SubscriptionFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def committed(django_capture_on_commit_callbacks: Any) -> Any:
    return lambda: django_capture_on_commit_callbacks(execute=True)


@pytest.fixture
def subscribed(frozen: Any) -> list[Any]:
    return [SubscriptionFactory().customer.subscriber for _ in range(3)]


def unlink_all() -> None:
    """In bulk, so that no signal tells the cache."""
    Customer.objects.update(subscriber=None)


def test_what_is_kept_of_each_is_void_after_the_commit(
    subscribed: list[Any], cached: Any, committed: Any
) -> None:
    assert all(get_access(user).allowed for user in subscribed)
    with committed():
        drop_cached_access_of_many([user.pk for user in subscribed], livemode=False)
        unlink_all()
    assert not any(get_access(user).allowed for user in subscribed)
    assert all(cache.read(user, livemode=False).generation for user in subscribed)


def test_until_then_the_database_is_asked_each_time_and_other_subscribers_and_modes_are_left(
    subscribed: list[Any], cached: Any, committed: Any, django_assert_num_queries: Any
) -> None:
    first, *others = subscribed
    for user in subscribed:
        get_access(user)
        cache.read(user, livemode=True)
    with committed():
        drop_cached_access_of_many([user.pk for user in others], livemode=False)
        with django_assert_num_queries(4):
            assert all(get_access(user).allowed for user in [*others, *others])
        with django_assert_num_queries(0):
            assert get_access(first).allowed
        assert [cache.read(user, livemode=True).generation is None for user in subscribed] == [
            False
        ] * 3


def test_another_write_that_is_under_way_ends_by_itself(subscribed: list[Any], cached: Any) -> None:
    pks = [user.pk for user in subscribed]
    first = cache.begin_writes(pks, livemode=False)
    second = cache.begin_write(pks[0], livemode=False)
    cache.end_writes(pks, livemode=False, token=first)
    assert [cache.read(user, livemode=False).generation is None for user in subscribed] == [
        True,
        False,
        False,
    ]
    cache.end_write(pks[0], livemode=False, token=second)
    assert cache.read(subscribed[0], livemode=False).generation is not None


def test_the_end_of_another_write_does_not_end_this_one(subscribed: list[Any], cached: Any) -> None:
    pks = [user.pk for user in subscribed]
    other = cache.begin_write(pks[0], livemode=False)
    cache.begin_writes(pks, livemode=False)
    cache.end_write(pks[0], livemode=False, token=other)
    assert cache.read(subscribed[0], livemode=False).generation is None


def test_live_mode_is_dropped_and_open_again_after_the_commit(
    subscribed: list[Any], cached: Any, committed: Any
) -> None:
    with committed():
        drop_cached_access_of_many([user.pk for user in subscribed], livemode=True)
        assert not any(cache.read(user, livemode=True).generation for user in subscribed)
        assert all(cache.read(user, livemode=False).generation for user in subscribed)
    assert all(cache.read(user, livemode=True).generation for user in subscribed)


def test_a_hook_that_fails_does_not_stop_those_after_it(
    subscribed: list[Any], cached: Any, committed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(cache, "end_writes", fail)
    ran: list[bool] = []
    with committed():
        drop_cached_access_of_many([user.pk for user in subscribed], livemode=False)
        transaction.on_commit(lambda: ran.append(True))
    assert ran == [True]


def test_each_gets_a_generation_of_its_own(subscribed: list[Any], cached: Any) -> None:
    pks = [user.pk for user in subscribed]
    cache.end_writes(pks, livemode=False, token=cache.begin_writes(pks, livemode=False))
    found = {cache.read(user, livemode=False).generation for user in subscribed}
    assert len(found) == 3


def test_a_yes_that_was_given_while_it_went_on_is_not_trusted_after_it(
    subscribed: list[Any], cached: Any
) -> None:
    """The writer's token was lost, and somebody read and kept what was there before."""
    pks = [user.pk for user in subscribed]
    token = cache.begin_writes(pks, livemode=False)
    cached.delete_many([cache.read(user, livemode=False).key for user in subscribed])
    assert all(get_access(user).allowed for user in subscribed)
    Subscription.objects.update(stripe_data={"status": "canceled"})
    cache.end_writes(pks, livemode=False, token=token)
    assert not any(get_access(user).allowed for user in subscribed)


class Recorder:
    """A cache that only notes what it is asked to keep, and for how long."""

    def __init__(self) -> None:
        self.kept: list[tuple[set[str], Any]] = []

    def set_many(self, data: dict[str, str], timeout: Any = "none given") -> None:
        self.kept.append((set(data), timeout))

    def get_many(self, keys: list[str]) -> dict[str, str]:
        return {}


@pytest.mark.parametrize(("livemode", "mode"), [(True, "live"), (False, "test")])
def test_entries_are_named_by_mode_and_key_and_expire(
    cached: Any, caixa: Any, monkeypatch: pytest.MonkeyPatch, livemode: bool, mode: str
) -> None:
    caixa(CACHE="access", CACHE_SECONDS=77)
    recorder = Recorder()
    monkeypatch.setattr(cache, "_cache", lambda: recorder)
    token = cache.begin_writes([1, 2], livemode=livemode)
    cache.end_writes([1, 2], livemode=livemode, token=token)
    keys = {f"caixa_subscriptions:{mode}:{pk}" for pk in (1, 2)}
    assert recorder.kept == [(keys, 60), (keys, 77)]


def test_a_cache_that_fails_stops_no_write(
    cached: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def out_of_reach() -> Any:
        raise ConnectionError("redis://secret")

    monkeypatch.setattr(cache, "_cache", out_of_reach)
    pks = [UserFactory().pk]
    cache.end_writes(pks, livemode=False, token=cache.begin_writes(pks, livemode=False))
    told = [(one.levelno, one.getMessage()) for one in caplog.records if "cache" in one.name]
    assert told == [(logging.ERROR, "Access cache: could not drop: ConnectionError")] * 2


def test_without_a_cache_there_is_nothing_to_drop(subscribed: list[Any]) -> None:
    drop_cached_access_of_many([user.pk for user in subscribed], livemode=False)
    assert all(get_access(user).allowed for user in subscribed)
