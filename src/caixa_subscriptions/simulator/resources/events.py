from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

from caixa_subscriptions.simulator.errors import StripeError, invalid
from caixa_subscriptions.simulator.routes import (
    LIST_PARAMS,
    Params,
    created_matches,
    list_page,
    route,
)
from caixa_subscriptions.simulator.world import World


@route("GET", "/v1/events/{event}", "EventRetrieveParams")
def retrieve_event(world: World, params: Params, event_id: str) -> dict[str, Any]:
    event = world.store.get(event_id)
    if event is None or event["object"] != "event":
        raise StripeError(404, f"No such event: '{event_id}'", code="resource_missing", param="id")
    return event


@route("GET", "/v1/events", "EventListParams", f"{LIST_PARAMS} created delivery_success type types")
def list_events(world: World, params: Params) -> dict[str, Any]:
    if params.get("type") and params.get("types"):
        raise invalid("You may only specify one of these parameters: type, types.")
    patterns = params.get("types") or [params.get("type", "*")]  # `invoice.*` is a group
    found = [
        one
        for one in world.store.all("event")
        if any(fnmatchcase(one["type"], pattern) for pattern in patterns)
        and created_matches(one, params.get("created"))
    ]
    if "delivery_success" in params:
        failed = {
            row["event_id"]
            for row in world.store.execute(
                "select distinct event_id from deliveries where status != 'delivered'"
            )
        }
        found = [one for one in found if (one["id"] not in failed) == params["delivery_success"]]
    return list_page(found, params, "/v1/events")
