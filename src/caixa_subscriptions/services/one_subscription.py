"""One live subscription per subscriber, or per product: finding the second one.

Checkout refuses to sell it. Two sessions can be paid all the same, in two tabs, say, before either
tells us. The first is the one created first at Stripe, and of one second the one with the lesser
id: every order of webhooks comes to the same.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from functools import partial

from django.db import models, transaction
from djstripe.models import Subscription

from caixa_subscriptions.access import live_subscriptions
from caixa_subscriptions.conf import now, settings
from caixa_subscriptions.models import Remedy
from caixa_subscriptions.services.remedies import record_remedy
from caixa_subscriptions.services.second_subscriptions import PAYING
from caixa_subscriptions.shapes import SubscriptionFacts

PER_PRODUCT = "product"
# Stripe tries for so long to deliver an event. A second one that is older was there before us, or
# is known to somebody: it is for people to decide.
UNNOTICED = dt.timedelta(days=3)


def find_second_subscriptions(*, subscription: Subscription) -> None:
    """Record a remedy for each second live one of the subscription's subscriber.

    Now, and once more after the commit: of two transactions at once neither sees what the other
    wrote.
    """
    subscriber = subscription.customer.subscriber if subscription.customer else None
    if subscriber is None or bool(subscription.livemode) != settings.livemode:
        return
    _record(subscriber)
    transaction.on_commit(partial(_record, subscriber), robust=True)


def _record(subscriber: models.Model) -> None:
    paying = [one for one in live_subscriptions(subscriber) if one.status in PAYING]
    for kept, second in _rivals(paying):
        row = Subscription.objects.select_related("customer__subscriber").get(id=second.id)
        recent = second.created is not None and second.created > now() - UNNOTICED
        record_remedy(
            kind=Remedy.Kind.SECOND_SUBSCRIPTION,
            policy=Remedy.Policy(settings.second_subscription) if recent else Remedy.Policy.FLAG,
            subscription=row,
            kept_subscription_id=kept.id,
        )


def _rivals(
    found: Iterable[SubscriptionFacts],
) -> Iterator[tuple[SubscriptionFacts, SubscriptionFacts]]:
    """Each second one, with the one before it that stays."""
    kept: list[SubscriptionFacts] = []
    earliest = dt.datetime.min.replace(tzinfo=dt.UTC)
    for one in sorted(found, key=lambda facts: (facts.created or earliest, facts.id)):
        rival = next((other for other in kept if _compete(other, one)), None)
        if rival is None:
            kept.append(one)
        else:
            yield rival, one


def _compete(one: SubscriptionFacts, other: SubscriptionFacts) -> bool:
    if settings.one_subscription_per != PER_PRODUCT:
        return True
    products = [{item.product_id for item in facts.items} - {None} for facts in (one, other)]
    return bool(products[0] & products[1])


def has_competing_subscription(*, subscriber: models.Model, product_id: str) -> bool:
    """Whether a live one stands in the way of another one of this product."""
    return any(
        settings.one_subscription_per != PER_PRODUCT
        or product_id in {item.product_id for item in facts.items}
        for facts in live_subscriptions(subscriber)
    )
