"""Rows of the tables: users, and dj-stripe's customers, subscriptions, products and prices."""

from __future__ import annotations

import datetime as dt
from typing import Any

import factory
from django.contrib.auth import get_user_model
from djstripe.models import Customer, Invoice, Price, Product, Subscription

NOW = dt.datetime(2026, 6, 15, 12, tzinfo=dt.UTC)


def seconds(moment: dt.datetime | None) -> int | None:
    return int(moment.timestamp()) if moment else None


def in_days(days: float) -> dt.datetime:
    return NOW + dt.timedelta(days=days)


def subscription_payload(**overrides: Any) -> dict[str, Any]:
    """A subscription as Stripe's API 2026-08-26.dahlia gives it, cut to what is read.

    `current_period_start` and `current_period_end` go where that version keeps them: the item.
    Datetimes become Unix seconds.
    """
    values = {
        "id": "sub_1",
        "object": "subscription",
        "status": "active",
        "created": in_days(-10),
        "trial_start": None,
        "trial_end": None,
        "current_period_start": in_days(-10),
        "current_period_end": in_days(20),
        "cancel_at": None,
        "cancel_at_period_end": False,
        "canceled_at": None,
        "ended_at": None,
        "price": "price_1",
    } | overrides
    values = {
        name: seconds(value) if isinstance(value, dt.datetime) else value
        for name, value in values.items()
    }
    item = {
        "id": "si_1",
        "object": "subscription_item",
        "current_period_start": values.pop("current_period_start"),
        "current_period_end": values.pop("current_period_end"),
        "price": {"id": values.pop("price"), "object": "price"},
    }
    return values | {"items": {"object": "list", "data": [item], "has_more": False}}


class UserFactory(factory.django.DjangoModelFactory[Any]):
    class Meta:
        model = get_user_model()
        skip_postgeneration_save = True

    email = factory.Sequence(lambda n: f"person{n}@example.com")
    password = factory.django.Password("correct horse")


class CustomerFactory(factory.django.DjangoModelFactory[Customer]):
    class Meta:
        model = Customer

    id = factory.Sequence(lambda n: f"cus_{n}")
    livemode = False
    subscriber = factory.SubFactory(UserFactory)
    created = NOW
    metadata = factory.LazyFunction(dict)
    stripe_data = factory.LazyFunction(dict)


class SubscriptionFactory(factory.django.DjangoModelFactory[Subscription]):
    """`payload=` takes the overrides of `subscription_payload`."""

    class Meta:
        model = Subscription

    class Params:
        payload = factory.LazyFunction(dict)

    id = factory.Sequence(lambda n: f"sub_{n}")
    livemode = False
    customer = factory.SubFactory(CustomerFactory)
    stripe_data = factory.LazyAttribute(
        lambda row: subscription_payload(**({"id": row.id} | row.payload))
    )


class ProductFactory(factory.django.DjangoModelFactory[Product]):
    class Meta:
        model = Product

    id = factory.Sequence(lambda n: f"prod_{n}")
    livemode = False
    name = "Reports"


class PriceFactory(factory.django.DjangoModelFactory[Price]):
    class Meta:
        model = Price

    id = factory.Sequence(lambda n: f"price_{n}")
    livemode = False
    active = True
    currency = "usd"
    lookup_key = "reports_monthly"
    product = factory.SubFactory(ProductFactory)
    stripe_data = factory.LazyFunction(
        lambda: {"unit_amount": 900, "recurring": {"interval": "month", "interval_count": 1}}
    )


class InvoiceFactory(factory.django.DjangoModelFactory[Invoice]):
    """An invoice of `subscription`, in `status`."""

    class Meta:
        model = Invoice

    class Params:
        subscription = None
        status = "open"

    id = factory.Sequence(lambda n: f"in_{n}")
    livemode = False
    customer = factory.LazyAttribute(lambda row: row.subscription.customer)
    created = NOW
    stripe_data = factory.LazyAttribute(
        lambda row: {
            "id": row.id,
            "status": row.status,
            "parent": {"subscription_details": {"subscription": row.subscription.id}},
        }
    )
