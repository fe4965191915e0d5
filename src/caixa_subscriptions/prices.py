"""What is for sale: the allowlist `PRICES`, looked up in dj-stripe's tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Q
from djstripe.models import Price

from caixa_subscriptions.conf import settings
from caixa_subscriptions.exceptions import PriceNotOffered, QuantityNotOffered


@dataclass(frozen=True, slots=True)
class OfferedPrice:
    """A price on the allowlist. `unit_amount` is in the currency's smallest unit; of a price sold
    by the piece, such as seats, one may buy from `min_quantity` to `max_quantity`."""

    name: str
    price_id: str
    lookup_key: str | None
    currency: str
    unit_amount: int | None
    interval: str
    interval_count: int
    product_name: str
    product_id: str
    min_quantity: int = 1
    max_quantity: int = 1


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
                product_id=row.product.id,
                **_bounds(offer.get("quantity", {})),
            )
        )
    return found


def _bounds(quantity: Mapping[str, int]) -> dict[str, int]:
    low = quantity.get("min", 1)
    return {"min_quantity": low, "max_quantity": quantity.get("max", low)}


def get_offered_price(price: str, *, quantity: int | None = None) -> OfferedPrice:
    """The offered price of this name, lookup key or Stripe id.

    Raises PriceNotOffered for anything else: a client cannot buy a price we did not offer; and
    QuantityNotOffered for a `quantity` out of its bounds.
    """
    for offer in offered_prices():
        if price in (offer.name, offer.lookup_key, offer.price_id):
            if quantity is None or offer.min_quantity <= quantity <= offer.max_quantity:
                return offer
            raise QuantityNotOffered
    raise PriceNotOffered
