from __future__ import annotations

import re
from typing import Any

from caixa_subscriptions.simulator import objects, redeeming
from caixa_subscriptions.simulator.errors import invalid, missing_param
from caixa_subscriptions.simulator.lists import Condition, stored_page
from caixa_subscriptions.simulator.params import merge_metadata
from caixa_subscriptions.simulator.routes import LIST_PARAMS, Params, route
from caixa_subscriptions.simulator.world import World

_RESTRICTIONS = ("first_time_transaction", "minimum_amount", "minimum_amount_currency")
_HONOURED = " ".join(f"restrictions.{name}" for name in _RESTRICTIONS)


@route(
    "POST",
    "/v1/promotion_codes",
    "PromotionCodeCreateParams",
    f"active code customer expires_at max_redemptions metadata promotion {_HONOURED}",
)
def create_promotion_code(world: World, params: Params) -> dict[str, Any]:
    coupon_id = params["promotion"].get("coupon")
    if coupon_id is None:
        raise missing_param("promotion[coupon]")
    coupon = world.get("coupon", coupon_id, param="promotion[coupon]")
    code = params.get("code") or world.ids.token(8).upper()
    _check(world, params, coupon, code)
    promotion = objects.promotion_code(
        world.ids.new("promotion_code"), code=code, coupon=coupon_id, created=world.now()
    )
    for key in ("active", "customer", "expires_at", "max_redemptions"):
        promotion[key] = params.get(key, promotion[key])
    promotion["promotion"] |= params["promotion"]
    promotion["metadata"] = merge_metadata({}, params.get("metadata"))
    promotion["restrictions"] |= params.get("restrictions", {})
    if currency := promotion["restrictions"]["minimum_amount_currency"]:
        promotion["restrictions"]["minimum_amount_currency"] = currency.lower()
    if promotion["active"]:
        _only_active(world, promotion)
    world.add(promotion, "promotion_code.created")
    if promotion["expires_at"] is not None:
        clock = world.default_clock_id
        world.schedule(promotion, "expire_promotion_code", promotion["expires_at"], clock)
    return promotion


def _check(world: World, params: Params, coupon: dict[str, Any], code: str) -> None:
    if not re.fullmatch(r"[A-Za-z0-9-]{1,500}", code):
        raise invalid("A code consists of letters, digits and dashes.", "code")
    if not coupon["valid"]:
        raise invalid(f"Coupon {coupon['id']} is no longer valid.", "promotion[coupon]")
    if "customer" in params:
        world.get("customer", params["customer"], param="customer")
    if params.get("expires_at", world.now() + 1) <= world.now():
        raise invalid("`expires_at` must be a timestamp in the future.", "expires_at")
    if coupon["redeem_by"] is not None and params.get("expires_at", 0) > coupon["redeem_by"]:
        raise invalid("`expires_at` cannot be after the coupon's `redeem_by`.", "expires_at")
    if params.get("max_redemptions", 1) < 1:
        raise invalid("This value must be greater than or equal to 1.", "max_redemptions")
    most = coupon["max_redemptions"]
    if most is not None and params.get("max_redemptions", 0) > most:
        raise invalid("`max_redemptions` cannot be above the coupon's own.", "max_redemptions")
    restrictions = params.get("restrictions", {})
    if ("minimum_amount" in restrictions) != ("minimum_amount_currency" in restrictions):
        raise invalid(
            "`minimum_amount` and `minimum_amount_currency` go together.",
            "restrictions[minimum_amount]",
        )


def _only_active(world: World, promotion: dict[str, Any]) -> None:
    for other in redeeming.with_code(world, promotion["code"]):
        if other["active"] and other["id"] != promotion["id"]:
            raise invalid(
                f"An active promotion code with `code: {promotion['code']}` already exists.",
                "code",
            )


@route("GET", "/v1/promotion_codes/{promotion_code}", "PromotionCodeRetrieveParams")
def retrieve_promotion_code(world: World, params: Params, promotion_id: str) -> dict[str, Any]:
    return world.get("promotion_code", promotion_id)


@route(
    "POST",
    "/v1/promotion_codes/{promotion_code}",
    "PromotionCodeUpdateParams",
    "active metadata",
)
def update_promotion_code(world: World, params: Params, promotion_id: str) -> dict[str, Any]:
    """Active again only with a valid coupon, time and redemptions left, and the code to itself."""
    promotion = world.get("promotion_code", promotion_id)
    changes = {"metadata": merge_metadata(promotion["metadata"], params.get("metadata"))}
    if "active" in params:
        changes["active"] = params["active"]
        if params["active"] and not promotion["active"]:
            _check_revival(world, promotion)
    return world.update(promotion, changes, "promotion_code.updated")


def _check_revival(world: World, promotion: dict[str, Any]) -> None:
    coupon = world.store.get(promotion["promotion"]["coupon"], "coupon")
    over = promotion["expires_at"] is not None and promotion["expires_at"] <= world.now()
    most = promotion["max_redemptions"]
    spent = most is not None and promotion["times_redeemed"] >= most
    if coupon is None or not coupon["valid"] or over or spent:
        raise invalid("This promotion code cannot be made active again.", "active")
    _only_active(world, promotion)


@route(
    "GET",
    "/v1/promotion_codes",
    "PromotionCodeListParams",
    f"{LIST_PARAMS} active code coupon created customer",
)
def list_promotion_codes(world: World, params: Params) -> dict[str, Any]:
    conditions: list[Condition] = []
    if "code" in params:
        conditions.append(("lower(json_extract(data, '$.code')) = ?", params["code"].lower()))
    if "coupon" in params:
        conditions.append(("json_extract(data, '$.promotion.coupon') = ?", params["coupon"]))
    url = "/v1/promotion_codes"
    return stored_page(world, "promotion_code", params, url, "active customer", *conditions)
