from __future__ import annotations

from typing import Any

from caixa_subscriptions.simulator.errors import StripeError, invalid
from caixa_subscriptions.simulator.lists import Condition, stored_page
from caixa_subscriptions.simulator.objects import DAY
from caixa_subscriptions.simulator.objects.events import KEPT_DAYS
from caixa_subscriptions.simulator.routes import LIST_PARAMS, Params, route
from caixa_subscriptions.simulator.world import World

_KEPT = "coalesce(json_extract(unpacked(data), '$._stored'), created) >= ?"
_UNDELIVERED = "select 1 from deliveries where event_id = objects.id and status != 'delivered'"


@route("GET", "/v1/events/{event}", "EventRetrieveParams")
def retrieve_event(world: World, params: Params, event_id: str) -> dict[str, Any]:
    event = world.store.get(event_id)
    if event is None or event["object"] != "event" or not _is_kept(world, event):
        raise StripeError(404, f"No such event: '{event_id}'", code="resource_missing", param="id")
    return event


def _is_kept(world: World, event: Params) -> bool:
    return bool((event.get("_stored") or event["created"]) >= _since(world))


def _since(world: World) -> int:
    return world.wall() - KEPT_DAYS * DAY


@route("GET", "/v1/events", "EventListParams", f"{LIST_PARAMS} created delivery_success type types")
def list_events(world: World, params: Params) -> dict[str, Any]:
    if params.get("type") and params.get("types"):
        raise invalid("You may only specify one of these parameters: type, types.")
    patterns = params.get("types") or [params.get("type", "*")]  # `invoice.*` is a group
    conditions: list[Condition]
    if len(patterns) == 1 and "*" not in patterns[0]:
        conditions = [("type = ?", patterns[0])]
    else:  # the plus keeps SQLite from sorting by time what it finds by type
        conditions = [(" or ".join(["+type glob ?"] * len(patterns)), *patterns)]
    conditions.append((_KEPT, _since(world)))
    if "delivery_success" in params:
        delivered = "not exists" if params["delivery_success"] else "exists"
        conditions.append((f"{delivered} ({_UNDELIVERED})",))
    return stored_page(world, "event", params, "/v1/events", "", *conditions)
