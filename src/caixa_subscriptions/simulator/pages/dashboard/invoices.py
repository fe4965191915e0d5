"""Invoices; one with its lines, its payments, and a button that pays it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from caixa_subscriptions.simulator.core import Simulator
from caixa_subscriptions.simulator.money import NOTHING, money
from caixa_subscriptions.simulator.pages import wording
from caixa_subscriptions.simulator.pages.dashboard.events import log
from caixa_subscriptions.simulator.pages.dashboard.frame import show
from caixa_subscriptions.simulator.pages.dashboard.parts import (
    Column,
    address,
    badge,
    button,
    code,
    day,
    facts,
    link,
    moment,
    section,
    table,
)
from caixa_subscriptions.simulator.pages.dashboard.payload import show_json
from caixa_subscriptions.simulator.pages.dashboard.pieces import filters, piece, url
from caixa_subscriptions.simulator.pages.dashboard.upcoming import now_of, owner
from caixa_subscriptions.simulator.pages.html import Html, fill
from caixa_subscriptions.simulator.pages.response import (
    PageError,
    PageResponse,
    redirect_response,
)

PLACE = "invoices"
SHOWN = 12
KEY = {"Authorization": "Bearer sk_test_simulator000000000000000000"}


def list_invoices(simulator: Simulator, query: Mapping[str, str]) -> PageResponse:
    status = query.get("status", "")
    by = {"status": status} if status else {}
    found, links = piece(simulator.list_objects, PLACE, query, by, "invoice", **by)
    return show(
        "Invoices",
        filters(PLACE, "status", simulator.count_statuses("invoice"), status),
        fill('<div class="card flush">{table}</div>', table=invoices(simulator, found)),
        links,
        here=PLACE,
    )


def invoices(
    simulator: Simulator, found: Iterable[Mapping[str, Any]], *, customer: bool = True
) -> Html:
    """`customer`: whether to say whose they are."""
    columns = [
        Column("Number"),
        Column("Status"),
        Column("Total", "number"),
        *([Column("Customer")] if customer else []),
        Column("Reason", "minor"),
        Column("Attempts", "number minor"),
        Column("Next attempt", "minor"),
        Column("Created", "minor"),
    ]
    return table(
        "Invoices",
        columns,
        [
            [
                link(one["id"], one["number"] or "Draft"),
                badge(one["status"]),
                money(one["total"], one["currency"]),
                *([owner(simulator, one)] if customer else []),
                wording.words(one["billing_reason"] or ""),
                one["attempt_count"],
                moment(one["next_payment_attempt"]),
                moment(one["created"]),
            ]
            for one in found
        ],
    )


def show_invoice(
    simulator: Simulator, invoice_id: str, *, problem: str | None = None, status: int = 200
) -> PageResponse:
    invoice = simulator.get_object(invoice_id)
    if invoice is None or invoice["object"] != "invoice":
        raise PageError(404, "Invoice not found", "There is no such invoice.")
    now = now_of(simulator, invoice)
    due = invoice["next_payment_attempt"]
    return show(
        f"Invoice {invoice['number']}" if invoice["number"] else "Draft invoice",
        facts(
            [
                ("Customer", link(invoice["customer"], owner(simulator, invoice))),
                ("Subscription", link(_subscription(invoice))),
                ("Id", code(invoice_id)),
                ("Reason", wording.words(invoice["billing_reason"] or "")),
                ("Created", day(invoice["created"])),
                ("Attempts", invoice["attempt_count"]),
                ("Next attempt", moment(due, now) if due else None),
            ]
        ),
        _pay(invoice),
        section("Lines", _lines(invoice)),
        section("Payments", _payments(simulator, invoice)),
        section(
            "Events",
            log(simulator.list_events(limit=SHOWN, about=[invoice_id]), now=now, named=False),
            more=(url("events", {"object": invoice_id}), "All of them"),
        ),
        fill(
            '<details class="card"><summary>The whole object</summary>{json}</details>',
            json=show_json(invoice, "Invoice"),
        ),
        here=PLACE,
        aside=badge(invoice["status"]),
        problem=problem,
        status=status,
    )


def _subscription(invoice: Mapping[str, Any]) -> str | None:
    details = (invoice["parent"] or {}).get("subscription_details") or {}
    return details.get("subscription")


def _pay(invoice: Mapping[str, Any]) -> Html | None:
    if invoice["status"] != "open":
        return None
    return fill(
        """<div class="card pay"><p><strong>{due}</strong> is due.
<span class="fine">Paying charges the customer's default card.</span></p>{button}</div>""",
        due=money(invoice["amount_remaining"], invoice["currency"]),
        button=button(f"invoices/{invoice['id']}/pay", "Pay now", style="primary"),
    )


def pay_invoice(simulator: Simulator, invoice_id: str) -> PageResponse:
    """By the API's own way, so that a decline leaves behind what it does there."""
    answer = simulator.request("POST", f"/v1/invoices/{invoice_id}/pay", {}, headers=KEY)
    if answer.status == 200:
        return redirect_response(address(invoice_id))
    problem = answer.body["error"]["message"]
    return show_invoice(simulator, invoice_id, problem=problem, status=answer.status)


def _lines(invoice: Mapping[str, Any]) -> Html:
    currency = invoice["currency"]
    rows = [
        (
            one["description"] or NOTHING,
            one["quantity"] if one["quantity"] is not None else NOTHING,
            fill(
                "{start} to {end}",
                start=day(one["period"]["start"]),
                end=day(one["period"]["end"]),
            ),
            money(one["amount"], currency),
        )
        for one in invoice["lines"]["data"]
    ]
    columns = (
        Column("Description", "wrap"),
        Column("Quantity", "number minor"),
        Column("Period", "minor"),
        Column("Amount", "number"),
    )
    return fill(
        "{table}{totals}",
        table=table("Lines", columns, rows),
        totals=fill(
            '<dl class="totals">{rows}</dl>',
            rows=[
                fill(
                    "<div><dt>{name}</dt><dd>{amount}</dd></div>",
                    name=name,
                    amount=money(invoice[key], currency),
                )
                for name, key in (
                    ("Subtotal", "subtotal"),
                    ("Total", "total"),
                    ("Paid", "amount_paid"),
                    ("Remaining", "amount_remaining"),
                )
            ],
        ),
    )


def _payments(simulator: Simulator, invoice: Mapping[str, Any]) -> Html:
    """The charges of its payment intents, newest first."""
    payments = simulator.list_objects(
        "invoice_payment", customer=invoice["customer"], invoice=invoice["id"], limit=SHOWN
    )
    charges = [
        charge
        for payment in payments
        for charge in simulator.list_objects(
            "charge",
            customer=invoice["customer"],
            payment_intent=payment["payment"].get("payment_intent"),
            limit=SHOWN,
        )
    ]
    rows = [
        (
            link(one["id"], moment(one["created"])),
            badge(one["status"]),
            money(one["amount"], one["currency"]),
            one["failure_message"] or wording.card(one["payment_method_details"]),
        )
        for one in charges
    ]
    columns = (
        "Attempt",
        "Status",
        Column("Amount", "number minor"),
        Column("Card or error", "wrap"),
    )
    return table("Payments", columns, rows, empty="No card was charged.")
