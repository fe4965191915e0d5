"""Dropping cached facts around every write that matters: dj-stripe's rows and our own.

Rows written by `QuerySet.update()` or by hand send no signal; call `drop_cached_access` then.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from django.db import models
from django.db.models.signals import post_delete, post_save, pre_delete, pre_save
from django.dispatch import receiver
from djstripe.models import Customer, Invoice, Subscription

from caixa_subscriptions.access import cache
from caixa_subscriptions.after_commit import after_commit
from caixa_subscriptions.conf import settings
from caixa_subscriptions.models import CustomerEntitlements, TrialUsageTracking, subscriber_models

_TOKENS = "_caixa_writes"


def drop_cached_access(subscriber: models.Model) -> None:
    """Forget what is cached of this subscriber, now and once more after the transaction."""
    if settings.cache:
        for livemode in (False, True):
            _end_after_commit(subscriber.pk, livemode, _begin(subscriber.pk, livemode))


def drop_cached_access_of_many(subscriber_pks: Collection[Any], *, livemode: bool) -> None:
    """The same of many subscribers in one mode: before their rows are written in bulk, in the
    transaction that writes them."""
    if settings.cache:
        token = cache.begin_writes(subscriber_pks, livemode=livemode)
        after_commit(cache.end_writes, subscriber_pks, livemode=livemode, token=token)


@receiver([pre_save, pre_delete], sender=Customer)
@receiver([pre_save, pre_delete], sender=Subscription)
@receiver([pre_save, pre_delete], sender=Invoice)
@receiver([pre_save, pre_delete], sender=CustomerEntitlements)
@receiver([pre_save, pre_delete], sender=TrialUsageTracking)
def before_write(sender: type[models.Model], instance: Any, **kwargs: Any) -> None:
    if settings.cache:
        writes = [(pk, livemode, _begin(pk, livemode)) for pk, livemode in _whose(instance)]
        setattr(instance, _TOKENS, writes)


@receiver([post_save, post_delete], sender=Customer)
@receiver([post_save, post_delete], sender=Subscription)
@receiver([post_save, post_delete], sender=Invoice)
@receiver([post_save, post_delete], sender=CustomerEntitlements)
@receiver([post_save, post_delete], sender=TrialUsageTracking)
def after_write(sender: type[models.Model], instance: Any, **kwargs: Any) -> None:
    for pk, livemode, token in instance.__dict__.pop(_TOKENS, ()):
        _end_after_commit(pk, livemode, token)


def after_delete_of_subscriber(sender: type[models.Model], instance: Any, **kwargs: Any) -> None:
    # dj-stripe's rows are unlinked by the database, without a signal of theirs.
    drop_cached_access(instance)


for model in subscriber_models():
    post_delete.connect(after_delete_of_subscriber, sender=model)


def _begin(pk: Any, livemode: bool) -> str:
    return cache.begin_write(pk, livemode=livemode)


def _end_after_commit(pk: Any, livemode: bool, token: str) -> None:
    after_commit(cache.end_write, pk, livemode=livemode, token=token)


def _whose(instance: Any) -> Iterable[tuple[Any, bool]]:
    """Whom the row is about, before this write and after it, and in which mode."""
    if isinstance(instance, TrialUsageTracking):
        return _whose_trial(instance)
    if isinstance(instance, Customer):
        customers = Customer.objects.filter(pk=instance.pk)
        whose = {(instance.subscriber_id, bool(instance.livemode))}
    elif isinstance(instance, CustomerEntitlements):
        customers = Customer.objects.filter(pk=instance.customer_id)
        whose = set()
    else:
        customers = Customer.objects.filter(id=instance.customer_id)
        whose = set()
    whose |= {(pk, bool(mode)) for pk, mode in customers.values_list("subscriber_id", "livemode")}
    return [(pk, mode) for pk, mode in whose if pk is not None]


def _whose_trial(usage: TrialUsageTracking) -> Iterable[tuple[Any, bool]]:
    if not settings.starts_trial_at_signup:
        return []
    before = TrialUsageTracking.objects.filter(pk=usage.pk, trial_end__isnull=False)
    whose: set[tuple[Any, bool]] = set(before.values_list("subscriber_id", "livemode"))
    if usage.trial_end is not None:
        whose.add((usage.subscriber_id, usage.livemode))
    return [(pk, mode) for pk, mode in whose if pk is not None]
