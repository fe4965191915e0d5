"""Checkout Sessions in subscription mode: made, shown, expired."""

from __future__ import annotations

from typing import Any

from caixa_subscriptions.simulator import objects
from caixa_subscriptions.simulator.errors import StripeError, invalid, not_simulated
from caixa_subscriptions.simulator.lists import stored_page
from caixa_subscriptions.simulator.objects import DAY, HOUR
from caixa_subscriptions.simulator.params import merge_metadata
from caixa_subscriptions.simulator.resources.customers import check_email
from caixa_subscriptions.simulator.resources.subscriptions import recurring_items, trial_end_of
from caixa_subscriptions.simulator.routes import LIST_PARAMS, Params, list_page, route
from caixa_subscriptions.simulator.tasks import task
from caixa_subscriptions.simulator.world import World

MAX_REFERENCE = 200
MIN_TRIAL_END = 48 * HOUR


@route(
    "POST",
    "/v1/checkout/sessions",
    "checkout.SessionCreateParams",
    "mode customer customer_email client_reference_id line_items.price line_items.quantity "
    "success_url cancel_url expires_at locale metadata payment_method_collection "
    "allow_promotion_codes "
    "subscription_data.metadata subscription_data.description subscription_data.trial_end "
    "subscription_data.trial_period_days "
    "subscription_data.trial_settings.end_behavior.missing_payment_method",
)
def create_session(world: World, params: Params) -> dict[str, Any]:
    if params.get("mode") != "subscription":
        raise not_simulated("mode")
    if "success_url" not in params:
        raise StripeError(
            400,
            "You must provide `success_url` with this `ui_mode`.",
            code="parameter_missing",
            param="success_url",
        )
    for name in ("success_url", "cancel_url"):
        if name in params and not str(params[name]).startswith(("http://", "https://")):
            raise StripeError(400, "Not a valid URL", code="url_invalid", param=name)
    if params.get("customer") and params.get("customer_email"):
        raise invalid("You may only specify one of these parameters: customer, customer_email.")
    check_email(params, "customer_email")
    if len(params.get("client_reference_id", "")) > MAX_REFERENCE:
        raise invalid(
            f"Invalid string: must be at most {MAX_REFERENCE} characters", "client_reference_id"
        )
    customer = (
        world.get("customer", params["customer"], param="customer")
        if params.get("customer")
        else None
    )
    now = world.now_for(customer) if customer else world.now()
    items = recurring_items(world, params.get("line_items", []), name="line_items")
    trial = trial_end_of(params.get("subscription_data", {}), now)
    if "trial_end" in params.get("subscription_data", {}) and trial and trial < now + MIN_TRIAL_END:
        raise invalid(
            "The `trial_end` date has to be at least 2 days in the future.",
            "subscription_data[trial_end]",
        )
    if "expires_at" in params and not now + HOUR // 2 <= params["expires_at"] <= now + DAY:
        raise invalid(
            "The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout "
            "Session creation.",
            "expires_at",
        )
    session_id = world.ids.new("checkout.session")
    session = objects.checkout_session(
        session_id,
        params=params,
        amount=sum(price["unit_amount"] * quantity for price, quantity in items),
        trial=trial is not None,
        currency=items[0][0]["currency"],
        url=f"{world.caller.base_url}/simulator/checkout/{session_id}",
        created=now,
    )
    session["metadata"] = merge_metadata({}, params.get("metadata"))
    session["_subscription_data"] = params.get("subscription_data", {})
    session["_line_items"] = [
        objects.checkout_line_item(
            world.ids.new("item"),
            price=price,
            quantity=quantity,
            name=world.get("product", price["product"])["name"],
        )
        for price, quantity in items
    ]
    if customer:
        session["customer"] = customer["id"]
        session["customer_details"] = objects.customer_details(customer)
    world.store.put(session)
    clock = customer["test_clock"] if customer else world.default_clock_id
    world.schedule(session, "expire_session", session["expires_at"], clock)
    return session


@route("GET", "/v1/checkout/sessions/{session}", "checkout.SessionRetrieveParams")
def retrieve_session(world: World, params: Params, session_id: str) -> dict[str, Any]:
    return world.get("checkout.session", session_id)


@route(
    "GET",
    "/v1/checkout/sessions",
    "checkout.SessionListParams",
    f"{LIST_PARAMS} customer status subscription",
)
def list_sessions(world: World, params: Params) -> dict[str, Any]:
    equal = "customer status subscription"
    return stored_page(world, "checkout.session", params, "/v1/checkout/sessions", equal)


@route(
    "GET",
    "/v1/checkout/sessions/{session}/line_items",
    "checkout.SessionListLineItemsParams",
    LIST_PARAMS,
)
def list_line_items(world: World, params: Params, session_id: str) -> dict[str, Any]:
    session = world.get("checkout.session", session_id)
    url = f"/v1/checkout/sessions/{session_id}/line_items"
    return list_page(session["_line_items"], params, url)


@route("POST", "/v1/checkout/sessions/{session}/expire", "checkout.SessionExpireParams")
def expire_session(world: World, params: Params, session_id: str) -> dict[str, Any]:
    session = world.get("checkout.session", session_id)
    if session["status"] != "open":
        raise invalid(
            'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout '
            f"Session has a status of `{session['status']}`."
        )
    world.unschedule(session)
    _expire(world, session)
    return session


@task("expire_session", rank=1)
def _expire(world: World, session: dict[str, Any]) -> None:
    world.update(session, {"status": "expired", "url": None})
    world.emit("checkout.session.expired", session)
