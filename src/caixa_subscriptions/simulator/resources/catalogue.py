"""Products, prices, and what hangs on them."""

from __future__ import annotations

from typing import Any

from caixa_subscriptions.simulator import objects
from caixa_subscriptions.simulator.errors import StripeError, invalid, missing_param
from caixa_subscriptions.simulator.lists import one_of, stored_page
from caixa_subscriptions.simulator.params import merge_metadata
from caixa_subscriptions.simulator.routes import (
    LIST_PARAMS,
    Params,
    route,
)
from caixa_subscriptions.simulator.world import World

_PRODUCT = "active description images metadata name statement_descriptor unit_label url"
_PLAIN = ("active", "nickname", "tax_behavior")
# At most three years (Stripe docs: prices).
MAX_INTERVAL_COUNT = {"day": 1095, "week": 156, "month": 36, "year": 3}
_PRICE = "active lookup_key metadata nickname tax_behavior transfer_lookup_key"


@route("POST", "/v1/products", "ProductCreateParams", f"{_PRODUCT} id")
def create_product(world: World, params: Params) -> dict[str, Any]:
    product = objects.product(
        params.get("id") or world.ids.new("product"), name=params["name"], created=world.now()
    )
    if world.store.get(product["id"], "product"):
        raise StripeError(
            400, "Product already exists.", code="resource_already_exists", param="id"
        )
    product.update({key: value for key, value in params.items() if key in product and key != "id"})
    product["metadata"] = merge_metadata({}, params.get("metadata"))
    return world.add(product, "product.created")


@route("GET", "/v1/products/{product}", "ProductRetrieveParams")
def retrieve_product(world: World, params: Params, product_id: str) -> dict[str, Any]:
    return world.get("product", product_id)


@route("POST", "/v1/products/{product}", "ProductUpdateParams", f"{_PRODUCT} default_price")
def update_product(world: World, params: Params, product_id: str) -> dict[str, Any]:
    product = world.get("product", product_id)
    changes = {key: value for key, value in params.items() if key in product}
    for name in ("description", "images", "unit_label", "url"):  # may be unset (SDK types)
        if params.get(name) == "":
            changes[name] = [] if name == "images" else None
    if "default_price" in changes:
        price = world.get("price", changes["default_price"], param="default_price")
        if price["product"] != product_id:
            raise invalid("The default price must be one of the product's own.", "default_price")
    changes["metadata"] = merge_metadata(product["metadata"], params.get("metadata"))
    changes["updated"] = world.now()
    return world.update(product, changes, "product.updated")


@route("DELETE", "/v1/products/{product}", "ProductDeleteParams")
def delete_product(world: World, params: Params, product_id: str) -> dict[str, Any]:
    """Only one without prices, active or not (the SDK's text)."""
    product = world.get("product", product_id)
    if any(price["product"] == product_id for price in world.store.all("price")):
        raise invalid(
            "This product cannot be deleted because it has one or more user-created prices.", "id"
        )
    for link in world.store.all("product_feature"):
        if link["_product"] == product_id:
            world.store.delete(link["id"], "product_feature")
    world.store.delete(product_id, "product")
    world.emit("product.deleted", product)
    return {"id": product_id, "object": "product", "deleted": True}


@route("GET", "/v1/products", "ProductListParams", f"{LIST_PARAMS} active created ids")
def list_products(world: World, params: Params) -> dict[str, Any]:
    some = [one_of("id", params["ids"])] if "ids" in params else []
    return stored_page(world, "product", params, "/v1/products", "active", *some)


@route(
    "POST",
    "/v1/prices",
    "PriceCreateParams",
    f"{_PRICE} currency product product_data.name recurring.interval recurring.interval_count "
    "recurring.trial_period_days unit_amount",
)
def create_price(world: World, params: Params) -> dict[str, Any]:
    if "unit_amount" not in params:
        raise missing_param("unit_amount")
    if "product" in params:
        product_id = world.get("product", params["product"], param="product")["id"]
    elif "product_data" in params:
        product_id = create_product(world, params["product_data"])["id"]
    else:
        raise missing_param("product")
    if params["unit_amount"] < 0:
        raise invalid("This value must be greater than or equal to 0.", "unit_amount")
    if recurring := params.get("recurring"):
        most = MAX_INTERVAL_COUNT[recurring["interval"]]
        if not 1 <= recurring.get("interval_count", 1) <= most:
            raise invalid(
                f"The interval count must be from 1 to {most}.", "recurring[interval_count]"
            )
    price = objects.price(
        world.ids.new("price"),
        product=product_id,
        currency=params["currency"].lower(),
        unit_amount=params["unit_amount"],
        recurring=recurring,
        created=world.now(),
    )
    price.update({key: params[key] for key in _PLAIN if key in params})
    price["metadata"] = merge_metadata({}, params.get("metadata"))
    _give_lookup_key(world, price, params)
    return world.add(price, "price.created")


def _give_lookup_key(world: World, price: dict[str, Any], params: Params) -> None:
    key = params.get("lookup_key")
    if key is None:
        return
    for other in world.store.all("price"):
        if key and other["lookup_key"] == key and other["id"] != price["id"]:
            if not params.get("transfer_lookup_key"):
                raise invalid(
                    f"A price (`{other['id']}`) already uses that lookup key.", "lookup_key"
                )
            world.update(other, {"lookup_key": None}, "price.updated")
    price["lookup_key"] = key or None


@route("GET", "/v1/prices/{price}", "PriceRetrieveParams")
def retrieve_price(world: World, params: Params, price_id: str) -> dict[str, Any]:
    return world.get("price", price_id)


@route("POST", "/v1/prices/{price}", "PriceUpdateParams", _PRICE)
def update_price(world: World, params: Params, price_id: str) -> dict[str, Any]:
    price = world.get("price", price_id)
    changed = dict(price)
    changed.update({key: params[key] for key in _PLAIN if key in params})
    changed["metadata"] = merge_metadata(price["metadata"], params.get("metadata"))
    _give_lookup_key(world, changed, params)
    return world.update(price, changed, "price.updated")


@route(
    "GET",
    "/v1/prices",
    "PriceListParams",
    f"{LIST_PARAMS} active created currency lookup_keys product type",
)
def list_prices(world: World, params: Params) -> dict[str, Any]:
    key = "json_extract(data, '$.lookup_key')"
    some = [one_of(key, params["lookup_keys"])] if "lookup_keys" in params else []
    equal = "active currency product type"
    return stored_page(world, "price", params, "/v1/prices", equal, *some)
