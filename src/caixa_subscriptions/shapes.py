"""The one room that knows where Stripe keeps a subscription's status, periods and price.

Since API version 2025-03-31.basil the period stands on the subscription's items, before that on
the subscription itself (Stripe changelog, basil). Both are read, the items first.

What is not of the type Stripe documents counts as absent: no payload makes these functions fail.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

# Top-level keys of a subscription that `SubscriptionFacts.from_stripe` reads.
SUBSCRIPTION_KEYS = (
    "id",
    "status",
    "created",
    "trial_start",
    "trial_end",
    "current_period_start",
    "current_period_end",
    "cancel_at",
    "cancel_at_period_end",
    "canceled_at",
    "ended_at",
    "pause_collection",
    "items",
    "plan",
    "quantity",
)

_NUMBERS = (int, float)


def from_timestamp(value: Any) -> dt.datetime | None:
    """Stripe's Unix seconds as an aware UTC datetime; anything else is None."""
    if type(value) not in _NUMBERS:  # a bool is an int, too
        return None
    try:
        return dt.datetime.fromtimestamp(value, tz=dt.UTC)
    except (OverflowError, OSError, ValueError):
        return None


def subscription_items(payload: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    data = _mapping(payload.get("items")).get("data")
    if not isinstance(data, list):
        return []
    return [item for item in data if isinstance(item, dict) and item.get("deleted") is not True]


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _texts(value: Any) -> list[str]:
    many = value if isinstance(value, list | tuple) else ()
    return [one for one in many if isinstance(one, str)]


_Items = list[Mapping[str, Any]]


def _period(
    payload: Mapping[str, Any], items: _Items, key: str, which: Callable[..., dt.datetime]
) -> dt.datetime | None:
    on_items = [value for item in items if (value := from_timestamp(item.get(key))) is not None]
    return which(on_items) if on_items else from_timestamp(payload.get(key))


def invoice_subscription_id(payload: Mapping[str, Any]) -> str:
    """What the invoice is for, where Stripe names it since basil, or where before; "" for none."""
    details = _mapping(_mapping(payload.get("parent")).get("subscription_details"))
    found = details.get("subscription") or payload.get("subscription")
    return _text(found.get("id") if isinstance(found, dict) else found) or ""


def invoice_paid_at(payload: Mapping[str, Any]) -> dt.datetime | None:
    return from_timestamp(_mapping(payload.get("status_transitions")).get("paid_at"))


@dataclass(frozen=True, slots=True)
class ItemFacts:
    """What a subscription is for. `quantity` is None for metered prices."""

    price_id: str | None
    lookup_key: str | None = None
    product_id: str | None = None
    quantity: int | None = None


def item_facts(payload: Mapping[str, Any]) -> tuple[ItemFacts, ...]:
    """One per item; before prices there were plans, and one of them on the subscription itself."""
    return _item_facts(payload, subscription_items(payload))


def _item_facts(payload: Mapping[str, Any], items: _Items) -> tuple[ItemFacts, ...]:
    found = [
        _item(price, item.get("quantity"))
        for item in items
        if (price := item.get("price") or item.get("plan"))
    ]
    if not found and payload.get("plan"):
        found = [_item(payload["plan"], payload.get("quantity"))]
    return tuple(found)


def _item(price: Any, quantity: Any) -> ItemFacts:
    quantity = quantity if isinstance(quantity, int) else None
    if not isinstance(price, dict):
        return ItemFacts(price_id=_text(price), quantity=quantity)
    product = price.get("product")
    return ItemFacts(
        price_id=_text(price.get("id")),
        lookup_key=_text(price.get("lookup_key")),
        product_id=_text(product.get("id") if isinstance(product, dict) else product),
        quantity=quantity,
    )


@dataclass(frozen=True, slots=True)
class SubscriptionFacts:
    """What access depends on, in one shape for every API version. Times are aware UTC.

    `entitlements` are the lookup keys of its customer's active entitlements; `past_due_since` is
    when the payment failed that is still owed, where our books tell. `is_from_signup` is a trial
    that Stripe knows nothing of: no subscription, and so no id.
    """

    id: str
    status: str
    livemode: bool
    created: dt.datetime | None
    trial_start: dt.datetime | None
    trial_end: dt.datetime | None
    current_period_start: dt.datetime | None
    current_period_end: dt.datetime | None
    cancel_at: dt.datetime | None
    cancel_at_period_end: bool
    canceled_at: dt.datetime | None
    ended_at: dt.datetime | None
    pause_collection: str | None
    items: tuple[ItemFacts, ...]
    customer_deleted: bool = False
    entitlements: frozenset[str] = frozenset()
    past_due_since: dt.datetime | None = None
    is_from_signup: bool = False

    @classmethod
    def of_signup_trial(cls, *, trial_end: dt.datetime, livemode: bool) -> SubscriptionFacts:
        payload = {"status": "trialing"}
        facts = cls.from_stripe(payload, livemode=livemode)
        return replace(facts, trial_end=trial_end, is_from_signup=True)

    @classmethod
    def from_stripe(
        cls,
        payload: Mapping[str, Any],
        *,
        livemode: bool,
        customer_deleted: bool = False,
        entitlements: Any = (),
        past_due_since: dt.datetime | None = None,
    ) -> SubscriptionFacts:
        its_items = subscription_items(payload)
        return cls(
            id=_text(payload.get("id")) or "",
            status=_text(payload.get("status")) or "",
            livemode=livemode,
            created=from_timestamp(payload.get("created")),
            trial_start=from_timestamp(payload.get("trial_start")),
            trial_end=from_timestamp(payload.get("trial_end")),
            current_period_start=_period(payload, its_items, "current_period_start", max),
            # Stripe's own list filter means the earliest item by it.
            current_period_end=_period(payload, its_items, "current_period_end", min),
            cancel_at=from_timestamp(payload.get("cancel_at")),
            cancel_at_period_end=bool(payload.get("cancel_at_period_end")),
            canceled_at=from_timestamp(payload.get("canceled_at")),
            ended_at=from_timestamp(payload.get("ended_at")),
            pause_collection=_text(_mapping(payload.get("pause_collection")).get("behavior")),
            items=_item_facts(payload, its_items),
            customer_deleted=customer_deleted,
            entitlements=frozenset(_texts(entitlements)),
            past_due_since=past_due_since,
        )
