"""Giving more of a trial that is running, or ending it."""

from __future__ import annotations

import datetime as dt

from djstripe.models import Subscription

from caixa_subscriptions import stripe_gateway
from caixa_subscriptions.conf import now
from caixa_subscriptions.exceptions import NotTrialing, TrialEndRefused
from caixa_subscriptions.services.subscriptions import sync_subscription
from caixa_subscriptions.shapes import from_timestamp

# From now on (Stripe API: a trial is at most 730 days).
LONGEST_TRIAL = dt.timedelta(days=730)


@stripe_gateway.within()
def extend_trial(*, subscription_id: str, by: dt.timedelta) -> Subscription:
    """The trial ends so much later than it would, and the first invoice comes then.

    Stripe is asked when it ends now, so nothing is given twice to what is read here too late.
    Raises NotTrialing, TrialEndRefused (a trial does not get shorter, nor longer than
    `LONGEST_TRIAL` from now), StripeUnavailable, StripeRefused. Wants no surrounding transaction.
    """
    end = _trial_end(subscription_id)
    if not dt.timedelta(0) < by <= LONGEST_TRIAL or end + by > now() + LONGEST_TRIAL:
        raise TrialEndRefused
    changed = stripe_gateway.update_subscription(
        subscription_id,
        {"trial_end": int((end + by).timestamp()), "proration_behavior": "none"},
        scope=subscription_id,
        # The end is another one when it is tried again and was extended after all.
        same_by={"extended_by": by.total_seconds()},
    )
    return sync_subscription(stripe_subscription=changed)


@stripe_gateway.within()
def end_trial(*, subscription_id: str) -> Subscription:
    """The trial is over now, and Stripe charges the first period at once.

    Raises NotTrialing, StripeUnavailable, StripeRefused (a declined card is no error: the
    subscription is past due then). Wants no surrounding transaction.
    """
    _trial_end(subscription_id)
    changed = stripe_gateway.update_subscription(
        subscription_id, {"trial_end": "now"}, scope=subscription_id
    )
    return sync_subscription(stripe_subscription=changed)


def _trial_end(subscription_id: str) -> dt.datetime:
    subscription = stripe_gateway.retrieve_subscription(subscription_id)
    end = from_timestamp(subscription.trial_end)
    if subscription.status != "trialing" or end is None:
        raise NotTrialing
    return end
