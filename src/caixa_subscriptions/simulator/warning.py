"""Charges their bank thinks are fraud: early fraud warnings.

Source: Stripe docs: disputes (early fraud warnings), testing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from caixa_subscriptions.simulator import objects
from caixa_subscriptions.simulator.following import follows
from caixa_subscriptions.simulator.tasks import task
from caixa_subscriptions.simulator.world import WALL, World

KIND = "radar.early_fraud_warning"
# The test card whose charges are warned of as soon as they are paid.
WARNED_OF = "4000000000005423"


@follows("charge.succeeded", "charge.captured")
def _await_warning(world: World, charge: dict[str, Any], previous: Mapping[str, Any]) -> None:
    """Banks warn of money that was taken, not of money that is held."""
    method = world.store.get(charge["payment_method"] or "") or {}
    if charge["captured"] and method.get("_number") == WARNED_OF:
        world.schedule(charge, "warn", world.wall(), WALL)


@task("warn", rank=8)
def _warn(world: World, charge: dict[str, Any]) -> None:
    warn(world, charge)


def warn(world: World, charge: dict[str, Any]) -> dict[str, Any]:
    warning = objects.early_fraud_warning(
        world.ids.new(KIND), charge=charge, created=world.now(world.clock_of(charge) or WALL)
    )
    return world.add(warning, f"{KIND}.created")


@follows("charge.refunded", "charge.dispute.created")
def _follow_charge(world: World, obj: dict[str, Any], previous: Mapping[str, Any]) -> None:
    """With the dispute, or with the last of the money given back, there is nothing left to do."""
    if obj["object"] == "charge" and not obj["refunded"]:
        return
    charge_id = obj["id"] if obj["object"] == "charge" else obj["charge"]
    for warning in world.store.all(KIND):
        if warning["charge"] == charge_id:
            world.update(warning, {"actionable": False}, f"{KIND}.updated")
