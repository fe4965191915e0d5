"""Tax rates: kept and shown. Nothing is taxed by them."""

from __future__ import annotations

from typing import Any

from caixa_subscriptions.simulator import objects
from caixa_subscriptions.simulator.errors import invalid
from caixa_subscriptions.simulator.lists import stored_page
from caixa_subscriptions.simulator.params import merge_metadata
from caixa_subscriptions.simulator.routes import LIST_PARAMS, Params, route
from caixa_subscriptions.simulator.world import World

_PLAIN = "active country description display_name jurisdiction state tax_type"


@route("POST", "/v1/tax_rates", "TaxRateCreateParams", f"{_PLAIN} inclusive metadata percentage")
def create_tax_rate(world: World, params: Params) -> dict[str, Any]:
    if not 0 <= params["percentage"] <= 100:
        raise invalid("The percentage must be from 0 to 100.", "percentage")
    rate = objects.tax_rate(
        world.ids.new("tax_rate"),
        display_name=params["display_name"],
        percentage=params["percentage"],
        inclusive=params["inclusive"],
        created=world.now(),
    )
    rate |= _changes(rate, params)
    return world.add(rate, "tax_rate.created")


def _changes(rate: dict[str, Any], params: Params) -> dict[str, Any]:
    changes = {key: params[key] for key in _PLAIN.split() if key in params}
    return changes | {"metadata": merge_metadata(rate["metadata"], params.get("metadata"))}


@route("GET", "/v1/tax_rates/{tax_rate}", "TaxRateRetrieveParams")
def retrieve_tax_rate(world: World, params: Params, tax_rate_id: str) -> dict[str, Any]:
    return world.get("tax_rate", tax_rate_id)


@route("POST", "/v1/tax_rates/{tax_rate}", "TaxRateUpdateParams", f"{_PLAIN} metadata")
def update_tax_rate(world: World, params: Params, tax_rate_id: str) -> dict[str, Any]:
    rate = world.get("tax_rate", tax_rate_id)
    return world.update(rate, _changes(rate, params), "tax_rate.updated")


@route("GET", "/v1/tax_rates", "TaxRateListParams", f"{LIST_PARAMS} active created inclusive")
def list_tax_rates(world: World, params: Params) -> dict[str, Any]:
    return stored_page(world, "tax_rate", params, "/v1/tax_rates", "active inclusive")
