"""What is for sale: the allowlist `PRICES`, looked up in dj-stripe's tables."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q
from djstripe.models import Price

from caixa_subscriptions.conf import settings
from caixa_subscriptions.exceptions import PriceNotOffered


@dataclass(frozen=True, slots=True)
class OfferedPrice:
    """A price on the allowlist. `unit_amount` is in the currency's smallest unit."""

    name: str
    price_id: str
    lookup_key: str | None
    currency: str
    unit_amount: int | None
    interval: str
    interval_count: int
    product_name: str


def offered_prices() -> list[OfferedPrice]:
    """The active recurring prices of the allowlist in the current mode, in its order. One SQL.

    A name whose price was never synced, or is archived at Stripe, is left out.
    """
    offers = settings.prices
    lookup_keys = [offer["lookup_key"] for offer in offers.values() if "lookup_key" in offer]
    price_ids = [offer["price_id"] for offer in offers.values() if "price_id" in offer]
    rows = Price.objects.filter(
        Q(lookup_key__in=lookup_keys) | Q(id__in=price_ids),
        active=True,
        livemode=settings.livemode,
    ).select_related("product")
    by_lookup_key = {row.lookup_key: row for row in rows}
    by_id = {row.id: row for row in rows}
    found = []
    for name, offer in offers.items():
        row = (
            by_lookup_key.get(offer["lookup_key"])
            if "lookup_key" in offer
            else by_id.get(offer["price_id"])
        )
        recurring = (row.stripe_data.get("recurring") if row else None) or None
        if row is None or recurring is None:
            continue
        found.append(
            OfferedPrice(
                name=name,
                price_id=row.id,
                lookup_key=row.lookup_key or None,
                currency=row.currency,
                unit_amount=row.stripe_data.get("unit_amount"),
                interval=recurring["interval"],
                interval_count=recurring["interval_count"],
                product_name=row.product.name,
            )
        )
    return found


def get_offered_price(price: str) -> OfferedPrice:
    """The offered price of this name, lookup key or Stripe id.

    Raises PriceNotOffered for anything else: a client cannot buy a price we did not offer.
    """
    for offer in offered_prices():
        if price in (offer.name, offer.lookup_key, offer.price_id):
            return offer
    raise PriceNotOffered
