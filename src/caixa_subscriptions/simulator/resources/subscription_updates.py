"""Updates of a subscription: whatever one call changes is told by one event."""

from __future__ import annotations

from typing import Any

from caixa_subscriptions.simulator import billing, discounts, lifecycle, pausing
from caixa_subscriptions.simulator.changing import INCOMPLETE, change_items, replace_items
from caixa_subscriptions.simulator.errors import invalid, not_simulated
from caixa_subscriptions.simulator.params import merge_metadata
from caixa_subscriptions.simulator.resources.subscription_items import TERMS, rows_of, terms_of
from caixa_subscriptions.simulator.resources.subscriptions import (
    DETAILS,
    MISSING_CARD,
    default_card,
    details_of,
    trial_end_of,
    writable,
)
from caixa_subscriptions.simulator.routes import Params, route
from caixa_subscriptions.simulator.world import World

_ITEMS = "items.price items.plan items.quantity items.metadata"
# The SDK's documentation of `status`; it names the default source.
WHILE_INCOMPLETE = {"metadata", "default_payment_method"}


@route(
    "POST",
    "/v1/subscriptions/{subscription}",
    "SubscriptionUpdateParams",
    "cancel_at cancel_at_period_end default_payment_method description discounts metadata "
    f"pause_collection {DETAILS} "
    f"trial_end {MISSING_CARD} {_ITEMS} items.id items.deleted billing_cycle_anchor {TERMS}",
)
def update_subscription(world: World, params: Params, subscription_id: str) -> dict[str, Any]:
    subscription = writable(world, subscription_id)
    if set(params) - {"metadata", "cancellation_details", "expand"}:
        lifecycle.require_not_ended(subscription)
    if subscription["status"] == "incomplete" and set(params) - WHILE_INCOMPLETE:
        raise invalid(INCOMPLETE)
    changes = _plain(world, subscription, params)
    changes |= _cancellation(world, subscription, params, changes)
    terms = terms_of(subscription, params)
    rows = rows_of(world, subscription, params.get("items", []))
    if params.get("trial_end") == "now" and subscription["status"] == "trialing":
        if "items" in params:
            changes |= replace_items(world, subscription, rows)
        billing.end_trial(world, subscription, changes)
        return subscription
    if params.get("trial_end", "now") != "now":
        changes |= _moved_trial(world, subscription, params)
    if "items" in params or "trial_end" in changes or terms.billing_cycle_anchor == "now":
        change_items(world, subscription, rows, terms, beside=changes)
        return subscription
    end = lifecycle.current_period_end(subscription)
    changes = lifecycle.settled(subscription, changes, end)
    world.update(subscription, changes, "customer.subscription.updated")
    if "canceled_at" in changes:
        lifecycle.plan_ahead(world, subscription)
    return subscription


def _plain(world: World, subscription: dict[str, Any], params: Params) -> dict[str, Any]:
    """The changes that hang on no period."""
    changes: dict[str, Any] = {
        "metadata": merge_metadata(subscription["metadata"], params.get("metadata"))
    }
    if "description" in params:
        changes["description"] = params["description"] or None
    if "cancellation_details" in params:
        changes["cancellation_details"] = details_of(subscription, params)
    if "trial_settings" in params:
        changes["trial_settings"] = params["trial_settings"]
    if "default_payment_method" in params:
        default = default_card(world, params, subscription["customer"])
        changes["default_payment_method"] = default
    if "discounts" in params:
        changes["discounts"] = discounts.changed(world, subscription, params["discounts"])
    if "pause_collection" in params:
        changes["pause_collection"] = pausing.pause_collection(
            world, subscription, params["pause_collection"]
        )
    return changes


def _cancellation(
    world: World, subscription: dict[str, Any], params: Params, changes: dict[str, Any]
) -> dict[str, Any]:
    """Asked for or taken back. Two ends at once are refused, as two ends of a trial are."""
    now = world.now(subscription["test_clock"] or "")
    at_end, cancel_at = params.get("cancel_at_period_end"), params.get("cancel_at")
    details = changes.get("cancellation_details", subscription["cancellation_details"])
    if at_end and cancel_at:
        raise invalid(
            "You may only specify one of these parameters: cancel_at, cancel_at_period_end."
        )
    if at_end:
        return lifecycle.cancellation(details, now, at_period_end=True)
    if cancel_at:
        _check_moment(cancel_at, now)
        asked = params.get("proration_behavior", "none")
        ends = (*lifecycle.PERIOD_ENDS, lifecycle.current_period_end(subscription))
        if asked != "none" and cancel_at not in ends:
            raise not_simulated(f"proration_behavior={asked} with cancel_at within a period")
        return lifecycle.cancellation(details, now, cancel_at=cancel_at)
    if subscription["cancel_at"] and (at_end is False or cancel_at == ""):
        return lifecycle.withdrawal(details)
    return {}


def _check_moment(cancel_at: int | str, now: int) -> None:
    if cancel_at == "max_billed_until":
        raise not_simulated("cancel_at=max_billed_until")
    if cancel_at in lifecycle.PERIOD_ENDS:
        return
    if not isinstance(cancel_at, int) or cancel_at <= now:
        raise invalid("`cancel_at` must be a timestamp in the future.", "cancel_at")


def _moved_trial(world: World, subscription: dict[str, Any], params: Params) -> dict[str, Any]:
    if subscription["status"] != "trialing":
        raise not_simulated("trial_end")  # of a subscription that is not on trial
    now = world.now(subscription["test_clock"] or "")
    end = trial_end_of({"trial_end": params["trial_end"]}, now)
    return {"trial_end": end, "billing_cycle_anchor": end}
