"""Checkout Sessions: made, shown, expired."""

from __future__ import annotations

from typing import Any

from caixa_subscriptions.simulator import checkout_discounts, expand, objects
from caixa_subscriptions.simulator.errors import StripeError, invalid, missing_param, not_simulated
from caixa_subscriptions.simulator.lists import stored_page
from caixa_subscriptions.simulator.objects import DAY, HOUR
from caixa_subscriptions.simulator.params import merge_metadata
from caixa_subscriptions.simulator.resources import checkout_items
from caixa_subscriptions.simulator.resources.customers import check_email
from caixa_subscriptions.simulator.resources.subscriptions import trial_end_of
from caixa_subscriptions.simulator.routes import LIST_PARAMS, Params, list_page, route
from caixa_subscriptions.simulator.tasks import task
from caixa_subscriptions.simulator.vouchers import check_types
from caixa_subscriptions.simulator.world import World

MAX_REFERENCE = 200
MIN_TRIAL_END = 48 * HOUR
# Parameters of some modes alone (the SDK's text).
ONLY_IN = {
    "customer_creation": ("payment", "setup"),
    "line_items": ("payment", "subscription"),
    "payment_intent_data": ("payment",),
    "payment_method_collection": ("subscription",),
    "setup_intent_data": ("setup",),
    "submit_type": ("payment", "subscription"),
    "subscription_data": ("subscription",),
}


@route(
    "POST",
    "/v1/checkout/sessions",
    "checkout.SessionCreateParams",
    "mode ui_mode currency customer customer_creation customer_email client_reference_id "
    "success_url cancel_url expires_at locale metadata submit_type payment_method_collection "
    "payment_method_types allow_promotion_codes discounts.coupon discounts.promotion_code "
    "payment_intent_data.description payment_intent_data.metadata "
    "payment_intent_data.receipt_email payment_intent_data.setup_future_usage "
    "setup_intent_data.description setup_intent_data.metadata "
    "subscription_data.metadata subscription_data.description subscription_data.trial_end "
    "subscription_data.trial_period_days "
    "subscription_data.trial_settings.end_behavior.missing_payment_method "
    f"{checkout_items.HONOURED}",
)
def create_session(world: World, params: Params) -> dict[str, Any]:
    if "mode" not in params:
        raise missing_param("mode")
    _check(params)
    mode = params["mode"]
    customer = (
        world.get("customer", params["customer"], param="customer")
        if params.get("customer")
        else None
    )
    if customer:
        world.writable(customer)
    now = world.now_for(customer) if customer else world.now()
    lines = checkout_items.new_lines(world, params) if mode != "setup" else []
    trial = _trial_end(params, now)
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
        amount=checkout_items.amount_due(lines, trial=trial is not None) if lines else None,
        currency=lines[0]["currency"] if lines else params.get("currency", "").lower() or None,
        url=f"{world.caller.base_url}/simulator/checkout/{session_id}",
        created=now,
    )
    session["payment_method_types"] = params.get("payment_method_types") or ["card"]
    check_types(session["payment_method_types"], session["currency"])
    session["metadata"] = merge_metadata({}, params.get("metadata"))
    session["_line_items"] = lines
    for name in ("payment_intent_data", "setup_intent_data", "subscription_data"):
        session[f"_{name}"] = params.get(name, {})
    if customer:
        session["customer"] = customer["id"]
        exempt = None if mode == "setup" else "none"  # recorded
        session["customer_details"] = objects.customer_details(customer["email"], tax_exempt=exempt)
    if mode == "setup":
        session["setup_intent"] = _new_setup_intent(world, session)["id"]
    if mode == "subscription":
        checkout_discounts.give(world, session, params, customer)
    world.store.put(session)
    clock = customer["test_clock"] if customer else world.default_clock_id
    world.schedule(session, "expire_session", session["expires_at"], clock)
    return session


def _check(params: Params) -> None:
    mode = params["mode"]
    if params.get("ui_mode", "hosted_page") != "hosted_page":
        raise not_simulated("ui_mode")
    for name, modes in ONLY_IN.items():
        if name in params and mode not in modes:
            raise invalid(f"You can not pass `{name}` in `{mode}` mode.", name)
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
    for other in ("customer_email", "customer_creation"):
        if params.get("customer") and params.get(other):
            raise invalid(f"You may only specify one of these parameters: customer, {other}.")
    check_email(params, "customer_email")
    if len(params.get("client_reference_id", "")) > MAX_REFERENCE:
        raise invalid(
            f"Invalid string: must be at most {MAX_REFERENCE} characters", "client_reference_id"
        )
    for name in ("allow_promotion_codes", "discounts"):
        if params.get(name) and mode != "subscription":
            raise not_simulated(name)
    if mode == "setup" and not (params.get("payment_method_types") or params.get("currency")):
        raise missing_param("currency")


def _trial_end(params: Params, now: int) -> int | None:
    data = params.get("subscription_data", {})
    trial = trial_end_of(data, now)
    if "trial_end" in data and trial and trial < now + MIN_TRIAL_END:
        raise invalid(
            "The `trial_end` date has to be at least 2 days in the future.",
            "subscription_data[trial_end]",
        )
    return trial


def _new_setup_intent(world: World, session: dict[str, Any]) -> dict[str, Any]:
    """That of setup mode waits for its card from the start (recorded)."""
    data = session["_setup_intent_data"]
    intent = objects.setup_intent(
        world.ids.new("setup_intent"),
        customer=session["customer"],
        payment_method=None,
        secret=world.ids.token(24),
        created=session["created"],
    )
    intent["description"] = data.get("description")
    intent["metadata"] = merge_metadata({}, data.get("metadata"))
    return world.add(intent, "setup_intent.created")


@route("GET", "/v1/checkout/sessions/{session}", "checkout.SessionRetrieveParams")
def retrieve_session(world: World, params: Params, session_id: str) -> dict[str, Any]:
    return world.get("checkout.session", session_id)


@route("POST", "/v1/checkout/sessions/{session}", "checkout.SessionUpdateParams", "metadata")
def update_session(world: World, params: Params, session_id: str) -> dict[str, Any]:
    session = world.get("checkout.session", session_id)
    world.owner_writable(session)
    metadata = merge_metadata(session["metadata"], params.get("metadata"))
    return world.update(session, {"metadata": metadata})


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
    return list_page([expand.public(one) for one in session["_line_items"]], params, url)


@route("POST", "/v1/checkout/sessions/{session}/expire", "checkout.SessionExpireParams")
def expire_session(world: World, params: Params, session_id: str) -> dict[str, Any]:
    session = world.get("checkout.session", session_id)
    world.owner_writable(session)
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
