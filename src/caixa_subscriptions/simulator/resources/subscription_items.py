from __future__ import annotations

from typing import Any

from caixa_subscriptions.simulator.changing import Row, Terms, change_items
from caixa_subscriptions.simulator.errors import invalid, missing_param, not_simulated
from caixa_subscriptions.simulator.lifecycle import require_not_ended
from caixa_subscriptions.simulator.params import merge_metadata
from caixa_subscriptions.simulator.routes import LIST_PARAMS, Params, list_page, route
from caixa_subscriptions.simulator.world import World

TERMS = "payment_behavior proration_behavior proration_date"


def recurring_price(world: World, item: Params, param: str) -> dict[str, Any]:
    """The price asked for, also as `plan`; raises Stripe's errors for what cannot recur."""
    named = "price" if "price" in item or "plan" not in item else "plan"
    param = f"{param}[{named}]" if param else named
    if named not in item:
        raise missing_param(param)
    price = world.get("price", item[named], param=param)
    if not price["active"]:
        raise invalid(
            "The price specified is inactive. This field only accepts active prices.", param
        )
    if price["recurring"] is None:
        raise invalid(
            "The price specified is set to `type=one_time` but this field only accepts prices "
            "with `type=recurring`.",
            param,
        )
    return price


def quantity_of(item: Params, param: str, default: int = 1) -> int:
    quantity: int = item.get("quantity", default)
    if quantity < 1:
        raise invalid(
            "This value must be greater than or equal to 1.",
            f"{param}[quantity]" if param else "quantity",
        )
    return quantity


def terms_of(subscription: dict[str, Any], params: Params, *, only_shown: bool = False) -> Terms:
    """How a change shall be charged; raises `not_simulated` for what waits for a payment."""
    given = {key: params[key] for key in ("billing_cycle_anchor", *TERMS.split()) if key in params}
    if given.get("payment_behavior") in ("default_incomplete", "pending_if_incomplete"):
        raise not_simulated(f"payment_behavior={given['payment_behavior']}")
    # The types of previews have moments too: those are for new subscriptions.
    if isinstance(given.get("billing_cycle_anchor"), int):
        raise invalid(
            "billing_cycle_anchor must be either unset, `now` or `unchanged`.",
            "billing_cycle_anchor",
        )
    if given.get("billing_cycle_anchor") == "now" and subscription["status"] == "trialing":
        raise not_simulated("billing_cycle_anchor=now during a trial")
    return Terms(**given, only_shown=only_shown)


def rows_of(world: World, subscription: dict[str, Any], wanted: list[Params]) -> list[Row]:
    """The items a subscription shall have: what is not named stays (Stripe docs: change price)."""
    rows = {
        item["id"]: Row(item["price"], item["quantity"], item, item["metadata"])
        for item in subscription["items"]["data"]
    }
    added = []
    for index, item in enumerate(wanted):
        param = f"items[{index}]"
        if "id" not in item:
            price = recurring_price(world, item, param)
            metadata = merge_metadata({}, item.get("metadata"))
            added.append(Row(price, quantity_of(item, param), None, metadata))
            continue
        if item["id"] not in rows:
            world.get("subscription_item", item["id"], param=f"{param}[id]")
            raise invalid("This subscription item is of another subscription.", f"{param}[id]")
        if item.get("deleted"):
            del rows[item["id"]]
        else:
            rows[item["id"]] = changed_row(world, rows[item["id"]], item, param)
    return [*rows.values(), *added]


def changed_row(world: World, row: Row, wanted: Params, param: str = "") -> Row:
    """A new price means a quantity of 1, unless one is given (the SDK's text)."""
    price, quantity = row.price, row.quantity
    if "price" in wanted or "plan" in wanted:
        price = recurring_price(world, wanted, param)
        quantity = quantity if price["id"] == row.price["id"] else 1
    return Row(
        price,
        quantity_of(wanted, param, quantity),
        row.item,
        merge_metadata(row.metadata, wanted.get("metadata")),
    )


@route("GET", "/v1/subscription_items/{item}", "SubscriptionItemRetrieveParams")
def retrieve_subscription_item(world: World, params: Params, item_id: str) -> dict[str, Any]:
    return world.get("subscription_item", item_id)


@route("GET", "/v1/subscription_items", "SubscriptionItemListParams", f"{LIST_PARAMS} subscription")
def list_subscription_items(world: World, params: Params) -> dict[str, Any]:
    subscription = world.get("subscription", params["subscription"], param="subscription")
    return list_page(subscription["items"]["data"], params, "/v1/subscription_items")


@route(
    "POST",
    "/v1/subscription_items",
    "SubscriptionItemCreateParams",
    f"subscription price plan quantity metadata {TERMS}",
)
def create_subscription_item(world: World, params: Params) -> dict[str, Any]:
    subscription = world.get("subscription", params["subscription"], param="subscription")
    before = {item["id"] for item in subscription["items"]["data"]}
    price = recurring_price(world, params, "")
    metadata = merge_metadata({}, params.get("metadata"))
    row = Row(price, quantity_of(params, ""), None, metadata)
    _change(world, subscription, [*rows_of(world, subscription, []), row], params)
    return next(item for item in subscription["items"]["data"] if item["id"] not in before)


@route(
    "POST",
    "/v1/subscription_items/{item}",
    "SubscriptionItemUpdateParams",
    f"price plan quantity metadata {TERMS}",
)
def update_subscription_item(world: World, params: Params, item_id: str) -> dict[str, Any]:
    subscription = _subscription_of(world, item_id)
    rows = [
        changed_row(world, row, params) if row.item and row.item["id"] == item_id else row
        for row in rows_of(world, subscription, [])
    ]
    _change(world, subscription, rows, params)
    return world.get("subscription_item", item_id)


@route("DELETE", "/v1/subscription_items/{item}", "SubscriptionItemDeleteParams", TERMS)
def delete_subscription_item(world: World, params: Params, item_id: str) -> dict[str, Any]:
    subscription = _subscription_of(world, item_id)
    rows = rows_of(world, subscription, [{"id": item_id, "deleted": True}])
    _change(world, subscription, rows, params)
    return {"id": item_id, "object": "subscription_item", "deleted": True}


def _subscription_of(world: World, item_id: str) -> dict[str, Any]:
    item = world.get("subscription_item", item_id)
    return world.get("subscription", item["subscription"])


def _change(world: World, subscription: dict[str, Any], rows: list[Row], params: Params) -> None:
    world.writable(subscription)
    require_not_ended(subscription)
    change_items(world, subscription, rows, terms_of(subscription, params))
