"""Bringing what Stripe says of a subscription into dj-stripe's tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from djstripe.models import Customer, Subscription

from caixa_subscriptions import stripe_gateway
from caixa_subscriptions.conf import settings
from caixa_subscriptions.services.one_subscription import find_second_subscriptions
from caixa_subscriptions.services.trial_usage import record_subscription

if TYPE_CHECKING:
    import stripe


def sync_subscription(*, stripe_subscription: stripe.Subscription) -> Subscription:
    """Store the subscription as Stripe gave it, and remember it and its trial.

    The webhook does the same; whichever comes first, the trial is spent once. dj-stripe may ask
    Stripe for what the subscription refers to: raises StripeUnavailable, StripeRefused.
    """
    with stripe_gateway.mapped_errors("dj-stripe's sync"), transaction.atomic():
        subscription = Subscription.sync_from_stripe_data(
            stripe_subscription, api_key=settings.secret_key
        )
        record_subscription(subscription=subscription)
        find_second_subscriptions(subscription=subscription)
    return subscription


def refresh_subscriptions(*, customer: Customer) -> None:
    """Ask Stripe for every subscription of the customer, so that late webhooks mislead nobody."""
    for stripe_subscription in list(stripe_gateway.list_subscriptions(customer=customer.id)):
        sync_subscription(stripe_subscription=stripe_subscription)
