from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlsplit

from caixa_subscriptions.simulator import objects
from caixa_subscriptions.simulator.errors import StripeError, invalid
from caixa_subscriptions.simulator.lists import stored_page
from caixa_subscriptions.simulator.objects import API_VERSION
from caixa_subscriptions.simulator.params import merge_metadata
from caixa_subscriptions.simulator.routes import LIST_PARAMS, Params, route
from caixa_subscriptions.simulator.signatures import rolled
from caixa_subscriptions.simulator.versions import checked
from caixa_subscriptions.simulator.world import World

MAX_ENDPOINTS = 16
_FIELDS = "description enabled_events metadata url"


@route(
    "POST",
    "/v1/webhook_endpoints",
    "WebhookEndpointCreateParams",
    f"{_FIELDS} api_version",
)
def create_endpoint(world: World, params: Params) -> dict[str, Any]:
    """The secret is in this answer only."""
    _check_url(params["url"])
    checked(params.get("api_version", API_VERSION))
    if len(world.store.all("webhook_endpoint")) >= MAX_ENDPOINTS:
        raise invalid(f"You have reached the maximum of {MAX_ENDPOINTS} test webhook endpoints.")
    endpoint = objects.webhook_endpoint(
        world.ids.new("webhook_endpoint"),
        url=params["url"],
        enabled_events=params["enabled_events"],
        api_version=params.get("api_version", API_VERSION),
        secret=_new_secret(world),
        created=world.wall(),
    )
    endpoint["description"] = params.get("description")
    endpoint["metadata"] = merge_metadata({}, params.get("metadata"))
    world.store.put(endpoint)
    return endpoint | {"secret": endpoint["_secret"]}


def _check_url(url: str) -> None:
    if not url.startswith(("http://", "https://")):
        raise StripeError(400, "Invalid URL: An explicit scheme must be provided.", param="url")
    try:
        parts = urlsplit(url)
        valid = bool(parts.hostname and parts.port != 0)
    except ValueError:
        valid = False
    if not valid:
        raise StripeError(400, "Invalid URL: URL must be a valid address.", param="url")


@route("GET", "/v1/webhook_endpoints/{endpoint}", "WebhookEndpointRetrieveParams")
def retrieve_endpoint(world: World, params: Params, endpoint_id: str) -> dict[str, Any]:
    return world.get("webhook_endpoint", endpoint_id)


@route(
    "POST",
    "/v1/webhook_endpoints/{endpoint}",
    "WebhookEndpointUpdateParams",
    f"{_FIELDS} disabled",
)
def update_endpoint(world: World, params: Params, endpoint_id: str) -> dict[str, Any]:
    endpoint = world.get("webhook_endpoint", endpoint_id)
    changes: Params = {
        key: params[key] for key in ("description", "enabled_events", "url") if key in params
    }
    if "url" in changes:
        _check_url(changes["url"])
    if "disabled" in params:
        changes["status"] = "disabled" if params["disabled"] else "enabled"
    changes["metadata"] = merge_metadata(endpoint["metadata"], params.get("metadata"))
    return world.update(endpoint, changes)


@route("DELETE", "/v1/webhook_endpoints/{endpoint}", "WebhookEndpointDeleteParams")
def delete_endpoint(world: World, params: Params, endpoint_id: str) -> dict[str, Any]:
    world.get("webhook_endpoint", endpoint_id)
    world.store.delete(endpoint_id)
    return {"id": endpoint_id, "object": "webhook_endpoint", "deleted": True}


@route("GET", "/v1/webhook_endpoints", "WebhookEndpointListParams", LIST_PARAMS)
def list_endpoints(world: World, params: Params) -> dict[str, Any]:
    return stored_page(world, "webhook_endpoint", params, "/v1/webhook_endpoints")


def roll_secret(world: World, endpoint_id: str, *, overlap: int) -> str:
    """The new secret; the old one goes on for `overlap` seconds. Raises ValueError over 24 hours.

    Stripe does this in the dashboard; its API has no call for it.
    """
    endpoint = world.get("webhook_endpoint", endpoint_id)
    secret = _new_secret(world)
    world.update(endpoint, rolled(endpoint, secret, now=time.time(), overlap=overlap))
    return secret


def _new_secret(world: World) -> str:
    return "whsec_" + world.ids.token(32)
