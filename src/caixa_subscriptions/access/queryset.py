"""Who has access, decided by the database: the twin of `decision` for lists and reports."""

from __future__ import annotations

import datetime as dt
from typing import TypeVar, cast

from django.db import models
from django.db.models import Exists, ExpressionWrapper, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce
from djstripe.models import Subscription

from caixa_subscriptions.access.decision import (
    INCOMPLETE_EXPIRES_AFTER,
    LATE_NEWS,
    Policy,
)
from caixa_subscriptions.access.json import ItemSeconds, PastDueSince, Seconds
from caixa_subscriptions.models import TrialUsageTracking

ModelT = TypeVar("ModelT", bound=models.Model)


def with_access(
    subscribers: QuerySet[ModelT], *, policy: Policy, now: dt.datetime, livemode: bool
) -> QuerySet[ModelT]:
    """The query set with `has_access`. A test holds it to `decide` over the table of states."""
    allowing = (
        Subscription.objects.filter(
            customer__subscriber=OuterRef("pk"),
            customer__date_purged__isnull=True,
            livemode=livemode,
        )
        .alias(
            past_due_since=PastDueSince(),
            created_at=Seconds("created"),
            ended_at=Seconds("ended_at"),
            cancel_at=Seconds("cancel_at"),
            start=_period("current_period_start", "MAX"),
            end=_period("current_period_end", "MIN"),
        )
        .alias(trial_end=Coalesce(Seconds("trial_end"), "end"))
        .filter(_running(policy, now) | _incomplete(policy, now))
    )
    has_access = Q(Exists(allowing))
    if policy.signup_trials:
        # The facts know whole seconds: a trial is over when the second begins that its end is in.
        # In UTC, for a local clock that is put back counts an hour twice.
        next_second = now.astimezone(dt.UTC).replace(microsecond=0) + dt.timedelta(seconds=1)
        has_access |= Q(
            Exists(
                TrialUsageTracking.objects.filter(
                    subscriber=OuterRef("pk"), livemode=livemode, trial_end__gte=next_second
                )
            )
        )
    answer = ExpressionWrapper(has_access, output_field=models.BooleanField())
    return cast(QuerySet[ModelT], subscribers.annotate(has_access=answer))


def _period(key: str, aggregate: str) -> Coalesce:
    return Coalesce(ItemSeconds(key, aggregate), Seconds(key))


def _running(policy: Policy, now: dt.datetime) -> Q:
    moment = now.timestamp()
    renewed_after = moment - policy.renewal_unheard.total_seconds()
    trial_after = moment - LATE_NEWS.total_seconds()
    past_due_after = moment - dt.timedelta(days=policy.past_due_days).total_seconds()
    by_status = (
        Q(_status("active"), Q(end=None) | Q(end__gt=renewed_after))
        | Q(_status("trialing"), Q(trial_end=None) | Q(trial_end__gt=trial_after))
        | Q(
            _status("past_due"),
            Q(past_due_since__gt=past_due_after) | Q(past_due_since=None, start__gt=past_due_after),
        )
    )
    return by_status & Q(ended_at=None) & (Q(cancel_at=None) | Q(cancel_at__gt=moment))


def _incomplete(policy: Policy, now: dt.datetime) -> Q:
    if not policy.allow_incomplete:
        return Q(pk__in=[])
    oldest = now.timestamp() - INCOMPLETE_EXPIRES_AFTER.total_seconds()
    return Q(_status("incomplete"), created_at__gt=oldest)


def _status(status: str) -> Q:
    return Q(stripe_data__status=status)
