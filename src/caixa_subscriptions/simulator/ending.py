"""Cancelling at once by API: the time that is left, and the last invoice.

Sources: the SDK's text of `cancel`, Stripe docs on canceling. That the last invoice is made before
the subscription ends and charged after it is a choice.
"""

from __future__ import annotations

from typing import Any

from caixa_subscriptions.simulator import one_off, proration
from caixa_subscriptions.simulator.changing import UNBILLED
from caixa_subscriptions.simulator.collecting import collect
from caixa_subscriptions.simulator.lifecycle import cancel
from caixa_subscriptions.simulator.pending import pending_items, subscription_of_item
from caixa_subscriptions.simulator.world import World


def end_now(
    world: World, subscription: dict[str, Any], *, prorate: bool, invoice_now: bool
) -> None:
    """`prorate` gives back the unused time, `invoice_now` bills what waits for the subscription;
    with neither its prorations that wait are dropped."""
    customer = world.get("customer", subscription["customer"])
    if prorate and subscription["status"] not in (*UNBILLED, "incomplete"):
        for item in subscription["items"]["data"]:
            proration.credit(world, subscription, item, world.now_for(customer))
    last = None
    waiting = _waiting(world, subscription)
    if invoice_now and waiting:
        last = one_off.create_invoice(
            world,
            customer,
            subscription,
            currency=subscription["currency"],
            include_pending=True,
            changes={},
        )
        world.update(subscription, {"latest_invoice": last["id"]})
    elif not prorate:
        for item in waiting:
            if item["proration"]:
                world.store.delete(item["id"])
                world.emit("invoiceitem.deleted", item)
    cancel(world, subscription, reason="cancellation_requested")
    if last:
        last = world.get("invoice", last["id"])
        world.update(last, {"auto_advance": True})
        collect(world, last)


def _waiting(world: World, subscription: dict[str, Any]) -> list[dict[str, Any]]:
    found = pending_items(world, subscription["customer"], subscription["id"])
    return [one for one in found if subscription_of_item(one) == subscription["id"]]
