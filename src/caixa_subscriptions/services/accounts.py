"""One request at a time sells to one subscriber: a lease on their billing account."""

from __future__ import annotations

import datetime as dt
import logging
import random
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import DatabaseError, models, transaction
from django.db.models.functions import Now

from caixa_subscriptions.conf import settings
from caixa_subscriptions.exceptions import Busy
from caixa_subscriptions.models import BillingAccount

logger = logging.getLogger(__name__)

# Longer than the calls to Stripe one holder makes; a holder that was killed blocks this long.
LEASE = dt.timedelta(seconds=60)
# How long one waits for the others.
WAIT_SECONDS = 15.0
# Between two looks, at random, so that those who wait do not look all at once.
_PAUSE_SECONDS = (0.01, 0.15)


class _Now(Now):
    """The database's clock, in UTC: servers need not agree on the time."""

    def as_mysql(self, compiler: Any, connection: Any, **extra_context: Any) -> Any:
        # Now() is in the time zone of the session, which need not be the one times are stored in.
        return self.as_sql(compiler, connection, template="UTC_TIMESTAMP(6)", **extra_context)


@contextmanager
def billing_lock(*, subscriber: models.Model) -> Iterator[BillingAccount]:
    """The subscriber's account in the current mode, for this caller alone until the end.

    Not a row lock: no transaction is open meanwhile, so the caller may ask Stripe, and what it
    commits survives its being killed. Whoever takes longer than `LEASE` loses the lock unnoticed;
    constraints and idempotency keys are what keeps things right then.

    Not reentrant. Raises Busy after `WAIT_SECONDS`, and RuntimeError inside a transaction
    (`ATOMIC_REQUESTS` too: mark the view `transaction.non_atomic_requests`), where nothing could
    be committed before Stripe is called.
    """
    with transaction.atomic(durable=True):
        account, _created = BillingAccount.objects.get_or_create(
            subscriber_id=subscriber.pk, livemode=settings.livemode
        )
    with account_lock(account=account) as locked:
        if locked.subscriber_id != subscriber.pk:  # deleted meanwhile
            raise Busy
        locked.subscriber = subscriber  # type: ignore[assignment]
        yield locked


@contextmanager
def account_lock(*, account: BillingAccount) -> Iterator[BillingAccount]:
    """`billing_lock` of an account that is known, also of one whose subscriber is deleted."""
    with transaction.atomic(durable=True):  # none may be open: see billing_lock
        token = secrets.token_hex(16)
    locked = _acquire(account, token)
    try:
        yield locked
    finally:
        _release(locked, token)


def _acquire(account: BillingAccount, token: str) -> BillingAccount:
    deadline = time.monotonic() + WAIT_SECONDS
    free = BillingAccount.objects.filter(
        models.Q(locked_until=None) | models.Q(locked_until__lte=_Now()), pk=account.pk
    )
    while not free.update(locked_by=token, locked_until=_Now() + LEASE):
        if time.monotonic() > deadline:
            logger.warning("Billing account %s is busy", account.pk)
            raise Busy
        time.sleep(random.uniform(*_PAUSE_SECONDS))  # noqa: S311 - no secret
    try:
        return BillingAccount.objects.get(pk=account.pk, locked_by=token)
    except BillingAccount.DoesNotExist:  # deleted meanwhile
        raise Busy from None


def _release(account: BillingAccount, token: str) -> None:
    try:
        BillingAccount.objects.filter(pk=account.pk, locked_by=token).update(
            locked_by="", locked_until=None
        )
    except DatabaseError as error:  # what was done stays done, and the lease ends by itself
        logger.warning("Could not unlock account %s: %s", account.pk, type(error).__name__)
