"""Changes of what a subscription sells: prices, quantities, items, the billing date.

Sources: Stripe docs on prorations and on changing prices, recorded plan changes. On flexible
billing a price of another interval keeps the billing date (recorded): the period becomes that
interval's, counted from the same anchor. On classic billing a new cycle begins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from caixa_subscriptions.simulator import objects, proration
from caixa_subscriptions.simulator.charging import refusal
from caixa_subscriptions.simulator.collecting import collect, keep_draft
from caixa_subscriptions.simulator.errors import invalid
from caixa_subscriptions.simulator.following import follows
from caixa_subscriptions.simulator.invoicing import new_invoice
from caixa_subscriptions.simulator.lifecycle import plan_ahead, settled
from caixa_subscriptions.simulator.pending import pending_items
from caixa_subscriptions.simulator.periods import period_around, period_end
from caixa_subscriptions.simulator.world import World

# Of their time nothing was charged that could be given back.
UNBILLED = ("trialing", "paused")
INCOMPLETE = (
    "This subscription is incomplete: only its metadata and default payment method can be updated."
)


@dataclass(frozen=True, slots=True)
class Row:
    """A subscription item as it shall be; without `item` a new one."""

    price: dict[str, Any]
    quantity: int
    item: dict[str, Any] | None = None
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def is_changed(self) -> bool:
        return (
            self.item is None
            or self.item["price"]["id"] != self.price["id"]
            or self.item["quantity"] != self.quantity
        )

    @property
    def interval(self) -> tuple[str, int]:
        recurring = self.price["recurring"]
        return recurring["interval"], recurring["interval_count"]


@dataclass(frozen=True, slots=True)
class Terms:
    """How a change is charged; `proration_date` in Unix seconds, now when None."""

    proration_behavior: str = "create_prorations"
    proration_date: int | None = None
    billing_cycle_anchor: str | None = None
    payment_behavior: str = "allow_incomplete"
    only_shown: bool = False  # a draft is left as it is


def change_plan(
    world: World,
    subscription: dict[str, Any],
    *,
    price: dict[str, Any] | None = None,
    quantity: int | None = None,
    proration_behavior: str = "create_prorations",
) -> None:
    """Of the only item of a subscription; what is not given stays. A trial goes on."""
    (item,) = subscription["items"]["data"]
    row = Row(price or item["price"], quantity or item["quantity"], item, item["metadata"])
    change_items(world, subscription, [row], Terms(proration_behavior))


def change_items(
    world: World,
    subscription: dict[str, Any],
    rows: list[Row],
    terms: Terms,
    *,
    beside: Mapping[str, Any] | None = None,
) -> None:
    """Make `rows` the items; `beside` changes the subscription in the same breath, told by the
    same event. A `trial_end` in it is the end of the period.

    Raises StripeError for what cannot be sold together, CardError when the payment fails and
    `payment_behavior` is `error_if_incomplete`.
    """
    _check(subscription, rows)
    customer = world.get("customer", subscription["customer"])
    now = world.now_for(customer)
    old = subscription["items"]["data"]
    was = (old[0]["current_period_start"], old[0]["current_period_end"])
    anew = _is_anew(subscription, rows, terms)
    period = _period(subscription, rows, now, anew=anew)
    if beside and "trial_end" in beside:
        period = (period[0], beside["trial_end"])
    since = _since(terms, was, now)
    prorates = terms.proration_behavior != "none" and subscription["status"] not in UNBILLED
    if prorates:
        for item in old:
            if period != was or _changes(rows, item):
                proration.credit(world, subscription, item, since)
    items = [_item(world, subscription, row, period, now) for row in rows]
    if prorates and not anew:
        for row, item in zip(rows, items, strict=True):
            if period != was or row.is_changed:
                proration.debit(world, subscription, item, since)
    changes = _changed_subscription(world, subscription, items) | dict(beside or {})
    changes = settled(subscription, changes, period[1])
    if anew:
        changes["billing_cycle_anchor"] = now
    at_once = prorates and (terms.proration_behavior == "always_invoice" or period != was)
    if anew or (at_once and pending_items(world, customer["id"], subscription["id"])):
        _invoice_now(world, subscription, changes, terms, period=(was[0], now), full=anew)
    else:
        world.update(subscription, changes, "customer.subscription.updated")
    plan_ahead(world, subscription)


def _check(subscription: dict[str, Any], rows: list[Row]) -> None:
    if not rows:
        raise invalid("A subscription must have at least one active item.", "items")
    if subscription["status"] == "incomplete":
        raise invalid(INCOMPLETE)
    if any(row.price["currency"] != subscription["currency"] for row in rows):
        raise invalid("The price specified must have the currency of the subscription.", "items")
    if len({row.interval for row in rows}) > 1:
        raise invalid("All prices on a subscription must have the same interval.", "items")
    if len({row.price["id"] for row in rows}) < len(rows):
        raise invalid("Cannot add multiple subscription items with the same price.", "items")


def _is_anew(subscription: dict[str, Any], rows: list[Row], terms: Terms) -> bool:
    """Whether a new cycle begins now: asked for, from free to paid, or on classic billing to
    another interval (the SDK's text)."""
    if terms.billing_cycle_anchor is not None or subscription["status"] == "trialing":
        return terms.billing_cycle_anchor == "now"
    was_free = not any(
        item["price"]["unit_amount"] * item["quantity"] for item in subscription["items"]["data"]
    )
    if subscription["billing_mode"]["type"] == "classic" and not _same_interval(subscription, rows):
        return True
    return was_free and any(row.price["unit_amount"] * row.quantity for row in rows)


def _period(
    subscription: dict[str, Any], rows: list[Row], now: int, *, anew: bool
) -> tuple[int, int]:
    interval, count = rows[0].interval
    if anew:
        return now, period_end(now, now, interval, count)
    item = subscription["items"]["data"][0]
    if _same_interval(subscription, rows) or subscription["status"] == "trialing":
        return item["current_period_start"], item["current_period_end"]
    return period_around(subscription["billing_cycle_anchor"], now, interval, count)


def _same_interval(subscription: dict[str, Any], rows: list[Row]) -> bool:
    recurring = subscription["items"]["data"][0]["price"]["recurring"]
    return (recurring["interval"], recurring["interval_count"]) == rows[0].interval


def _since(terms: Terms, period: tuple[int, int], now: int) -> int:
    since = now if terms.proration_date is None else terms.proration_date
    if not period[0] <= since <= period[1]:
        raise invalid(
            "Cannot specify a proration date outside of the current billing period.",
            "proration_date",
        )
    return since


def _changes(rows: list[Row], item: dict[str, Any]) -> bool:
    row = next((row for row in rows if row.item and row.item["id"] == item["id"]), None)
    return row is None or row.is_changed


def _item(
    world: World, subscription: dict[str, Any], row: Row, period: tuple[int, int], now: int
) -> dict[str, Any]:
    made = objects.subscription_item(
        row.item["id"] if row.item else world.ids.new("subscription_item"),
        subscription_id=subscription["id"],
        price=row.price,
        quantity=row.quantity,
        period=period,
        created=row.item["created"] if row.item else now,
    )
    kept = {
        key: value
        for key, value in (row.item or {}).items()
        if key in ("billed_until", "billing_thresholds", "discounts", "tax_rates")
    }
    made |= kept | {"metadata": row.metadata}
    world.store.put(made, customer=subscription["customer"])
    return made


def replace_items(world: World, subscription: dict[str, Any], rows: list[Row]) -> dict[str, Any]:
    """The changes that make `rows` the items of a trial, whose period is about to end. Raises
    StripeError for what cannot be sold together."""
    _check(subscription, rows)
    now = world.now(subscription["test_clock"] or "")
    period = _period(subscription, rows, now, anew=False)
    items = [_item(world, subscription, row, period, now) for row in rows]
    return _changed_subscription(world, subscription, items)


def _changed_subscription(
    world: World, subscription: dict[str, Any], items: list[dict[str, Any]]
) -> dict[str, Any]:
    kept = {item["id"] for item in items}
    for item in subscription["items"]["data"]:
        if item["id"] not in kept:
            world.store.delete(item["id"])
    only = items[0] if len(items) == 1 else {"plan": None, "quantity": None}
    return {
        "items": subscription["items"] | {"data": items, "total_count": len(items)},
        "plan": only["plan"],
        "quantity": only["quantity"],
    }


def _invoice_now(
    world: World,
    subscription: dict[str, Any],
    changes: dict[str, Any],
    terms: Terms,
    *,
    period: tuple[int, int],
    full: bool,
) -> None:
    """An invoice of what waits, and of the new period when a cycle begins with it."""
    customer = world.get("customer", subscription["customer"])
    invoice = new_invoice(
        world,
        subscription | changes,
        customer,
        reason="subscription_update",
        period=period,
        full=full,
    )
    world.emit("invoice.created", invoice)
    changes["latest_invoice"] = invoice["id"]
    world.update(subscription, changes, "customer.subscription.updated")
    if subscription["status"] == "unpaid":
        keep_draft(world, invoice)
    if subscription["status"] == "unpaid" or terms.only_shown:
        return
    collect(world, invoice)
    if invoice["status"] == "open" and terms.payment_behavior == "error_if_incomplete":
        raise refusal(world, invoice, executed=False)
    # Read again: a failed charge has made it past_due.
    subscription.update(world.get("subscription", subscription["id"]))


@follows("price.updated")
def _show_price(world: World, price: dict[str, Any], previous: Mapping[str, Any]) -> None:
    """Subscriptions and their items show a price as it is now; no event of theirs tells of it."""
    if price["recurring"] is None:
        return
    shown = {"price": price, "plan": objects.plan(price)}
    rows = world.store.execute(
        "select id from objects where kind = 'subscription_item' "
        "and json_extract(data, '$.price.id') = ?",
        (price["id"],),
    )
    for row in rows:
        item = world.get("subscription_item", row["id"]) | shown
        subscription = world.get("subscription", item["subscription"])
        world.store.put(item, customer=subscription["customer"])
        items = subscription["items"]
        data = [item if one["id"] == item["id"] else one for one in items["data"]]
        changes: dict[str, Any] = {"items": items | {"data": data}}
        if len(data) == 1:
            changes["plan"] = shown["plan"]
        world.update(subscription, changes)
