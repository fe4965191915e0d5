"""A session of the customer portal that does one thing: `flow_data` (Stripe docs: deep links)."""

from __future__ import annotations

from typing import Any

from caixa_subscriptions.simulator import lifecycle
from caixa_subscriptions.simulator.errors import StripeError, invalid, missing_param, not_simulated
from caixa_subscriptions.simulator.world import World

# Which feature of the configuration a flow needs.
FEATURES = {
    "customer_update": "customer_update",
    "payment_method_update": "payment_method_update",
    "subscription_cancel": "subscription_cancel",
    "subscription_update": "subscription_update",
    "subscription_update_confirm": "subscription_update",
}


def new_flow(
    world: World,
    configuration: dict[str, Any],
    customer: dict[str, Any],
    given: dict[str, Any] | None,
) -> dict[str, Any] | None:
    """The session's `flow`; raises Stripe's errors for what its configuration does not offer."""
    if given is None:
        return None
    kind, after = given["type"], _after_completion(given.get("after_completion"))
    asked = {name: _copied(given[name]) for name in FEATURES if name in given}
    if kind not in FEATURES:
        raise not_simulated("flow_data[type]")
    feature = configuration["features"][FEATURES[kind]]
    if not feature["enabled"]:
        words = FEATURES[kind].replace("_", " ")
        raise invalid(
            f"The {words} feature in the portal configuration is disabled.", "flow_data[type]"
        )
    flow: dict[str, Any] = {
        "after_completion": after,
        "customer_update": None,
        "subscription_cancel": None,
        "subscription_update": None,
        "subscription_update_confirm": None,
        "type": kind,
    }
    if others := asked.keys() - {kind}:
        raise invalid(f"A flow of type `{kind}` takes no other.", f"flow_data[{min(others)}]")
    if kind == "customer_update":
        return flow | {kind: {}}
    if kind == "payment_method_update":
        return flow
    if kind not in asked:
        raise missing_param(f"flow_data[{kind}]")
    flow[kind] = asked[kind]
    subscription = _subscription(world, customer, flow[kind]["subscription"], kind)
    if kind == "subscription_cancel":
        if subscription["cancel_at"]:
            raise invalid("This subscription is already set to be canceled.", "flow_data")
        flow[kind]["retention"] = None
    elif kind == "subscription_update_confirm":
        flow[kind] |= {
            "discounts": None,
            "items": [_item(feature, subscription, flow[kind]["items"])],
        }
    return flow


def _copied(given: dict[str, Any]) -> dict[str, Any]:
    found = dict(given)
    if "items" in found:
        found["items"] = [dict(item) for item in found["items"]]
    return found


def _after_completion(given: dict[str, Any] | None) -> dict[str, Any]:
    found: dict[str, Any] = {
        "hosted_confirmation": None,
        "redirect": None,
        "type": "portal_homepage",
    }
    for name, value in (given or {}).items():
        found[name] = dict(value) if isinstance(value, dict) else value
    if found["type"] == "redirect" and not found["redirect"]:
        raise missing_param("flow_data[after_completion][redirect]")
    if found["type"] == "hosted_confirmation":
        found["hosted_confirmation"] = {"custom_message": None} | (
            found["hosted_confirmation"] or {}
        )
    return found


def _subscription(
    world: World, customer: dict[str, Any], subscription_id: str, kind: str
) -> dict[str, Any]:
    param = f"flow_data[{kind}][subscription]"
    subscription = world.get("subscription", subscription_id, param=param)
    if subscription["customer"] != customer["id"]:
        raise StripeError(
            400,
            f"No such subscription: '{subscription_id}'",
            code="resource_missing",
            param=param,
        )
    lifecycle.require_not_ended(subscription)
    return subscription


def _item(
    feature: dict[str, Any], subscription: dict[str, Any], items: list[dict[str, Any]]
) -> dict[str, Any]:
    param = "flow_data[subscription_update_confirm][items]"
    if len(items) != 1:
        raise invalid("Only one item can be updated at a time.", param)
    found = {"price": None, "quantity": None} | items[0]
    if found["id"] not in [one["id"] for one in subscription["items"]["data"]]:
        raise invalid(f"No such subscription item: '{found['id']}'", f"{param}[0][id]")
    offered = [price for one in feature["products"] or [] for price in one["prices"]]
    if found["price"] and found["price"] not in offered:
        raise invalid(
            "The price is not among the products of the portal configuration.",
            f"{param}[0][price]",
        )
    return found
