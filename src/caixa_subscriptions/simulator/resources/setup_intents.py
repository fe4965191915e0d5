"""Cards set up for later payments (Stripe docs: SetupIntents)."""

from __future__ import annotations

from typing import Any

from caixa_subscriptions.simulator import authenticating, expand
from caixa_subscriptions.simulator.errors import ExecutedCardError, invalid, not_simulated
from caixa_subscriptions.simulator.lists import stored_page
from caixa_subscriptions.simulator.params import merge_metadata
from caixa_subscriptions.simulator.resources.payment_methods import chosen_card
from caixa_subscriptions.simulator.routes import LIST_PARAMS, Params, route
from caixa_subscriptions.simulator.world import World


@route("GET", "/v1/setup_intents/{intent}", "SetupIntentRetrieveParams")
def retrieve_setup_intent(world: World, params: Params, object_id: str) -> dict[str, Any]:
    return world.get("setup_intent", object_id)


@route(
    "GET",
    "/v1/setup_intents",
    "SetupIntentListParams",
    f"{LIST_PARAMS} created customer payment_method",
)
def list_setup_intents(world: World, params: Params) -> dict[str, Any]:
    equal = "customer payment_method"
    return stored_page(world, "setup_intent", params, "/v1/setup_intents", equal)


@route(
    "POST",
    "/v1/setup_intents",
    "SetupIntentCreateParams",
    "automatic_payment_methods confirm customer description metadata payment_method "
    "payment_method_types return_url usage",
)
def create_setup_intent(world: World, params: Params) -> dict[str, Any]:
    customer = params.get("customer")
    if customer:
        world.writable(world.get("customer", customer, param="customer"))
    if params.get("payment_method_types", ["card"]) != ["card"]:
        raise not_simulated("payment_method_types")
    named = params.get("payment_method")
    card_id = str(chosen_card(world, named, customer)["id"]) if named else None
    now = world.now_for(world.get("customer", customer)) if customer else world.now()
    intent = authenticating.new_setup_intent(world, customer, card_id, now)
    if "payment_method_types" in params:
        intent["automatic_payment_methods"] = None
    elif "automatic_payment_methods" in params:
        given = params["automatic_payment_methods"]
        intent["automatic_payment_methods"] = {"allow_redirects": "always"} | given
    world.update(
        intent,
        {
            "description": params.get("description"),
            "metadata": merge_metadata({}, params.get("metadata")),
            "usage": params.get("usage", "off_session"),
        },
    )
    world.emit("setup_intent.created", intent)
    if params.get("confirm"):
        return _confirm(world, intent, params)
    if "return_url" in params:
        raise invalid("You cannot provide `return_url` without `confirm`.", "return_url")
    return intent


@route(
    "POST",
    "/v1/setup_intents/{intent}",
    "SetupIntentUpdateParams",
    "description metadata payment_method",
)
def update_setup_intent(world: World, params: Params, object_id: str) -> dict[str, Any]:
    intent = _writable(world, object_id)
    changes: Params = {"metadata": merge_metadata(intent["metadata"], params.get("metadata"))}
    if "description" in params:
        changes["description"] = params["description"] or None
    if "payment_method" in params:
        changes |= _chosen(world, intent, params["payment_method"])
    return world.update(intent, changes)


def _chosen(world: World, intent: dict[str, Any], named: str) -> Params:
    if intent["status"] not in ("requires_payment_method", "requires_confirmation"):
        raise _unexpected(intent)
    card = chosen_card(world, named, intent["customer"])
    return {"payment_method": card["id"], "status": "requires_confirmation"}


@route(
    "POST",
    "/v1/setup_intents/{intent}/confirm",
    "SetupIntentConfirmParams",
    "payment_method return_url",
)
def confirm_setup_intent(world: World, params: Params, object_id: str) -> dict[str, Any]:
    intent = _writable(world, object_id)
    if "payment_method" in params:
        intent.update(_chosen(world, intent, params["payment_method"]))
    return _confirm(world, intent, params)


def _confirm(world: World, intent: dict[str, Any], params: Params) -> dict[str, Any]:
    if intent["status"] != "requires_confirmation":
        raise _unexpected(intent)
    intent["_return_url"] = params.get("return_url")
    card = world.get("payment_method", intent["payment_method"])
    authenticating.set_up(world, intent, card)
    if error := intent["last_setup_error"]:
        told = ("advice_code", "code", "decline_code", "message")
        raise ExecutedCardError(
            {key: error[key] for key in told if error.get(key)},
            setup_intent=expand.public(intent),
        )
    return intent


@route(
    "POST", "/v1/setup_intents/{intent}/cancel", "SetupIntentCancelParams", "cancellation_reason"
)
def cancel_setup_intent(world: World, params: Params, object_id: str) -> dict[str, Any]:
    intent = _writable(world, object_id)
    if intent["status"] in ("succeeded", "canceled"):
        raise _unexpected(intent)
    changes = {
        "cancellation_reason": params.get("cancellation_reason"),
        "next_action": None,
        "status": "canceled",
    }
    world.update(intent, changes)
    world.emit("setup_intent.canceled", intent)
    return intent


def _writable(world: World, object_id: str) -> dict[str, Any]:
    intent = world.get("setup_intent", object_id)
    world.owner_writable(intent)
    return intent


def _unexpected(intent: dict[str, Any]) -> Exception:
    return invalid(
        f"This SetupIntent's status is {intent['status']}, which does not allow this.",
        code="setup_intent_unexpected_state",
    )
