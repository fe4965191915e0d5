"""Idempotency keys that outlive the process: a write whose outcome is unknown is repeated under
the key it was first sent with, whoever repeats it.

The row is there before Stripe is called. So it must not be part of a transaction that may yet be
undone: who writes to Stripe is in none.
"""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.crypto import salted_hmac

from caixa_subscriptions.conf import settings
from caixa_subscriptions.exceptions import StripeUnavailable
from caixa_subscriptions.models import StripeRequest
from caixa_subscriptions.stripe_gateway.deadlocks import again_after_deadlock

# Stripe forgets keys when they are a day old, not before (Stripe docs: idempotent requests). One
# hour for clocks that differ and calls that take their time.
KEY_LIFETIME = dt.timedelta(hours=23)
# Of several callers of one write, one may know its outcome while another does not and asks again.
SHARED_FOR = dt.timedelta(hours=1)
MAX_RACES = 10  # of begins with the ends of the same write


@dataclass(frozen=True, slots=True)
class Pending:
    """A write that is about to be made, or was begun before (`is_repeat`).

    With `is_old`, Stripe may have forgotten the key and would carry the write out anew.
    """

    about: dict[str, Any]
    key: str = field(repr=False)
    is_repeat: bool
    is_old: bool


def begin(
    operation: str, scope: str, params: Mapping[str, Any], *, lifetime: dt.timedelta
) -> Pending:
    """Two at once get the same key. Raises RuntimeError inside a transaction: what is under way
    must be on record before Stripe is asked."""
    with transaction.atomic(durable=True):
        pass
    about = {
        "livemode": settings.livemode,
        "operation": operation,
        "scope": scope,
        "params_digest": _digest(params),
    }
    return _claim(about, lifetime)


def _claim(about: dict[str, Any], lifetime: dt.timedelta) -> Pending:
    for _ in range(MAX_RACES):
        try:
            row, created = _get_or_create(about)
        except IntegrityError:
            continue  # it was there and is gone: somebody else's is settled
        if not created and _is_over(row):
            _purge()
        elif created or _join(row):
            is_old = timezone.now() - row.created > lifetime
            return Pending(about, key=row.idempotency_key, is_repeat=not created, is_old=is_old)
    raise StripeUnavailable


def _join(row: StripeRequest) -> bool:
    """Take over from a caller who got no answer, or share with one who still waits. Not when the
    row is gone meanwhile."""
    same = StripeRequest.objects.filter(idempotency_key=row.idempotency_key)
    return bool(
        _update(same.filter(is_in_doubt=True), is_in_doubt=False) or _update(same, is_shared=True)
    )


def forget(pending: Pending) -> None:
    """Nothing was done, and Stripe may keep that answer: who asks again is to ask anew."""
    _delete(StripeRequest.objects.filter(idempotency_key=pending.key))


def settle(pending: Pending) -> None:
    """It is done; the same write is a new one from now on."""
    same = StripeRequest.objects.filter(idempotency_key=pending.key)
    if not _delete(same.filter(is_shared=False)):
        _update(same.filter(is_in_doubt=False), settled_at=timezone.now())
        _purge()


def keep(pending: Pending) -> None:
    """The outcome is unknown to us, even if somebody else who sent the same knows theirs."""
    same = StripeRequest.objects.filter(idempotency_key=pending.key)
    if not _update(same, is_in_doubt=True, settled_at=None):
        with suppress(IntegrityError):
            _create(**pending.about, idempotency_key=pending.key, is_in_doubt=True)


def renew(pending: Pending) -> Pending:
    """The key is of no more use and the write was not carried out: a new key for it.

    Of two at once both get the one that is stored.
    """
    key = _new_key()
    same = StripeRequest.objects.filter(idempotency_key=pending.key)
    if not _update(same, idempotency_key=key, created=timezone.now(), settled_at=None):
        key = _claim(pending.about, KEY_LIFETIME).key
    return replace(pending, key=key, is_repeat=False, is_old=False)


def _is_over(row: StripeRequest) -> bool:
    return row.settled_at is not None and row.settled_at < timezone.now() - SHARED_FOR


def _purge() -> None:
    _delete(StripeRequest.objects.filter(settled_at__lt=timezone.now() - SHARED_FOR))


@again_after_deadlock
def _get_or_create(about: Mapping[str, Any]) -> tuple[StripeRequest, bool]:
    return StripeRequest.objects.get_or_create(**about, defaults={"idempotency_key": _new_key()})


@again_after_deadlock
def _create(**values: Any) -> None:
    with transaction.atomic():
        StripeRequest.objects.create(**values)


@again_after_deadlock
def _update(rows: QuerySet[StripeRequest], **values: Any) -> int:
    return rows.update(**values)


@again_after_deadlock
def _delete(rows: QuerySet[StripeRequest]) -> int:
    return rows.delete()[0]


def _new_key() -> str:
    return uuid.uuid4().hex


def _digest(params: Mapping[str, Any]) -> str:
    """Keyed, since what is sent may be an e-mail address, which a plain digest would betray to
    whoever guesses it. A new `SECRET_KEY` forgets which requests were under way."""
    canonical = json.dumps(params, sort_keys=True, default=str)
    return salted_hmac(__name__, canonical, algorithm="sha256").hexdigest()
