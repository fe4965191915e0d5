"""Invoices made by hand, and the items put on them.

Sources: Stripe docs on invoices and invoice items, the recorded invoice of a subscription.
"""

from __future__ import annotations

from typing import Any

from caixa_subscriptions.simulator import objects
from caixa_subscriptions.simulator.errors import invalid
from caixa_subscriptions.simulator.objects import HOUR
from caixa_subscriptions.simulator.pending import items_of_customer, pending_items, put_on
from caixa_subscriptions.simulator.world import World

RENDERING = {
    "amount_tax_display": None,
    "pdf": {"page_size": "auto"},
    "template": None,
    "template_version": None,
}


def create_invoice(
    world: World,
    customer: dict[str, Any],
    subscription: dict[str, Any] | None,
    *,
    currency: str,
    include_pending: bool,
    changes: dict[str, Any],
) -> dict[str, Any]:
    """A draft; of a subscription only with what waits for itself."""
    now = world.now_for(customer)
    start, items = now, []
    if subscription:
        start = subscription["items"]["data"][0]["current_period_start"]
    if include_pending:
        items = _waiting(world, customer, subscription)
    invoice_id = world.ids.new("invoice")
    invoice = objects.invoice(
        invoice_id,
        subscription=subscription,
        customer=customer,
        currency=currency,
        lines=put_on(world, invoice_id, items),
        discounts=[],
        billing_reason="manual",
        period=(start, now),
        created=now,
    )
    invoice |= {"auto_advance": False, "rendering": RENDERING} | changes
    world.add(invoice, "invoice.created")
    if customer["currency"] is None:
        world.update(customer, {"currency": currency})
    return invoice


def _waiting(
    world: World, customer: dict[str, Any], subscription: dict[str, Any] | None
) -> list[dict[str, Any]]:
    if subscription is None:
        return pending_items(world, customer["id"], None)
    found = pending_items(world, customer["id"], subscription["id"])
    return [one for one in found if one["parent"] is not None]


def advance(world: World, invoice: dict[str, Any]) -> None:
    """A draft that advances by itself is finalized an hour later."""
    world.unschedule(invoice, "finalize")
    due = None
    if invoice["status"] == "draft" and invoice["auto_advance"]:
        due = world.now(invoice["test_clock"] or "") + HOUR
        world.schedule(invoice, "finalize", due, invoice["test_clock"])
    world.update(invoice, {"automatically_finalizes_at": due, "next_payment_attempt": due})


def put_on_draft(world: World, invoice: dict[str, Any], item: dict[str, Any]) -> None:
    """An item made for one invoice comes after its other lines."""
    lines = invoice["lines"]["data"] + put_on(world, invoice["id"], [item])
    _retotal(world, invoice, lines)


def take_off_draft(world: World, invoice: dict[str, Any], item_id: str) -> None:
    lines = [line for line in invoice["lines"]["data"] if item_of(line) != item_id]
    _retotal(world, invoice, lines)


def change_on_draft(world: World, invoice: dict[str, Any], item: dict[str, Any]) -> None:
    """Its line is made anew, where it was."""
    (changed,) = put_on(world, invoice["id"], [item])
    lines = [
        changed | {"id": line["id"]} if item_of(line) == item["id"] else line
        for line in invoice["lines"]["data"]
    ]
    _retotal(world, invoice, lines)


def item_of(line: dict[str, Any]) -> str | None:
    parent = line["parent"]
    details = parent["invoice_item_details"] or parent["subscription_item_details"]
    found: str | None = details["invoice_item"]
    return found


def _retotal(world: World, invoice: dict[str, Any], lines: list[dict[str, Any]]) -> None:
    customer = world.get("customer", invoice["customer"])
    totals = objects.invoice_totals(invoice["id"], lines, invoice["discounts"], customer["balance"])
    world.update(invoice, totals, "invoice.updated")


def draft_of(world: World, item: dict[str, Any]) -> dict[str, Any] | None:
    """The draft an item is on; raises StripeError when its invoice is no draft any more."""
    if item["invoice"] is None:
        return None
    invoice = world.get("invoice", item["invoice"])
    if invoice["status"] != "draft":
        raise invalid("This invoice item is on an invoice that is no longer editable.")
    return invoice


def delete_draft(world: World, invoice: dict[str, Any]) -> None:
    """What was waiting waits again; the rest goes with it."""
    for item in items_of_customer(world, invoice["customer"]):
        if item["invoice"] == invoice["id"]:
            world.update(item, {"invoice": None})
    world.unschedule(invoice)
    world.store.delete(invoice["id"])
    world.emit("invoice.deleted", invoice)
