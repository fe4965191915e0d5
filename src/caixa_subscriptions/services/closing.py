"""What becomes of subscriptions whose subscriber is deleted: nobody pays for what nobody can use.

The deletion itself never waits for Stripe and is never refused because of it: in its transaction
the accounts are marked with what is to be done, after its commit that is done, and what could not
be done (Stripe was down, the process was killed) is done by the next `sync_stripe`.
"""

from __future__ import annotations

import logging

from django.db import models
from djstripe.models import Customer

from caixa_subscriptions import stripe_gateway
from caixa_subscriptions.after_commit import after_commit
from caixa_subscriptions.conf import settings
from caixa_subscriptions.exceptions import StripeRefused, SubscriptionsError
from caixa_subscriptions.models import BillingAccount
from caixa_subscriptions.services.accounts import account_lock
from caixa_subscriptions.services.customers import is_deleted_at_stripe

logger = logging.getLogger(__name__)

KEEP = "keep"
_ENDED = ("canceled", "incomplete_expired")
# Stripe: one whose first payment is due can only be canceled at once.
_UNPAID = ("incomplete",)


def leave_accounts(*, subscriber: models.Model) -> None:
    """In the transaction that deletes the subscriber: remember the customers, of both modes, as
    those of somebody deleted, and what `ON_SUBSCRIBER_DELETE` wants done about them."""
    closing = "" if settings.on_subscriber_delete == KEEP else settings.on_subscriber_delete
    own = BillingAccount.objects.filter(subscriber_id=subscriber.pk)
    own.filter(customer_id=None).delete()
    pks = list(own.values_list("pk", flat=True))
    linked = dict(
        Customer.objects.filter(subscriber_id=subscriber.pk, date_purged__isnull=True).values_list(
            "id", "livemode"
        )
    )
    # Several linked customers, or from before there were accounts.
    BillingAccount.objects.bulk_create(
        [
            BillingAccount(customer_id=customer_id, livemode=bool(livemode))
            for customer_id, livemode in linked.items()
        ],
        ignore_conflicts=True,
    )
    left = BillingAccount.objects.filter(
        models.Q(pk__in=pks) | models.Q(subscriber=None, customer_id__in=linked)
    )
    pks = list(left.values_list("pk", flat=True))
    left.update(subscriber=None, closing=closing)
    if closing:
        for account in BillingAccount.objects.filter(pk__in=pks, livemode=settings.livemode):
            after_commit(_close, account)


def close_accounts() -> tuple[int, int]:
    """Do what deletions in the current mode left to be done. How many were done, and failed."""
    waiting = BillingAccount.objects.filter(livemode=settings.livemode).exclude(closing="")
    results = [_close(account) for account in waiting]
    return results.count(True), results.count(False)


def close_account(*, account: BillingAccount) -> None:
    """Cancel what the customer of somebody deleted is subscribed to, as the account says.

    Safe to repeat. Raises Busy, StripeUnavailable, StripeRefused.
    """
    with account_lock(account=account) as locked:
        if not locked.closing:
            return
        try:
            if locked.customer_id is not None:
                _cancel_all(locked.customer_id, locked.closing)
        except StripeRefused as error:
            if error.stripe_code != "resource_missing" or not is_deleted_at_stripe(
                customer_id=locked.customer_id or ""
            ):
                raise
        BillingAccount.objects.filter(pk=locked.pk).update(closing="")
        logger.info("Closed account %s: %s %s", locked.pk, locked.closing, locked.customer_id)


@stripe_gateway.within()
def _close(account: BillingAccount) -> bool:
    try:
        close_account(account=account)
    except SubscriptionsError as error:
        logger.warning("Account %s is left for sync_stripe: %s", account.pk, error.code)
        return False
    return True


def _cancel_all(customer_id: str, closing: str) -> None:
    # First, so that no forgotten tab adds one that is not on the list.
    for session in list(stripe_gateway.list_open_checkout_sessions(customer=customer_id)):
        try:
            stripe_gateway.expire_checkout_session(session.id)
        except StripeRefused:  # no longer open: it may have been paid this moment
            continue
    at_period_end = closing == BillingAccount.Closing.CANCEL_AT_PERIOD_END
    for subscription in list(stripe_gateway.list_subscriptions(customer=customer_id)):
        if subscription.status in _ENDED:
            continue
        if not at_period_end or subscription.status in _UNPAID:
            stripe_gateway.cancel_subscription(subscription.id, {}, scope=subscription.id)
        elif not subscription.cancel_at_period_end and subscription.cancel_at is None:
            stripe_gateway.update_subscription(
                subscription.id, {"cancel_at_period_end": True}, scope=subscription.id
            )
