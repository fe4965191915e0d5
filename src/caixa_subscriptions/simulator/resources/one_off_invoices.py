from __future__ import annotations

from typing import Any

from caixa_subscriptions.simulator import one_off
from caixa_subscriptions.simulator.errors import invalid, missing_param
from caixa_subscriptions.simulator.params import merge_metadata
from caixa_subscriptions.simulator.routes import Params, route
from caixa_subscriptions.simulator.world import World

_FIELDS = "auto_advance default_payment_method description footer metadata"


@route(
    "POST",
    "/v1/invoices",
    "InvoiceCreateParams",
    f"{_FIELDS} currency customer pending_invoice_items_behavior subscription",
)
def create_invoice(world: World, params: Params) -> dict[str, Any]:
    """What waits for a subscription is on its invoice unless excluded; else it must be asked
    for (the SDK's text)."""
    subscription = None
    if "subscription" in params:
        subscription = world.get("subscription", params["subscription"], param="subscription")
    named = params.get("customer") or (subscription or {}).get("customer")
    if not named:
        raise missing_param("customer")
    customer = world.get("customer", named, param="customer")
    world.writable(customer)
    if subscription and subscription["customer"] != customer["id"]:
        raise invalid("The subscription is of another customer.", "subscription")
    default = "include" if subscription else "exclude"
    currency = params.get("currency") or (subscription or customer)["currency"] or "usd"
    invoice = one_off.create_invoice(
        world,
        customer,
        subscription,
        currency=currency,
        include_pending=params.get("pending_invoice_items_behavior", default) == "include",
        changes=_changes(world, customer, {}, params),
    )
    one_off.advance(world, invoice)
    return invoice


def _changes(
    world: World, customer: dict[str, Any], old: dict[str, str], params: Params
) -> dict[str, Any]:
    changes: dict[str, Any] = {
        key: params[key] or None for key in ("description", "footer") if key in params
    }
    if "auto_advance" in params:
        changes["auto_advance"] = params["auto_advance"]
    if default := params.get("default_payment_method"):
        card = world.get("payment_method", default, param="default_payment_method")
        if card["customer"] != customer["id"]:
            raise invalid(
                "The customer does not have a payment method with this ID.",
                "default_payment_method",
                "resource_missing",
            )
        changes["default_payment_method"] = default
    return changes | {"metadata": merge_metadata(old, params.get("metadata"))}


@route("POST", "/v1/invoices/{invoice}", "InvoiceUpdateParams", _FIELDS)
def update_invoice(world: World, params: Params, invoice_id: str) -> dict[str, Any]:
    """Once finalized, what is owed and how cannot change any more (the SDK's text)."""
    invoice = world.get("invoice", invoice_id)
    customer = world.get("customer", invoice["customer"])
    world.writable(customer)
    fixed = set(params) - {"auto_advance", "metadata"}
    if invoice["status"] != "draft" and fixed:
        raise invalid("Finalized invoices can't be updated in this way.", min(fixed))
    changes = _changes(world, customer, invoice["metadata"], params)
    world.update(invoice, changes, "invoice.updated")
    if "auto_advance" in params and invoice["status"] == "draft":
        one_off.advance(world, invoice)
    return invoice


@route("DELETE", "/v1/invoices/{invoice}", "InvoiceDeleteParams")
def delete_invoice(world: World, params: Params, invoice_id: str) -> dict[str, Any]:
    invoice = world.get("invoice", invoice_id)
    world.writable(world.get("customer", invoice["customer"]))
    if invoice["status"] != "draft":
        raise invalid("You can only delete draft invoices.")
    if invoice["parent"]:
        raise invalid("Invoices of a subscription can't be deleted.")
    one_off.delete_draft(world, invoice)
    return {"id": invoice_id, "object": "invoice", "deleted": True}
