"""Customers, and one with all that is theirs."""

from __future__ import annotations

from collections.abc import Mapping

from caixa_subscriptions.simulator.core import Simulator
from caixa_subscriptions.simulator.money import NOTHING, money
from caixa_subscriptions.simulator.pages import wording
from caixa_subscriptions.simulator.pages.dashboard.events import log
from caixa_subscriptions.simulator.pages.dashboard.frame import show
from caixa_subscriptions.simulator.pages.dashboard.invoices import invoices
from caixa_subscriptions.simulator.pages.dashboard.objects import checkouts
from caixa_subscriptions.simulator.pages.dashboard.parts import (
    Column,
    badge,
    code,
    day,
    facts,
    link,
    section,
    table,
    who,
)
from caixa_subscriptions.simulator.pages.dashboard.pieces import piece, url
from caixa_subscriptions.simulator.pages.dashboard.subscriptions import subscriptions
from caixa_subscriptions.simulator.pages.dashboard.upcoming import listing, now_of
from caixa_subscriptions.simulator.pages.html import Html, fill
from caixa_subscriptions.simulator.pages.response import PageError, PageResponse

# Shown of each kind on a customer's page.
SHOWN = 10


def list_customers(simulator: Simulator, query: Mapping[str, str]) -> PageResponse:
    found, links = piece(simulator.list_objects, "customers", query, {}, "customer")
    rows = [
        (
            link(one["id"], who(one, one["id"])),
            one["email"] or NOTHING,
            _statuses(simulator, one["id"]),
            code(one["id"]),
            day(one["created"]),
        )
        for one in found
    ]
    columns = (
        Column("Customer"),
        Column("E-mail", "minor"),
        Column("Subscriptions"),
        Column("Id", "minor"),
        Column("Created", "minor"),
    )
    return show(
        "Customers",
        fill('<div class="card flush">{table}</div>', table=table("Customers", columns, rows)),
        links,
        here="customers",
    )


def _statuses(simulator: Simulator, customer_id: str) -> list[Html]:
    found = simulator.list_objects("subscription", customer=customer_id, limit=3)
    return [fill("{badge} ", badge=badge(one["status"])) for one in found]


def show_customer(simulator: Simulator, customer_id: str) -> PageResponse:
    customer = simulator.get_object(customer_id)
    if customer is None or customer["object"] != "customer":
        raise PageError(404, "Customer not found", "There is no such customer, or no more.")
    now = now_of(simulator, customer)
    theirs = {
        kind: simulator.list_objects(kind, customer=customer_id, limit=SHOWN)
        for kind in ("subscription", "invoice", "checkout.session", "payment_method")
    }
    ids = [one["id"] for found in theirs.values() for one in found]
    return show(
        who(customer, customer_id),
        facts(
            [
                ("E-mail", customer["email"]),
                ("Id", code(customer_id)),
                ("Card", _card(simulator, customer)),
                ("Balance", money(customer["balance"], customer["currency"])),
                ("Created", day(customer["created"])),
                ("Time of the clock", wording.time(now)),
            ]
        ),
        section("Subscriptions", subscriptions(simulator, theirs["subscription"])),
        section(
            "What comes next",
            fill(
                '<div class="inside">{next}</div>',
                next=listing(simulator, simulator.upcoming(*ids, limit=SHOWN) if ids else [], now),
            ),
        ),
        section("Invoices", invoices(simulator, theirs["invoice"], customer=False)),
        section("Checkout sessions", checkouts(simulator, theirs["checkout.session"])),
        section("Payment methods", _cards(theirs["payment_method"])),
        section(
            "Events",
            log(simulator.list_events(limit=2 * SHOWN, customer=customer_id), now=now),
            more=(url("events", {"customer": customer_id}), "All of them"),
        ),
        here="customers",
    )


def _card(simulator: Simulator, customer: Mapping[str, object]) -> str:
    settings = customer["invoice_settings"]
    default = settings["default_payment_method"] if isinstance(settings, dict) else None
    return wording.card(simulator.get_object(default) if default else None)


def _cards(found: list[dict[str, object]]) -> Html:
    return table(
        "Payment methods",
        (Column("Card", "wrap"), Column("Id", "minor")),
        [(link(str(one["id"]), wording.card(one)), code(one["id"])) for one in found],
    )
