"""What moves money: read only here, made by invoices and Checkout."""

from __future__ import annotations

from typing import Any

from caixa_subscriptions.simulator.routes import (
    LIST_PARAMS,
    Params,
    created_matches,
    list_page,
    route,
)
from caixa_subscriptions.simulator.world import World


@route("GET", "/v1/payment_intents/{intent}", "PaymentIntentRetrieveParams")
def retrieve_payment_intent(world: World, params: Params, object_id: str) -> dict[str, Any]:
    return world.get("payment_intent", object_id)


@route("GET", "/v1/payment_intents", "PaymentIntentListParams", f"{LIST_PARAMS} customer")
def list_payment_intents(world: World, params: Params) -> dict[str, Any]:
    found = world.store.all("payment_intent", customer=params.get("customer"))
    return list_page(found, params, "/v1/payment_intents")


@route("GET", "/v1/charges/{charge}", "ChargeRetrieveParams")
def retrieve_charge(world: World, params: Params, object_id: str) -> dict[str, Any]:
    return world.get("charge", object_id)


@route("GET", "/v1/charges", "ChargeListParams", f"{LIST_PARAMS} customer payment_intent")
def list_charges(world: World, params: Params) -> dict[str, Any]:
    found = [
        one
        for one in world.store.all("charge", customer=params.get("customer"))
        if params.get("payment_intent") in (None, one["payment_intent"])
    ]
    return list_page(found, params, "/v1/charges")


@route("GET", "/v1/balance_transactions/{transaction}", "BalanceTransactionRetrieveParams")
def retrieve_balance_transaction(world: World, params: Params, object_id: str) -> dict[str, Any]:
    return world.get("balance_transaction", object_id)


@route(
    "GET",
    "/v1/balance_transactions",
    "BalanceTransactionListParams",
    f"{LIST_PARAMS} created currency source type",
)
def list_balance_transactions(world: World, params: Params) -> dict[str, Any]:
    found = [
        one
        for one in world.store.all("balance_transaction")
        if all(params.get(key) in (None, one[key]) for key in ("currency", "source", "type"))
        and created_matches(one, params.get("created"))
    ]
    return list_page(found, params, "/v1/balance_transactions")


@route("GET", "/v1/setup_intents/{intent}", "SetupIntentRetrieveParams")
def retrieve_setup_intent(world: World, params: Params, object_id: str) -> dict[str, Any]:
    return world.get("setup_intent", object_id)


@route("GET", "/v1/setup_intents", "SetupIntentListParams", f"{LIST_PARAMS} customer")
def list_setup_intents(world: World, params: Params) -> dict[str, Any]:
    found = world.store.all("setup_intent", customer=params.get("customer"))
    return list_page(found, params, "/v1/setup_intents")


@route(
    "GET",
    "/v1/invoice_payments",
    "InvoicePaymentListParams",
    f"{LIST_PARAMS} invoice payment.payment_intent payment.type status",
)
def list_invoice_payments(world: World, params: Params) -> dict[str, Any]:
    payment = params.get("payment", {})
    found = [
        one
        for one in world.store.all("invoice_payment")
        if params.get("invoice") in (None, one["invoice"])
        and params.get("status") in (None, one["status"])
        and all(
            payment.get(key) in (None, one["payment"][key]) for key in ("payment_intent", "type")
        )
    ]
    return list_page(found, params, "/v1/invoice_payments")


@route("GET", "/v1/invoice_payments/{payment}", "InvoicePaymentRetrieveParams")
def retrieve_invoice_payment(world: World, params: Params, object_id: str) -> dict[str, Any]:
    return world.get("invoice_payment", object_id)
