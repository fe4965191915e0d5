"""Early fraud warnings (Stripe docs: api/radar/early_fraud_warnings)."""

from __future__ import annotations

from typing import Any

from caixa_subscriptions.simulator.lists import stored_page
from caixa_subscriptions.simulator.routes import LIST_PARAMS, Params, route
from caixa_subscriptions.simulator.warning import KIND
from caixa_subscriptions.simulator.world import World

_URL = "/v1/radar/early_fraud_warnings"


@route("GET", f"{_URL}/{{warning}}", "radar.EarlyFraudWarningRetrieveParams")
def retrieve_warning(world: World, params: Params, warning_id: str) -> dict[str, Any]:
    return world.get(KIND, warning_id)


@route(
    "GET",
    _URL,
    "radar.EarlyFraudWarningListParams",
    f"{LIST_PARAMS} charge created payment_intent",
)
def list_warnings(world: World, params: Params) -> dict[str, Any]:
    return stored_page(world, KIND, params, _URL, "charge payment_intent")
