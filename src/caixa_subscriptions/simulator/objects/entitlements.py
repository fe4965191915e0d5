"""Features, the products that have them, and who may use them."""

from __future__ import annotations

from typing import Any

from caixa_subscriptions.simulator.objects.common import page

LISTED = 10  # entitlements in a summary; more are fetched by its URL


def feature(feature_id: str, *, name: str, lookup_key: str) -> dict[str, Any]:
    return {
        "id": feature_id,
        "object": "entitlements.feature",
        "active": True,
        "livemode": False,
        "lookup_key": lookup_key,
        "metadata": {},
        "name": name,
    }


def product_feature(
    product_feature_id: str, *, product: str, feature: dict[str, Any]
) -> dict[str, Any]:
    return {
        "id": product_feature_id,
        "object": "product_feature",
        "entitlement_feature": feature,
        "livemode": False,
        "_product": product,
    }


def active_entitlement(entitlement_id: str, *, feature: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": entitlement_id,
        "object": "entitlements.active_entitlement",
        "feature": feature["id"],
        "livemode": False,
        "lookup_key": feature["lookup_key"],
    }


def entitlement_summary(customer: str, entitlements: list[dict[str, Any]]) -> dict[str, Any]:
    """It has no id; it is only ever an event's object."""
    return {
        "object": "entitlements.active_entitlement_summary",
        "customer": customer,
        "entitlements": page(
            entitlements[:LISTED],
            f"/v1/entitlements/active_entitlements?customer={customer}",
            has_more=len(entitlements) > LISTED,
        ),
        "livemode": False,
    }
