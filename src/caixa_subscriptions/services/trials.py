"""One honest free trial per subscriber, e-mail address and card.

A trial is reserved when a Checkout Session with one is opened, confirmed when its subscription
exists, and free again when the session is over. What it is claimed by are rows with a unique
digest: the database decides who was first.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Any

from django.db import IntegrityError, models, transaction
from django.db.models import Q
from djstripe.models import Customer, Subscription

from caixa_subscriptions.conf import now, settings
from caixa_subscriptions.models import CheckoutAttempt, Remedy, TrialIdentity, TrialUsageTracking
from caixa_subscriptions.services.identities import (
    Identity,
    card_fingerprints,
    identities,
    identities_of,
)
from caixa_subscriptions.services.remedies import record_remedy
from caixa_subscriptions.shapes import from_timestamp

# A Checkout Session is open for a day at most (Stripe API: `expires_at`); its webhook may be late.
SESSION_LIFETIME = dt.timedelta(hours=24)
LATE_WEBHOOK = dt.timedelta(minutes=5)

# How often to look again when another transaction was quicker.
_ATTEMPTS = 5


def is_trial_eligible(*, subscriber: models.Model) -> bool:
    """Whether the subscriber may still have the free trial in the current mode.

    Not when it was used by somebody of the same identity, nor with a past subscription of any
    status, even a canceled one (the brief's rules 1 and 2), nor when `TRIAL_DAYS` is 0, nor while
    another subscriber of the same identity has an open session with it.
    """
    if settings.trial_days < 1:
        return False
    livemode = settings.livemode
    known = _known(identities_of(subscriber), livemode)
    usages = TrialUsageTracking.objects.filter(
        Q(subscriber=subscriber.pk) | Q(pk__in=known.values("usage")), livemode=livemode
    )
    taken = any(_is_taken(usage, subscriber) for usage in usages)
    return not taken and not _has_subscribed(subscriber)


def reserve_trial(*, subscriber: models.Model) -> bool:
    """Claim the trial for the session that is about to be opened; False when it is not to be had.

    The same subscriber may reserve again. Reserved for as long as a session can be open, so that
    one whose id we never learn is covered; `hold_trial` says more exactly. Wants no surrounding
    transaction, since it is to be committed before Stripe is called.
    """
    if not is_trial_eligible(subscriber=subscriber):
        return False
    livemode = settings.livemode
    seen = identities_of(subscriber)
    for _attempt in range(_ATTEMPTS):
        try:
            with transaction.atomic():
                usage, others = _locked(subscriber, livemode, seen)
                if any(_is_taken(one, subscriber) for one in (usage, *others)):
                    return False
                _claim(usage, seen, others)
                usage.reserved_until = now() + SESSION_LIFETIME + LATE_WEBHOOK
                usage.save(update_fields=["reserved_until", "updated"])
                return True
        except IntegrityError:  # somebody else claimed one of them this moment
            continue
    return False


def hold_trial(*, subscriber: models.Model, session_id: str, expires_at: dt.datetime) -> None:
    """The reserved trial is that of this session, until it expires. An earlier session's is no
    longer."""
    TrialUsageTracking.objects.filter(
        subscriber=subscriber.pk, livemode=settings.livemode, has_used_trial=False
    ).update(
        checkout_session_id=session_id, reserved_until=expires_at + LATE_WEBHOOK, updated=now()
    )


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
        if usage is None or not session_id or _is_spent(usage):
            return False
        usage.checkout_session_id, usage.reserved_until = "", None
        usage.save(update_fields=["checkout_session_id", "reserved_until", "updated"])
        usage.identities.all().delete()
    return True


def trial_params() -> dict[str, Any]:
    """What a Checkout Session with the trial is created with, besides what all are.

    Without `TRIAL_WITHOUT_CARD` a card is asked for; with it only where something is due today,
    and the trial's end without one does what the setting says (Stripe docs: free trials).
    """
    trial: dict[str, Any] = {"trial_period_days": settings.trial_days}
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
    for attempt in range(_ATTEMPTS):
        try:
            with transaction.atomic():
                usage, others = _locked(subscriber, livemode, seen)
                changed = _confirm(usage, subscription)
                had_trial = [other for other in others if other.has_used_trial]
                if _has_trial(subscription):
                    _claim(usage, seen, others, leave=had_trial)
                else:
                    _claim(usage, seen, others, leave=[one for one in others if _is_kept(one)])
        except IntegrityError:
            if attempt == _ATTEMPTS - 1:
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


def _is_spent(usage: TrialUsageTracking) -> bool:
    return usage.has_used_trial or usage.subscription_id != ""


def _is_taken(usage: TrialUsageTracking, subscriber: models.Model) -> bool:
    """Whether it keeps the subscriber from having the trial."""
    if usage.subscriber_id == subscriber.pk:
        return _is_spent(usage)
    return _is_kept(usage)


def _is_kept(usage: TrialUsageTracking) -> bool:
    """Whether its identities are not free for others: used, or an open session's."""
    reserved = usage.reserved_until is not None and usage.reserved_until > now()
    return _is_spent(usage) or reserved


def _known(seen: Collection[Identity], livemode: bool) -> models.QuerySet[TrialIdentity]:
    wanted = Q(pk__in=[])
    for identity in seen:
        wanted |= Q(kind=identity.kind, digest__in=identity.known_as)
    return TrialIdentity.objects.filter(wanted, livemode=livemode)


def _locked(
    subscriber: models.Model, livemode: bool, seen: Collection[Identity]
) -> tuple[TrialUsageTracking, list[TrialUsageTracking]]:
    """The subscriber's row and those of others with one of these identities, all locked.

    In the order of their keys, so that no two wait for each other.
    """
    own, _created = TrialUsageTracking.objects.get_or_create(
        subscriber_id=subscriber.pk, livemode=livemode
    )
    pks = {own.pk, *_known(seen, livemode).values_list("usage", flat=True)}
    rows = TrialUsageTracking.objects.select_for_update().filter(pk__in=pks).order_by("pk")
    by_pk = {row.pk: row for row in rows}
    usage = by_pk.pop(own.pk)
    return usage, list(by_pk.values())


def _claim(
    usage: TrialUsageTracking,
    seen: Collection[Identity],
    others: Collection[TrialUsageTracking],
    *,
    leave: Collection[TrialUsageTracking] = (),
) -> None:
    """Make these identities the row's own, but for those of the rows in `leave`.

    `others` are the locked rows that had one of them; `leave` keep theirs. What was written with an
    earlier pepper is written anew. Raises IntegrityError when another transaction was quicker: what
    it claimed since the rows were locked is not taken from it, for nobody has looked at its row.
    """
    left = {other.pk for other in leave}
    locked = {usage.pk, *(other.pk for other in others)}
    for identity in seen:
        rows = list(_known([identity], usage.livemode).order_by("pk"))
        # Ours first, else anybody's: a row by an earlier pepper becomes one by the first.
        row = next((one for one in rows if one.digest == identity.digest), None) or next(
            iter(rows), None
        )
        if row is None:
            TrialIdentity.objects.create(
                usage=usage, livemode=usage.livemode, kind=identity.kind, digest=identity.digest
            )
            continue
        if row.usage_id not in locked:
            raise IntegrityError("the identity has just been claimed")
        owner = row.usage_id if row.usage_id in left else usage.pk
        if (owner, identity.digest) != (row.usage_id, row.digest):
            changed = TrialIdentity.objects.filter(pk=row.pk, usage=row.usage_id).update(
                usage=owner, digest=identity.digest
            )
            if not changed:
                raise IntegrityError("the identity has been claimed")
