"""Giving a customer, or all of a subscriber, to another subscriber; only because somebody says so.

Each move is one log line and one signal, `signals.customer_moved`. Stripe cannot merge customers,
so a subscriber may end up with several: the account has the one that is sold to.
"""

from __future__ import annotations

import logging
from contextlib import ExitStack
from typing import Any

from django.db import models, transaction
from djstripe.models import Customer
from djstripe.settings import djstripe_settings

from caixa_subscriptions import signals, stripe_gateway
from caixa_subscriptions.access import has_live_subscription
from caixa_subscriptions.after_commit import after_commit
from caixa_subscriptions.conf import settings
from caixa_subscriptions.exceptions import Busy, CustomerConflict, StripeRefused
from caixa_subscriptions.models import (
    BillingAccount,
    CheckoutAttempt,
    TrialIdentity,
    TrialUsageTracking,
)
from caixa_subscriptions.services.accounts import billing_lock
from caixa_subscriptions.services.checkout import close_attempt
from caixa_subscriptions.services.customers import list_customers
from caixa_subscriptions.services.links import ACCOUNT_KEY

logger = logging.getLogger(__name__)


def move_customer(*, customer: Customer, subscriber: models.Model) -> None:
    """Give the customer, whoever's or nobody's it is, to a subscriber who has none.

    First here, then in the metadata at Stripe; when the latter fails, calling it again completes
    it, and meanwhile nobody is misled, since metadata overrules no owner. Raises CustomerConflict
    when the subscriber has another customer, Busy, StripeUnavailable, StripeRefused.
    """
    customer.refresh_from_db()
    with ExitStack() as locks:
        _lock(locks, customer.subscriber, subscriber)
        others = Customer.objects.filter(
            subscriber_id=subscriber.pk, livemode=settings.livemode, date_purged__isnull=True
        ).exclude(pk=customer.pk)
        if others.exists():
            raise CustomerConflict
        _move(customer, subscriber)
    _tell_stripe(customer.id, subscriber)


def merge_subscribers(*, source: models.Model, target: models.Model) -> None:
    """Give the target all that is the source's in the current mode, before you delete the source:
    customers, trial records, Checkout Sessions.

    When both have a customer, the account keeps the one with a live subscription, else the
    target's; the other one stays linked for its history. Raises CustomerConflict when both
    subscribe (cancel one first), Busy, StripeUnavailable, StripeRefused.
    """
    with ExitStack() as locks:
        _lock(locks, source, target)
        source_lives = has_live_subscription(source)
        if source_lives and has_live_subscription(target):
            raise CustomerConflict
        mode = {"livemode": settings.livemode}
        # A trial or a second subscription could still come of them.
        for one in (source, target):
            _expire_open_sessions(one)
        customers = list(
            Customer.objects.filter(subscriber_id=source.pk, date_purged__isnull=True, **mode)
        )
        with transaction.atomic():
            accounts = BillingAccount.objects.filter(**mode)
            first = accounts.get(subscriber_id=source.pk).customer_id
            kept = accounts.get(subscriber_id=target.pk).customer_id
            for customer in customers:
                _move(customer, target)
            _move_trials(source, target)
            CheckoutAttempt.objects.filter(subscriber_id=source.pk, **mode).update(
                subscriber_id=target.pk
            )
            if first is not None:
                chosen = first if source_lives or kept is None else kept
                accounts.filter(customer_id=first).update(customer_id=None)
                accounts.filter(subscriber_id=target.pk).update(customer_id=chosen)
    for customer in customers:
        _tell_stripe(customer.id, target)


def _expire_open_sessions(subscriber: models.Model) -> None:
    """Raises Busy when one has just been paid: its subscription will be here in a moment."""
    for customer in list_customers(subscriber=subscriber):
        for session in list(stripe_gateway.list_open_checkout_sessions(customer=customer.id)):
            try:
                stripe_gateway.expire_checkout_session(session.id)
            except StripeRefused:
                raise Busy from None
            close_attempt(session_id=session.id, status=CheckoutAttempt.Status.EXPIRED)


def _lock(locks: ExitStack, *subscribers: models.Model | None) -> None:
    """In one order, so that two moves at once do not wait for each other for ever."""
    ordered = {str(one.pk): one for one in subscribers if one is not None}
    for _, one in sorted(ordered.items()):
        locks.enter_context(billing_lock(subscriber=one))


def _move(customer: Customer, subscriber: models.Model) -> None:
    before = customer.subscriber_id
    if before == subscriber.pk:
        return
    with transaction.atomic():
        BillingAccount.objects.filter(customer_id=customer.id, subscriber=None).delete()
        customer.subscriber = subscriber
        customer.save(update_fields=["subscriber"])  # which takes it from its account
        BillingAccount.objects.filter(
            subscriber_id=subscriber.pk, livemode=customer.livemode, customer_id=None
        ).update(customer_id=customer.id)
    logger.info("Customer %s moved from %s to %s", customer.id, before, subscriber.pk)
    after_commit(
        signals.customer_moved.send_robust,
        Customer,
        customer=customer,
        subscriber=subscriber,
        previous_subscriber_pk=before,
    )


def _move_trials(source: models.Model, target: models.Model) -> None:
    """A trial that either has used is used."""
    of_source: Any = TrialUsageTracking.objects.filter(
        subscriber_id=source.pk, livemode=settings.livemode
    ).first()
    if of_source is None:
        return
    of_target: Any = TrialUsageTracking.objects.filter(
        subscriber_id=target.pk, livemode=settings.livemode
    ).first()
    if of_target is None:
        of_source.subscriber = target
        of_source.save(update_fields=["subscriber"])
        return
    TrialIdentity.objects.filter(usage=of_source).update(usage=of_target)
    of_target.has_used_trial |= of_source.has_used_trial
    of_target.trial_used_at = of_target.trial_used_at or of_source.trial_used_at
    of_target.subscription_id = of_target.subscription_id or of_source.subscription_id
    ends = [end for end in (of_target.trial_end, of_source.trial_end) if end]
    of_target.trial_end = max(ends, default=None)
    of_target.save()
    if of_source.trial_end:
        of_source.trial_end = None
        of_source.save(update_fields=["trial_end", "updated"])


def _tell_stripe(customer_id: str, subscriber: models.Model) -> None:
    account = BillingAccount.objects.get(subscriber_id=subscriber.pk, livemode=settings.livemode)
    stripe_gateway.update_customer(
        customer_id,
        {
            "metadata": {
                djstripe_settings.SUBSCRIBER_CUSTOMER_KEY: str(subscriber.pk),
                ACCOUNT_KEY: account.reference,
            }
        },
        scope=customer_id,
    )
