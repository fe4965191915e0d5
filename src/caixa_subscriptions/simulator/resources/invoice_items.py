from __future__ import annotations

from typing import Any

from caixa_subscriptions.simulator.routes import (
    LIST_PARAMS,
    Params,
    created_matches,
    list_page,
    route,
)
from caixa_subscriptions.simulator.world import World


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
    found = [
        one
        for one in world.store.all("invoiceitem", customer=params.get("customer"))
        if params.get("invoice") in (None, one["invoice"])
        and params.get("pending") in (None, one["invoice"] is None)
        and created_matches({"created": one["date"]}, params.get("created"))
    ]
    return list_page(found, params, "/v1/invoiceitems")
