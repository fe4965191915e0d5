"""A customer's balance: what invoices of a negative total leave, and later ones use.

Amounts are in the smallest unit; a negative balance is the customer's credit (Stripe docs:
customer balance).
"""

from __future__ import annotations

from typing import Any

from caixa_subscriptions.simulator import objects
from caixa_subscriptions.simulator.world import World


def settle(world: World, invoice: dict[str, Any], customer: dict[str, Any]) -> dict[str, int]:
    """Use the balance when an invoice is finalized; what changes on the invoice."""
    starting = customer["balance"]
    due = max(invoice["total"] + starting, 0)
    ending = starting + invoice["total"] - due
    move(world, customer, ending - starting, kind="applied_to_invoice", invoice=invoice)
    return {
        "starting_balance": starting,
        "amount_due": due,
        "amount_remaining": due,
        "ending_balance": ending,
    }


def give_back(world: World, invoice: dict[str, Any]) -> None:
    """What a void invoice had used or left."""
    if invoice["ending_balance"] is None:
        return
    used = invoice["ending_balance"] - invoice["starting_balance"]
    customer = world.store.get(invoice["customer"])
    if customer is not None:
        move(world, customer, -used, kind="unapplied_from_invoice", invoice=invoice)


def move(
    world: World,
    customer: dict[str, Any],
    amount: int,
    *,
    kind: str,
    currency: str | None = None,
    invoice: dict[str, Any] | None = None,
) -> None:
    """Add to the balance, with the transaction that tells why; nothing for no amount."""
    if amount:
        ending = customer["balance"] + amount
        world.update(customer, {"balance": ending}, "customer.updated")
        record(world, customer, amount, kind=kind, currency=currency, invoice=invoice)


def record(
    world: World,
    customer: dict[str, Any],
    amount: int,
    *,
    kind: str,
    currency: str | None = None,
    invoice: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The transaction of an amount that the balance has already."""
    transaction = objects.customer_balance_transaction(
        world.ids.new("customer_balance_transaction"),
        customer=customer,
        amount=amount,
        currency=currency or (invoice or customer)["currency"] or "usd",
        invoice=invoice["id"] if invoice else None,
        kind=kind,
        created=world.now_for(customer),
    )
    return world.add(transaction)
