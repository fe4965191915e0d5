"""What a change gives back and asks for, to the second.

Sources: Stripe docs on prorations and billing mode (flexible: a credit is a part of what was
debited), recorded plan changes.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from caixa_subscriptions.simulator import objects
from caixa_subscriptions.simulator.invoicing import invoices_of
from caixa_subscriptions.simulator.pending import items_of_customer
from caixa_subscriptions.simulator.taking_off import amounts_off, in_force
from caixa_subscriptions.simulator.world import World


def part(amount: int, period: tuple[int, int], since: int) -> int:
    """Of the amount for a whole period, what falls after `since`; smallest units."""
    start, end = period
    left, whole = end - max(since, start), end - start
    return (2 * amount * left + whole) // (2 * whole)  # halves are rounded up


@dataclass(frozen=True, slots=True)
class Debit:
    """An amount asked for a period; `source` is how a credit names it."""

    amount: int
    quantity: int
    price: str
    period: tuple[int, int]
    source: dict[str, Any] | None


def credit(
    world: World, subscription: dict[str, Any], row: dict[str, Any], since: int
) -> list[dict[str, Any]]:
    """The unused time of a subscription item, one invoice item for each debit of it; on classic
    billing by its present price, whatever was debited."""
    made = []
    debits = _open_debits(world, subscription, row["id"], since)
    if subscription["billing_mode"]["type"] == "classic":
        debits = _as_priced(row, since)
    for debit in debits:
        amount = -part(debit.amount, debit.period, since)
        price = world.get("price", debit.price)
        made.append(
            _add(
                world,
                subscription,
                row,
                amount=amount,
                words="Unused time on",
                quantity=debit.quantity,
                price=price,
                period=(max(since, debit.period[0]), debit.period[1]),
                since=since,
                credited=debit.source,
            )
        )
    return made


def _as_priced(row: dict[str, Any], since: int) -> Iterator[Debit]:
    amount = row["price"]["unit_amount"] * row["quantity"]
    period = (row["current_period_start"], row["current_period_end"])
    if amount > 0 and period[1] > since:
        yield Debit(amount, row["quantity"], row["price"]["id"], period, None)


def debit(
    world: World, subscription: dict[str, Any], row: dict[str, Any], since: int
) -> dict[str, Any]:
    """The remaining time of a subscription item, at its price and quantity, less discounts: its
    line takes no more of them (the SDK's `proration_discounts=included`)."""
    period = (row["current_period_start"], row["current_period_end"])
    amount = row["price"]["unit_amount"] * row["quantity"]
    coupons = [
        one["_coupon"] for one in in_force(world, subscription, _customer(world, subscription))
    ]
    off = sum(sum(one) for one in amounts_off(coupons, [(amount, row["price"]["product"])]))
    return _add(
        world,
        subscription,
        row,
        amount=part(amount - off, period, since),
        words="Remaining time on",
        quantity=row["quantity"],
        price=row["price"],
        period=(since, period[1]),
        since=since,
        credited=None,
    )


def _add(
    world: World,
    subscription: dict[str, Any],
    row: dict[str, Any],
    *,
    words: str,
    quantity: int,
    price: dict[str, Any],
    since: int,
    **details: Any,
) -> dict[str, Any]:
    customer = _customer(world, subscription)
    product = world.get("product", price["product"])["name"]
    many = f"{quantity} × " if quantity > 1 else ""  # noqa: RUF001
    day = dt.datetime.fromtimestamp(since, tz=dt.UTC)
    item = objects.proration_item(
        world.ids.new("invoiceitem"),
        customer=customer,
        currency=subscription["currency"],
        created=world.now_for(customer),
        quantity=quantity,
        price=price,
        subscription=subscription["id"],
        subscription_item=row["id"],
        **details,
    )
    item["description"] = f"{words} {many}{product} after {day.day:02d} {day:%b %Y}"
    return world.add(item, "invoiceitem.created")


def _customer(world: World, subscription: dict[str, Any]) -> dict[str, Any]:
    return world.get("customer", subscription["customer"])


def _open_debits(
    world: World, subscription: dict[str, Any], row_id: str, since: int
) -> Iterator[Debit]:
    """What was asked for time after `since` and not given back yet, the oldest first."""
    items = [
        one
        for one in reversed(items_of_customer(world, subscription["customer"]))
        if one["proration"] and one["parent"]["subscription_details"]["subscription_item"] == row_id
    ]
    given_back = set(_given_back(items))
    for invoice in reversed(invoices_of(world, subscription)):
        if invoice["status"] == "void":
            continue
        for line in invoice["lines"]["data"]:
            details = line["parent"]["subscription_item_details"]
            if details is None or details["subscription_item"] != row_id:
                continue
            if given_back.isdisjoint({line["id"], details["invoice_item"]}):
                lines = {"invoice": invoice["id"], "invoice_line_items": [line["id"]]}
                source = {
                    "invoice_item": None,
                    "invoice_line_item_details": lines,
                    "type": "invoice_line_items",
                }
                yield from _debit(line, source, since)
    for item in items:
        if item["invoice"] is None and item["id"] not in given_back:
            source = {
                "invoice_item": item["id"],
                "invoice_line_item_details": None,
                "type": "invoice_item",
            }
            yield from _debit(item, source, since)


def _debit(asked: dict[str, Any], source: dict[str, Any], since: int) -> Iterator[Debit]:
    period = (asked["period"]["start"], asked["period"]["end"])
    discounts = sum(one["amount"] for one in asked.get("discount_amounts", []))
    amount = asked["amount"] - discounts
    if amount > 0 and period[1] > since:
        price = asked["pricing"]["price_details"]["price"]
        yield Debit(amount, asked["quantity"], price, period, source)


def _given_back(items: list[dict[str, Any]]) -> Iterator[str]:
    for item in items:
        credited = item["proration_details"]["credited_items"]
        if credited and credited["invoice_item"]:
            yield credited["invoice_item"]
        elif credited:
            yield from credited["invoice_line_item_details"]["invoice_line_items"]
