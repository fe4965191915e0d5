"""Since when a subscription is past due: what its invoices tell, and who gets tolerance for it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from djstripe.models import Invoice, Subscription

from caixa_subscriptions.access import get_access, get_access_of_many, with_access
from tests.factories import SubscriptionFactory, in_days

pytestmark = pytest.mark.django_db

SINCE_BASIL = "since basil"
BEFORE_BASIL = "before basil"


@pytest.fixture
def subscription(user: Any, frozen: Any) -> Subscription:
    """Past due; its period began three days ago."""
    return SubscriptionFactory(
        customer__subscriber=user,
        payload={
            "status": "past_due",
            "current_period_start": in_days(-3),
            "current_period_end": in_days(27),
        },
    )


@pytest.fixture(params=[SINCE_BASIL, BEFORE_BASIL])
def shape(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def invoice(subscription: Subscription, days: float, status: str, shape: str = SINCE_BASIL) -> None:
    of: dict[str, Any] = {"subscription": subscription.id}
    if shape == SINCE_BASIL:
        of = {"parent": {"type": "subscription_details", "subscription_details": of}}
    Invoice.objects.create(
        id=f"in_{Invoice.objects.count()}",
        customer=subscription.customer,
        livemode=False,
        created=in_days(days),
        stripe_data={"status": status, **of},
    )


@pytest.fixture
def tolerance(django_assert_num_queries: Any) -> Any:
    """How the tolerance is told, by each of the three ways to ask, and each in one query."""

    def ask(user: Any) -> dt.datetime | None:
        with django_assert_num_queries(1):
            access = get_access(user)
        with django_assert_num_queries(1):
            assert get_access_of_many([user])[user.pk] == access
        with django_assert_num_queries(1):
            asked = with_access(get_user_model()._default_manager.filter(pk=user.pk)).get()
        assert asked.has_access == access.allowed
        assert access.code == (None if access.allowed else "payment_past_due")
        return access.past_due_until

    return ask


def test_without_invoices_it_counts_from_the_period(
    user: Any, subscription: Any, tolerance: Any
) -> None:
    assert tolerance(user) == in_days(4)


def test_it_counts_from_the_open_invoice(
    user: Any, subscription: Any, tolerance: Any, shape: str
) -> None:
    invoice(subscription, -5, "open", shape)
    assert tolerance(user) == in_days(2)


def test_an_upgrade_that_fails_in_a_paid_period_gets_all_of_it(
    user: Any, subscription: Any, tolerance: Any, shape: str
) -> None:
    invoice(subscription, -20, "paid", shape)
    invoice(subscription, -1, "open", shape)
    assert tolerance(user) == in_days(6)


def test_a_weekly_one_past_due_for_months_gets_it_once(
    user: Any, subscription: Any, tolerance: Any, shape: str
) -> None:
    invoice(subscription, -73, "paid", shape)
    for week in range(10):
        invoice(subscription, -66 + 7 * week, "open", shape)
    assert tolerance(user) is None


def test_of_several_open_ones_the_first_counts(
    user: Any, subscription: Any, tolerance: Any, shape: str
) -> None:
    invoice(subscription, -1, "open", shape)
    invoice(subscription, -6, "open", shape)
    invoice(subscription, -2, "open", shape)
    assert tolerance(user) == in_days(1)


def test_what_was_left_open_before_a_payment_is_history(
    user: Any, subscription: Any, tolerance: Any, shape: str
) -> None:
    invoice(subscription, -90, "open", shape)
    invoice(subscription, -60, "paid", shape)
    invoice(subscription, -2, "open", shape)
    assert tolerance(user) == in_days(5)


def test_one_that_was_paid_at_the_same_moment_makes_it_good(
    user: Any, subscription: Any, tolerance: Any
) -> None:
    invoice(subscription, -6, "open")
    invoice(subscription, -6, "paid")
    assert tolerance(user) == in_days(4)


def test_a_payment_in_the_other_shape_makes_it_good_too(
    user: Any, subscription: Any, tolerance: Any
) -> None:
    invoice(subscription, -6, "open", BEFORE_BASIL)
    invoice(subscription, -5, "paid", SINCE_BASIL)
    assert tolerance(user) == in_days(4)


@pytest.mark.parametrize("status", ["paid", "void", "uncollectible", "draft", None])
def test_what_is_not_open_is_not_owed(
    user: Any, subscription: Any, tolerance: Any, status: Any, shape: str
) -> None:
    invoice(subscription, -6, status, shape)
    assert tolerance(user) == in_days(4)


@pytest.mark.parametrize("status", ["void", "uncollectible", "draft"])
def test_only_a_payment_makes_an_earlier_one_good(
    user: Any, subscription: Any, tolerance: Any, status: str, shape: str
) -> None:
    invoice(subscription, -6, "open", shape)
    invoice(subscription, -5, status, shape)
    assert tolerance(user) == in_days(1)


def test_another_subscriptions_invoices_do_not_count(
    user: Any, subscription: Any, tolerance: Any, shape: str
) -> None:
    other = SubscriptionFactory(customer=subscription.customer, payload={"status": "canceled"})
    invoice(subscription, -5, "open", shape)
    invoice(other, -6, "open", shape)
    invoice(other, -1, "paid", shape)
    assert tolerance(user) == in_days(2)


def test_another_customers_invoices_do_not_count(
    user: Any, subscription: Any, tolerance: Any
) -> None:
    stranger = SubscriptionFactory(payload={"status": "past_due"})
    for days, status in ((-6, "open"), (-1, "paid")):
        invoice(Subscription(id=subscription.id, customer=stranger.customer), days, status)
    invoice(subscription, -5, "open")
    assert tolerance(user) == in_days(2)


def test_an_invoice_of_no_subscription_does_not_count(
    user: Any, subscription: Any, tolerance: Any
) -> None:
    for number, parent in enumerate((None, {"type": "quote_details", "quote_details": {}}, {})):
        Invoice.objects.create(
            id=f"in_hand_{number}",
            customer=subscription.customer,
            livemode=False,
            created=in_days(-6),
            stripe_data={"status": "open", "parent": parent},
        )
    assert tolerance(user) == in_days(4)


@pytest.mark.parametrize("status", ["active", "trialing"])
def test_who_is_not_past_due_is_asked_no_invoice(
    user: Any, subscription: Any, tolerance: Any, status: str
) -> None:
    subscription.stripe_data["status"] = status
    subscription.save()
    invoice(subscription, -60, "open")
    assert get_access(user).allowed
    assert tolerance(user) is None


def test_each_of_many_has_its_own(
    user: Any, subscription: Any, frozen: Any, django_assert_num_queries: Any
) -> None:
    others = [
        SubscriptionFactory(payload={"status": "past_due", "current_period_start": in_days(-3)})
        for _one in range(3)
    ]
    for days, one in enumerate([subscription, *others], start=4):
        invoice(one, -days, "open")
    people = [one.customer.subscriber for one in (subscription, *others)]
    with django_assert_num_queries(1):
        found = get_access_of_many(people)
    assert [found[one.pk].past_due_until for one in people] == [
        in_days(3),
        in_days(2),
        in_days(1),
        None,
    ]
    with django_assert_num_queries(1):
        allowed = dict(
            with_access(get_user_model()._default_manager.all()).values_list("pk", "has_access")
        )
    assert [allowed[one.pk] for one in people] == [True, True, True, False]
