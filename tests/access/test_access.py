"""The facts in the tables, and the answer they give."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model
from django.db import connection
from djstripe.models import Customer, Subscription

from caixa_subscriptions.access import aget_access, get_access, has_live_subscription
from caixa_subscriptions.access.facts import _apart, facts_of_many
from caixa_subscriptions.access.json import PastDueSince, Seconds, Values
from tests.factories import CustomerFactory, SubscriptionFactory, UserFactory, in_days

pytestmark = pytest.mark.django_db


def test_access_takes_one_query(
    user: Any, frozen: dt.datetime, django_assert_num_queries: Any
) -> None:
    customer = CustomerFactory(subscriber=user)
    SubscriptionFactory.create_batch(3, customer=customer)
    with django_assert_num_queries(1):
        assert get_access(user).allowed


def test_the_answer_has_the_facts_of_the_row(user: Any, frozen: dt.datetime) -> None:
    SubscriptionFactory(
        id="sub_7",
        customer__subscriber=user,
        payload={
            "status": "trialing",
            "trial_end": in_days(3),
            "current_period_end": in_days(3),
            "price": "price_7",
        },
    )
    access = get_access(user)
    assert access.subscription_id == "sub_7"
    assert access.is_trialing
    assert access.trial_end == access.current_period_end == access.access_until == in_days(3)
    assert access.price_id == "price_7"


def test_a_payload_from_before_basil_gives_the_same_answer(user: Any, frozen: dt.datetime) -> None:
    SubscriptionFactory(
        customer__subscriber=user,
        stripe_data={
            "id": "sub_1",
            "status": "active",
            "current_period_start": int(in_days(-1).timestamp()),
            "current_period_end": int(in_days(9).timestamp()),
            "items": {"data": [{"id": "si_1", "plan": {"id": "plan_1"}}]},
        },
    )
    access = get_access(user)
    assert access.access_until == in_days(9)
    assert access.price_id == "plan_1"


def test_nobody_has_none_and_costs_no_query(django_assert_num_queries: Any, db: None) -> None:
    with django_assert_num_queries(0):
        assert get_access(None).code == "subscription_required"
        assert get_access(get_user_model()()).code == "subscription_required"


def test_another_persons_subscription_gives_none(user: Any, frozen: dt.datetime) -> None:
    SubscriptionFactory(customer__subscriber=UserFactory())
    assert get_access(user).code == "subscription_required"


def test_a_test_subscription_gives_none_in_live_mode(
    user: Any, frozen: dt.datetime, settings: Any
) -> None:
    SubscriptionFactory(customer__subscriber=user)
    settings.STRIPE_LIVE_MODE = True
    access = get_access(user)
    assert not access.allowed
    assert access.livemode


def test_past_due_days_is_read_from_the_settings(
    user: Any, frozen: dt.datetime, caixa: Any
) -> None:
    SubscriptionFactory(
        customer__subscriber=user,
        payload={"status": "past_due", "current_period_start": in_days(-3)},
    )
    assert get_access(user).allowed
    caixa(PAST_DUE_DAYS=2)
    assert get_access(user).code == "payment_past_due"


def test_live_is_what_can_still_charge(user: Any, frozen: dt.datetime) -> None:
    subscription = SubscriptionFactory(customer__subscriber=user, payload={"status": "unpaid"})
    assert has_live_subscription(user)
    subscription.stripe_data["status"] = "canceled"
    subscription.save()
    assert not has_live_subscription(user)


def test_live_ends_with_the_cancellation(user: Any, frozen: dt.datetime) -> None:
    subscription = SubscriptionFactory(customer__subscriber=user, payload={"cancel_at": in_days(1)})
    assert has_live_subscription(user)
    subscription.stripe_data["cancel_at"] = int(in_days(-1).timestamp())
    subscription.save()
    assert not has_live_subscription(user)


def test_what_is_cached_in_test_mode_is_not_read_in_live_mode(
    user: Any, frozen: dt.datetime, memory_cache: Any, settings: Any
) -> None:
    SubscriptionFactory(customer__subscriber=user)
    assert async_to_sync(aget_access)(user).allowed
    assert async_to_sync(aget_access)(user).allowed  # from the cache
    settings.STRIPE_LIVE_MODE = True
    assert not async_to_sync(aget_access)(user).allowed
    assert not get_access(user).allowed


@pytest.mark.parametrize(
    ("method", "words"), [("as_postgresql", "JSONB_TYPEOF"), ("as_mysql", "JSON_VALUE")]
)
def test_each_database_is_asked_in_its_own_words(method: str, words: str) -> None:
    query = Subscription.objects.annotate(at=Seconds("created")).query
    compiler, at = query.get_compiler("default"), query.annotations["at"]
    sql, _params = getattr(at, method)(compiler, connection)
    assert words in sql
    assert "created" in sql
    sql, _params = getattr(at, method)(compiler, connection, key="ended_at")
    assert "ended_at" in sql


@pytest.mark.parametrize(
    ("vendor", "method", "text", "seconds"),
    [
        ("sqlite", "as_sql", "JSON_EXTRACT(", "STRFTIME"),
        ("postgresql", "as_postgresql", " ->> 'status'", "EXTRACT(EPOCH"),
        ("mysql", "as_mysql", "JSON_VALUE(", "TIMESTAMPDIFF"),
    ],
)
def test_each_database_reads_keys_and_unpaid_invoices_in_its_own_words(
    vendor: str, method: str, text: str, seconds: str
) -> None:
    query = Subscription.objects.annotate(
        values=Values(["id", "status"]), since=PastDueSince()
    ).query
    compiler = query.get_compiler("default")
    other = SimpleNamespace(vendor=vendor, ops=connection.ops)
    sql, _params = getattr(query.annotations["values"], method)(compiler, other)
    assert ("status" in sql, "%(" in sql) == (True, False)
    since = query.annotations["since"]
    sql, _params = since.as_sql(compiler, other)
    assert text in sql
    assert seconds in sql


def test_subscriptions_are_found_by_what_they_name_their_customer_by(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`DJSTRIPE_FOREIGN_KEY_TO_FIELD` may be "djstripe_id"."""
    quoted = connection.ops.quote_name
    assert f"= (customer.{quoted('id')})" in _apart("default", signup_trials=False)
    named = Subscription._meta.get_field("customer")
    monkeypatch.setitem(named.__dict__, "foreign_related_fields", (Customer._meta.pk,))
    assert f"= (customer.{quoted('djstripe_id')})" in _apart("default", signup_trials=False)


def test_only_whom_is_asked_about_is_read(user: Any, frozen: dt.datetime) -> None:
    SubscriptionFactory(customer__subscriber=user)
    SubscriptionFactory()
    assert set(facts_of_many([user.pk], livemode=False)) == {user.pk}
    assert set(facts_of_many([], livemode=False)) == set()


def test_of_many_only_the_mode_asked_about_is_read(user: Any, frozen: dt.datetime) -> None:
    SubscriptionFactory(id="sub_test", customer__subscriber=user)
    customer = CustomerFactory(subscriber=user, livemode=True)
    SubscriptionFactory(id="sub_live", customer=customer, livemode=True)
    for livemode, name in ((False, "sub_test"), (True, "sub_live")):
        (found,) = facts_of_many([user.pk], livemode=livemode)[user.pk]
        assert (found.id, found.livemode) == (name, livemode)


class Router:
    """Leaves every model where it is, and notes which were asked about."""

    def __init__(self) -> None:
        self.asked: set[Any] = set()

    def db_for_read(self, model: Any, **hints: Any) -> None:
        self.asked.add(model)


def test_the_database_is_asked_that_holds_the_subscriptions(
    user: Any, frozen: dt.datetime, settings: Any
) -> None:
    SubscriptionFactory(customer__subscriber=user)
    router = Router()
    settings.DATABASE_ROUTERS = [router]
    assert get_access(user).allowed
    assert router.asked == {Subscription}


def test_what_the_package_gives_by_name() -> None:
    given: dict[str, Any] = {}
    exec("from caixa_subscriptions.access import *", given)
    assert sorted(set(given) - {"__builtins__"}) == [
        "Access",
        "aget_access",
        "get_access",
        "get_access_of_many",
        "has_live_subscription",
        "live_subscriptions",
        "with_access",
    ]
