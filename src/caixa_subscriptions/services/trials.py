"""One honest free trial per subscriber, e-mail address and card.

A trial is reserved when a Checkout Session with one is opened, confirmed when its subscription
exists (`trial_usage`), and free again when the session is over. What it is claimed by are rows
with a unique digest: the database decides who was first.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import models, transaction
from django.db.models import Q
from djstripe.models import Subscription

from caixa_subscriptions.conf import now, settings
from caixa_subscriptions.models import TrialUsageTracking
from caixa_subscriptions.services.identities import identities_of
from caixa_subscriptions.services.trial_ledger import (
    is_spent,
    is_taken,
    known_identities,
    take_trial,
)

# A Checkout Session is open for a day at most (Stripe API: `expires_at`); its webhook may be late.
SESSION_LIFETIME = dt.timedelta(hours=24)
LATE_WEBHOOK = dt.timedelta(minutes=5)
# Of a session that is complete Stripe delivers the news for three days (Stripe docs: webhooks).
LATE_SUBSCRIPTION = dt.timedelta(days=3) + LATE_WEBHOOK


def is_trial_eligible(*, subscriber: models.Model) -> bool:
    """Whether the subscriber may still have the free trial in the current mode.

    Not when it was used by somebody of the same identity, nor with a past subscription of any
    status, even a canceled one (the brief's rules 1 and 2), nor when `TRIAL_DAYS` is 0, nor while
    another subscriber of the same identity has an open session with it.
    """
    if settings.trial_days < 1:
        return False
    livemode = settings.livemode
    known = known_identities(identities_of(subscriber), livemode)
    usages = TrialUsageTracking.objects.filter(
        Q(subscriber=subscriber.pk) | Q(pk__in=known.values("usage")), livemode=livemode
    )
    taken = any(is_taken(usage, subscriber) for usage in usages)
    return not taken and not _has_subscribed(subscriber)


def reserve_trial(*, subscriber: models.Model) -> bool:
    """Claim the trial for the session that is about to be opened; False when it is not to be had.

    The same subscriber may reserve again. Reserved for as long as a session can be open, so that
    one whose id we never learn is covered; `hold_trial` says more exactly. Wants no surrounding
    transaction, since it is to be committed before Stripe is called.
    """
    if not is_trial_eligible(subscriber=subscriber):
        return False

    def reserve(usage: TrialUsageTracking) -> None:
        usage.reserved_until = now() + SESSION_LIFETIME + LATE_WEBHOOK
        usage.save(update_fields=["reserved_until", "updated"])

    return take_trial(subscriber=subscriber, record=reserve)


def hold_trial(*, subscriber: models.Model, session_id: str, expires_at: dt.datetime) -> None:
    """The reserved trial is that of this session, until it expires. An earlier session's is no
    longer."""
    TrialUsageTracking.objects.filter(
        subscriber=subscriber.pk, livemode=settings.livemode, has_used_trial=False
    ).update(
        checkout_session_id=session_id, reserved_until=expires_at + LATE_WEBHOOK, updated=now()
    )


def await_subscription(*, session_id: str) -> None:
    """The session is complete: its trial stays reserved until its subscription must be known."""
    TrialUsageTracking.objects.filter(
        checkout_session_id=session_id, has_used_trial=False, reserved_until__isnull=False
    ).update(reserved_until=now() + LATE_SUBSCRIPTION, updated=now())


def release_trial(*, session_id: str) -> bool:
    """The session is over without a subscription: its trial is free again. True if it held one.

    Nothing happens when the trial was used, or is another session's by now.
    """
    with transaction.atomic():
        usage = (
            TrialUsageTracking.objects.select_for_update()
            .filter(checkout_session_id=session_id)
            .first()
        )
        if usage is None or not session_id or is_spent(usage):
            return False
        usage.checkout_session_id, usage.reserved_until = "", None
        usage.save(update_fields=["checkout_session_id", "reserved_until", "updated"])
        usage.identities.all().delete()
    return True


def trial_params(*, until: dt.datetime | None = None) -> dict[str, Any]:
    """What a Checkout Session with the trial is created with, besides what all are. `until` is
    when a trial ends that is running.

    Without `TRIAL_WITHOUT_CARD` a card is asked for; with it only where something is due today,
    and the trial's end without one does what the setting says (Stripe docs: free trials).
    """
    trial: dict[str, Any] = {"trial_period_days": settings.trial_days}
    if until is not None:
        trial = {"trial_end": int(until.timestamp())}
    if not settings.trial_without_card:
        return {"payment_method_collection": "always", "subscription_data": trial}
    trial["trial_settings"] = {
        "end_behavior": {"missing_payment_method": settings.trial_without_card}
    }
    return {"payment_method_collection": "if_required", "subscription_data": trial}


def _has_subscribed(subscriber: models.Model) -> bool:
    past = Subscription.objects.filter(
        customer__subscriber=subscriber.pk, livemode=settings.livemode
    )
    return bool(past.exists())
