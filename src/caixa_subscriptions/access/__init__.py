"""READ: who may use the product, right now, and why.

facts (one SQL) -> decision (pure). Nothing here talks to Stripe or writes.
"""

from __future__ import annotations

from django.db import models

from caixa_subscriptions.access.decision import Access, Policy, decide, is_live
from caixa_subscriptions.access.facts import subscription_facts
from caixa_subscriptions.conf import now, settings

__all__ = ["Access", "get_access", "has_live_subscription"]


def get_access(subscriber: models.Model | None) -> Access:
    """The access of a subscriber in the current mode; nobody (None, unsaved) has none.

    One SQL; none for nobody.
    """
    livemode = settings.livemode
    facts = (
        subscription_facts(subscriber, livemode=livemode)
        if subscriber is not None and subscriber.pk is not None
        else []
    )
    policy = Policy(past_due_days=settings.past_due_days)
    return decide(facts, policy=policy, now=now(), livemode=livemode)


def has_live_subscription(subscriber: models.Model) -> bool:
    """Whether the subscriber has a subscription that can still charge. One SQL."""
    moment = now()
    facts = subscription_facts(subscriber, livemode=settings.livemode)
    return any(is_live(fact, moment) for fact in facts)
