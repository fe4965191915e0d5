from __future__ import annotations

from typing import Any

from caixa_subscriptions.simulator import charging, collecting, invoicing
from caixa_subscriptions.simulator.errors import StripeError, invalid
from caixa_subscriptions.simulator.lists import stored_page
from caixa_subscriptions.simulator.routes import (
    LIST_PARAMS,
    Params,
    list_page,
    route,
)
from caixa_subscriptions.simulator.world import World


@route("GET", "/v1/invoices/{invoice}", "InvoiceRetrieveParams")
def retrieve_invoice(world: World, params: Params, invoice_id: str) -> dict[str, Any]:
    return world.get("invoice", invoice_id)


@route(
    "GET",
    "/v1/invoices",
    "InvoiceListParams",
    f"{LIST_PARAMS} created customer status subscription",
)
def list_invoices(world: World, params: Params) -> dict[str, Any]:
    return stored_page(world, "invoice", params, "/v1/invoices", "customer status subscription")


# Stripe docs: invoice status transitions. What was given up can still be void.
CLOSABLE = {"void": ("open", "uncollectible"), "uncollectible": ("open",)}


@route("GET", "/v1/invoices/{invoice}/lines", "InvoiceLineItemListParams", LIST_PARAMS)
def list_lines(world: World, params: Params, invoice_id: str) -> dict[str, Any]:
    invoice = world.get("invoice", invoice_id)
    return list_page(invoice["lines"]["data"], params, f"/v1/invoices/{invoice_id}/lines")


@route("POST", "/v1/invoices/{invoice}/pay", "InvoicePayParams", "paid_out_of_band payment_method")
def pay(world: World, params: Params, invoice_id: str) -> dict[str, Any]:
    invoice = _writable(world, invoice_id)
    if invoice["status"] == "paid":
        raise invalid("Invoice is already paid")
    if invoice["status"] == "void":
        raise invalid("This invoice can no longer be paid")
    if params.get("paid_out_of_band"):
        return _pay_out_of_band(world, invoice, params)
    card: dict[str, Any] | None
    if "payment_method" in params:
        # For this payment only: no default changes.
        card = world.get("payment_method", params["payment_method"], param="payment_method")
        if card["customer"] != invoice["customer"]:
            raise invalid(
                "The customer does not have a payment method with this ID.",
                "payment_method",
                "resource_missing",
            )
    else:
        card = charging.default_payment_method(world, invoicing.subscription_of(world, invoice))
    if card is None and invoice["amount_due"]:
        raise StripeError(
            400,
            "Cannot charge a customer that has no active card",
            code="missing",
            type="card_error",
        )
    if invoice["status"] == "draft":
        world.unschedule(invoice)
        collecting.finalize_invoice(world, invoice, pay=False)
    if card is None or invoice["status"] == "paid":  # nothing was due
        return invoice
    if not collecting.pay_invoice(world, invoice, payment_method=card, manual=True):
        raise charging.refusal(world, invoice)
    return invoice


def _pay_out_of_band(world: World, invoice: dict[str, Any], params: Params) -> dict[str, Any]:
    if "payment_method" in params:
        raise invalid("An invoice paid out of band takes no payment method.", "payment_method")
    if invoice["status"] == "draft":
        world.unschedule(invoice)
        collecting.finalize_invoice(world, invoice, pay=False)
    if invoice["status"] != "paid":
        collecting.settle_out_of_band(world, invoice)
    return invoice


@route("POST", "/v1/invoices/{invoice}/finalize", "InvoiceFinalizeInvoiceParams", "auto_advance")
def finalize(world: World, params: Params, invoice_id: str) -> dict[str, Any]:
    invoice = _writable(world, invoice_id)
    if invoice["status"] != "draft":
        raise invalid(
            "This invoice is already finalized, you can't re-finalize a non-draft invoice."
        )
    world.unschedule(invoice)
    advances = params.get("auto_advance", invoice["auto_advance"])
    world.update(invoice, {"auto_advance": advances})
    collecting.finalize_invoice(world, invoice, pay=advances)
    return invoice


@route("POST", "/v1/invoices/{invoice}/void", "InvoiceVoidInvoiceParams")
def void(world: World, params: Params, invoice_id: str) -> dict[str, Any]:
    return _close(world, invoice_id, status="void", at="voided_at")


@route("POST", "/v1/invoices/{invoice}/mark_uncollectible", "InvoiceMarkUncollectibleParams")
def mark_uncollectible(world: World, params: Params, invoice_id: str) -> dict[str, Any]:
    return _close(world, invoice_id, status="uncollectible", at="marked_uncollectible_at")


def _close(world: World, invoice_id: str, *, status: str, at: str) -> dict[str, Any]:
    invoice = _writable(world, invoice_id)
    if invoice["status"] not in CLOSABLE[status]:
        raise invalid(
            f"You can only pass in open invoices. This invoice isn't open ({invoice['status']})."
        )
    invoicing.close_invoice(world, invoice, status=status, at=at)
    collecting.follow_invoices(world, invoicing.subscription_of(world, invoice))
    return invoice


def _writable(world: World, invoice_id: str) -> dict[str, Any]:
    invoice = world.get("invoice", invoice_id)
    world.writable(world.get("customer", invoice["customer"]))
    return invoice
