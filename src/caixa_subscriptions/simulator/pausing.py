"""Paused collection, and the way back from a paused subscription.

Sources: Stripe docs on pausing payment collection; the SDK's text of `resume`; the recorded pause.
"""

from __future__ import annotations

from typing import Any

from caixa_subscriptions.simulator import proration
from caixa_subscriptions.simulator.changing import Terms
from caixa_subscriptions.simulator.collecting import finalize_invoice, pay_invoice, resumed
from caixa_subscriptions.simulator.errors import invalid
from caixa_subscriptions.simulator.invoicing import close_invoice, new_invoice
from caixa_subscriptions.simulator.objects import HOUR
from caixa_subscriptions.simulator.pending import pending_items
from caixa_subscriptions.simulator.periods import period_around, period_end
from caixa_subscriptions.simulator.tasks import task
from caixa_subscriptions.simulator.world import World

RESUMPTION_EXPIRES = 23 * HOUR


def pause_collection(world: World, subscription: dict[str, Any], given: Any) -> Any:
    """The new `pause_collection`; empty takes it away. Its end is planned, Unix seconds."""
    world.unschedule(subscription, "unpause")
    if not given:
        return None
    ends = given.get("resumes_at")
    if ends is not None:
        if ends <= world.now(subscription["test_clock"] or ""):
            raise invalid("`resumes_at` must be a timestamp in the future.", "pause_collection")
        world.schedule(subscription, "unpause", ends, subscription["test_clock"])
    return {"behavior": given["behavior"], "resumes_at": ends}


@task("unpause", rank=2)
def _unpause(world: World, subscription: dict[str, Any]) -> None:
    world.update(subscription, {"pause_collection": None}, "customer.subscription.updated")


def resume(world: World, subscription: dict[str, Any], terms: Terms) -> None:
    """A new cycle from now, or the running one; active once its invoice, if any, is paid."""
    customer = world.get("customer", subscription["customer"])
    now = world.now_for(customer)
    item = subscription["items"]["data"][0]
    recurring = item["price"]["recurring"]
    anew = terms.billing_cycle_anchor != "unchanged"
    if anew:
        anchor = now
        period = (now, period_end(now, now, recurring["interval"], recurring["interval_count"]))
    else:
        anchor = subscription["billing_cycle_anchor"]
        period = period_around(anchor, now, recurring["interval"], recurring["interval_count"])
    changes: dict[str, Any] = {
        "billing_cycle_anchor": anchor,
        "items": _moved(world, subscription, period),
    }
    if not anew and terms.proration_behavior != "none":
        since = now if terms.proration_date is None else terms.proration_date
        if not period[0] <= since <= period[1]:
            raise invalid(
                "Cannot specify a proration date outside of the current billing period.",
                "proration_date",
            )
        for one in changes["items"]["data"]:
            proration.debit(world, subscription, one, since)
    waits = pending_items(world, customer["id"], subscription["id"])
    if anew or (terms.proration_behavior == "always_invoice" and waits):
        _bill(world, subscription, changes, period=(item["current_period_start"], now), full=anew)
    else:
        world.update(subscription, changes, "customer.subscription.updated")
        resumed(world, subscription)


def _moved(world: World, subscription: dict[str, Any], period: tuple[int, int]) -> dict[str, Any]:
    within = {"current_period_start": period[0], "current_period_end": period[1]}
    items = [item | within for item in subscription["items"]["data"]]
    for item in items:
        world.store.put(item, customer=subscription["customer"])
    moved: dict[str, Any] = subscription["items"] | {"data": items}
    return moved


def _bill(
    world: World,
    subscription: dict[str, Any],
    changes: dict[str, Any],
    *,
    period: tuple[int, int],
    full: bool,
) -> None:
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
    finalize_invoice(world, invoice, pay=False)
    if invoice["status"] == "paid":
        resumed(world, subscription)
    elif not pay_invoice(world, invoice):
        world.unschedule(invoice)
        due = world.now_for(customer) + RESUMPTION_EXPIRES
        world.update(invoice, {"next_payment_attempt": None})
        world.schedule(invoice, "expire_resumption", due, invoice["test_clock"])
    # Read again: a payment has made it active.
    subscription.update(world.get("subscription", subscription["id"]))


@task("expire_resumption", rank=1)
def _expire_resumption(world: World, invoice: dict[str, Any]) -> None:
    """It stays paused."""
    close_invoice(world, invoice, status="void", at="voided_at")
