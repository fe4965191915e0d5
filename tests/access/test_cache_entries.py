"""Whose facts are cached, in which mode, for how long, and what is told when that fails."""

from __future__ import annotations

import datetime as dt
import logging
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import Group
from django.db import transaction
from django.utils import timezone
from djstripe.models import Subscription

from caixa_subscriptions.access import aget_access, cache, get_access, get_access_of_many
from caixa_subscriptions.access.invalidation import drop_cached_access
from tests.factories import CustomerFactory, SubscriptionFactory, UserFactory, in_days

pytestmark = pytest.mark.django_db


@pytest.fixture
def live(user: Any, frozen: Any) -> Subscription:
    """A subscription of live mode; of test mode there is none."""
    customer = CustomerFactory(subscriber=user, livemode=True)
    return SubscriptionFactory(customer=customer, livemode=True)


@pytest.fixture
def committed(django_capture_on_commit_callbacks: Any) -> Any:
    return lambda: django_capture_on_commit_callbacks(execute=True)


@pytest.mark.parametrize("ask", [get_access, async_to_sync(aget_access)])
def test_a_no_of_test_mode_is_not_the_answer_of_live_mode(
    ask: Any, user: Any, live: Any, cached: Any, settings: Any
) -> None:
    assert not ask(user).allowed
    settings.STRIPE_LIVE_MODE = True
    assert ask(user).allowed
    settings.STRIPE_LIVE_MODE = False
    assert not ask(user).allowed


def test_a_write_of_live_mode_drops_what_is_kept_of_live_mode(
    user: Any, live: Any, cached: Any, committed: Any, settings: Any
) -> None:
    settings.STRIPE_LIVE_MODE = True
    assert get_access(user).allowed
    with committed():
        live.stripe_data["status"] = "canceled"
        live.save()
        assert cache.read(user, livemode=True).generation is None
        assert cache.read(user, livemode=False).generation is not None
    assert cache.read(user, livemode=True).generation is not None
    assert not get_access(user).allowed


def test_dropping_by_hand_holds_in_both_modes_until_the_commit(
    user: Any, cached: Any, committed: Any
) -> None:
    with committed():
        drop_cached_access(user)
        assert [cache.read(user, livemode=mode).generation for mode in (False, True)] == [None] * 2
    assert None not in [cache.read(user, livemode=mode).generation for mode in (False, True)]


def test_a_hook_that_fails_does_not_stop_those_after_it(
    user: Any, cached: Any, committed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(cache, "end_write", fail)
    ran: list[bool] = []
    with committed():
        drop_cached_access(user)
        transaction.on_commit(lambda: ran.append(True))
    assert ran == [True]


def test_a_kept_no_is_answered_without_leaving_the_event_loop(
    user: Any, cached: Any, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    expected = get_access(user)
    monkeypatch.setattr("caixa_subscriptions.access.sync_to_async", None)
    with django_assert_num_queries(0):
        assert async_to_sync(aget_access)(user) == expected
    assert not expected.allowed


def test_async_code_trusts_a_yes_it_found_kept(
    user: Any, frozen: Any, cached: Any, committed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with committed():
        SubscriptionFactory(customer__subscriber=user)
    expected = get_access(user)
    monkeypatch.setattr(cache, "_trusted", {})
    monkeypatch.setattr("caixa_subscriptions.access.sync_to_async", None)
    assert async_to_sync(aget_access)(user) == expected
    assert cache.trusted(user.pk) == expected
    monkeypatch.setattr(cache, "read", None)  # the shared cache is not asked now
    assert async_to_sync(aget_access)(user) == expected


def test_a_trusted_yes_ends_at_its_moment(
    user: Any, frozen: Any, cached: Any, committed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with committed():
        SubscriptionFactory(customer__subscriber=user, payload={"cancel_at": in_days(1)})
    assert get_access(user).allowed
    assert cache.trusted(user.pk) is not None
    monkeypatch.setattr("tests.conftest.NOW", in_days(1))
    assert cache.trusted(user.pk) is None
    assert not get_access(user).allowed


def test_it_ends_at_its_moment_when_the_system_is_set_forward(
    user: Any, cached: Any, committed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    today = timezone.now()
    period = {"current_period_end": today + dt.timedelta(days=30), "created": today}
    with committed():
        SubscriptionFactory(customer__subscriber=user, payload=period)
    access = get_access(user)
    changes_at = access.changes_at
    assert access.allowed
    assert changes_at is not None
    monkeypatch.setattr(cache.time, "time", lambda: changes_at.timestamp() - 0.001)
    assert cache.trusted(user.pk) is not None
    monkeypatch.setattr(cache.time, "time", changes_at.timestamp)
    assert cache.trusted(user.pk) is None


def test_other_settings_end_every_yes(
    user: Any, frozen: Any, cached: Any, committed: Any, settings: Any
) -> None:
    with committed():
        SubscriptionFactory(customer__subscriber=user)
    assert get_access(user).allowed
    assert cache.trusted(user.pk) is not None
    settings.STRIPE_LIVE_MODE = True
    assert cache.trusted(user.pk) is None


def test_a_write_that_outlasts_its_token_ends_a_yes_given_meanwhile(
    user: Any, frozen: Any, cached: Any, committed: Any
) -> None:
    with committed():
        SubscriptionFactory(customer__subscriber=user)
    token = cache.begin_write(user.pk, livemode=False)
    cached.delete(f"caixa_subscriptions:test:{user.pk}")
    assert get_access(user).allowed
    assert cache.trusted(user.pk) is not None
    cache.end_write(user.pk, livemode=False, token=token)
    assert cache.trusted(user.pk) is None


def test_nobody_asked_about_is_no_query(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert get_access_of_many([]) == {}


class Recorder:
    """A cache that is empty, and what it was given: key and seconds."""

    def __init__(self) -> None:
        self.given: list[tuple[str, Any]] = []

    def get(self, key: str) -> None:
        return None

    def set(self, key: str, value: str, timeout: Any = "none given") -> None:
        self.given.append((key, timeout))

    def get_or_set(self, key: str, default: Any, timeout: Any = "none given") -> str:
        self.given.append((key, timeout))
        return str(default())


@pytest.mark.parametrize(("livemode", "mode"), [(False, "test"), (True, "live")])
def test_entries_are_named_by_mode_and_key_and_all_of_them_expire(
    user: Any, memory_cache: Any, caixa: Any, monkeypatch: Any, livemode: bool, mode: str
) -> None:
    caixa(CACHE_SECONDS=77)
    recorder = Recorder()
    monkeypatch.setattr(cache, "_cache", lambda: recorder)
    cache.read(user, livemode=livemode)
    token = cache.begin_write(user.pk, livemode=livemode)
    cache.end_write(user.pk, livemode=livemode, token=token)
    key = f"caixa_subscriptions:{mode}:{user.pk}"
    assert recorder.given == [(key, 77), (key, 60), (key, 77)]


def test_a_failure_is_told_in_full_and_without_what_the_backend_said(
    memory_cache: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> Any:
        raise ConnectionError("redis://:password@cache.example")

    monkeypatch.setattr(cache, "_cache", fail)
    user = UserFactory.build(pk=7)
    with caplog.at_level(logging.ERROR, cache.logger.name):
        cache.read(user, livemode=False)
        cache.end_write(7, livemode=False, token=cache.begin_write(7, livemode=False))
    assert caplog.messages == [
        "Access cache: could not read: ConnectionError",
        "Access cache: could not drop: ConnectionError",
        "Access cache: could not drop: ConnectionError",
    ]


def test_a_cache_that_failed_rests_for_five_seconds(
    memory_cache: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [100.0]
    asked: list[float] = []

    def fail() -> Any:
        asked.append(clock[0])
        raise ConnectionError

    monkeypatch.setattr(cache, "_cache", fail)
    monkeypatch.setattr(cache.time, "monotonic", lambda: clock[0])
    for clock[0] in (100.0, 104.9, 105.0):
        cache.read(UserFactory.build(pk=7), livemode=False)
    assert asked == [100.0, 105.0]


def test_the_cache_is_asked_again_at_the_end_of_its_rest_and_a_yes_ends_with_its_second(
    user: Any, frozen: Any, memory_cache: Any, committed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with committed():
        SubscriptionFactory(customer__subscriber=user)
    monkeypatch.setattr(cache.time, "monotonic", lambda: 100.0)
    monkeypatch.setattr(cache, "_resting_until", 100.0)
    assert cache.read(user, livemode=False).generation is not None
    assert get_access(user).allowed
    assert cache.trusted(user.pk) is not None
    monkeypatch.setattr(cache.time, "monotonic", lambda: 101.0)
    assert cache.trusted(user.pk) is None


def test_a_no_is_kept_and_not_trusted(user: Any, cached: Any) -> None:
    assert not get_access(user).allowed
    assert cache.read(user, livemode=False).facts == []
    assert cache.trusted(user.pk) is None


def test_no_more_answers_are_trusted_than_there_is_room_for(
    frozen: Any, cached: Any, committed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with committed():
        users = [SubscriptionFactory().customer.subscriber for _ in range(5)]
    monkeypatch.setattr(cache, "_MOST_KEPT", 2)
    known = []
    for user in users:
        assert get_access(user).allowed
        known.append(sum(cache.trusted(one.pk) is not None for one in users))
    assert known == [1, 2, 1, 2, 1]


def test_a_customer_of_live_mode_that_changes_hands_drops_live_mode(
    user: Any, live: Any, cached: Any, committed: Any, settings: Any
) -> None:
    settings.STRIPE_LIVE_MODE = True
    other = UserFactory()
    assert not get_access(other).allowed
    customer = live.customer
    customer.subscriber = other
    with committed():
        customer.save()
    assert get_access(other).allowed
    assert not get_access(user).allowed


def test_what_is_no_subscriber_may_have_a_subscribers_key_and_be_deleted(
    user: Any, cached: Any, committed: Any, django_assert_num_queries: Any
) -> None:
    get_access(user)
    group = Group.objects.create(pk=user.pk)
    with committed():
        group.delete()
    with django_assert_num_queries(0):
        get_access(user)
