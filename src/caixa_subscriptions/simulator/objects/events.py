"""Events, the endpoints that hear of them, and test clocks."""

from __future__ import annotations

from typing import Any

from caixa_subscriptions.simulator.objects.common import API_VERSION, DAY

KEPT_DAYS = 30  # for which events are listed, retrieved and resent (Stripe docs: api/events)


def event(
    event_id: str,
    *,
    type: str,  # noqa: A002  Stripe's own name
    data: dict[str, Any],
    pending_webhooks: int,
    request: dict[str, str | None],
    created: int,
) -> dict[str, Any]:
    return {
        "id": event_id,
        "object": "event",
        "api_version": API_VERSION,
        "created": created,
        "data": data,
        "livemode": False,
        "pending_webhooks": pending_webhooks,
        "request": request,
        "type": type,
    }


def webhook_endpoint(
    endpoint_id: str,
    *,
    url: str,
    enabled_events: list[str],
    api_version: str,
    secret: str,
    created: int,
) -> dict[str, Any]:
    return {
        "id": endpoint_id,
        "object": "webhook_endpoint",
        "api_version": api_version,
        "application": None,
        "created": created,
        "description": None,
        "enabled_events": enabled_events,
        "livemode": False,
        "metadata": {},
        "status": "enabled",
        "url": url,
        "_secret": secret,
    }


def test_clock(
    clock_id: str, *, frozen_time: int, name: str | None, created: int
) -> dict[str, Any]:
    return {
        "id": clock_id,
        "object": "test_helpers.test_clock",
        "created": created,
        "deletes_after": created + 30 * DAY,
        "frozen_time": frozen_time,
        "livemode": False,
        "name": name,
        "status": "ready",
        "status_details": {},
    }
