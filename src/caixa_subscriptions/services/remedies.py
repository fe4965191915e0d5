"""Putting right at Stripe what a webhook showed to be wrong.

A remedy is written in the webhook's transaction and carried out after its commit: the network has
no place within it. What fails stays, and is tried again by the next webhook about the subscriber
and by `sync_stripe`.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone
from djstripe.models import Subscription

from caixa_subscriptions import signals, stripe_gateway
from caixa_subscriptions.after_commit import after_commit
from caixa_subscriptions.conf import settings
from caixa_subscriptions.exceptions import SubscriptionsError
from caixa_subscriptions.models import Remedy
from caixa_subscriptions.services.second_subscriptions import resolve_second_subscription
from caixa_subscriptions.shapes import from_timestamp

logger = logging.getLogger(__name__)

# Longer than one is ever at work (`within`); a carrier that was killed gives way after it.
CLAIM = dt.timedelta(minutes=2)


def record_remedy(
    *,
    kind: Remedy.Kind,
    policy: Remedy.Policy,
    subscription: Subscription,
    kept_subscription_id: str = "",
) -> bool:
    """Note what is to be done about the subscription, once for each kind. True if it is new.

    It is carried out after the commit.
    """
    remedy, created = Remedy.objects.get_or_create(
        subscription_id=subscription.id,
        kind=kind,
        defaults={
            "policy": policy,
            "subscriber": subscription.customer.subscriber,
            "livemode": bool(subscription.livemode),
            "kept_subscription_id": kept_subscription_id,
        },
    )
    if created:
        after_commit(_carry_out, remedy.pk)
    return created


def carry_out_remedies(*, subscriber: models.Model | None = None) -> int:
    """Carry out what is left, of one subscriber or of all; how many are done.

    In the current mode. One that fails is logged and stays for the next time.
    """
    remedies = Remedy.objects.filter(done_at=None, livemode=settings.livemode)
    if subscriber is not None:
        remedies = remedies.filter(subscriber=subscriber.pk)
    return sum(_carry_out(pk) for pk in list(remedies.values_list("pk", flat=True)))


def reopen_remedy(*, subscription_id: str, paid_at: dt.datetime | None) -> None:
    """Money came in for a subscription that was put aside before: a voucher is paid days later. It
    is looked at once more, after the commit; the alert is not sent again."""
    row = Subscription.objects.filter(id=subscription_id).first()
    ended = from_timestamp(row.stripe_data.get("canceled_at")) if row else None
    if ended is None or paid_at is None or paid_at < ended:
        return
    for remedy in Remedy.objects.filter(
        subscription_id=subscription_id,
        kind=Remedy.Kind.SECOND_SUBSCRIPTION,
        policy=Remedy.Policy.CANCEL_AND_REFUND,
        done_at__isnull=False,
    ):
        Remedy.objects.filter(pk=remedy.pk).update(done_at=None, claimed_until=None)
        after_commit(_carry_out, remedy.pk)


@stripe_gateway.within()
def _carry_out(pk: Any) -> bool:
    """One of several at once carries it out; the alert is sent once, when it is done."""
    time = timezone.now()
    mine = Remedy.objects.filter(
        Q(claimed_until=None) | Q(claimed_until__lt=time), pk=pk, done_at=None
    ).update(claimed_until=time + CLAIM)
    if not mine:
        return False
    remedy = Remedy.objects.select_related("subscriber").get(pk=pk)
    try:
        is_needed = _DEEDS[Remedy.Kind(remedy.kind)](remedy)
    except SubscriptionsError as error:
        logger.warning(
            "Remedy %s of %s failed: %s", remedy.kind, remedy.subscription_id, error.code
        )
        Remedy.objects.filter(pk=pk).update(claimed_until=None)
        return False
    if not is_needed:
        Remedy.objects.filter(pk=pk, done_at=None).delete()
        return False
    if not Remedy.objects.filter(pk=pk, done_at=None).update(done_at=timezone.now()):
        return False
    if not Remedy.objects.filter(pk=pk, is_told=False).update(is_told=True):
        return True
    logger.warning("Remedy %s of %s: %s", remedy.kind, remedy.subscription_id, remedy.policy)
    signals.remedy_applied.send_robust(
        Remedy, remedy=remedy, subscriber=remedy.subscriber, policy=remedy.policy
    )
    return True


def _end_trial(remedy: Remedy) -> bool:
    if remedy.policy == Remedy.Policy.FLAG:
        return True
    # What is no longer on trial must not be charged anew.
    subscription = stripe_gateway.retrieve_subscription(remedy.subscription_id)
    if subscription.status != "trialing":
        return True
    if subscription.cancel_at is not None or subscription.cancel_at_period_end:
        # Somebody who has left is not charged: it ends now instead of then.
        stripe_gateway.cancel_subscription(subscription.id, {}, scope=subscription.id)
    else:
        stripe_gateway.update_subscription(
            remedy.subscription_id, {"trial_end": "now"}, scope=remedy.subscription_id
        )
    return True


# Each answers False when it finds nothing (any more) to put right.
_DEEDS: dict[Remedy.Kind, Callable[[Remedy], bool]] = {
    Remedy.Kind.SECOND_TRIAL: _end_trial,
    Remedy.Kind.SECOND_SUBSCRIPTION: resolve_second_subscription,
}
