"""One honest free trial per subscriber."""

from __future__ import annotations

from django.db import models, transaction
from djstripe.models import Subscription

from caixa_subscriptions.conf import now, settings
from caixa_subscriptions.models import TrialUsageTracking
from caixa_subscriptions.shapes import from_timestamp


def is_trial_eligible(*, subscriber: models.Model) -> bool:
    """Whether the subscriber may still have the free trial in the current mode.

    Not when the trial was used, nor with a past subscription of any status, even a canceled one
    (the brief's rules 1 and 2), nor when `TRIAL_DAYS` is 0.
    """
    if settings.trial_days < 1:
        return False
    livemode = settings.livemode
    used = TrialUsageTracking.objects.filter(
        subscriber_id=subscriber.pk, livemode=livemode, has_used_trial=True
    )
    past = Subscription.objects.filter(customer__subscriber=subscriber, livemode=livemode)
    return not used.exists() and not past.exists()


def record_trial_use(*, subscription: Subscription) -> bool:
    """Mark the trial of the subscription's subscriber as used; true when this call did it.

    Safe to repeat. Nothing happens for a subscription without a trial, or whose customer is
    linked to nobody (`fix_customer_links` and the next sync catch up).
    """
    subscriber = subscription.customer.subscriber
    if subscriber is None or subscription.stripe_data.get("trial_end") is None:
        return False
    started = from_timestamp(subscription.stripe_data.get("trial_start")) or now()
    with transaction.atomic():
        usage, _created = TrialUsageTracking.objects.select_for_update().get_or_create(
            subscriber=subscriber, livemode=bool(subscription.livemode)
        )
        if usage.has_used_trial:
            return False
        usage.has_used_trial = True
        usage.trial_used_at = started
        usage.subscription_id = subscription.id
        usage.save()
    return True
