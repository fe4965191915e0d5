"""Payments of their own: made, confirmed, captured, canceled (Stripe docs: PaymentIntents)."""

from __future__ import annotations

from typing import Any

from caixa_subscriptions.simulator import charging, expand, objects
from caixa_subscriptions.simulator.collecting import follow_intent
from caixa_subscriptions.simulator.errors import ExecutedCardError, invalid
from caixa_subscriptions.simulator.lists import stored_page
from caixa_subscriptions.simulator.params import merge_metadata
from caixa_subscriptions.simulator.resources.payment_methods import chosen_card
from caixa_subscriptions.simulator.routes import LIST_PARAMS, Params, route
from caixa_subscriptions.simulator.vouchers import check_types
from caixa_subscriptions.simulator.world import World

MIN_AMOUNT = 50  # of the smallest unit; Stripe's own minimum depends on the currency
_KEPT = ("description", "receipt_email", "setup_future_usage")
_CANCELABLE = (
    "requires_payment_method",
    "requires_capture",
    "requires_confirmation",
    "requires_action",
    "processing",
)


@route("GET", "/v1/payment_intents/{intent}", "PaymentIntentRetrieveParams")
def retrieve_payment_intent(world: World, params: Params, object_id: str) -> dict[str, Any]:
    return world.get("payment_intent", object_id)


@route("GET", "/v1/payment_intents", "PaymentIntentListParams", f"{LIST_PARAMS} created customer")
def list_payment_intents(world: World, params: Params) -> dict[str, Any]:
    return stored_page(world, "payment_intent", params, "/v1/payment_intents", "customer")


@route(
    "POST",
    "/v1/payment_intents",
    "PaymentIntentCreateParams",
    "amount automatic_payment_methods capture_method confirm currency customer description "
    "metadata off_session payment_method payment_method_types receipt_email return_url "
    "setup_future_usage",
)
def create_payment_intent(world: World, params: Params) -> dict[str, Any]:
    if params["amount"] < MIN_AMOUNT:
        raise invalid(
            "Amount must convert to at least 50 cents.", "amount", code="amount_too_small"
        )
    customer = params.get("customer")
    if customer:
        world.writable(world.get("customer", customer, param="customer"))
    check_types(params.get("payment_method_types", []), params["currency"].lower())
    now = world.now_for(world.get("customer", customer)) if customer else world.now()
    intent = objects.payment_intent(
        world.ids.new("payment_intent"),
        amount=params["amount"],
        currency=params["currency"].lower(),
        customer=customer,
        secret=world.ids.token(24),
        created=now,
    )
    if "payment_method_types" in params:
        intent["automatic_payment_methods"] = None
        intent["payment_method_types"] = params["payment_method_types"]
    elif "automatic_payment_methods" in params:
        given = params["automatic_payment_methods"]
        intent["automatic_payment_methods"] = {"allow_redirects": "always"} | given
    intent["capture_method"] = params.get("capture_method", intent["capture_method"])
    intent["metadata"] = merge_metadata({}, params.get("metadata"))
    intent.update({key: params[key] or None for key in _KEPT if key in params})
    if "payment_method" in params:
        _choose(world, intent, params["payment_method"])
    world.add(intent, "payment_intent.created")
    if params.get("confirm"):
        return _confirm(world, intent, params)
    for name in ("off_session", "return_url"):
        if name in params:
            raise invalid(f"You cannot provide `{name}` without `confirm`.", name)
    return intent


def _choose(world: World, intent: dict[str, Any], named: str) -> dict[str, Any]:
    card = chosen_card(world, named, intent["customer"])
    intent.update({"payment_method": card["id"], "status": "requires_confirmation"})
    return card


@route(
    "POST",
    "/v1/payment_intents/{intent}",
    "PaymentIntentUpdateParams",
    "amount description metadata payment_method receipt_email setup_future_usage",
)
def update_payment_intent(world: World, params: Params, object_id: str) -> dict[str, Any]:
    intent = _writable(world, object_id)
    if set(params) - {"description", "metadata"} and intent["status"] not in (
        "requires_payment_method",
        "requires_confirmation",
        "requires_action",
    ):
        raise _unexpected(intent, "update")
    if "amount" in params and intent.get("_invoice"):
        raise invalid("The amount of an invoice's PaymentIntent follows the invoice.", "amount")
    changes = {key: params[key] or None for key in _KEPT if key in params}
    changes["amount"] = params.get("amount", intent["amount"])
    changes["metadata"] = merge_metadata(intent["metadata"], params.get("metadata"))
    if params.get("payment_method"):
        _choose(world, intent, params["payment_method"])
    return world.update(intent, changes)


@route(
    "POST",
    "/v1/payment_intents/{intent}/confirm",
    "PaymentIntentConfirmParams",
    "off_session payment_method receipt_email return_url setup_future_usage",
)
def confirm_payment_intent(world: World, params: Params, object_id: str) -> dict[str, Any]:
    intent = _writable(world, object_id)
    intent.update({key: params[key] or None for key in _KEPT if key in params})
    if params.get("payment_method"):
        if intent["status"] not in ("requires_payment_method", "requires_confirmation"):
            raise _unexpected(intent, "confirm")
        _choose(world, intent, params["payment_method"])
    return _confirm(world, intent, params)


def _confirm(world: World, intent: dict[str, Any], params: Params) -> dict[str, Any]:
    if intent["payment_method"] is None and intent["status"] == "requires_payment_method":
        raise invalid(
            "You cannot confirm this PaymentIntent because it's missing a payment method. Update "
            "the PaymentIntent with a payment method and then confirm it again.",
            code="payment_intent_unexpected_state",
        )
    if intent["status"] != "requires_confirmation":
        raise _unexpected(intent, "confirm")
    automatic = intent["automatic_payment_methods"] or {}
    redirects = automatic.get("enabled") and automatic.get("allow_redirects") != "never"
    if redirects and not (params.get("return_url") or params.get("off_session")):
        raise invalid(
            "This PaymentIntent accepts payment methods that may redirect your customer: give a "
            "`return_url`, or set automatic_payment_methods[allow_redirects] to never.",
            "return_url",
        )
    intent["_return_url"] = params.get("return_url")
    card = world.get("payment_method", intent["payment_method"])
    now = world.now(world.clock_of(intent) or "")
    away = bool(params.get("off_session"))
    charging.charge(world, intent, card, now, off_session=away, declines_unseen=away)
    if intent["status"] in ("succeeded", "requires_capture"):
        charging.keep_card(world, intent, card)
    follow_intent(world, intent)
    if intent["status"] == "requires_payment_method":
        error = intent["last_payment_error"]
        told = ("advice_code", "charge", "code", "decline_code", "message")
        raise ExecutedCardError(
            {key: error[key] for key in told if error.get(key)},
            payment_intent=expand.public(intent),
        )
    return intent


@route(
    "POST",
    "/v1/payment_intents/{intent}/capture",
    "PaymentIntentCaptureParams",
    "amount_to_capture metadata",
)
def capture_payment_intent(world: World, params: Params, object_id: str) -> dict[str, Any]:
    intent = _writable(world, object_id)
    if intent["status"] != "requires_capture":
        raise _unexpected(intent, "capture")
    amount = params.get("amount_to_capture", intent["amount_capturable"])
    if not 0 < amount <= intent["amount_capturable"]:
        raise invalid(
            "The amount to capture must be positive and at most the amount that is held.",
            "amount_to_capture",
        )
    charging.capture(world, intent, amount)
    return world.update(
        intent, {"metadata": merge_metadata(intent["metadata"], params.get("metadata"))}
    )


@route(
    "POST",
    "/v1/payment_intents/{intent}/cancel",
    "PaymentIntentCancelParams",
    "cancellation_reason",
)
def cancel_payment_intent(world: World, params: Params, object_id: str) -> dict[str, Any]:
    intent = _writable(world, object_id)
    if intent.get("_invoice"):
        raise invalid("An invoice's PaymentIntent is canceled by voiding the invoice.")
    if intent["status"] not in _CANCELABLE:
        raise _unexpected(intent, "cancel")
    if intent["status"] == "requires_capture":
        charging.release(world, intent)
    now = world.now(world.clock_of(intent) or "")
    charging.cancel_intent(world, intent, now, reason=params.get("cancellation_reason"))
    return intent


def _writable(world: World, object_id: str) -> dict[str, Any]:
    intent = world.get("payment_intent", object_id)
    world.owner_writable(intent)
    return intent


def _unexpected(intent: dict[str, Any], verb: str) -> Exception:
    return invalid(
        f"You cannot {verb} this PaymentIntent because it has a status of {intent['status']}.",
        code="payment_intent_unexpected_state",
    )
