from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from caixa_subscriptions.simulator import objects, one_off
from caixa_subscriptions.simulator.errors import invalid, missing_param
from caixa_subscriptions.simulator.lists import Condition, stored_page
from caixa_subscriptions.simulator.params import merge_metadata
from caixa_subscriptions.simulator.routes import LIST_PARAMS, Params, route
from caixa_subscriptions.simulator.world import World

_FIELDS = (
    "amount description discountable metadata period pricing.price quantity unit_amount_decimal"
)


@route(
    "POST",
    "/v1/invoiceitems",
    "InvoiceItemCreateParams",
    f"{_FIELDS} currency customer invoice subscription",
)
def create_invoice_item(world: World, params: Params) -> dict[str, Any]:
    """It waits for the next invoice, or goes on the draft that is named."""
    draft = None
    if "invoice" in params:
        draft = world.get("invoice", params["invoice"], param="invoice")
        if draft["status"] != "draft":
            raise invalid("You can only add items to draft invoices.", "invoice")
    named = params.get("customer") or (draft or {}).get("customer")
    if not named:
        raise missing_param("customer")
    customer = world.get("customer", named, param="customer")
    world.writable(customer)
    if draft and draft["customer"] != customer["id"]:
        raise invalid("The invoice is of another customer.", "invoice")
    now = world.now_for(customer)
    item = objects.invoice_item(
        world.ids.new("invoiceitem"),
        customer=customer,
        amount=0,
        currency=params.get("currency", "usd"),
        created=now,
        period=(now, now),
        subscription=_subscription(world, params, customer),
    )
    item |= _changes(world, item, params)
    world.add(item, "invoiceitem.created")
    if draft:
        one_off.put_on_draft(world, draft, item)
    return item


def _subscription(world: World, params: Params, customer: dict[str, Any]) -> str | None:
    if "subscription" not in params:
        return None
    found = world.get("subscription", params["subscription"], param="subscription")
    if found["customer"] != customer["id"]:
        raise invalid("The subscription is of another customer.", "subscription")
    return str(found["id"])


def _changes(world: World, item: dict[str, Any], params: Params) -> dict[str, Any]:
    """Of an amount, or of a price and quantity."""
    changes: dict[str, Any] = {}
    quantity = params.get("quantity", item["quantity"])
    price = (params.get("pricing") or {}).get("price")
    if price:
        changes |= _priced(world, price, quantity)
    elif "amount" in params:
        if "unit_amount_decimal" in params or "quantity" in params:
            raise invalid("An amount has neither quantity nor unit amount beside it.", "amount")
        changes |= _amount(params["amount"], 1, None, Decimal(params["amount"]))
    elif "unit_amount_decimal" in params or "quantity" in params:
        unit = params.get("unit_amount_decimal") or (item["pricing"] or {}).get(
            "unit_amount_decimal"
        )
        if unit is None:
            raise missing_param("unit_amount_decimal")
        named = (item["pricing"] or {}).get("price_details")
        changes |= _amount(_rounded(Decimal(unit) * quantity), quantity, named, Decimal(unit))
    elif item["pricing"] is None:
        raise missing_param("amount")
    told: dict[str, Any] = {
        key: params[key] for key in ("description", "discountable", "period") if key in params
    }
    told["metadata"] = merge_metadata(item["metadata"], params.get("metadata"))
    return changes | told


def _priced(world: World, price_id: str, quantity: int) -> dict[str, Any]:
    param = "pricing[price]"
    price = world.get("price", price_id, param=param)
    if price["recurring"] is not None:
        raise invalid(
            "The price specified is set to `type=recurring` but this field only accepts prices "
            "with `type=one_time`.",
            param,
        )
    unit = price["unit_amount"]
    named = {"price": price["id"], "product": price["product"]}
    product = world.get("product", price["product"])["name"]
    told = {"currency": price["currency"], "description": product}
    return told | _amount(unit * quantity, quantity, named, Decimal(unit))


def _amount(
    amount: int, quantity: int, named: dict[str, Any] | None, unit: Decimal
) -> dict[str, Any]:
    return {
        "amount": amount,
        "net_amount": amount,
        "quantity": quantity,
        "quantity_decimal": str(quantity),
        "pricing": {
            "price_details": named,
            "type": "price_details",
            "unit_amount_decimal": str(unit),
        },
    }


def _rounded(amount: Decimal) -> int:
    return int(amount.quantize(Decimal(1), rounding=ROUND_HALF_UP))


@route("POST", "/v1/invoiceitems/{item}", "InvoiceItemUpdateParams", _FIELDS)
def update_invoice_item(world: World, params: Params, item_id: str) -> dict[str, Any]:
    """While it waits or is on a draft; prorations keep their amount."""
    item = world.get("invoiceitem", item_id)
    world.writable(item)
    draft = one_off.draft_of(world, item)
    fixed = set(params) - {"description", "metadata"}
    if item["proration"] and fixed:
        raise invalid("A proration's amount and period cannot be changed.", min(fixed))
    world.update(item, _changes(world, item, params))
    if draft:
        one_off.change_on_draft(world, draft, item)
    return item


@route("DELETE", "/v1/invoiceitems/{item}", "InvoiceItemDeleteParams")
def delete_invoice_item(world: World, params: Params, item_id: str) -> dict[str, Any]:
    item = world.get("invoiceitem", item_id)
    world.writable(item)
    draft = one_off.draft_of(world, item)
    if draft:
        one_off.take_off_draft(world, draft, item_id)
    world.store.delete(item_id)
    world.emit("invoiceitem.deleted", item)
    return {"id": item_id, "object": "invoiceitem", "deleted": True}


@route("GET", "/v1/invoiceitems/{item}", "InvoiceItemRetrieveParams")
def retrieve_invoice_item(world: World, params: Params, item_id: str) -> dict[str, Any]:
    return world.get("invoiceitem", item_id)


@route(
    "GET",
    "/v1/invoiceitems",
    "InvoiceItemListParams",
    f"{LIST_PARAMS} created customer invoice pending",
)
def list_invoice_items(world: World, params: Params) -> dict[str, Any]:
    waits: list[Condition] = []
    if "pending" in params:
        waits = [("invoice is null" if params["pending"] else "invoice is not null",)]
    return stored_page(world, "invoiceitem", params, "/v1/invoiceitems", "customer invoice", *waits)
