"""Charges their owner denies: disputes, from the bank's letter to its verdict.

Source: Stripe docs: disputes, testing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from caixa_subscriptions.simulator import objects
from caixa_subscriptions.simulator.errors import invalid
from caixa_subscriptions.simulator.following import follows
from caixa_subscriptions.simulator.objects import DAY
from caixa_subscriptions.simulator.tasks import task
from caixa_subscriptions.simulator.world import WALL, World

# Test cards whose charges are disputed as soon as they are paid.
DISPUTED = {
    "4000000000000259": "fraudulent",
    "4000000000001976": "fraudulent",
    "4000000000002685": "product_not_received",
}
INQUIRIES = ("4000000000001976",)
RESPONSE_DAYS = 9
FEE = 1500  # of the list price in the US, in cents
# What decides a dispute in test mode, sent as `uncategorized_text`.
VERDICTS = {"winning_evidence": "won", "losing_evidence": "lost"}
OPEN = ("needs_response", "under_review", "warning_needs_response", "warning_under_review")


@follows("charge.succeeded")
def _await_dispute(world: World, charge: dict[str, Any], previous: Mapping[str, Any]) -> None:
    method = world.store.get(charge["payment_method"] or "") or {}
    if method.get("_number") in DISPUTED:
        world.schedule(charge, "dispute", world.wall(), WALL)


@task("dispute", rank=8)
def _dispute(world: World, charge: dict[str, Any]) -> None:
    number = world.get("payment_method", charge["payment_method"])["_number"]
    if charge["captured"]:
        open_dispute(world, charge, reason=DISPUTED[number], inquiry=number in INQUIRIES)


def open_dispute(
    world: World, charge: dict[str, Any], *, reason: str, inquiry: bool = False
) -> dict[str, Any]:
    """An inquiry takes no money yet; its charge can still be refunded."""
    clock = world.clock_of(charge)
    now = world.now(clock or WALL)
    dispute = objects.dispute(
        world.ids.new("dispute"),
        charge=charge,
        reason=reason,
        inquiry=inquiry,
        due_by=now + RESPONSE_DAYS * DAY,
        created=now,
    )
    changes = {"disputed": True, "dispute": dispute["id"], "_inquiry": inquiry}
    world.update(charge, changes, "charge.updated")
    world.add(dispute, "charge.dispute.created")
    if not inquiry:
        _move(world, dispute, -dispute["amount"], "charge.dispute.funds_withdrawn", fee=FEE)
    world.schedule(dispute, "dispute_due", dispute["evidence_details"]["due_by"], clock)
    return dispute


def _move(world: World, dispute: dict[str, Any], amount: int, event: str, *, fee: int = 0) -> None:
    transaction = objects.balance_transaction(
        world.ids.new("balance_transaction"),
        source=dispute,
        type="adjustment",
        amount=amount,
        fee=fee,
        created=world.now(world.clock_of(dispute) or WALL),
    )
    world.store.put(transaction)
    moved = [*dispute["balance_transactions"], transaction]
    world.update(dispute, {"balance_transactions": moved}, event)


def require_open(dispute: dict[str, Any]) -> None:
    if dispute["status"] not in OPEN:
        raise invalid("This dispute is already closed")


def respond(
    world: World, dispute: dict[str, Any], evidence: dict[str, str], *, submit: bool
) -> None:
    """Keep the evidence and, with `submit`, send it to the bank."""
    details = dispute["evidence_details"]
    changes = {
        "evidence": dispute["evidence"] | {key: text or None for key, text in evidence.items()},
        "evidence_details": details
        | {"has_evidence": True, "submission_count": details["submission_count"] + submit},
    }
    if submit:
        changes["status"] = dispute["status"].replace("needs_response", "under_review")
        world.unschedule(dispute, "dispute_due")
    world.update(dispute, changes, "charge.dispute.updated")
    verdict = VERDICTS.get(changes["evidence"]["uncategorized_text"] or "")
    if submit and verdict:
        close(world, dispute, won=verdict == "won")


def close(world: World, dispute: dict[str, Any], *, won: bool = False) -> None:
    """The verdict; a dispute won gives the money back, but for its fee."""
    inquiry = dispute["status"].startswith("warning")
    status = "warning_closed" if inquiry else "won" if won else "lost"
    world.unschedule(dispute)
    world.update(dispute, {"status": status}, "charge.dispute.closed")
    if status == "won":
        _move(world, dispute, dispute["amount"], "charge.dispute.funds_reinstated")


@task("dispute_due", rank=7)
def _lose(world: World, dispute: dict[str, Any]) -> None:
    """Nobody has answered."""
    details = dispute["evidence_details"] | {"past_due": True}
    world.update(dispute, {"evidence_details": details})
    close(world, dispute)
