"""What a Checkout Session sells: its lines, and prices made for it alone."""

from __future__ import annotations

from typing import Any

from caixa_subscriptions.simulator import checkout_discounts, objects
from caixa_subscriptions.simulator.errors import (
    StripeError,
    invalid,
    missing,
    missing_param,
    not_simulated,
)
from caixa_subscriptions.simulator.params import merge_metadata
from caixa_subscriptions.simulator.resources.catalogue import create_price
from caixa_subscriptions.simulator.routes import Params
from caixa_subscriptions.simulator.world import World

HONOURED = (
    "line_items.adjustable_quantity line_items.metadata line_items.price line_items.quantity "
    "line_items.price_data.currency line_items.price_data.product "
    "line_items.price_data.product_data.description line_items.price_data.product_data.images "
    "line_items.price_data.product_data.metadata line_items.price_data.product_data.name "
    "line_items.price_data.product_data.unit_label line_items.price_data.recurring "
    "line_items.price_data.tax_behavior line_items.price_data.unit_amount"
)
MAX_PAYMENT_LINES = 100
MAX_LINES = 20  # of recurring prices, and as many that are paid once (the SDK's text)
MAX_QUANTITY = 999_999


def new_lines(world: World, params: Params) -> list[dict[str, Any]]:
    """The session's `item`s; raises Stripe's errors for what its mode cannot sell."""
    lines = [
        _line(world, item, f"line_items[{index}]")
        for index, item in enumerate(params.get("line_items", []))
    ]
    if not lines:
        raise StripeError(
            400, "Missing required param: line_items.", code="parameter_missing", param="line_items"
        )
    _check_mode(params["mode"], [line["price"] for line in lines])
    currencies = {line["currency"] for line in lines} | {params.get("currency", "").lower() or None}
    if len(currencies - {None}) > 1:
        raise invalid("All line items must have the same currency.", "line_items")
    return lines


def amount_due(lines: list[dict[str, Any]], *, trial: bool) -> int:
    """Today: what recurs is free on trial, what is paid once is not."""
    return sum(
        line["amount_subtotal"] for line in lines if not (trial and line["price"]["recurring"])
    )


def choose_quantity(world: World, session_id: str, line_id: str, quantity: int) -> dict[str, Any]:
    """What the hosted page does with a quantity; its session, priced again.

    Raises StripeError for a session that is not open, a line that allows no such quantity, and a
    discount that asks for more than is left.
    """
    session = world.get("checkout.session", session_id)
    if session["status"] != "open":
        raise invalid("This checkout is no longer open.")
    lines = session["_line_items"]
    line = next((one for one in lines if one["id"] == line_id), None)
    if line is None:
        raise missing("line_item", line_id)
    change_quantity(line, quantity)
    trial = checkout_discounts.on_trial(session)
    session["amount_subtotal"] = amount_due(lines, trial=trial)
    checkout_discounts.price_again(world, session)
    world.store.put(session)
    return session


def change_quantity(line: dict[str, Any], quantity: int) -> None:
    """By the customer on the page. Raises StripeError outside of what the line allows."""
    adjustable = line["_adjustable"]
    if quantity == line["quantity"]:
        return
    if adjustable is None or not adjustable["minimum"] <= quantity <= adjustable["maximum"]:
        raise invalid(
            f"Choose a quantity from {adjustable['minimum']} to {adjustable['maximum']}."
            if adjustable
            else "This quantity cannot be changed.",
            "quantity",
        )
    amount = line["price"]["unit_amount"] * quantity
    line.update({"quantity": quantity, "amount_subtotal": amount, "amount_total": amount})


def _line(world: World, item: dict[str, Any], param: str) -> dict[str, Any]:
    quantity = item.get("quantity", 1)
    if quantity < 1:
        raise invalid("This value must be greater than or equal to 1.", f"{param}[quantity]")
    price = _price(world, item, param)
    line = objects.checkout_line_item(
        world.ids.new("item"),
        price=price,
        quantity=quantity,
        name=world.get("product", price["product"])["name"],
    )
    line["metadata"] = merge_metadata({}, item.get("metadata"))
    line["_adjustable"] = _adjustable(item.get("adjustable_quantity"), quantity, param)
    return line


def _price(world: World, item: dict[str, Any], param: str) -> dict[str, Any]:
    data, price_id = item.get("price_data"), item.get("price")
    if data and price_id:
        raise invalid(
            "You may only specify one of these parameters: price, price_data.", f"{param}[price]"
        )
    if data:
        product = data.get("product_data")
        given = {key: value for key, value in data.items() if key != "product_data"}
        if product:
            given["product_data"] = {**product, "active": False}
        # Not for sale anywhere else (Stripe docs: prices made inline).
        return create_price(world, given | {"active": False})
    if not price_id:
        raise missing_param(f"{param}[price]")
    price = world.get("price", price_id, param=f"{param}[price]")
    if not price["active"]:
        raise invalid(
            "The price specified is inactive. This field only accepts active prices.",
            f"{param}[price]",
        )
    return price


def _adjustable(asked: dict[str, Any] | None, quantity: int, param: str) -> dict[str, int] | None:
    """The bounds; without them from 0 to 99, but at least 1 here (the SDK's text)."""
    if not asked or not asked["enabled"]:
        return None
    bounds = {"minimum": asked.get("minimum", 0), "maximum": asked.get("maximum", 99)}
    if bounds["minimum"] == 0:
        # The page takes no line off the list.
        if "minimum" in asked:
            raise not_simulated(f"{param}[adjustable_quantity][minimum]")
        bounds["minimum"] = 1
    if not 1 <= bounds["minimum"] <= quantity <= bounds["maximum"] <= MAX_QUANTITY:
        raise invalid(
            "The quantity must be between the minimum and maximum of `adjustable_quantity`.",
            f"{param}[adjustable_quantity]",
        )
    return bounds


def _check_mode(mode: str, prices: list[dict[str, Any]]) -> None:
    recurring = [price["recurring"] for price in prices if price["recurring"]]
    if mode == "payment":
        if recurring:
            raise invalid(
                "You specified `payment` mode but passed a recurring price. Either switch to "
                "`subscription` mode or use only one-time prices.",
                "line_items",
            )
        if len(prices) > MAX_PAYMENT_LINES:
            raise invalid(f"There may be at most {MAX_PAYMENT_LINES} line items.", "line_items")
        return
    if not recurring:
        raise invalid(
            "You must provide at least one recurring price in `subscription` mode when using "
            "prices.",
            "line_items",
        )
    if len(recurring) < len(prices):
        raise not_simulated("line_items")
    if max(len(recurring), len(prices) - len(recurring)) > MAX_LINES:
        raise invalid(
            f"There may be at most {MAX_LINES} line items with recurring prices and as many with "
            "one-time prices.",
            "line_items",
        )
    if len({(one["interval"], one["interval_count"]) for one in recurring}) > 1:
        raise invalid("All recurring prices must have the same interval.", "line_items")
