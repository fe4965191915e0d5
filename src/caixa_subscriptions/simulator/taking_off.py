"""What discounts take off the lines of an invoice or a Checkout Session.

Sources: Stripe docs on coupons; the recorded invoice with a coupon.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from caixa_subscriptions.simulator.world import World

Line = tuple[int, str]  # amount in the smallest unit, product


def amounts_off(coupons: Sequence[Mapping[str, Any]], lines: Sequence[Line]) -> list[list[int]]:
    """Per coupon, per line, in the smallest unit; each coupon takes from what those before it
    have left. An amount is spread over the lines by their size."""
    left = [max(amount, 0) for amount, _product in lines]
    taken = []
    for coupon in coupons:
        within = [
            rest if covers(coupon, product) else 0
            for rest, (_amount, product) in zip(left, lines, strict=True)
        ]
        if coupon["percent_off"] is not None:
            off = [_percent(coupon["percent_off"], rest) for rest in within]
        else:
            off = _spread(min(coupon["amount_off"], sum(within)), within)
        left = [rest - one for rest, one in zip(left, off, strict=True)]
        taken.append(off)
    return taken


def covers(coupon: Mapping[str, Any], product: str) -> bool:
    return coupon["_applies_to"] is None or product in coupon["_applies_to"]["products"]


def _percent(percent: float, amount: int) -> int:
    exact = Decimal(str(percent)) * amount / 100
    return int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def _spread(total: int, parts: Sequence[int]) -> list[int]:
    whole, seen, given, spread = sum(parts), 0, 0, []
    for part in parts:
        seen += part
        upto = total * seen // whole if whole else 0
        spread.append(upto - given)
        given = upto
    return spread


def discount_lines(discounts: Sequence[dict[str, Any]], lines: Sequence[dict[str, Any]]) -> None:
    """Write on the lines of an invoice what each discount takes off them."""
    fit = [line for line in lines if line["discountable"]]
    sizes = [(line["amount"], _product(line)) for line in fit]
    taken = amounts_off([one["_coupon"] for one in discounts], sizes)
    for discount, amounts in zip(discounts, taken, strict=True):
        for line, amount, (_size, product) in zip(fit, amounts, sizes, strict=True):
            if covers(discount["_coupon"], product):
                off = {"amount": amount, "discount": discount["id"]}
                line["discount_amounts"].append(off)
                line["pretax_credit_amounts"].append(off | {"type": "discount"})


def _product(line: Mapping[str, Any]) -> str:
    """Nothing for an amount without a price."""
    named = line["pricing"]["price_details"]
    return str(named["product"]) if named else ""


def in_force(
    world: World, subscription: Mapping[str, Any], customer: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """The subscription's own discounts, else the customer's."""
    own = customer["discount"]
    ids = subscription["discounts"] or ([own["id"]] if own else [])
    now = world.now_for(customer)
    found = [world.get("discount", one) for one in ids]
    return [one for one in found if one["end"] is None or one["end"] > now]


def spend(world: World, subscription: Mapping[str, Any], invoice: Mapping[str, Any]) -> list[str]:
    """The ids of discounts the subscription keeps: `once` is over with the first invoice that it
    takes something off."""
    kept = list(subscription["discounts"])
    for off in invoice["total_discount_amounts"]:
        discount = world.get("discount", off["discount"])
        if not off["amount"] or discount["_coupon"]["duration"] != "once":
            continue
        if discount["id"] in kept:
            kept.remove(discount["id"])
        else:
            customer = world.get("customer", subscription["customer"])
            world.update(customer, {"discount": None}, "customer.updated")
        world.emit("customer.discount.deleted", discount)
    return kept
