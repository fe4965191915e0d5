"""What payments leave behind: charges, movements of the balance, payments of invoices."""

from __future__ import annotations

from typing import Any

from caixa_subscriptions.simulator.lists import stored_page
from caixa_subscriptions.simulator.routes import LIST_PARAMS, Params, route
from caixa_subscriptions.simulator.world import World


@route("GET", "/v1/charges/{charge}", "ChargeRetrieveParams")
def retrieve_charge(world: World, params: Params, object_id: str) -> dict[str, Any]:
    return world.get("charge", object_id)


@route("GET", "/v1/charges", "ChargeListParams", f"{LIST_PARAMS} customer payment_intent")
def list_charges(world: World, params: Params) -> dict[str, Any]:
    return stored_page(world, "charge", params, "/v1/charges", "customer payment_intent")


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
    url = "/v1/balance_transactions"
    return stored_page(world, "balance_transaction", params, url, "currency source type")


@route(
    "GET",
    "/v1/invoice_payments",
    "InvoicePaymentListParams",
    f"{LIST_PARAMS} invoice payment.payment_intent payment.type status",
)
def list_invoice_payments(world: World, params: Params) -> dict[str, Any]:
    equal = "invoice payment.payment_intent payment.type status"
    return stored_page(world, "invoice_payment", params, "/v1/invoice_payments", equal)


@route("GET", "/v1/invoice_payments/{payment}", "InvoicePaymentRetrieveParams")
def retrieve_invoice_payment(world: World, params: Params, object_id: str) -> dict[str, Any]:
    return world.get("invoice_payment", object_id)
