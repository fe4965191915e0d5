"""Which features a customer may use, as its subscriptions come and go.

Sources: Stripe docs on entitlements: a feature that is added to a product reaches a subscription
with its next period, and the event tells all there is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from caixa_subscriptions.simulator import expand, objects
from caixa_subscriptions.simulator.following import follows
from caixa_subscriptions.simulator.world import World

KIND = "entitlements.active_entitlement"
SUMMARY_UPDATED = "entitlements.active_entitlement_summary.updated"


@follows(
    "customer.subscription.created",
    "customer.subscription.updated",
    "customer.subscription.deleted",
    "customer.subscription.paused",
    "customer.subscription.resumed",
)
def _follow(world: World, subscription: dict[str, Any], previous: Mapping[str, Any]) -> None:
    if not world.store.all("entitlements.feature"):
        return
    if _kept(world, subscription["id"]) is None or not previous.keys().isdisjoint(
        {"items", "status"}
    ):
        features = json.dumps(_features(world, subscription))
        world.store.set_meta(f"features:{subscription['id']}", features)
    _tell(world, subscription)


def _kept(world: World, subscription_id: str) -> list[str] | None:
    """Of its period, what features the products of a subscription had."""
    text = world.store.get_meta(f"features:{subscription_id}")
    return None if text is None else list(json.loads(text))


def _features(world: World, subscription: Mapping[str, Any]) -> list[str]:
    products = {item["price"]["product"] for item in subscription["items"]["data"]}
    return [
        link["entitlement_feature"]["id"]
        for link in reversed(world.store.all("product_feature"))
        if link["_product"] in products
    ]


def entitled(world: World, status: str) -> bool:
    if status == "past_due":
        return bool(world.option("entitled_while_past_due"))
    return status in ("active", "trialing")


def _tell(world: World, subscription: dict[str, Any]) -> None:
    customer = subscription["customer"]
    others = world.store.all("subscription", customer=customer)
    wanted: dict[str, None] = {}
    for one in [
        *reversed([one for one in others if one["id"] != subscription["id"]]),
        subscription,
    ]:
        if entitled(world, one["status"]):
            wanted |= dict.fromkeys(_kept(world, one["id"]) or ())
    before = entitlements_of(world, customer)
    had = {one["feature"] for one in before}
    if had == wanted.keys():
        return
    for one in before:
        if one["feature"] not in wanted:
            world.store.delete(one["id"])
    for feature in wanted:
        if feature not in had:
            made = objects.active_entitlement(
                world.ids.new(KIND), feature=world.get("entitlements.feature", feature)
            )
            world.store.put(made, customer=customer)
    old = objects.entitlement_summary(customer, [expand.public(one) for one in before])
    world.emit(SUMMARY_UPDATED, summary(world, customer), {"entitlements": old["entitlements"]})


def summary(world: World, customer: str) -> dict[str, Any]:
    """What the customer is entitled to now."""
    shown = [expand.public(one) for one in entitlements_of(world, customer)]
    return objects.entitlement_summary(customer, shown)


def entitlements_of(world: World, customer: str) -> list[dict[str, Any]]:
    """Newest first."""
    return world.store.all(KIND, customer=customer)
