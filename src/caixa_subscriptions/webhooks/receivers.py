"""Receivers of the brief's six critical events, and of entitlements.

dj-stripe's own handlers run first, fetch the object again and store it; these run in the same
transaction, so an error here undoes both and Stripe delivers the event again. Public signals go
out after the commit.
"""

from __future__ import annotations

import logging
from typing import Any

from django.dispatch import Signal
from djstripe.event_handlers import djstripe_receiver
from djstripe.models import Customer, Event, Invoice, Subscription

from caixa_subscriptions import signals
from caixa_subscriptions.after_commit import after_commit
from caixa_subscriptions.models import CheckoutAttempt
from caixa_subscriptions.services.checkout import close_attempt
from caixa_subscriptions.services.entitlements import sync_entitlements
from caixa_subscriptions.services.one_subscription import find_second_subscriptions
from caixa_subscriptions.services.remedies import carry_out_remedies, reopen_remedy
from caixa_subscriptions.services.trial_usage import record_cards, record_subscription
from caixa_subscriptions.shapes import invoice_paid_at, invoice_subscription_id

logger = logging.getLogger(__name__)


@djstripe_receiver("customer.subscription.created")
def on_subscription_created(sender: Any, event: Event, **kwargs: Any) -> None:
    _send(signals.subscription_created, event, subscription=_recorded(event))


@djstripe_receiver("customer.subscription.updated")
def on_subscription_updated(sender: Any, event: Event, **kwargs: Any) -> None:
    _send(signals.subscription_updated, event, subscription=_recorded(event))


@djstripe_receiver("customer.subscription.deleted")
def on_subscription_deleted(sender: Any, event: Event, **kwargs: Any) -> None:
    _send(signals.subscription_deleted, event, subscription=_recorded(event))


@djstripe_receiver("customer.subscription.trial_will_end")
def on_trial_will_end(sender: Any, event: Event, **kwargs: Any) -> None:
    _send(signals.trial_will_end, event, subscription=_recorded(event))


@djstripe_receiver("invoice.payment_succeeded")
def on_invoice_payment_succeeded(sender: Any, event: Event, **kwargs: Any) -> None:
    invoice = _stored(Invoice, event)
    if invoice is not None:
        reopen_remedy(
            subscription_id=invoice_subscription_id(invoice.stripe_data),
            paid_at=invoice_paid_at(invoice.stripe_data),
        )
    _send(signals.invoice_payment_succeeded, event, invoice=invoice)


@djstripe_receiver("invoice.payment_failed")
def on_invoice_payment_failed(sender: Any, event: Event, **kwargs: Any) -> None:
    _send(signals.invoice_payment_failed, event, invoice=_stored(Invoice, event))


@djstripe_receiver("checkout.session.completed")
def on_checkout_session_completed(sender: Any, event: Event, **kwargs: Any) -> None:
    session = event.data["object"]
    close_attempt(session_id=session["id"], status=CheckoutAttempt.Status.COMPLETE)
    subscription = Subscription.objects.filter(id=session.get("subscription") or "").first()
    if subscription is not None:
        _record(subscription)


@djstripe_receiver("checkout.session.expired")
def on_checkout_session_expired(sender: Any, event: Event, **kwargs: Any) -> None:
    close_attempt(session_id=event.data["object"]["id"], status=CheckoutAttempt.Status.EXPIRED)


@djstripe_receiver("payment_method.attached")
@djstripe_receiver("payment_method.automatically_updated")
@djstripe_receiver("payment_method.updated")
def on_payment_method(sender: Any, event: Event, **kwargs: Any) -> None:
    # It may come before the subscription and after, and long after: a card can be added later.
    customer = Customer.objects.filter(id=event.data["object"].get("customer") or "").first()
    if customer is not None:
        record_cards(customer=customer)


@djstripe_receiver("entitlements.active_entitlement_summary.updated")
def on_entitlements_updated(sender: Any, event: Event, **kwargs: Any) -> None:
    customer = Customer.objects.filter(id=event.data["object"]["customer"]).first()
    if customer is not None:
        sync_entitlements(customer=customer)


def _recorded(event: Event) -> Subscription | None:
    """The event's subscription. Any of its events may be the first one that arrives."""
    subscription = _stored(Subscription, event)
    if subscription is not None:
        _record(subscription)
    return subscription


def _record(subscription: Subscription) -> None:
    # The brief: the webhook is what marks the trial as used.
    record_subscription(subscription=subscription)
    find_second_subscriptions(subscription=subscription)


def _stored(model: type[Any], event: Event) -> Any | None:
    """The row dj-stripe has just written, or None when the object is gone at Stripe."""
    object_id = event.data["object"]["id"]
    row = model.objects.filter(id=object_id).select_related("customer__subscriber").first()
    if row is None:
        logger.warning("Event %s: %s is gone, nothing to do", event.id, object_id)
    return row


def _send(signal: Signal, event: Event, **stored: Any) -> None:
    ((name, row),) = stored.items()
    if row is None:
        return
    subscriber = row.customer.subscriber if row.customer else None
    if subscriber is not None:  # what failed is tried again when there is news
        after_commit(carry_out_remedies, subscriber=subscriber)
    logger.info("Event %s (%s) for %s", event.id, event.type, row.id)
    after_commit(
        signal.send_robust, type(row), **{name: row}, subscriber=subscriber, event_id=event.id
    )
