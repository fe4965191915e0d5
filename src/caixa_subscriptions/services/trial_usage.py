"""What the subscriptions that exist say about trials, written into the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from djstripe.models import Customer, Subscription

from caixa_subscriptions.conf import now, settings
from caixa_subscriptions.models import (
    CheckoutAttempt,
    Remedy,
    TrialIdentity,
    TrialUsageTracking,
)
from caixa_subscriptions.services.identities import Identity, card_fingerprints, identities
from caixa_subscriptions.services.remedies import record_remedy
from caixa_subscriptions.services.trial_ledger import ATTEMPTS, claim, is_kept, locked_usage
from caixa_subscriptions.shapes import from_timestamp


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
    seen = _identities([subscription])[0]
    for attempt in range(ATTEMPTS):
        try:
            with transaction.atomic():
                usage, others = locked_usage(subscriber, livemode, seen)
                changed = _confirm(usage, subscription)
                if changed:
                    usage.save()
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


def record_subscriptions(*, subscriptions: Sequence[Subscription]) -> None:
    """`record_subscription` for many, with a few queries for all whom the ledger does not know yet.

    Whoever it knows by anything, or who has something in common with one before them, is recorded
    alone and after the others; so are all of them when another process was quicker. What is
    written at once sends no signals.
    """
    unknown = _unknown(subscriptions)
    try:
        with transaction.atomic():
            _write_unknown(unknown)
    except IntegrityError:
        unknown = {}
    for subscription in subscriptions:
        if subscription.pk not in unknown:
            record_subscription(subscription=subscription)


def _unknown(subscriptions: Iterable[Subscription]) -> dict[Any, _Unknown]:
    """Subscriptions whose subscribers share nothing with the ledger, nor with those before them;
    by primary key."""
    linked = [one for one in subscriptions if one.customer and one.customer.subscriber]
    found = [_Unknown(one, seen) for one, seen in zip(linked, _identities(linked), strict=True)]
    usages = TrialUsageTracking.objects.filter(subscriber__in={one.owner[0] for one in found})
    digests = TrialIdentity.objects.filter(
        digest__in={digest for one in found for digest in one.known_as}
    )
    known: set[Any] = {
        *usages.values_list("subscriber_id", "livemode"),
        *digests.values_list("digest", flat=True),
    }
    unknown = {}
    for one in found:
        if known.isdisjoint({one.owner, *one.known_as}):
            unknown[one.subscription.pk] = one
        known.update({one.owner, *one.known_as})
    return unknown


def _write_unknown(unknown: Mapping[Any, _Unknown]) -> None:
    usages = []
    for one in unknown.values():
        subscriber_pk, livemode = one.owner
        usage = TrialUsageTracking(subscriber_id=subscriber_pk, livemode=livemode)
        _confirm(usage, one.subscription)
        usages.append(usage)
    TrialUsageTracking.objects.bulk_create(usages)
    # Read again, since MySQL does not tell the keys.
    rows = TrialUsageTracking.objects.filter(subscriber__in=[one.subscriber_id for one in usages])
    pks = {
        (subscriber_pk, livemode): pk
        for pk, subscriber_pk, livemode in rows.values_list("pk", "subscriber", "livemode")
    }
    TrialIdentity.objects.bulk_create(
        TrialIdentity(
            usage_id=pks[one.owner],
            livemode=one.owner[1],
            kind=identity.kind,
            digest=identity.digest,
        )
        for one in unknown.values()
        for identity in one.seen
    )


@dataclass(frozen=True, slots=True)
class _Unknown:
    """A subscription of somebody who is not in the ledger."""

    subscription: Subscription
    seen: list[Identity]

    @property
    def owner(self) -> tuple[Any, bool]:
        return self.subscription.customer.subscriber_id, bool(self.subscription.livemode)

    @property
    def known_as(self) -> set[str]:
        return {digest for identity in self.seen for digest in identity.known_as}


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
        if usage is None or not _confirm(usage, subscription):
            return False
        usage.save()
        return True


def _identities(subscriptions: Sequence[Subscription]) -> list[list[Identity]]:
    """Those of their subscribers, one after the other; a card says who they are only with a
    trial."""
    cards = card_fingerprints([one for one in subscriptions if _has_trial(one)])
    return [
        identities(
            subscriber=one.customer.subscriber,
            livemode=bool(one.livemode),
            fingerprints=cards.get(one.pk, ()),
        )
        for one in subscriptions
    ]


def _confirm(usage: TrialUsageTracking, subscription: Subscription) -> bool:
    """Note the subscription in the row, which is to be saved if that is news."""
    if _has_trial(subscription) and not usage.has_used_trial:
        usage.has_used_trial = True
        usage.trial_used_at = from_timestamp(subscription.stripe_data.get("trial_start")) or now()
    elif usage.subscription_id:
        return False
    usage.subscription_id = subscription.id
    usage.checkout_session_id, usage.reserved_until = "", None
    return True


def _has_trial(subscription: Subscription) -> bool:
    return subscription.stripe_data.get("trial_end") is not None


def _is_on_trial(subscription: Subscription) -> bool:
    return bool(subscription.stripe_data.get("status") == "trialing")
