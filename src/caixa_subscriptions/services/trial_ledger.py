"""Who has the trial: one row for each subscriber, and rows with a unique digest of what they are
known by. The database decides who was first."""

from __future__ import annotations

from collections.abc import Callable, Collection

from django.db import IntegrityError, models, transaction
from django.db.models import Q

from caixa_subscriptions.conf import now, settings
from caixa_subscriptions.models import TrialIdentity, TrialUsageTracking
from caixa_subscriptions.services.identities import Identity, identities_of

# How often to look again when another transaction was quicker.
ATTEMPTS = 5


def take_trial(*, subscriber: models.Model, record: Callable[[TrialUsageTracking], None]) -> bool:
    """Claim the trial for all the subscriber's identities at once, and `record` what for in their
    row; False, and nothing written, when it is somebody's already."""
    seen = identities_of(subscriber)
    for _attempt in range(ATTEMPTS):
        try:
            with transaction.atomic():
                usage, others = locked_usage(subscriber, settings.livemode, seen)
                if any(is_taken(one, subscriber) for one in (usage, *others)):
                    return False
                claim(usage, seen, others)
                record(usage)
                return True
        except IntegrityError:  # somebody else claimed one of them this moment
            continue
    return False


def is_spent(usage: TrialUsageTracking) -> bool:
    return usage.has_used_trial or usage.subscription_id != ""


def is_taken(usage: TrialUsageTracking, subscriber: models.Model) -> bool:
    """Whether it keeps the subscriber from having the trial."""
    if usage.subscriber_id == subscriber.pk:
        return is_spent(usage)
    return is_kept(usage)


def is_kept(usage: TrialUsageTracking) -> bool:
    """Whether its identities are not free for others: used, or an open session's."""
    reserved = usage.reserved_until is not None and usage.reserved_until > now()
    return is_spent(usage) or reserved


def known_identities(seen: Collection[Identity], livemode: bool) -> models.QuerySet[TrialIdentity]:
    wanted = Q(pk__in=[])
    for identity in seen:
        wanted |= Q(kind=identity.kind, digest__in=identity.known_as)
    return TrialIdentity.objects.filter(wanted, livemode=livemode)


def locked_usage(
    subscriber: models.Model, livemode: bool, seen: Collection[Identity]
) -> tuple[TrialUsageTracking, list[TrialUsageTracking]]:
    """The subscriber's row and those of others with one of these identities, all locked.

    In the order of their keys, so that no two wait for each other.
    """
    own, _created = TrialUsageTracking.objects.get_or_create(
        subscriber_id=subscriber.pk, livemode=livemode
    )
    pks = {own.pk, *known_identities(seen, livemode).values_list("usage", flat=True)}
    rows = TrialUsageTracking.objects.select_for_update().filter(pk__in=pks).order_by("pk")
    by_pk = {row.pk: row for row in rows}
    usage = by_pk.pop(own.pk)
    return usage, list(by_pk.values())


def claim(
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
        rows = list(known_identities([identity], usage.livemode).order_by("pk"))
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
