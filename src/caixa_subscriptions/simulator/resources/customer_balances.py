from __future__ import annotations

from typing import Any

from caixa_subscriptions.simulator import balances
from caixa_subscriptions.simulator.errors import missing
from caixa_subscriptions.simulator.lists import stored_page
from caixa_subscriptions.simulator.params import merge_metadata
from caixa_subscriptions.simulator.routes import LIST_PARAMS, Params, route
from caixa_subscriptions.simulator.world import World

KIND = "customer_balance_transaction"
_PATH = "/v1/customers/{customer}/balance_transactions"


@route(
    "POST",
    _PATH,
    "CustomerCreateBalanceTransactionParams",
    "amount currency description metadata",
)
def create_balance_transaction(world: World, params: Params, customer_id: str) -> dict[str, Any]:
    customer = world.get("customer", customer_id)
    world.writable(customer)
    ending = customer["balance"] + params["amount"]
    world.update(customer, {"balance": ending}, "customer.updated")
    made = balances.record(
        world, customer, params["amount"], kind="adjustment", currency=params["currency"]
    )
    told = {
        "description": params.get("description"),
        "metadata": merge_metadata({}, params.get("metadata")),
    }
    return world.update(made, told)


@route("GET", _PATH, "CustomerListBalanceTransactionsParams", f"{LIST_PARAMS} created invoice")
def list_balance_transactions(world: World, params: Params, customer_id: str) -> dict[str, Any]:
    world.get("customer", customer_id)
    url = f"/v1/customers/{customer_id}/balance_transactions"
    return stored_page(world, KIND, params, url, "invoice", ("customer = ?", customer_id))


@route("GET", f"{_PATH}/{{transaction}}", "CustomerRetrieveBalanceTransactionParams")
def retrieve_balance_transaction(
    world: World, params: Params, customer_id: str, object_id: str
) -> dict[str, Any]:
    found = world.get(KIND, object_id)
    if found["customer"] != customer_id:
        raise missing(KIND, object_id)
    return found
