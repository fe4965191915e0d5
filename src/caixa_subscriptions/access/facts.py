"""The facts access depends on, in one SQL over dj-stripe's tables. No Stripe, no writes."""

from __future__ import annotations

from django.db import models
from djstripe.models import Subscription

from caixa_subscriptions.shapes import SUBSCRIPTION_KEYS, SubscriptionFacts

_PATHS = tuple(f"stripe_data__{key}" for key in SUBSCRIPTION_KEYS)


def subscription_facts(subscriber: models.Model, *, livemode: bool) -> list[SubscriptionFacts]:
    """Every subscription of every customer of the subscriber in this mode."""
    rows = Subscription.objects.filter(
        customer__subscriber=subscriber, livemode=livemode
    ).values_list(*_PATHS)
    return [
        SubscriptionFacts.from_stripe(dict(zip(SUBSCRIPTION_KEYS, row, strict=True)))
        for row in rows
    ]
