"""Coupons, and taking discounts away again."""

from __future__ import annotations

from typing import Any

from caixa_subscriptions.simulator import discounts, expand, objects, redeeming
from caixa_subscriptions.simulator.errors import StripeError, invalid, missing_param
from caixa_subscriptions.simulator.lists import stored_page
from caixa_subscriptions.simulator.params import merge_metadata
from caixa_subscriptions.simulator.routes import LIST_PARAMS, Params, route
from caixa_subscriptions.simulator.world import World

_TERMS = "amount_off duration_in_months max_redemptions name percent_off redeem_by"


@route(
    "POST",
    "/v1/coupons",
    "CouponCreateParams",
    f"{_TERMS} applies_to currency duration id metadata",
)
def create_coupon(world: World, params: Params) -> dict[str, Any]:
    _check(world, params)
    coupon = objects.coupon(
        params.get("id") or world.ids.new("coupon"),
        duration=params.get("duration", "once"),
        created=world.now(),
    )
    if world.store.get(coupon["id"], "coupon"):
        raise StripeError(400, "Coupon already exists.", code="resource_already_exists", param="id")
    coupon.update({key: params[key] for key in _TERMS.split() if key in params})
    if "amount_off" in params:
        coupon["currency"] = params["currency"].lower()
    coupon["metadata"] = merge_metadata({}, params.get("metadata"))
    coupon["_applies_to"] = params.get("applies_to")
    world.add(coupon, "coupon.created")
    if coupon["redeem_by"] is not None:
        world.schedule(coupon, "expire_coupon", coupon["redeem_by"], world.default_clock_id)
    return coupon


def _check(world: World, params: Params) -> None:
    if ("percent_off" in params) == ("amount_off" in params):
        raise invalid("You must specify one of these parameters: percent_off, amount_off.")
    if not 0 < params.get("percent_off", 100) <= 100:
        raise invalid("Invalid decimal; must be above 0 and at most 100.", "percent_off")
    if params.get("amount_off", 1) < 1:
        raise invalid("This value must be greater than or equal to 1.", "amount_off")
    if "amount_off" in params and "currency" not in params:
        raise missing_param("currency")
    repeating = params.get("duration") == "repeating"
    if repeating and "duration_in_months" not in params:
        raise missing_param("duration_in_months")
    if not repeating and "duration_in_months" in params:
        raise invalid(
            "`duration_in_months` goes with the duration `repeating` only.", "duration_in_months"
        )
    for name in ("duration_in_months", "max_redemptions"):
        if params.get(name, 1) < 1:
            raise invalid("This value must be greater than or equal to 1.", name)
    if params.get("redeem_by", world.now() + 1) <= world.now():
        raise invalid("`redeem_by` must be a timestamp in the future.", "redeem_by")
    for index, product in enumerate(params.get("applies_to", {}).get("products", [])):
        world.get("product", product, param=f"applies_to[products][{index}]")


@route("GET", "/v1/coupons/{coupon}", "CouponRetrieveParams")
def retrieve_coupon(world: World, params: Params, coupon_id: str) -> dict[str, Any]:
    return world.get("coupon", coupon_id)


@route("POST", "/v1/coupons/{coupon}", "CouponUpdateParams", "metadata name")
def update_coupon(world: World, params: Params, coupon_id: str) -> dict[str, Any]:
    coupon = world.get("coupon", coupon_id)
    changes: Params = {"metadata": merge_metadata(coupon["metadata"], params.get("metadata"))}
    if "name" in params:
        changes["name"] = params["name"] or None
    return world.update(coupon, changes, "coupon.updated")


@route("DELETE", "/v1/coupons/{coupon}", "CouponDeleteParams")
def delete_coupon(world: World, params: Params, coupon_id: str) -> dict[str, Any]:
    """What was redeemed stays as it is (Stripe docs: coupons)."""
    coupon = world.get("coupon", coupon_id)
    redeeming.close_codes(world, coupon_id)
    world.unschedule(coupon)
    world.store.delete(coupon_id, "coupon")
    world.emit("coupon.deleted", coupon)
    return {"id": coupon_id, "object": "coupon", "deleted": True}


@route("GET", "/v1/coupons", "CouponListParams", f"{LIST_PARAMS} created")
def list_coupons(world: World, params: Params) -> dict[str, Any]:
    return stored_page(world, "coupon", params, "/v1/coupons")


@route("DELETE", "/v1/customers/{customer}/discount", "CustomerDeleteDiscountParams")
def delete_customer_discount(world: World, params: Params, customer_id: str) -> dict[str, Any]:
    customer = world.get("customer", customer_id)
    world.writable(customer)
    own = customer["discount"]
    return _deleted(world, [own["id"]] if own else [], f"customer {customer_id}")


@route("DELETE", "/v1/subscriptions/{subscription}/discount", "SubscriptionDeleteDiscountParams")
def delete_subscription_discount(
    world: World, params: Params, subscription_id: str
) -> dict[str, Any]:
    """All of them; the first is answered."""
    subscription = world.get("subscription", subscription_id)
    world.writable(world.get("customer", subscription["customer"]))
    owner = f"subscription {subscription_id} on customer {subscription['customer']}"
    return _deleted(world, subscription["discounts"], owner)


def _deleted(world: World, ids: list[str], owner: str) -> dict[str, Any]:
    if not ids:
        raise StripeError(404, f"No active discount for {owner}", code="resource_missing")
    gone = [world.get("discount", one) for one in ids]
    for discount in gone:
        discounts.take_away(world, discount)
    return expand.public(gone[0]) | {"deleted": True}
