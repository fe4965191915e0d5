"""Invoice items that wait for an invoice, and the lines they become."""

from __future__ import annotations

from typing import Any

from caixa_subscriptions.simulator import objects
from caixa_subscriptions.simulator.world import World


def items_of_customer(world: World, customer_id: str) -> list[dict[str, Any]]:
    """Invoiced or not, newest first."""
    return world.store.all("invoiceitem", customer=customer_id)


def pending_items(
    world: World, customer_id: str, subscription_id: str | None
) -> list[dict[str, Any]]:
    """Of the customer and this subscription, the newest first, those of one moment as they were
    made (recorded)."""
    found = [
        one
        for one in reversed(items_of_customer(world, customer_id))
        if one["invoice"] is None and subscription_of_item(one) in (None, subscription_id)
    ]
    return sorted(found, key=lambda one: -one["date"])


def subscription_of_item(item: dict[str, Any]) -> str | None:
    if item["parent"] is None:
        return None
    found: str = item["parent"]["subscription_details"]["subscription"]
    return found


def put_on(
    world: World, invoice_id: str, items: list[dict[str, Any]], *, only_shown: bool = False
) -> list[dict[str, Any]]:
    """Their lines. With `only_shown` they go on waiting (a preview)."""
    lines = []
    ids = {item["id"]: world.ids.new("line_item") for item in items}
    for item in items:
        credited = (item["proration_details"] or {}).get("credited_items")
        lines.append(
            objects.invoice_item_line(
                ids[item["id"]],
                invoice_id=invoice_id,
                item=item,
                credited=_credited_lines(credited, invoice_id, ids) if credited else None,
            )
        )
        if not only_shown:
            world.update(item, {"invoice": invoice_id})
    return lines


def _credited_lines(
    credited: dict[str, Any], invoice_id: str, ids: dict[str, str]
) -> dict[str, Any] | None:
    """A line names what it gives back by invoice and lines, also what waits like itself; nothing
    when that was deleted."""
    if credited["type"] == "invoice_line_items":
        found: dict[str, Any] = credited["invoice_line_item_details"]
        return found
    if credited["invoice_item"] in ids:
        return {"invoice": invoice_id, "invoice_line_items": [ids[credited["invoice_item"]]]}
    return None
