"""Several accounts of one person at once: one trial.

On PostgreSQL and MariaDB, with real threads; SQLite has one writer at a time and cannot show it.
"""

from __future__ import annotations

from typing import Any

import pytest
from djstripe.models import PaymentMethod

from caixa_subscriptions.models import Remedy, TrialIdentity, TrialUsageTracking
from caixa_subscriptions.services.signup_trials import start_trial
from caixa_subscriptions.services.trial_usage import record_subscription
from caixa_subscriptions.services.trials import reserve_trial
from tests.factories import CustomerFactory, SubscriptionFactory, UserFactory, in_days
from tests.selling.test_accounts import ROUNDS, together

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("concurrent")]

AT_ONCE = 8


def test_of_one_mailbox_one_account_gets_the_trial() -> None:
    for round_ in range(ROUNDS):
        users = [UserFactory(email=f"an.a{round_}+{number}@gmail.com") for number in range(AT_ONCE)]
        asked = together(
            AT_ONCE, lambda number, users=users: reserve_trial(subscriber=users[number])
        )
        assert (asked.count(True), asked.count(False)) == (1, AT_ONCE - 1), (round_, asked)
        assert TrialIdentity.objects.filter(kind="email").count() == round_ + 1


def test_of_one_mailbox_one_account_begins_it_at_sign_up(caixa: Any) -> None:
    for round_ in range(ROUNDS):
        users = [UserFactory(email=f"bi.a{round_}+{number}@gmail.com") for number in range(AT_ONCE)]
        caixa(TRIAL_STARTS="signup")
        begun = together(AT_ONCE, lambda number, users=users: start_trial(subscriber=users[number]))
        caixa(TRIAL_STARTS="checkout")
        assert (begun.count(True), begun.count(False)) == (1, AT_ONCE - 1), (round_, begun)
        assert TrialUsageTracking.objects.filter(trial_end__isnull=False).count() == round_ + 1


def test_one_account_reserves_one_however_often_it_asks() -> None:
    for round_ in range(1, ROUNDS + 1):
        user = UserFactory()
        asked = together(AT_ONCE, lambda number, user=user: reserve_trial(subscriber=user))
        assert asked == [True] * AT_ONCE, (round_, asked)
        assert TrialUsageTracking.objects.count() == round_
        assert TrialIdentity.objects.count() == 2 * round_  # its key and its address


def with_card(user: Any, fingerprint: str) -> Any:
    """A subscription on trial, paid for with this card."""
    customer = CustomerFactory(subscriber=user)
    PaymentMethod.objects.create(
        id=f"pm_{customer.id}",
        livemode=False,
        customer=customer,
        stripe_data={"type": "card", "card": {"fingerprint": fingerprint}},
    )
    payload = {"status": "trialing", "trial_start": in_days(0), "trial_end": in_days(7)}
    return SubscriptionFactory(customer=customer, payload=payload)


def test_of_one_card_one_trial_stays_and_the_others_are_found(frozen: Any) -> None:
    for round_ in range(1, ROUNDS + 1):
        subscriptions = [with_card(UserFactory(), f"card{round_}") for _ in range(AT_ONCE)]
        told = together(
            AT_ONCE,
            lambda number, many=subscriptions: record_subscription(subscription=many[number]),
        )
        assert told == [True] * AT_ONCE, (round_, told)
        assert TrialIdentity.objects.filter(kind="card").count() == round_
        assert Remedy.objects.filter(kind="second_trial").count() == round_ * (AT_ONCE - 1)
