"""Refunds (Stripe docs: api/refunds)."""

from __future__ import annotations

from typing import Any

from caixa_subscriptions.simulator.errors import StripeError, invalid
from caixa_subscriptions.simulator.lists import stored_page
from caixa_subscriptions.simulator.params import merge_metadata
from caixa_subscriptions.simulator.refunding import refund_charge, update_refund
from caixa_subscriptions.simulator.routes import LIST_PARAMS, Params, route
from caixa_subscriptions.simulator.world import World


@route(
    "POST",
    "/v1/refunds",
    "RefundCreateParams",
    "amount charge metadata payment_intent reason",
)
def create_refund(world: World, params: Params) -> dict[str, Any]:
    charge = _charge(world, params)
    if customer := world.store.get(charge["customer"] or ""):
        world.writable(customer)
    return refund_charge(
        world,
        charge,
        amount=params.get("amount"),
        reason=params.get("reason"),
        metadata=merge_metadata({}, params.get("metadata")),
    )


def _charge(world: World, params: Params) -> dict[str, Any]:
    named, intent_id = params.get("charge"), params.get("payment_intent")
    if bool(named) == bool(intent_id):
        raise StripeError(
            400,
            "One of the following params should be provided for this request: payment_intent or "
            "charge.",
            code=None if named else "parameter_missing",
        )
    if named:
        return world.get("charge", named, param="charge")
    intent = world.get("payment_intent", str(intent_id), param="payment_intent")
    if intent["latest_charge"] is None or intent["status"] != "succeeded":
        raise invalid(
            f"This PaymentIntent ({intent_id}) does not have a successful charge to refund.",
            "payment_intent",
        )
    return world.get("charge", intent["latest_charge"])


@route("GET", "/v1/refunds/{refund}", "RefundRetrieveParams")
def retrieve_refund(world: World, params: Params, refund_id: str) -> dict[str, Any]:
    return world.get("refund", refund_id)


@route("GET", "/v1/refunds", "RefundListParams", f"{LIST_PARAMS} charge created payment_intent")
def list_refunds(world: World, params: Params) -> dict[str, Any]:
    return stored_page(world, "refund", params, "/v1/refunds", "charge payment_intent")


@route("GET", "/v1/charges/{charge}/refunds", "ChargeListRefundsParams", LIST_PARAMS)
def list_of_charge(world: World, params: Params, charge_id: str) -> dict[str, Any]:
    world.get("charge", charge_id)
    url = f"/v1/charges/{charge_id}/refunds"
    return stored_page(world, "refund", {**params, "charge": charge_id}, url, "charge")


@route("POST", "/v1/refunds/{refund}", "RefundUpdateParams", "metadata")
def change_refund(world: World, params: Params, refund_id: str) -> dict[str, Any]:
    refund = world.get("refund", refund_id)
    metadata = merge_metadata(refund["metadata"], params.get("metadata"))
    update_refund(world, refund, {"metadata": metadata})
    return refund


@route("POST", "/v1/refunds/{refund}/cancel", "RefundCancelParams")
def cancel_refund(world: World, params: Params, refund_id: str) -> dict[str, Any]:
    """None can be: only those that wait for their customer, and no card's does (the SDK's
    text)."""
    refund = world.get("refund", refund_id)
    raise invalid(
        "You can only cancel a refund with the status requires_action. This refund has the status "
        f"{refund['status']}."
    )
