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
from caixa_subscriptions.services.identities import card_fingerprints
from caixa_subscriptions.services.trial_usage import record_subscription, record_subscriptions
from tests.factories import CustomerFactory, SubscriptionFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen")]


def subscribed(*, email: str, **options: Any) -> Subscription:
    return another(CustomerFactory(subscriber=UserFactory(email=email)), **options)


def another(
    customer: Any, *, card: str | None = None, trial: bool = True, attached: bool = True
) -> Subscription:
    """Its card is the customer's or, where it is not attached, the subscription's default."""
    times = {"trial_start": 1_780_000_000, "trial_end": 1_880_000_000} if trial else {}
    method = f"pm_{PaymentMethod.objects.count()}" if card else None
    if card:
        PaymentMethod.objects.create(
            id=method,
            livemode=False,
            customer=customer if attached else None,
            stripe_data={"type": "card", "card": {"fingerprint": card}},
        )
    return SubscriptionFactory(
        customer=customer,
        payload={
            "status": "trialing" if trial else "active",
            "default_payment_method": None if attached else method,
            **times,
        },
    )


def crowd(random_: random.Random) -> list[Subscription]:
    """People some of whom share addresses and cards, and some of whom subscribed twice."""
    found: list[Subscription] = []
    for number in range(12):
        card = random_.choice([None, "card_a", "card_b", f"card_{number}"])
        options = {"trial": random_.random() < 0.7, "attached": random_.random() < 0.6}
        if found and random_.random() < 0.25:
            found.append(another(random_.choice(found).customer, card=card, **options))
        else:
            name = random_.choice(["ana", "bia", f"caio{number}"])
            found.append(subscribed(email=f"{name}+{number}@example.com", card=card, **options))
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


def test_a_card_that_is_no_customers_is_only_whose_default_it_is(settings: Any) -> None:
    settings.CAIXA_SUBSCRIPTIONS = settings.CAIXA_SUBSCRIPTIONS | {"SECOND_TRIAL": "end_trial"}
    without = subscribed(email="ana@example.com")
    owner = subscribed(email="bia@example.com", card="card_b", attached=False)
    assert card_fingerprints([without, owner]) == {without.pk: set(), owner.pk: {"card_b"}}
    record_subscriptions(subscriptions=[without, owner])
    assert not Remedy.objects.exists()


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
