from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from caixa_subscriptions import shapes
from caixa_subscriptions.shapes import ItemFacts, SubscriptionFacts

JUNE = 1_780_272_000  # 2026-06-01T00:00:00Z
JULY = 1_782_864_000
AUGUST = 1_785_542_400


def day(timestamp: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(timestamp, tz=dt.UTC)


def item(**values: Any) -> dict[str, Any]:
    return {"object": "subscription_item", **values}


def read(payload: dict[str, Any]) -> SubscriptionFacts:
    return SubscriptionFacts.from_stripe(payload, livemode=False)


def test_period_of_a_payload_from_before_basil() -> None:
    payload = {
        "current_period_start": JUNE,
        "current_period_end": JULY,
        "items": {"data": [item()]},
    }
    assert read(payload).current_period_start == day(JUNE)
    assert read(payload).current_period_end == day(JULY)


def test_period_stands_on_the_items_since_basil() -> None:
    payload = {"items": {"data": [item(current_period_start=JUNE, current_period_end=JULY)]}}
    assert read(payload).current_period_start == day(JUNE)
    assert read(payload).current_period_end == day(JULY)


def test_of_several_items_the_first_to_end_counts() -> None:
    payload = {
        "items": {
            "data": [
                item(current_period_start=JUNE, current_period_end=AUGUST),
                item(current_period_start=JULY, current_period_end=AUGUST + 1),
            ]
        }
    }
    assert read(payload).current_period_start == day(JULY)
    assert read(payload).current_period_end == day(AUGUST)


def test_a_deleted_item_counts_for_nothing() -> None:
    payload = {
        "items": {
            "data": [
                item(current_period_end=JUNE, deleted=True, price={"id": "price_old"}),
                item(current_period_end=JULY, price={"id": "price_new"}),
            ]
        }
    }
    assert read(payload).current_period_end == day(JULY)
    assert [item.price_id for item in shapes.item_facts(payload)] == ["price_new"]


@pytest.mark.parametrize("payload", [{}, {"items": None}, {"items": {"data": []}}, {"items": {}}])
def test_nothing_known_is_none(payload: dict[str, Any]) -> None:
    assert read(payload).current_period_start is None
    assert read(payload).current_period_end is None
    assert shapes.item_facts(payload) == ()


@pytest.mark.parametrize(
    ("payload", "facts"),
    [
        (
            {
                "items": {
                    "data": [
                        item(
                            price={"id": "price_1", "lookup_key": "pro", "product": "prod_1"},
                            quantity=3,
                        )
                    ]
                }
            },
            ItemFacts("price_1", "pro", "prod_1", 3),
        ),
        (
            {"items": {"data": [item(price={"id": "price_1", "product": {"id": "prod_1"}})]}},
            ItemFacts("price_1", None, "prod_1"),
        ),
        ({"items": {"data": [item(price="price_1")]}}, ItemFacts("price_1")),
        ({"items": {"data": [item(plan={"id": "plan_1"})]}}, ItemFacts("plan_1")),
        (
            {"items": {"data": [item()]}, "plan": {"id": "plan_1"}, "quantity": 2},
            ItemFacts("plan_1", quantity=2),
        ),
    ],
)
def test_what_an_item_is_for(payload: dict[str, Any], facts: ItemFacts) -> None:
    assert shapes.item_facts(payload) == (facts,)


@pytest.mark.parametrize("value", [None, "", "tomorrow", True, 10**18])
def test_what_is_no_timestamp_is_none(value: object) -> None:
    assert shapes.from_timestamp(value) is None


def test_facts_of_an_empty_payload_are_harmless() -> None:
    facts = SubscriptionFacts.from_stripe({}, livemode=False)
    assert facts.status == ""
    assert facts.cancel_at_period_end is False
    assert facts.cancel_at is None
