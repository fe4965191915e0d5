"""Configurations of the customer portal: what its page offers."""

from __future__ import annotations

from typing import Any

from caixa_subscriptions.simulator import objects
from caixa_subscriptions.simulator.errors import invalid, missing, not_simulated
from caixa_subscriptions.simulator.objects import PORTAL_CONFIGURATION_ID
from caixa_subscriptions.simulator.params import merge_metadata
from caixa_subscriptions.simulator.routes import LIST_PARAMS, Params, list_page, route
from caixa_subscriptions.simulator.world import World

KIND = "billing_portal.configuration"
MAX_PRODUCTS = 10
_URL = "/v1/billing_portal/configurations"
_CANCEL, _CHANGE = "features.subscription_cancel", "features.subscription_update"
_HONOURED = (
    "business_profile default_return_url metadata name features.customer_update "
    "features.invoice_history features.payment_method_update.enabled "
    f"{_CANCEL}.enabled {_CANCEL}.mode {_CANCEL}.proration_behavior "
    f"{_CANCEL}.cancellation_reason.enabled {_CANCEL}.cancellation_reason.options "
    f"{_CHANGE}.enabled {_CHANGE}.default_allowed_updates {_CHANGE}.products "
    f"{_CHANGE}.proration_behavior {_CHANGE}.trial_update_behavior"
)
# Of a list of choices, what the page does.
_OFFERED = {
    "customer_update": ("allowed_updates", ("address", "email", "name", "phone")),
    "subscription_update": ("default_allowed_updates", ("price", "quantity")),
}


@route("POST", _URL, "billing_portal.ConfigurationCreateParams", _HONOURED)
def create_configuration(world: World, params: Params) -> dict[str, Any]:
    made = objects.portal_configuration(world.ids.new(KIND), is_default=False, created=world.wall())
    made.update(_changes(world, made, params))
    return world.add(made, "billing_portal.configuration.created")


@route(
    "POST",
    f"{_URL}/{{configuration}}",
    "billing_portal.ConfigurationUpdateParams",
    f"active {_HONOURED}",
)
def update_configuration(world: World, params: Params, object_id: str) -> dict[str, Any]:
    found = get_configuration(world, object_id, param=None)
    changes = _changes(world, found, params) | {"updated": world.wall()}
    if "active" in params:
        if found["is_default"] and not params["active"]:
            raise invalid("You cannot deactivate the default configuration.", "active")
        changes["active"] = params["active"]
    return world.update(found, changes, "billing_portal.configuration.updated")


@route(
    "GET",
    _URL,
    "billing_portal.ConfigurationListParams",
    f"{LIST_PARAMS} active is_default",
)
def list_configurations(world: World, params: Params) -> dict[str, Any]:
    default = [_default(world)] if world.option("portal_default_configuration") else []
    stored = [one for one in world.store.all(KIND) if not one["is_default"]]
    found = [
        one
        for one in [*stored, *default]
        if params.get("active") in (None, one["active"])
        and params.get("is_default") in (None, one["is_default"])
    ]
    return list_page(found, params, _URL)


@route("GET", f"{_URL}/{{configuration}}", "billing_portal.ConfigurationRetrieveParams")
def retrieve_configuration(world: World, params: Params, object_id: str) -> dict[str, Any]:
    return get_configuration(world, object_id, param=None)


def get_configuration(world: World, object_id: str, *, param: str | None) -> dict[str, Any]:
    if object_id != PORTAL_CONFIGURATION_ID:
        return world.get(KIND, object_id, param=param)
    if not world.option("portal_default_configuration"):
        raise missing("configuration", object_id, param=param)
    return _default(world)


def _default(world: World) -> dict[str, Any]:
    """As the dashboard would have made it; kept from its first change on."""
    created = int(world.store.get_meta("started") or world.wall())
    return world.store.get(PORTAL_CONFIGURATION_ID) or objects.portal_configuration(
        PORTAL_CONFIGURATION_ID, is_default=True, created=created
    )


def _changes(world: World, old: dict[str, Any], params: Params) -> dict[str, Any]:
    changes: dict[str, Any] = {
        name: params[name] or None for name in ("default_return_url", "name") if name in params
    }
    if "business_profile" in params:
        given = {key: value or None for key, value in params["business_profile"].items()}
        changes["business_profile"] = old["business_profile"] | given
    if "metadata" in params:
        changes["metadata"] = merge_metadata(old["metadata"], params["metadata"])
    features = dict(old["features"])
    for name, given in params.get("features", {}).items():
        features[name] = features[name] | _feature(world, features[name], name, given)
    return changes | {"features": features}


def _feature(world: World, old: dict[str, Any], name: str, given: dict[str, Any]) -> dict[str, Any]:
    param = f"features[{name}]"
    found = dict(given)
    if name in _OFFERED and _OFFERED[name][0] in found:
        key, offered = _OFFERED[name]
        found[key] = found[key] or []
        for index, choice in enumerate(found[key]):
            if choice not in offered:
                raise not_simulated(f"{param}[{key}][{index}]")
    if name == "subscription_cancel":
        if found.get("proration_behavior", "none") != "none":
            raise not_simulated(f"{param}[proration_behavior]")
        if "cancellation_reason" in found:
            reason = old["cancellation_reason"] | found["cancellation_reason"]
            found["cancellation_reason"] = reason | {"options": reason["options"] or []}
    if "products" in found:
        found["products"] = _products(world, found["products"] or [], f"{param}[products]")
    if name == "subscription_update" and found.get("enabled", old["enabled"]):
        for key in ("default_allowed_updates", "products"):
            if not (found.get(key) or old[key]):
                raise invalid(
                    f"You must provide `{key}` to enable this feature.", f"{param}[{key}]"
                )
    return found


def _products(world: World, given: list[dict[str, Any]], param: str) -> list[dict[str, Any]]:
    if len(given) > MAX_PRODUCTS:
        raise invalid(f"There may be at most {MAX_PRODUCTS} products.", param)
    bounds = {"enabled": False, "maximum": None, "minimum": 1}
    found = [
        {
            "adjustable_quantity": bounds | one.get("adjustable_quantity", {}),
            "prices": one["prices"],
            "product": one["product"],
        }
        for one in given
    ]
    for index, one in enumerate(found):
        world.get("product", one["product"], param=f"{param}[{index}][product]")
        for price_id in one["prices"]:
            price = world.get("price", price_id, param=f"{param}[{index}][prices]")
            if price["product"] != one["product"] or price["recurring"] is None:
                raise invalid(
                    "A price must recur and belong to its product.", f"{param}[{index}][prices]"
                )
    return found
