from __future__ import annotations

from typing import Any

from caixa_subscriptions.simulator import entitling, objects
from caixa_subscriptions.simulator.errors import StripeError, invalid, missing_param
from caixa_subscriptions.simulator.lists import stored_page
from caixa_subscriptions.simulator.params import merge_metadata
from caixa_subscriptions.simulator.routes import LIST_PARAMS, Params, route
from caixa_subscriptions.simulator.world import World

MAX_LOOKUP_KEY = 80
FEATURE = "entitlements.feature"


@route("POST", "/v1/entitlements/features", "entitlements.FeatureCreateParams", "*")
def create_feature(world: World, params: Params) -> dict[str, Any]:
    key = params["lookup_key"]
    if len(key) > MAX_LOOKUP_KEY:
        raise invalid(f"Invalid string: must be at most {MAX_LOOKUP_KEY} characters", "lookup_key")
    if any(one["lookup_key"] == key for one in world.store.all(FEATURE)):
        raise StripeError(
            400,
            f"A feature with the lookup key `{key}` already exists.",
            code="resource_already_exists",
            param="lookup_key",
        )
    feature = objects.feature(world.ids.new(FEATURE), name=params["name"], lookup_key=key)
    feature["metadata"] = merge_metadata({}, params.get("metadata"))
    return world.add(feature)


@route("GET", "/v1/entitlements/features/{feature}", "entitlements.FeatureRetrieveParams")
def retrieve_feature(world: World, params: Params, feature_id: str) -> dict[str, Any]:
    return world.get(FEATURE, feature_id)


@route(
    "POST",
    "/v1/entitlements/features/{feature}",
    "entitlements.FeatureUpdateParams",
    "active metadata name",
)
def update_feature(world: World, params: Params, feature_id: str) -> dict[str, Any]:
    feature = world.get(FEATURE, feature_id)
    changes: Params = {key: params[key] for key in ("active", "name") if key in params}
    changes["metadata"] = merge_metadata(feature["metadata"], params.get("metadata"))
    world.update(feature, changes)
    for link in world.store.all("product_feature"):
        if link["entitlement_feature"]["id"] == feature_id:
            world.update(link, {"entitlement_feature": feature})
    return feature


@route(
    "GET",
    "/v1/entitlements/features",
    "entitlements.FeatureListParams",
    f"{LIST_PARAMS} archived lookup_key",
)
def list_features(world: World, params: Params) -> dict[str, Any]:
    """Archived ones are those that are not active (Stripe docs: entitlements)."""
    active = ("json_extract(data, '$.active') = ?", not params.get("archived", False))
    return stored_page(world, FEATURE, params, "/v1/entitlements/features", "lookup_key", active)


@route("POST", "/v1/products/{product}/features", "ProductFeatureCreateParams", "*")
def attach_feature(world: World, params: Params, product_id: str) -> dict[str, Any]:
    """Subscriptions that exist have it from their next period on."""
    world.get("product", product_id)
    feature = world.get(FEATURE, params["entitlement_feature"], param="entitlement_feature")
    if not feature["active"]:
        raise invalid("An archived feature cannot be attached.", "entitlement_feature")
    if any(one["entitlement_feature"]["id"] == feature["id"] for one in _of(world, product_id)):
        raise invalid("The product has this feature already.", "entitlement_feature")
    return world.add(
        objects.product_feature(
            world.ids.new("product_feature"), product=product_id, feature=feature
        )
    )


def _of(world: World, product_id: str) -> list[dict[str, Any]]:
    return [one for one in world.store.all("product_feature") if one["_product"] == product_id]


@route("GET", "/v1/products/{product}/features", "ProductFeatureListParams", LIST_PARAMS)
def list_product_features(world: World, params: Params, product_id: str) -> dict[str, Any]:
    world.get("product", product_id)
    url = f"/v1/products/{product_id}/features"
    of_it = ("json_extract(data, '$._product') = ?", product_id)
    return stored_page(world, "product_feature", params, url, "", of_it)


@route("GET", "/v1/products/{product}/features/{id}", "ProductFeatureRetrieveParams")
def retrieve_product_feature(
    world: World, params: Params, product_id: str, link_id: str
) -> dict[str, Any]:
    world.get("product", product_id)
    link = world.get("product_feature", link_id)
    if link["_product"] != product_id:
        raise StripeError(
            404, f"No such product_feature: '{link_id}'", code="resource_missing", param="id"
        )
    return link


@route("DELETE", "/v1/products/{product}/features/{id}", "ProductFeatureDeleteParams")
def detach_feature(world: World, params: Params, product_id: str, link_id: str) -> dict[str, Any]:
    link = retrieve_product_feature(world, params, product_id, link_id)
    world.store.delete(link["id"])
    return {"id": link["id"], "object": "product_feature", "deleted": True}


@route(
    "GET",
    "/v1/entitlements/active_entitlements",
    "entitlements.ActiveEntitlementListParams",
    f"{LIST_PARAMS} customer",
    tolerates="customer",
)
def list_active_entitlements(world: World, params: Params) -> dict[str, Any]:
    """Of no customer they are everybody's (the option `djstripe_lists`)."""
    url = "/v1/entitlements/active_entitlements"
    if "customer" not in params:
        if not world.option("djstripe_lists"):
            raise missing_param("customer")
    elif world.deleted_customer(params["customer"]) is None:
        world.get("customer", params["customer"], param="customer")
    return stored_page(world, entitling.KIND, params, url, "customer")


@route(
    "GET",
    "/v1/entitlements/active_entitlements/{id}",
    "entitlements.ActiveEntitlementRetrieveParams",
)
def retrieve_active_entitlement(
    world: World, params: Params, entitlement_id: str
) -> dict[str, Any]:
    return world.get(entitling.KIND, entitlement_id)
