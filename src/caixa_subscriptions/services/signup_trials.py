"""The trial that begins with the subscriber: access for `TRIAL_DAYS`, and no object at Stripe.

With `TRIAL_STARTS = "signup"`. The same record and the same identities as the trial of a Checkout,
so that nobody has both.
"""

from __future__ import annotations

import datetime as dt

from django.db import models, transaction

from caixa_subscriptions.conf import now, settings
from caixa_subscriptions.exceptions import NotTrialing, TrialEndRefused
from caixa_subscriptions.models import TrialUsageTracking
from caixa_subscriptions.services.trial_ledger import take_trial
from caixa_subscriptions.services.trials import is_trial_eligible

# From now on, as at Stripe (Stripe API: a trial is at most 730 days).
LONGEST_TRIAL = dt.timedelta(days=730)
# Stripe takes a trial's end in Checkout only so far ahead, and a session is open for a day.
SHORTEST_REST = dt.timedelta(hours=48)


def start_trial(*, subscriber: models.Model) -> bool:
    """The subscriber is on trial from now on, for `TRIAL_DAYS` in the current mode.

    Called for every new subscriber; may be called for those from before. False when the trial is
    not to be had (see `is_trial_eligible`), or when trials begin at Checkout. Safe to repeat, and
    good inside a transaction.
    """
    if not settings.starts_trial_at_signup or not is_trial_eligible(subscriber=subscriber):
        return False

    def begin(usage: TrialUsageTracking) -> None:
        begun = now().replace(microsecond=0)  # seconds, as at Stripe
        usage.has_used_trial, usage.trial_used_at = True, begun
        usage.trial_end = begun + dt.timedelta(days=settings.trial_days)
        usage.checkout_session_id, usage.reserved_until = "", None
        usage.save()

    return take_trial(subscriber=subscriber, record=begin)


def extend_signup_trial(*, subscriber: models.Model, by: dt.timedelta) -> dt.datetime:
    """The trial ends so much later than it would; when.

    Raises NotTrialing when it is over, TrialEndRefused (a trial does not get shorter, nor longer
    than `LONGEST_TRIAL` from now).
    """
    with transaction.atomic():
        usage, end = _running(subscriber)
        if not dt.timedelta(0) < by <= LONGEST_TRIAL or end + by > now() + LONGEST_TRIAL:
            raise TrialEndRefused
        return _set_end(usage, end + by)


def end_signup_trial(*, subscriber: models.Model) -> None:
    """The trial is over now. Nothing is charged: there is no subscription. Raises NotTrialing."""
    with transaction.atomic():
        usage, _end = _running(subscriber)
        _set_end(usage, now())


def rest_of_signup_trial(*, subscriber: models.Model) -> dt.datetime | None:
    """When the running trial ends, if Stripe can take over what is left of it (Stripe API:
    Checkout's `subscription_data.trial_end` is at least 48 hours ahead)."""
    if not settings.starts_trial_at_signup:
        return None
    return (
        TrialUsageTracking.objects.filter(
            subscriber=subscriber.pk,
            livemode=settings.livemode,
            trial_end__gt=now() + SHORTEST_REST,
            subscription_id="",
        )
        .values_list("trial_end", flat=True)
        .first()
    )


def _set_end(usage: TrialUsageTracking, end: dt.datetime) -> dt.datetime:
    usage.trial_end = end = end.replace(microsecond=0)
    usage.save(update_fields=["trial_end", "updated"])
    return end


def _running(subscriber: models.Model) -> tuple[TrialUsageTracking, dt.datetime]:
    usage = (
        TrialUsageTracking.objects.select_for_update()
        .filter(subscriber=subscriber.pk, livemode=settings.livemode, trial_end__gt=now())
        .first()
    )
    if usage is None or usage.trial_end is None or not settings.starts_trial_at_signup:
        raise NotTrialing
    return usage, usage.trial_end
