from __future__ import annotations

from typing import Any

from caixa_subscriptions.simulator import billing, discounts, ending, lifecycle, objects, pausing
from caixa_subscriptions.simulator.changing import INCOMPLETE, change_items
from caixa_subscriptions.simulator.errors import (
    StripeError,
    invalid,
    missing_param,
    not_simulated,
)
from caixa_subscriptions.simulator.lists import Condition, of_clock, one_of, stored_page
from caixa_subscriptions.simulator.objects import DAY
from caixa_subscriptions.simulator.params import merge_metadata
from caixa_subscriptions.simulator.resources.subscription_items import (
    TERMS,
    quantity_of,
    recurring_price,
    rows_of,
    terms_of,
)
from caixa_subscriptions.simulator.routes import (
    LIST_PARAMS,
    Params,
    route,
)
from caixa_subscriptions.simulator.world import World

MAX_TRIAL_DAYS = 730
NO_PAYMENT_METHOD = (
    "This customer has no attached payment source or default payment method. Please consider "
    "adding a default payment method. For more information, visit "
    "https://stripe.com/docs/billing/subscriptions/payment-methods-setting"
    "#payment-method-priority."
)
_ITEMS = "items.price items.plan items.quantity items.metadata"
# The SDK's documentation of `status`; it names the default source.
WHILE_INCOMPLETE = {"metadata", "default_payment_method"}
MAX_SUBSCRIPTIONS_ON_CLOCK = 3
PERIOD_ENDS = ("min_period_end", "max_period_end")
HAS_PRICE = (
    "exists (select 1 from json_each(data, '$.items.data') "
    "where json_extract(value, '$.price.id') = ?)"
)
_DETAILS = "cancellation_details.comment cancellation_details.feedback"
_MISSING_CARD = "trial_settings.end_behavior.missing_payment_method"


def recurring_items(
    world: World, items: list[dict[str, Any]], *, name: str
) -> list[tuple[dict[str, Any], int]]:
    """The prices and quantities asked for; raises Stripe's errors for what cannot recur."""
    found = []
    for index, item in enumerate(items):
        param = f"{name}[{index}]"
        found.append((recurring_price(world, item, param), quantity_of(item, param)))
    if not found:
        raise StripeError(
            400, f"Missing required param: {name}.", code="parameter_missing", param=name
        )
    if len({price["currency"] for price, _ in found}) > 1:
        raise invalid("All prices on a subscription must have the same currency.", name)
    recurring = [price["recurring"] for price, _ in found]
    if len({(one["interval"], one["interval_count"]) for one in recurring}) > 1:
        raise invalid("All prices on a subscription must have the same interval.", name)
    if len({price["id"] for price, _ in found}) < len(found):
        raise invalid("Cannot add multiple subscription items with the same price.", name)
    return found


def trial_end_of(params: Params, now: int) -> int | None:
    days, end = params.get("trial_period_days"), params.get("trial_end")
    if days is not None and end is not None:
        raise invalid("You may only specify one of these parameters: trial_period_days, trial_end.")
    if days is not None:
        if not 1 <= days <= MAX_TRIAL_DAYS:
            raise invalid(
                f"Invalid trial_period_days: must be from 1 to {MAX_TRIAL_DAYS}.",
                "trial_period_days",
            )
        return int(now + days * DAY)
    if end is None or end == "now":
        return None
    if int(end) <= now or int(end) > now + MAX_TRIAL_DAYS * DAY:
        raise invalid(
            "Invalid timestamp: must be an integer Unix timestamp in the future.", "trial_end"
        )
    return int(end)


@route(
    "POST",
    "/v1/subscriptions",
    "SubscriptionCreateParams",
    "billing_mode.type customer items.price items.quantity default_payment_method description "
    "discounts metadata payment_behavior "
    f"trial_end trial_period_days cancel_at_period_end {_MISSING_CARD}",
)
def create_subscription(world: World, params: Params) -> dict[str, Any]:
    if "customer" not in params:
        raise missing_param("customer")
    customer = world.get("customer", params["customer"], param="customer")
    world.writable(customer)
    _check_room(world, customer)
    items = recurring_items(world, params.get("items", []), name="items")
    trial_end = trial_end_of(params, world.now_for(customer))
    default = _default_card(world, params, customer["id"])
    behavior = params.get("payment_behavior", "allow_incomplete")
    if behavior == "pending_if_incomplete":
        raise invalid("`pending_if_incomplete` is for updates only.", "payment_behavior")
    due, redemptions = discounts.due_first(
        world, items, params.get("discounts") or [], customer, trial=trial_end is not None
    )
    card_is_there = default or customer["invoice_settings"]["default_payment_method"]
    if due and not card_is_there and behavior != "default_incomplete":
        raise StripeError(400, NO_PAYMENT_METHOD, code="resource_missing", executed=True)
    changes: dict[str, Any] = {
        "default_payment_method": default,
        "description": params.get("description"),
        "metadata": merge_metadata({}, params.get("metadata")),
    }
    if "trial_settings" in params:
        changes["trial_settings"] = params["trial_settings"]
    if "billing_mode" in params:
        changes["billing_mode"] = objects.billing_mode(
            params["billing_mode"]["type"], world.now_for(customer)
        )
    subscription = billing.create_subscription(
        world,
        customer=customer,
        items=items,
        trial_end=trial_end,
        changes=changes,
        redemptions=redemptions,
        payment_behavior=behavior,
    )
    if params.get("cancel_at_period_end"):
        lifecycle.request_cancellation(
            world,
            subscription,
            cancel_at=lifecycle.current_period_end(subscription),
            at_period_end=True,
        )
    return subscription


@route("GET", "/v1/subscriptions/{subscription}", "SubscriptionRetrieveParams")
def retrieve_subscription(world: World, params: Params, subscription_id: str) -> dict[str, Any]:
    return world.get("subscription", subscription_id)


@route(
    "POST",
    "/v1/subscriptions/{subscription}",
    "SubscriptionUpdateParams",
    "cancel_at cancel_at_period_end default_payment_method description discounts metadata "
    f"pause_collection {_DETAILS} "
    f"trial_end {_MISSING_CARD} {_ITEMS} items.id items.deleted billing_cycle_anchor {TERMS}",
)
def update_subscription(world: World, params: Params, subscription_id: str) -> dict[str, Any]:
    subscription = _writable(world, subscription_id)
    if set(params) - {"metadata", "cancellation_details", "expand"}:
        lifecycle.require_not_ended(subscription)
    if subscription["status"] == "incomplete" and set(params) - WHILE_INCOMPLETE:
        raise invalid(INCOMPLETE)
    _check_cancel_at(world, subscription, params)
    changes: dict[str, Any] = {
        "metadata": merge_metadata(subscription["metadata"], params.get("metadata"))
    }
    if "description" in params:
        changes["description"] = params["description"] or None
    if "cancellation_details" in params:
        changes["cancellation_details"] = _details(subscription, params)
    if "trial_settings" in params:
        changes["trial_settings"] = params["trial_settings"]
    if "default_payment_method" in params:
        default = _default_card(world, params, subscription["customer"])
        changes["default_payment_method"] = default
    if "discounts" in params:
        changes["discounts"] = discounts.changed(world, subscription, params["discounts"])
    if "pause_collection" in params:
        changes["pause_collection"] = pausing.pause_collection(
            world, subscription, params["pause_collection"]
        )
    terms = terms_of(subscription, params)
    if "items" in params or terms.billing_cycle_anchor == "now":
        rows = rows_of(world, subscription, params.get("items", []))
        change_items(world, subscription, rows, terms, beside=changes)
    else:
        world.update(subscription, changes, "customer.subscription.updated")
    if params.get("trial_end") == "now":
        if subscription["status"] == "trialing":
            billing.end_trial(world, subscription)
    elif "trial_end" in params:
        _move_trial_end(world, subscription, params)
    if params.get("cancel_at_period_end"):
        lifecycle.request_cancellation(
            world,
            subscription,
            cancel_at=lifecycle.current_period_end(subscription),
            at_period_end=True,
        )
    elif cancel_at := params.get("cancel_at"):
        if cancel_at in PERIOD_ENDS:  # all items share one period
            cancel_at = lifecycle.current_period_end(subscription)
        asked = params.get("proration_behavior", "none")
        if asked != "none" and cancel_at != lifecycle.current_period_end(subscription):
            raise not_simulated(f"proration_behavior={asked} with cancel_at within a period")
        lifecycle.request_cancellation(
            world, subscription, cancel_at=cancel_at, at_period_end=False
        )
    elif subscription["cancel_at"] and (
        params.get("cancel_at_period_end") is False or params.get("cancel_at") == ""
    ):
        lifecycle.withdraw_cancellation(world, subscription)
    return subscription


def _check_cancel_at(world: World, subscription: dict[str, Any], params: Params) -> None:
    """Two ends at once are refused, as two ends of a trial are."""
    cancel_at = params.get("cancel_at")
    if cancel_at and params.get("cancel_at_period_end"):
        raise invalid(
            "You may only specify one of these parameters: cancel_at, cancel_at_period_end."
        )
    if cancel_at == "max_billed_until":
        raise not_simulated("cancel_at=max_billed_until")
    if not cancel_at or cancel_at in PERIOD_ENDS:
        return
    if not isinstance(cancel_at, int) or cancel_at <= world.now(subscription["test_clock"] or ""):
        raise invalid("`cancel_at` must be a timestamp in the future.", "cancel_at")


def _default_card(world: World, params: Params, customer_id: str) -> str | None:
    """The one asked for; raises StripeError when it is not the customer's."""
    default: str | None = params.get("default_payment_method") or None
    if default:
        card = world.get("payment_method", default, param="default_payment_method")
        if card["customer"] != customer_id:
            raise invalid(
                "The customer does not have a payment method with this ID.",
                "default_payment_method",
                "resource_missing",
            )
    return default


def _check_room(world: World, customer: dict[str, Any]) -> None:
    """Stripe docs: test clocks. The simulator's own clock stands for no test clock."""
    clock_id = customer["test_clock"]
    if clock_id is None or clock_id == world.default_clock_id:
        return
    there = world.store.all("subscription", customer=customer["id"])
    if sum(one["status"] not in lifecycle.ENDED for one in there) >= MAX_SUBSCRIPTIONS_ON_CLOCK:
        raise invalid(
            "You can only have up to 3 subscriptions per customer of a test clock.", "customer"
        )


def _move_trial_end(world: World, subscription: dict[str, Any], params: Params) -> None:
    if subscription["status"] != "trialing":
        raise not_simulated("trial_end")  # of a subscription that is not on trial
    end = trial_end_of(
        {"trial_end": params["trial_end"]}, world.now(subscription["test_clock"] or "")
    )
    items = [item | {"current_period_end": end} for item in subscription["items"]["data"]]
    for item in items:
        world.store.put(item, customer=subscription["customer"])
    world.update(
        subscription,
        {
            "trial_end": end,
            "billing_cycle_anchor": end,
            "cancel_at": end if subscription["cancel_at_period_end"] else subscription["cancel_at"],
            "items": subscription["items"] | {"data": items},
        },
        "customer.subscription.updated",
    )
    lifecycle.plan_ahead(world, subscription)


@route(
    "POST",
    "/v1/subscriptions/{subscription}/resume",
    "SubscriptionResumeParams",
    "billing_cycle_anchor proration_behavior proration_date",
)
def resume_subscription(world: World, params: Params, subscription_id: str) -> dict[str, Any]:
    subscription = _writable(world, subscription_id)
    terms = terms_of(subscription, params)
    if subscription["status"] != "paused":
        raise invalid("Only paused subscriptions can be resumed.")
    pausing.resume(world, subscription, terms)
    return subscription


@route(
    "DELETE",
    "/v1/subscriptions/{subscription}",
    "SubscriptionCancelParams",
    f"invoice_now prorate {_DETAILS}",
)
def cancel_subscription(world: World, params: Params, subscription_id: str) -> dict[str, Any]:
    subscription = _writable(world, subscription_id)
    if subscription["status"] in lifecycle.ENDED:
        raise StripeError(
            404,
            f"No such subscription: '{subscription_id}'",
            code="resource_missing",
            param="id",
        )
    if "cancellation_details" in params:
        world.update(subscription, {"cancellation_details": _details(subscription, params)})
    ending.end_now(
        world,
        subscription,
        prorate=params.get("prorate", False),
        invoice_now=params.get("invoice_now", False),
    )
    return subscription


def _details(subscription: dict[str, Any], params: Params) -> dict[str, Any]:
    """What the customer said, empty takes it back; the reason is Stripe's own."""
    given = {key: value or None for key, value in params["cancellation_details"].items()}
    told: dict[str, Any] = subscription["cancellation_details"] | given
    return told


@route(
    "GET",
    "/v1/subscriptions",
    "SubscriptionListParams",
    f"{LIST_PARAMS} created customer price status test_clock",
)
def list_subscriptions(world: World, params: Params) -> dict[str, Any]:
    """Without `status` only `canceled` ones are hidden (the SDK's documentation)."""
    if params.get("customer"):
        retrieved = world.store.get(params["customer"])
        if retrieved is None and world.deleted_customer(params["customer"]) is None:
            world.get("customer", params["customer"], param="customer")
    conditions = [*of_clock(world, params), *_of_status(params.get("status"))]
    if "price" in params:
        conditions.append((HAS_PRICE, params["price"]))
    return stored_page(world, "subscription", params, "/v1/subscriptions", "customer", *conditions)


def _of_status(wanted: str | None) -> list[Condition]:
    if wanted is None:
        return [("status != 'canceled'",)]
    if wanted == "all":
        return []
    return [one_of("status", [*lifecycle.ENDED] if wanted == "ended" else [wanted])]


def _writable(world: World, subscription_id: str) -> dict[str, Any]:
    subscription = world.get("subscription", subscription_id)
    world.writable(subscription)
    return subscription
