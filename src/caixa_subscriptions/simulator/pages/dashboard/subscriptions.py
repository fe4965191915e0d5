"""Subscriptions, and one drawn on its clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from caixa_subscriptions.simulator.core import Simulator
from caixa_subscriptions.simulator.money import NOTHING
from caixa_subscriptions.simulator.pages import wording
from caixa_subscriptions.simulator.pages.dashboard import timeline
from caixa_subscriptions.simulator.pages.dashboard.events import log
from caixa_subscriptions.simulator.pages.dashboard.frame import show
from caixa_subscriptions.simulator.pages.dashboard.invoices import invoices
from caixa_subscriptions.simulator.pages.dashboard.parts import (
    Column,
    badge,
    code,
    day,
    facts,
    link,
    section,
    table,
)
from caixa_subscriptions.simulator.pages.dashboard.payload import show_json
from caixa_subscriptions.simulator.pages.dashboard.pieces import filters, piece, url
from caixa_subscriptions.simulator.pages.dashboard.upcoming import listing, now_of, owner
from caixa_subscriptions.simulator.pages.html import Html, fill
from caixa_subscriptions.simulator.pages.response import PageError, PageResponse

PLACE = "subscriptions"
SHOWN = 12


def list_subscriptions(simulator: Simulator, query: Mapping[str, str]) -> PageResponse:
    status = query.get("status", "")
    by = {"status": status} if status else {}
    found, links = piece(simulator.list_objects, PLACE, query, by, "subscription", **by)
    return show(
        "Subscriptions",
        filters(PLACE, "status", simulator.count_statuses("subscription"), status),
        fill('<div class="card flush">{table}</div>', table=subscriptions(simulator, found)),
        links,
        here=PLACE,
    )


def subscriptions(simulator: Simulator, found: Iterable[Mapping[str, Any]]) -> Html:
    columns = (
        Column("Customer"),
        Column("Status"),
        Column("Price", "number"),
        Column("Trial ends", "minor"),
        Column("Period ends", "minor"),
        Column("Cancels", "minor"),
        Column("Id", "minor"),
    )
    return table(
        "Subscriptions",
        columns,
        [
            (
                link(one["id"], owner(simulator, one)),
                badge(one["status"]),
                price_of(one["items"]["data"][0]),
                day(one["trial_end"]),
                day(wording.period_end(one)),
                day(one["cancel_at"]),
                fill('<code class="cut">{id}</code>', id=one["id"]),
            )
            for one in found
        ],
    )


def price_of(item: Mapping[str, Any]) -> str:
    amount = wording.price_amount(item["price"], item.get("quantity") or 1)
    return f"{amount} {wording.interval(item['price'])}"


def show_subscription(simulator: Simulator, subscription_id: str) -> PageResponse:
    one = simulator.get_object(subscription_id)
    if one is None or one["object"] != "subscription":
        raise PageError(404, "Subscription not found", "There is no such subscription.")
    now = now_of(simulator, one)
    billed = simulator.list_objects(
        "invoice",
        customer=one["customer"],
        limit=SHOWN,
        parent__subscription_details__subscription=subscription_id,
    )
    ids = [subscription_id, *(invoice["id"] for invoice in billed)]
    return show(
        f"Subscription of {owner(simulator, one)}",
        facts(
            [
                ("Customer", link(one["customer"], owner(simulator, one))),
                ("Id", code(subscription_id)),
                ("Collection", wording.words(one["collection_method"])),
                ("Started", day(one["start_date"])),
                ("Cancels", day(one["cancel_at"])),
                ("Time of the clock", wording.time(now)),
            ]
        ),
        section("Timeline", timeline.draw(one, billed, now)),
        section(
            "What comes next",
            fill(
                '<div class="inside">{next}</div>',
                next=listing(simulator, simulator.upcoming(*ids, limit=SHOWN), now),
            ),
        ),
        section("Items", _items(simulator, one)),
        section("Invoices", invoices(simulator, billed, customer=False)),
        section(
            "Events",
            log(simulator.list_events(limit=SHOWN, about=[subscription_id]), now=now, named=False),
            more=(url("events", {"object": subscription_id}), "All of them"),
        ),
        fill(
            '<details class="card"><summary>The whole object</summary>{json}</details>',
            json=show_json(one, "Subscription"),
        ),
        here=PLACE,
        aside=badge(one["status"]),
    )


def _items(simulator: Simulator, subscription: Mapping[str, Any]) -> Html:
    columns = (
        Column("Product"),
        Column("Quantity", "number"),
        Column("Price", "number"),
        Column("Id", "minor"),
    )
    return table(
        "Items",
        columns,
        [
            (
                product_name(simulator, item["price"]["product"]),
                item.get("quantity") or NOTHING,
                price_of(item),
                link(item["price"]["id"]),
            )
            for item in subscription["items"]["data"]
        ],
    )


def product_name(simulator: Simulator, product_id: str) -> str:
    return str((simulator.get_object(product_id) or {}).get("name") or product_id)
