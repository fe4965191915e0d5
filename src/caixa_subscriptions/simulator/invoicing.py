"""Invoices and their lines: made, paid, closed."""

from __future__ import annotations

from typing import Any

from caixa_subscriptions.simulator import balances, objects
from caixa_subscriptions.simulator.charging import cancel_payment
from caixa_subscriptions.simulator.money import money
from caixa_subscriptions.simulator.pending import pending_items, put_on
from caixa_subscriptions.simulator.taking_off import discount_lines, in_force
from caixa_subscriptions.simulator.world import World


def new_invoice(
    world: World,
    subscription: dict[str, Any],
    customer: dict[str, Any],
    *,
    reason: str,
    period: tuple[int, int],
    full: bool = True,
) -> dict[str, Any]:
    """Of all that waits for one and, when `full`, of the subscription's items."""
    invoice_id = world.ids.new("invoice")
    lines = put_on(world, invoice_id, pending_items(world, customer["id"], subscription["id"]))
    if full:
        lines += [
            _line(world, invoice_id, item, trialing=subscription["status"] == "trialing")
            for item in subscription["items"]["data"]
        ]
    discounts = in_force(world, subscription, customer)
    discount_lines(discounts, lines)
    return world.add(
        objects.invoice(
            invoice_id,
            subscription=subscription,
            customer=customer,
            currency=subscription["currency"],
            lines=lines,
            discounts=[one["id"] for one in discounts],
            billing_reason=reason,
            period=period,
            created=world.now_for(customer),
        )
    )


def _line(world: World, invoice_id: str, item: dict[str, Any], *, trialing: bool) -> dict[str, Any]:
    price = item["price"]
    product = world.get("product", price["product"])
    quantity = item["quantity"]
    many = f"{quantity} {product['unit_label'] or ''}".rstrip()
    if trialing:
        description, unit_amount = f"Free trial for {many} × {product['name']}", 0  # noqa: RUF001
    else:
        unit_amount = price["unit_amount"]
        amount = money(unit_amount, price["currency"])
        interval = price["recurring"]["interval"]
        description = f"{many} × {product['name']} (at {amount} / {interval})"  # noqa: RUF001
    return objects.line_item(
        world.ids.new("line_item"),
        invoice_id=invoice_id,
        item=item,
        description=description,
        unit_amount=unit_amount,
        period=(item["current_period_start"], item["current_period_end"]),
    )


def mark_paid(
    world: World,
    invoice: dict[str, Any],
    *,
    before: dict[str, Any] | None = None,
    out_of_band: bool = False,
) -> None:
    """`before`, what the invoice was when the payment began, for `invoice.updated`; an invoice
    that nothing is due for has none (recorded). Of a payment outside Stripe only `invoice.paid`
    tells."""
    now = world.now(invoice["test_clock"] or "")  # its customer may be deleted
    world.unschedule(invoice)
    world.update(
        invoice,
        {
            "status": "paid",
            "attempted": True,
            "auto_advance": False,
            "amount_paid": invoice["amount_due"],
            "amount_paid_off_stripe": invoice["amount_due"] if out_of_band else 0,
            "amount_remaining": 0,
            "next_payment_attempt": None,
            "status_transitions": invoice["status_transitions"] | {"paid_at": now},
        },
    )
    if before:
        world.tell_update(before, invoice)
    world.emit("invoice.paid", invoice)
    if not out_of_band:
        world.emit("invoice.payment_succeeded", invoice)


def close_invoice(world: World, invoice: dict[str, Any], *, status: str, at: str) -> None:
    now = world.now(invoice["test_clock"] or "")
    world.unschedule(invoice)
    world.update(
        invoice,
        {
            "status": status,
            "auto_advance": False,
            "next_payment_attempt": None,
            "status_transitions": invoice["status_transitions"] | {at: now},
        },
    )
    if status == "void":
        balances.give_back(world, invoice)
        cancel_payment(world, invoice, now)
    world.emit("invoice.voided" if status == "void" else "invoice.marked_uncollectible", invoice)


def subscription_id_of(invoice: dict[str, Any]) -> str | None:
    parent = invoice["parent"]
    return parent["subscription_details"]["subscription"] if parent else None


def subscription_of(world: World, invoice: dict[str, Any]) -> dict[str, Any]:
    """Of a one-off invoice a stand-in, to which nothing can happen."""
    found = subscription_id_of(invoice)
    if found is not None:
        return world.get("subscription", found)
    return {
        "id": None,
        "customer": invoice["customer"],
        "default_payment_method": invoice["default_payment_method"],
        "latest_invoice": None,
        "status": None,
    }


def invoices_of(world: World, subscription: dict[str, Any]) -> list[dict[str, Any]]:
    """Newest first."""
    return world.store.all("invoice", subscription=subscription["id"])
