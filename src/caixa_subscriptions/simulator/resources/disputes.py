"""Disputes (Stripe docs: api/disputes)."""

from __future__ import annotations

from typing import Any

from caixa_subscriptions.simulator import disputing
from caixa_subscriptions.simulator.lists import stored_page
from caixa_subscriptions.simulator.objects import EVIDENCE_TEXTS
from caixa_subscriptions.simulator.params import merge_metadata
from caixa_subscriptions.simulator.routes import LIST_PARAMS, Params, route
from caixa_subscriptions.simulator.world import World

_EVIDENCE = " ".join(f"evidence.{name}" for name in EVIDENCE_TEXTS)


@route("GET", "/v1/disputes/{dispute}", "DisputeRetrieveParams")
def retrieve_dispute(world: World, params: Params, dispute_id: str) -> dict[str, Any]:
    return world.get("dispute", dispute_id)


@route("GET", "/v1/disputes", "DisputeListParams", f"{LIST_PARAMS} charge created payment_intent")
def list_disputes(world: World, params: Params) -> dict[str, Any]:
    return stored_page(world, "dispute", params, "/v1/disputes", "charge payment_intent")


@route("POST", "/v1/disputes/{dispute}", "DisputeUpdateParams", f"metadata submit {_EVIDENCE}")
def update_dispute(world: World, params: Params, dispute_id: str) -> dict[str, Any]:
    """Evidence is sent to the bank unless `submit=false`; what was kept by that is sent by another
    call with `submit=true` (the SDK's text)."""
    dispute = world.get("dispute", dispute_id)
    metadata = merge_metadata(dispute["metadata"], params.get("metadata"))
    world.update(dispute, {"metadata": metadata}, "charge.dispute.updated")
    staged = params.get("submit") and dispute["evidence_details"]["has_evidence"]
    if "evidence" in params or staged:
        disputing.require_open(dispute)
        evidence = dict(params.get("evidence", {}))
        disputing.respond(world, dispute, evidence, submit=params.get("submit", True))
    return dispute


@route("POST", "/v1/disputes/{dispute}/close", "DisputeCloseParams")
def close_dispute(world: World, params: Params, dispute_id: str) -> dict[str, Any]:
    """Admits it, and so loses it."""
    dispute = world.get("dispute", dispute_id)
    disputing.require_open(dispute)
    disputing.close(world, dispute)
    return dispute
