"""Stripe customers, each linked to the right subscriber."""

from __future__ import annotations

import hashlib

from django.db import models, transaction
from django.utils import timezone
from djstripe.models import Customer, IdempotencyKey
from djstripe.settings import djstripe_settings

from caixa_subscriptions import stripe_gateway
from caixa_subscriptions.conf import settings
from caixa_subscriptions.exceptions import CustomerNotFound, StripeRefused


def list_customers(*, subscriber: models.Model) -> list[Customer]:
    """The subscriber's customers in the current mode, usually one.

    Of several (made by hand in the dashboard) one with a subscription comes first, then the
    oldest, so that every caller picks the same.
    """
    return list(
        Customer.objects.filter(
            subscriber=subscriber, livemode=settings.livemode, date_purged__isnull=True
        )
        .annotate(subscription_count=models.Count("subscriptions"))
        .order_by("-subscription_count", "created", "djstripe_id")
    )


def get_customer(*, subscriber: models.Model) -> Customer:
    """The first of `list_customers`. Raises CustomerNotFound."""
    customers = list_customers(subscriber=subscriber)
    if not customers:
        raise CustomerNotFound
    return customers[0]


def get_or_create_customer(*, subscriber: models.Model) -> Customer:
    """The subscriber's customer, created at Stripe and linked here when there is none.

    An existing customer at Stripe is never adopted by its e-mail: Stripe does not verify it.
    Two calls at once send one idempotency key, so Stripe makes one customer (Stripe docs:
    idempotent requests). Raises StripeUnavailable, StripeRefused.
    """
    try:
        return get_customer(subscriber=subscriber)
    except CustomerNotFound:
        pass
    email = getattr(subscriber, "email", "") or ""
    get_full_name = getattr(subscriber, "get_full_name", None)
    name = get_full_name() if callable(get_full_name) else ""
    subscriber_key = djstripe_settings.SUBSCRIBER_CUSTOMER_KEY
    stripe_customer = stripe_gateway.create_customer(
        {
            "email": email,
            **({"name": name} if name else {}),
            "metadata": {subscriber_key: str(subscriber.pk)},
        },
        idempotency_key=_idempotency_key(subscriber, email, name),
    )
    with stripe_gateway.mapped_errors("dj-stripe's sync"):
        customer = Customer.sync_from_stripe_data(stripe_customer, api_key=settings.secret_key)
    customer.subscriber = subscriber
    customer.save(update_fields=["subscriber"])
    return customer


def is_customer_missing(error: StripeRefused) -> bool:
    """Whether Stripe says that the customer we named does not exist (any more)."""
    return error.stripe_code == "resource_missing" and error.stripe_param == "customer"


def forget_customer(*, customer: Customer) -> None:
    """What dj-stripe does on `customer.deleted`, for a deletion whose webhook never came."""
    with transaction.atomic():
        IdempotencyKey.objects.filter(
            action=f"customer:create:{customer.subscriber_id}", livemode=customer.livemode
        ).delete()
        customer.subscriber = None
        customer.date_purged = timezone.now()
        customer.save(update_fields=["subscriber", "date_purged"])


def _idempotency_key(subscriber: models.Model, *params: str) -> str:
    """dj-stripe's stored key for this subscriber, made anew when it purges a deleted customer,
    plus what is sent, since Stripe refuses a key that comes back with other parameters."""
    stored = djstripe_settings.get_idempotency_key(
        "customer", f"create:{subscriber.pk}", settings.livemode
    )
    return f"{stored}:{hashlib.sha256(repr(params).encode()).hexdigest()[:16]}"
