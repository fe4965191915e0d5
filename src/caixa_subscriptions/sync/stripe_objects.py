"""Bringing what the account has into the tables: products, prices, customers and what they have."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from djstripe.models import Customer, Price, Product, Subscription

from caixa_subscriptions import stripe_gateway
from caixa_subscriptions.conf import settings
from caixa_subscriptions.models import CustomerEntitlements
from caixa_subscriptions.services.entitlements import sync_entitlements
from caixa_subscriptions.services.subscriptions import sync_subscription

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind of object: how to fetch all of it from Stripe, and how to store one of them here.

    `key` is the field of `model` that holds the id of what is fetched.
    """

    model: type[Any]
    fetch: Callable[[], Iterator[Any]]
    store: Callable[[Any], Any]
    key: str = "id"


@dataclass(slots=True)
class Count:
    """`new` and `known` tell what was here before; `failed` ones are logged with their id."""

    new: int = 0
    known: int = 0
    failed: int = 0

    @property
    def total(self) -> int:
        return self.new + self.known + self.failed


def _store(model: type[Any]) -> Callable[[Any], Any]:
    return lambda data: model.sync_from_stripe_data(data, api_key=settings.secret_key)


def _customers_with_entitlements() -> Iterator[Customer]:
    """Every customer here of the current mode, if the account has features at all."""
    if stripe_gateway.has_features():
        yield from Customer.objects.filter(
            livemode=settings.livemode, date_purged__isnull=True
        ).iterator()


# In this order, so that what an object refers to is here before it.
RESOURCES: dict[str, Resource] = {
    "products": Resource(Product, stripe_gateway.list_products, _store(Product)),
    "prices": Resource(Price, stripe_gateway.list_prices, _store(Price)),
    "customers": Resource(Customer, stripe_gateway.list_customers, _store(Customer)),
    "subscriptions": Resource(
        Subscription,
        stripe_gateway.list_subscriptions,
        lambda data: sync_subscription(stripe_subscription=data),
    ),
    "entitlements": Resource(
        CustomerEntitlements,
        _customers_with_entitlements,
        lambda customer: sync_entitlements(customer=customer),
        key="customer__id",
    ),
}


def sync_resource(name: str, *, dry_run: bool, progress: Callable[[Count], None]) -> Count:
    """Store every object of this kind in the current mode; with `dry_run` only count.

    One object that cannot be stored is counted and logged, and the rest goes on. Running it
    again repeats nothing but the reading. Raises StripeUnavailable, StripeRefused.
    """
    resource = RESOURCES[name]
    count = Count()
    for data in resource.fetch():
        known = resource.model.objects.filter(**{resource.key: data.id}).exists()
        try:
            if not dry_run:
                resource.store(data)
        except Exception as error:  # whatever one object does, the others must come in
            count.failed += 1
            logger.error("Could not sync %s: %s", data.id, type(error).__name__)
        else:
            count.known += known
            count.new += not known
        progress(count)
    return count
