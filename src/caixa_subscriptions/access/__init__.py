"""READ: who may use the product, right now, and why.

facts (one SQL, or the cache) -> decision (pure). Nothing here talks to Stripe or writes.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, TypeVar

from asgiref.sync import sync_to_async
from django.core.signals import setting_changed
from django.db import models
from django.db.models import QuerySet
from django.dispatch import receiver

from caixa_subscriptions.access import cache
from caixa_subscriptions.access.answer import Access
from caixa_subscriptions.access.decision import Policy, decide, is_live
from caixa_subscriptions.access.facts import facts_of_many, subscription_facts
from caixa_subscriptions.access.plans import catalogue
from caixa_subscriptions.access.queryset import with_access as _with_access
from caixa_subscriptions.conf import now, settings
from caixa_subscriptions.shapes import SubscriptionFacts

ModelT = TypeVar("ModelT", bound=models.Model)

__all__ = [
    "Access",
    "aget_access",
    "get_access",
    "get_access_of_many",
    "has_live_subscription",
    "live_subscriptions",
    "with_access",
]


def get_access(subscriber: models.Model | None) -> Access:
    """The access of a subscriber in the current mode; nobody (None, unsaved) has none.

    One SQL; none where the setting `CACHE` has the answer, and none for nobody. Raises Django's
    `DatabaseError` when the database does not answer: never take that for a yes.
    """
    pk = None if subscriber is None else subscriber.pk
    if subscriber is None or pk is None:
        return _decide(())
    known = cache.trusted(pk)
    if known is not None:
        return known
    livemode = settings.livemode
    if not settings.cache:
        return _decide(subscription_facts(subscriber, livemode=livemode))
    read = cache.read(subscriber, livemode=livemode)
    facts = read.facts
    if facts is None:
        facts = subscription_facts(subscriber, livemode=livemode)
        cache.keep(read, facts)
    return _trusting(subscriber, read, facts)


async def aget_access(subscriber: models.Model | None) -> Access:
    """`get_access` for async code: what is cached is answered without leaving the event loop.

    The cache is asked right there, as one quick round trip; give it a short `socket_timeout`.
    """
    pk = None if subscriber is None else subscriber.pk
    if subscriber is None or pk is None:
        return _decide(())
    known = cache.trusted(pk)
    if known is not None:
        return known
    if settings.cache:
        read = cache.read(subscriber, livemode=settings.livemode)
        if read.facts is not None:
            return _trusting(subscriber, read, read.facts)
    return await sync_to_async(get_access)(subscriber)


def get_access_of_many(subscribers: Iterable[models.Model]) -> dict[Any, Access]:
    """The access of each of these subscribers, by primary key. One SQL for all, and no cache.

    For lists and reports; some hundred at a time, since their keys are all in the SQL.
    """
    pks = [one.pk for one in subscribers]
    found = facts_of_many(pks, livemode=settings.livemode) if pks else {}
    return {pk: _decide(found.get(pk, ())) for pk in pks}


def with_access(subscribers: QuerySet[ModelT]) -> QuerySet[ModelT]:
    """The query set of subscribers with `has_access`, decided by the database.

    `with_access(User.objects.all()).filter(has_access=True)`. The same rules as `get_access`.
    """
    return _with_access(subscribers, policy=get_policy(), now=now(), livemode=settings.livemode)


def live_subscriptions(subscriber: models.Model) -> list[SubscriptionFacts]:
    """The subscriber's subscriptions that can still charge. One SQL, never cached."""
    moment = now()
    facts = subscription_facts(subscriber, livemode=settings.livemode)
    return [fact for fact in facts if is_live(fact, moment)]


def has_live_subscription(subscriber: models.Model) -> bool:
    """Whether the subscriber has a subscription that can still charge. One SQL, never cached."""
    return bool(live_subscriptions(subscriber))


@lru_cache(maxsize=1)
def get_policy() -> Policy:
    """What the settings decide about access. Made once, and again when a setting changes."""
    return Policy(
        past_due_days=settings.past_due_days,
        allow_incomplete=settings.allow_incomplete,
        signup_trials=settings.starts_trial_at_signup,
        catalogue=catalogue(settings.prices, settings.plans, settings.trial_plan),
    )


@receiver(setting_changed)
def _forget_policy(**kwargs: Any) -> None:
    get_policy.cache_clear()


def _trusting(subscriber: models.Model, read: cache.Read, facts: list[SubscriptionFacts]) -> Access:
    access = _decide(facts)
    cache.trust(subscriber.pk, access, read)
    return access


def _decide(facts: Iterable[SubscriptionFacts]) -> Access:
    return decide(facts, policy=get_policy(), now=now(), livemode=settings.livemode)
