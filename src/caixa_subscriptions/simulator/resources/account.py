from __future__ import annotations

from typing import Any

from caixa_subscriptions.simulator import objects
from caixa_subscriptions.simulator.errors import missing
from caixa_subscriptions.simulator.routes import LIST_PARAMS, Params, list_page, route
from caixa_subscriptions.simulator.world import World


def _account(world: World) -> dict[str, Any]:
    return objects.account(created=int(world.store.get_meta("started") or world.wall()))


@route("GET", "/v1/account")
def retrieve_own_account(world: World, params: Params) -> dict[str, Any]:
    return _account(world)


@route("GET", "/v1/accounts/{account}", "AccountRetrieveParams")
def retrieve_account(world: World, params: Params, account_id: str) -> dict[str, Any]:
    if account_id != objects.ACCOUNT_ID:
        raise missing("account", account_id)
    return _account(world)


@route("GET", "/v1/accounts", "AccountListParams", LIST_PARAMS)
def list_accounts(world: World, params: Params) -> dict[str, Any]:
    return list_page([], params, "/v1/accounts")
