"""Stripe's customer portal, where people cancel, renew and change their card."""

from __future__ import annotations

from django.db import models

from caixa_subscriptions import stripe_gateway
from caixa_subscriptions.exceptions import CustomerNotFound, StripeRefused
from caixa_subscriptions.services.customers import (
    forget_customer,
    get_customer,
    is_customer_missing,
    is_deleted_at_stripe,
)


@stripe_gateway.within()
def create_portal_session(*, subscriber: models.Model, return_url: str) -> str:
    """The URL of a new portal session; it dies within minutes, so never store or mail it.

    Raises CustomerNotFound, PortalNotConfigured, StripeUnavailable, StripeRefused.
    """
    customer = get_customer(subscriber=subscriber)
    try:
        session = stripe_gateway.create_portal_session(
            {"customer": customer.id, "return_url": return_url}, scope=customer.id
        )
    except StripeRefused as error:
        if not is_customer_missing(error) or not is_deleted_at_stripe(customer_id=customer.id):
            raise
        forget_customer(customer=customer)
        raise CustomerNotFound from None
    return session.url
