"""Giving money back (Stripe docs: refunds; recorded)."""

from __future__ import annotations

from typing import Any

from caixa_subscriptions.simulator import objects
from caixa_subscriptions.simulator.errors import StripeError, invalid
from caixa_subscriptions.simulator.money import money
from caixa_subscriptions.simulator.tasks import task
from caixa_subscriptions.simulator.world import WALL, World

NOT_REFUNDABLE = ("boleto",)


def refund_charge(
    world: World,
    charge: dict[str, Any],
    *,
    amount: int | None = None,
    reason: str | None = None,
    metadata: dict[str, str] | None = None,
) -> dict[str, Any]:
    """`amount` in the smallest unit, all that is left by default. Its subscription and invoice stay
    as they are.

    Raises StripeError for more than is left, and for what was never paid or is disputed.
    """
    left = charge["amount_captured"] - charge["amount_refunded"]
    amount = left if amount is None else amount
    _check(charge, amount, left)
    now = world.now(world.clock_of(charge) or WALL)
    refund = objects.refund(
        world.ids.new("refund"),
        charge=charge,
        amount=amount,
        reason=reason,
        metadata=metadata or {},
        created=now,
    )
    transaction = objects.balance_transaction(
        world.ids.new("balance_transaction"),
        source=refund,
        type="refund",
        amount=-amount,
        created=now,
    )
    world.store.put(transaction)
    refund["balance_transaction"] = transaction["id"]
    kind = charge["payment_method_details"]["type"]
    if kind != "card":
        refund["destination_details"] = {kind: {}, "type": kind}
    world.add(refund, "refund.created")
    refunded = charge["amount_refunded"] + amount
    changes = {"amount_refunded": refunded, "refunded": refunded == charge["amount"]}
    world.update(charge, changes, "charge.refunded")
    if kind == "card":  # the bank's reference comes a moment later (recorded: it is pending)
        world.schedule(refund, "reference_refund", world.wall(), WALL)
    return refund


def _check(charge: dict[str, Any], amount: int, left: int) -> None:
    charge_id, currency = charge["id"], charge["currency"]
    if charge["status"] != "succeeded" or not charge["captured"]:
        raise invalid(f"Charge {charge_id} has not been paid, so it cannot be refunded.")
    if charge["payment_method_details"]["type"] in NOT_REFUNDABLE:
        raise invalid(f"Charge {charge_id} cannot be refunded: its payment method does not.")
    if charge["disputed"] and not charge.get("_inquiry"):
        raise StripeError(
            400,
            f"Charge {charge_id} has been charged back; cannot issue a refund.",
            code="charge_disputed",
        )
    if not left:
        raise StripeError(
            400, f"Charge {charge_id} has already been refunded.", code="charge_already_refunded"
        )
    if amount < 1:
        raise StripeError(400, "Invalid positive integer", param="amount")
    if amount > left:
        of = "unrefunded amount on charge" if charge["amount_refunded"] else "charge amount"
        raise invalid(
            f"Refund amount ({money(amount, currency)}) is greater than {of} "
            f"({money(left, currency)})",
            "amount",
        )


@task("reference_refund", rank=7)
def _reference_refund(world: World, refund: dict[str, Any]) -> None:
    details = refund["destination_details"]
    found = details["card"] | {
        "reference": world.ids.digits(23),
        "reference_status": "available",
    }
    update_refund(world, refund, {"destination_details": details | {"card": found}})


def update_refund(world: World, refund: dict[str, Any], changes: dict[str, Any]) -> None:
    """Told twice, by the new event and by the old one of charges (Stripe docs: event types)."""
    before = dict(refund)
    world.update(refund, changes, "refund.updated")
    world.tell_update(before, refund, "charge.refund.updated")
