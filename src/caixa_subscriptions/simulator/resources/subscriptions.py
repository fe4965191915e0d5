from __future__ import annotations

from typing import Any

from caixa_subscriptions.simulator import billing, discounts, ending, lifecycle, objects, pausing
from caixa_subscriptions.simulator.errors import (
    StripeError,
    invalid,
    missing_param,
)
from caixa_subscriptions.simulator.lists import Condition, of_clock, one_of, stored_page
from caixa_subscriptions.simulator.objects import DAY
from caixa_subscriptions.simulator.params import merge_metadata
from caixa_subscriptions.simulator.resources.subscription_items import (
    quantity_of,
    recurring_price,
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
MAX_SUBSCRIPTIONS_ON_CLOCK = 3
HAS_PRICE = (
    "exists (select 1 from json_each(data, '$.items.data') "
    "where json_extract(value, '$.price.id') = ?)"
)
NOTHING_SAID = {"comment": None, "feedback": None, "reason": None}
DETAILS = "cancellation_details.comment cancellation_details.feedback"
MISSING_CARD = "trial_settings.end_behavior.missing_payment_method"


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
    f"trial_end trial_period_days cancel_at_period_end {MISSING_CARD}",
)
def create_subscription(world: World, params: Params) -> dict[str, Any]:
    if "customer" not in params:
        raise missing_param("customer")
    customer = world.get("customer", params["customer"], param="customer")
    world.writable(customer)
    _check_room(world, customer)
    items = recurring_items(world, params.get("items", []), name="items")
    trial_end = trial_end_of(params, world.now_for(customer))
    default = default_card(world, params, customer["id"])
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
    if params.get("cancel_at_period_end"):
        now = world.now_for(customer)
        changes |= lifecycle.cancellation(NOTHING_SAID, now, at_period_end=True)
    return billing.create_subscription(
        world,
        customer=customer,
        items=items,
        trial_end=trial_end,
        changes=changes,
        redemptions=redemptions,
        payment_behavior=behavior,
    )


@route("GET", "/v1/subscriptions/{subscription}", "SubscriptionRetrieveParams")
def retrieve_subscription(world: World, params: Params, subscription_id: str) -> dict[str, Any]:
    return world.get("subscription", subscription_id)


def default_card(world: World, params: Params, customer_id: str) -> str | None:
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


@route(
    "POST",
    "/v1/subscriptions/{subscription}/resume",
    "SubscriptionResumeParams",
    "billing_cycle_anchor proration_behavior proration_date",
)
def resume_subscription(world: World, params: Params, subscription_id: str) -> dict[str, Any]:
    subscription = writable(world, subscription_id)
    terms = terms_of(subscription, params)
    if subscription["status"] != "paused":
        raise invalid("Only paused subscriptions can be resumed.")
    pausing.resume(world, subscription, terms)
    return subscription


@route(
    "DELETE",
    "/v1/subscriptions/{subscription}",
    "SubscriptionCancelParams",
    f"invoice_now prorate {DETAILS}",
)
def cancel_subscription(world: World, params: Params, subscription_id: str) -> dict[str, Any]:
    subscription = writable(world, subscription_id)
    if subscription["status"] in lifecycle.ENDED:
        raise StripeError(
            404,
            f"No such subscription: '{subscription_id}'",
            code="resource_missing",
            param="id",
        )
    if "cancellation_details" in params:
        world.update(subscription, {"cancellation_details": details_of(subscription, params)})
    ending.end_now(
        world,
        subscription,
        prorate=params.get("prorate", False),
        invoice_now=params.get("invoice_now", False),
    )
    return subscription


def details_of(subscription: dict[str, Any], params: Params) -> dict[str, Any]:
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


def writable(world: World, subscription_id: str) -> dict[str, Any]:
    subscription = world.get("subscription", subscription_id)
    world.writable(subscription)
    return subscription
