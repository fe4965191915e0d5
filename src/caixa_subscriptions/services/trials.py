"""One honest free trial per subscriber, e-mail address and card.

A trial is reserved when a Checkout Session with one is opened, confirmed when its subscription
exists, and free again when the session is over. What it is claimed by are rows with a unique
digest: the database decides who was first.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import IntegrityError, models, transaction
from django.db.models import Q
from djstripe.models import Customer, Subscription

from caixa_subscriptions.conf import now, settings
from caixa_subscriptions.models import CheckoutAttempt, Remedy, TrialUsageTracking
from caixa_subscriptions.services.identities import (
    card_fingerprints,
    identities,
    identities_of,
)
from caixa_subscriptions.services.remedies import record_remedy
from caixa_subscriptions.services.trial_ledger import (
    ATTEMPTS,
    claim,
    is_kept,
    is_spent,
    is_taken,
    known_identities,
    locked_usage,
    take_trial,
)
from caixa_subscriptions.shapes import from_timestamp

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


def record_subscription(*, subscription: Subscription) -> bool:
    """Remember that its subscriber has subscribed, and the trial as used when it has one.

    Outlives the customer: dj-stripe unlinks one that is deleted at Stripe. True when this call
    changed something, so it is safe to repeat, in any order and at once. A trial of somebody
    whose identity, such as a card, had one before is a second one: `SECOND_TRIAL` says what is
    done about it, after the commit. For a customer linked to nobody only what our own session
    reserved is confirmed (`fix_customer_links` and the next sync catch up).
    """
    subscriber = subscription.customer.subscriber if subscription.customer else None
    if subscriber is None:
        return _confirm_unlinked(subscription)
    livemode = bool(subscription.livemode)
    fingerprints = card_fingerprints(subscription) if _has_trial(subscription) else ()
    seen = identities(subscriber=subscriber, livemode=livemode, fingerprints=fingerprints)
    for attempt in range(ATTEMPTS):
        try:
            with transaction.atomic():
                usage, others = locked_usage(subscriber, livemode, seen)
                changed = _confirm(usage, subscription)
                had_trial = [other for other in others if other.has_used_trial]
                if _has_trial(subscription):
                    claim(usage, seen, others, leave=had_trial)
                else:
                    claim(usage, seen, others, leave=[one for one in others if is_kept(one)])
        except IntegrityError:
            if attempt == ATTEMPTS - 1:
                raise
            continue
        break
    if had_trial and _is_on_trial(subscription) and settings.second_trial != "allow":
        changed |= record_remedy(
            kind=Remedy.Kind.SECOND_TRIAL,
            policy=Remedy.Policy(settings.second_trial),
            subscription=subscription,
            kept_subscription_id=had_trial[0].subscription_id,
        )
    return changed


def record_cards(*, customer: Customer) -> None:
    """The customer has another card: look at its subscriptions on trial again."""
    for subscription in customer.subscriptions.select_related("customer__subscriber"):
        if _is_on_trial(subscription):
            record_subscription(subscription=subscription)


def _confirm_unlinked(subscription: Subscription) -> bool:
    """The subscriber was deleted while its session was open."""
    sessions = CheckoutAttempt.objects.filter(customer_id=subscription.customer_id or "")
    with transaction.atomic():
        usage = (
            TrialUsageTracking.objects.select_for_update()
            .filter(
                livemode=bool(subscription.livemode),
                checkout_session_id__in=list(sessions.values_list("session_id", flat=True)),
            )
            .first()
        )
        return _confirm(usage, subscription) if usage else False


def _confirm(usage: TrialUsageTracking, subscription: Subscription) -> bool:
    if _has_trial(subscription) and not usage.has_used_trial:
        usage.has_used_trial = True
        usage.trial_used_at = from_timestamp(subscription.stripe_data.get("trial_start")) or now()
    elif usage.subscription_id:
        return False
    usage.subscription_id = subscription.id
    usage.checkout_session_id, usage.reserved_until = "", None
    usage.save()
    return True


def _has_trial(subscription: Subscription) -> bool:
    return subscription.stripe_data.get("trial_end") is not None


def _is_on_trial(subscription: Subscription) -> bool:
    return bool(subscription.stripe_data.get("status") == "trialing")


def _has_subscribed(subscriber: models.Model) -> bool:
    past = Subscription.objects.filter(
        customer__subscriber=subscriber.pk, livemode=settings.livemode
    )
    return bool(past.exists())
