"""One live subscription per subscriber, or per product: finding the second one.

Checkout refuses to sell it. Two sessions can be paid all the same, in two tabs, say, before either
tells us. The first is the one created first at Stripe, and of one second the one with the lesser
id: every order of webhooks comes to the same.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator

from django.db import models
from djstripe.models import Subscription

from caixa_subscriptions.access import live_subscriptions
from caixa_subscriptions.access.decision import is_live
from caixa_subscriptions.access.facts import subscription_facts
from caixa_subscriptions.after_commit import after_commit
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
    after_commit(_record, subscriber)


def _record(subscriber: models.Model) -> None:
    facts = subscription_facts(subscriber, livemode=settings.livemode)
    moment = now()
    paying = [one for one in facts if one.status in PAYING and is_live(one, moment)]
    # Somebody who saw two charges may have canceled one before we heard of it.
    left = [one for one in facts if one.status == "canceled" and _is_recent(one)]
    for kept, second in _rivals(paying, left):
        row = Subscription.objects.select_related("customer__subscriber").get(id=second.id)
        record_remedy(
            kind=Remedy.Kind.SECOND_SUBSCRIPTION,
            policy=Remedy.Policy(settings.second_subscription)
            if _is_recent(second)
            else Remedy.Policy.FLAG,
            subscription=row,
            kept_subscription_id=kept.id,
        )


def _is_recent(facts: SubscriptionFacts) -> bool:
    return facts.created is not None and facts.created > now() - UNNOTICED


def _rivals(
    paying: Iterable[SubscriptionFacts], left: Iterable[SubscriptionFacts]
) -> Iterator[tuple[SubscriptionFacts, SubscriptionFacts]]:
    """Each second one, with the one before it that stays. Of those that `left` none stays."""
    over = {one.id for one in left}
    kept: list[SubscriptionFacts] = []
    earliest = dt.datetime.min.replace(tzinfo=dt.UTC)
    for one in sorted([*paying, *left], key=lambda facts: (facts.created or earliest, facts.id)):
        rival = next((other for other in kept if _compete(other, one)), None)
        if rival is not None and one.id in over and not _overlap(rival, one):
            continue
        if rival is not None:
            yield rival, one
        elif one.id not in over:
            kept.append(one)


def _overlap(kept: SubscriptionFacts, left: SubscriptionFacts) -> bool:
    return bool(kept.created and left.canceled_at and kept.created < left.canceled_at)


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
