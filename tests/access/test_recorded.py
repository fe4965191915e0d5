"""What Stripe's test mode really sent: every recorded subscription is decided, in both shapes."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model

from caixa_subscriptions.access import get_access, with_access
from tests.access.oracle import Rules, expected
from tests.access.situations import TIMES, Situation
from tests.factories import CustomerFactory, SubscriptionFactory
from tests.reference import required_folder

pytestmark = pytest.mark.django_db

DAYS = (0, 2, 4, 29, 31, 35, 400)


def recorded() -> list[dict[str, Any]]:
    files = sorted(required_folder().glob("*.json"))
    return [one for path in files for one in subscriptions_in(json.loads(path.read_text()))]


def subscriptions_in(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if value.get("object") == "subscription":
            yield value
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from subscriptions_in(one)


def as_before_basil(payload: dict[str, Any]) -> dict[str, Any]:
    """The period on the subscription, and plans where there are prices now."""
    items = payload["items"]["data"]
    moved = ("current_period_start", "current_period_end", "price")
    return payload | {
        "current_period_start": max(item["current_period_start"] for item in items),
        "current_period_end": min(item["current_period_end"] for item in items),
        "items": {
            "data": [
                {name: value for name, value in item.items() if name not in moved}
                | {"plan": {"id": item["price"]["id"], "product": item["price"]["product"]}}
                for item in items
            ]
        },
    }


def situation(payload: dict[str, Any], now: dt.datetime) -> Situation:
    """The payload in the oracle's words."""
    second = int(now.timestamp())
    items = payload["items"]["data"]
    return Situation(
        payload["status"],
        {name: payload[name] - second for name in TIMES if payload.get(name) is not None},
        {
            str(number): (
                item["current_period_start"] - second,
                item["current_period_end"] - second,
            )
            for number, item in enumerate(items)
        },
    )


@pytest.mark.parametrize("days", DAYS)
def test_every_recorded_subscription(
    settings: Any, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    subscriptions = recorded()
    assert {one["status"] for one in subscriptions} >= {"active", "trialing", "canceled"}
    for payload in subscriptions:
        now = dt.datetime.fromtimestamp(payload["created"], tz=dt.UTC) + dt.timedelta(days=days)
        monkeypatch.setattr("caixa_subscriptions.access.now", lambda now=now: now)
        settings.STRIPE_LIVE_MODE = payload["livemode"]
        told = [answer(payload), answer(as_before_basil(payload))]
        wanted = expected([situation(payload, now)], Rules(live=False))
        assert told[0] == told[1], payload["id"]
        assert told[0][:2] == (wanted.allowed, wanted.code), payload["id"]


def answer(payload: dict[str, Any]) -> tuple[Any, ...]:
    customer = CustomerFactory()
    row = SubscriptionFactory(customer=customer, livemode=payload["livemode"], stripe_data=payload)
    access = get_access(customer.subscriber)
    assert access.price_id
    assert access.product_id
    users = get_user_model()._default_manager.filter(pk=customer.subscriber.pk)
    assert with_access(users).get().has_access == access.allowed
    row.delete()
    return access.allowed, access.code, access.access_until, access.price_id, access.product_id
