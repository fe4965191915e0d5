"""Many subscriptions recorded at once: the ledger is as if they had come one after the other."""

from __future__ import annotations

import random
from typing import Any

import pytest
from django.db import transaction
from django.test.utils import CaptureQueriesContext
from djstripe.models import PaymentMethod, Subscription

from caixa_subscriptions.models import Remedy, TrialIdentity, TrialUsageTracking
from caixa_subscriptions.services import trial_usage
from caixa_subscriptions.services.trial_usage import record_subscription, record_subscriptions
from tests.factories import CustomerFactory, SubscriptionFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen")]


def subscribed(*, email: str, card: str | None = None, trial: bool = True) -> Subscription:
    customer = CustomerFactory(subscriber=UserFactory(email=email))
    return another(customer, card=card, trial=trial)


def another(customer: Any, *, card: str | None = None, trial: bool = True) -> Subscription:
    times = {"trial_start": 1_780_000_000, "trial_end": 1_880_000_000} if trial else {}
    subscription = SubscriptionFactory(
        customer=customer, payload={"status": "trialing" if trial else "active", **times}
    )
    if card:
        PaymentMethod.objects.create(
            id=f"pm_{subscription.id}",
            livemode=False,
            customer=customer,
            stripe_data={"type": "card", "card": {"fingerprint": card}},
        )
    return subscription


def crowd(random_: random.Random) -> list[Subscription]:
    """People some of whom share addresses and cards, and some of whom subscribed twice."""
    found: list[Subscription] = []
    for number in range(12):
        card = random_.choice([None, "card_a", "card_b", f"card_{number}"])
        trial = random_.random() < 0.7
        if found and random_.random() < 0.25:
            found.append(another(random_.choice(found).customer, card=card, trial=trial))
        else:
            name = random_.choice(["ana", "bia", f"caio{number}"])
            found.append(subscribed(email=f"{name}+{number}@example.com", card=card, trial=trial))
    return found


def ledger() -> tuple[Any, ...]:
    identities = TrialIdentity.objects.order_by("digest")
    return (
        list(
            TrialUsageTracking.objects.order_by("subscriber_id").values_list(
                "subscriber_id", "livemode", "has_used_trial", "trial_used_at", "subscription_id"
            )
        ),
        list(identities.values_list("usage__subscriber_id", "livemode", "kind", "digest")),
        list(Remedy.objects.order_by("subscription_id").values_list("subscription_id", "policy")),
    )


@pytest.mark.parametrize("seed", range(30))
def test_at_once_is_as_one_by_one(seed: int, settings: Any) -> None:
    settings.CAIXA_SUBSCRIPTIONS = settings.CAIXA_SUBSCRIPTIONS | {"SECOND_TRIAL": "flag"}
    random_ = random.Random(seed)
    people = crowd(random_)
    for known in random_.sample(people, 2):
        record_subscription(subscription=known)
    random_.shuffle(people)
    with transaction.atomic():
        for one in people:
            record_subscription(subscription=one)
        one_by_one = ledger()
        transaction.set_rollback(True)
    assert len(ledger()[0]) < len(one_by_one[0])
    record_subscriptions(subscriptions=people)
    assert ledger() == one_by_one
    record_subscriptions(subscriptions=people)
    assert ledger() == one_by_one


def test_a_customer_of_nobody_is_left_to_its_session() -> None:
    subscription = another(CustomerFactory(subscriber=None))
    record_subscriptions(subscriptions=[subscription])
    assert not TrialUsageTracking.objects.exists()


def test_when_another_process_was_quicker_each_is_recorded_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is read as unknown, and is not any more when it is written."""
    people = [subscribed(email=f"person{number}@example.com") for number in range(3)]
    unknown = trial_usage._unknown(people)
    record_subscription(subscription=people[1])
    monkeypatch.setattr(trial_usage, "_unknown", lambda subscriptions: unknown)
    record_subscriptions(subscriptions=people)
    assert TrialUsageTracking.objects.filter(has_used_trial=True).count() == 3
    assert TrialIdentity.objects.count() == 6


def test_queries_do_not_grow_with_people() -> None:
    def queries(count: int) -> int:
        people = [
            subscribed(email=f"p{count}x{n}@example.com", card=f"c{count}{n}") for n in range(count)
        ]
        with CaptureQueriesContext(transaction.get_connection()) as captured:
            record_subscriptions(subscriptions=people)
        return len(captured)

    assert queries(3) == queries(30)
