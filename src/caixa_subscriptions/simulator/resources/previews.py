"""What comes on the next invoice, without making it (Stripe docs: create a preview invoice)."""

from __future__ import annotations

from typing import Any

from caixa_subscriptions.simulator import one_off
from caixa_subscriptions.simulator.billing import next_invoice
from caixa_subscriptions.simulator.changing import change_items
from caixa_subscriptions.simulator.errors import StripeError, invalid, missing_param, not_simulated
from caixa_subscriptions.simulator.lifecycle import ENDED, current_period_end
from caixa_subscriptions.simulator.pending import pending_items
from caixa_subscriptions.simulator.resources.subscription_items import rows_of, terms_of
from caixa_subscriptions.simulator.routes import Params, route
from caixa_subscriptions.simulator.world import World

_DETAILS = " ".join(
    f"subscription_details.{name}"
    for name in (
        *("items.id", "items.price", "items.plan", "items.quantity", "items.deleted"),
        *("items.metadata", "billing_cycle_anchor", "proration_behavior", "proration_date"),
    )
)


@route(
    "POST",
    "/v1/invoices/create_preview",
    "InvoiceCreatePreviewParams",
    f"customer subscription {_DETAILS}",
)
def create_preview(world: World, params: Params) -> dict[str, Any]:
    """Of a subscription, as it is or with changes; of a customer the one that comes first."""
    details = params.get("subscription_details") or {}
    found: dict[str, Any] | None
    if "subscription" in params:
        found = world.get("subscription", params["subscription"], param="subscription")
        if params.get("customer", found["customer"]) != found["customer"]:
            raise invalid("The subscription is of another customer.", "customer")
    elif "customer" not in params:
        raise missing_param("subscription")
    elif details:
        raise not_simulated("subscription_details without subscription")
    else:
        found = _first(world, world.get("customer", params["customer"], param="customer"))
    with world.undone():
        if found is None:
            invoice = _of_what_waits(world, world.get("customer", params["customer"]))
        else:
            invoice = _of_subscription(world, found, details)
    return invoice | {"id": f"upcoming_{invoice['id']}", "billing_reason": "upcoming"}


def _none() -> StripeError:
    return StripeError(404, "No upcoming invoices for customer", code="invoice_upcoming_none")


def _first(world: World, customer: dict[str, Any]) -> dict[str, Any] | None:
    found = [
        one
        for one in world.store.all("subscription", customer=customer["id"])
        if one["status"] not in (*ENDED, "incomplete", "paused") and not one["cancel_at"]
    ]
    return min(found, key=current_period_end, default=None)


def _of_what_waits(world: World, customer: dict[str, Any]) -> dict[str, Any]:
    if not pending_items(world, customer["id"], None):
        raise _none()
    return one_off.create_invoice(
        world,
        customer,
        None,
        currency=customer["currency"] or "usd",
        include_pending=True,
        changes={},
    )


def _of_subscription(world: World, subscription: dict[str, Any], details: Params) -> dict[str, Any]:
    terms = terms_of(subscription, details, only_shown=True)
    before = subscription["latest_invoice"]
    if subscription["status"] in (*ENDED, "incomplete", "paused"):
        raise _none()
    if "items" in details or terms.billing_cycle_anchor == "now":
        rows = rows_of(world, subscription, details.get("items", []))
        change_items(world, subscription, rows, terms)
    if subscription["latest_invoice"] != before:
        return world.get("invoice", subscription["latest_invoice"])
    if subscription["cancel_at"] and not pending_items(
        world, subscription["customer"], subscription["id"]
    ):
        raise _none()
    return next_invoice(world, subscription)
