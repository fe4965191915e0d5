"""One honest free trial per subscriber."""

from __future__ import annotations

from django.db import models, transaction
from django.db.models import Q
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
    remembered = TrialUsageTracking.objects.filter(
        Q(has_used_trial=True) | ~Q(subscription_id=""),
        subscriber_id=subscriber.pk,
        livemode=livemode,
    )
    past = Subscription.objects.filter(customer__subscriber=subscriber.pk, livemode=livemode)
    return not remembered.exists() and not past.exists()


def record_subscription(*, subscription: Subscription) -> bool:
    """Remember that its subscriber has subscribed, and the trial as used when it has one.

    Outlives the customer: dj-stripe unlinks one that is deleted at Stripe. True when this call
    changed something, so it is safe to repeat. Nothing happens while the customer is linked to
    nobody (`fix_customer_links` and the next sync catch up).
    """
    subscriber = subscription.customer.subscriber
    if subscriber is None:
        return False
    has_trial = subscription.stripe_data.get("trial_end") is not None
    with transaction.atomic():
        usage, created = TrialUsageTracking.objects.select_for_update().get_or_create(
            subscriber=subscriber,
            livemode=bool(subscription.livemode),
            defaults={"subscription_id": subscription.id},
        )
        if has_trial and not usage.has_used_trial:
            usage.has_used_trial = True
            usage.trial_used_at = (
                from_timestamp(subscription.stripe_data.get("trial_start")) or now()
            )
        elif usage.subscription_id:
            return created
        usage.subscription_id = subscription.id
        usage.save()
    return True
