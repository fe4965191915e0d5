"""Search, Checkout Sessions, and objects without a page of their own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from caixa_subscriptions.simulator.core import Simulator
from caixa_subscriptions.simulator.money import money
from caixa_subscriptions.simulator.pages import wording
from caixa_subscriptions.simulator.pages.dashboard import events
from caixa_subscriptions.simulator.pages.dashboard.frame import show
from caixa_subscriptions.simulator.pages.dashboard.parts import (
    Column,
    address,
    badge,
    link,
    moment,
    section,
    table,
)
from caixa_subscriptions.simulator.pages.dashboard.payload import show_json
from caixa_subscriptions.simulator.pages.dashboard.pieces import filters, piece
from caixa_subscriptions.simulator.pages.dashboard.upcoming import owner
from caixa_subscriptions.simulator.pages.html import Html, fill
from caixa_subscriptions.simulator.pages.response import (
    PageError,
    PageResponse,
    is_web_url,
    redirect_response,
)


def find(simulator: Simulator, query: Mapping[str, str]) -> PageResponse:
    """One exact id leads straight to it."""
    text = query.get("q", "").strip()[:200]
    found = simulator.search(text, limit=20) if text else []
    if [one["id"] for one in found] == [text]:
        return redirect_response(address(text))
    rows = [(link(one["id"]), kind(one), _says(one), badge_of(one)) for one in found]
    columns = ("Id", Column("Kind", "minor"), "Name", "Status")
    empty = "Nothing was found." if text else "Write an id, an e-mail, a name or a number."
    return show(
        f"Results for {text}" if text else "Search",
        fill('<div class="card flush">{t}</div>', t=table("Results", columns, rows, empty=empty)),
        here="search",
        query=text,
    )


def kind(obj: Mapping[str, Any]) -> str:
    return wording.words(obj["object"].rpartition(".")[2])


def _says(obj: Mapping[str, Any]) -> str:
    return next(
        (str(obj[key]) for key in ("name", "number", "email", "type", "nickname") if obj.get(key)),
        "",
    )


def badge_of(obj: Mapping[str, Any]) -> Html | None:
    return badge(obj["status"]) if isinstance(obj.get("status"), str) else None


def show_object(simulator: Simulator, object_id: str) -> PageResponse:
    obj = simulator.get_object(object_id)
    if obj is None:
        raise PageError(404, "Object not found", "There is no object with this id, or no more.")
    if "/objects/" not in address(object_id):
        return redirect_response(address(object_id))
    return show(
        kind(obj).capitalize(),
        section("Object", show_json(obj, "Object")),
        section(
            "Events", events.log(simulator.list_events(limit=10, about=[object_id]), named=False)
        ),
        here="objects",
        heading=fill("{kind} <code>{id}</code>", kind=kind(obj).capitalize(), id=object_id),
        aside=badge_of(obj),
    )


def list_checkouts(simulator: Simulator, query: Mapping[str, str]) -> PageResponse:
    status = query.get("status", "")
    by = {"status": status} if status else {}
    found, links = piece(simulator.list_objects, "checkouts", query, by, "checkout.session", **by)
    counts = simulator.count_statuses("checkout.session")
    return show(
        "Checkouts",
        filters("checkouts", "status", counts, status),
        fill('<div class="card flush">{table}</div>', table=checkouts(simulator, found)),
        links,
        here="checkouts",
    )


def checkouts(simulator: Simulator, found: Iterable[Mapping[str, Any]]) -> Html:
    columns = (
        Column("Session"),
        Column("Status"),
        Column("For"),
        Column("Payment", "minor"),
        Column("Due today", "number"),
        Column("Created", "minor"),
        Column("Page"),
    )
    return table(
        "Checkout sessions",
        columns,
        [
            (
                link(one["id"], fill('<code class="cut">{id}</code>', id=one["id"])),
                badge(one["status"]),
                owner(simulator, one),
                wording.words(one["payment_status"]),
                money(one["amount_total"], one["currency"]),
                moment(one["created"]),
                _open(one),
            )
            for one in found
        ],
    )


def _open(session: Mapping[str, Any]) -> Html | None:
    if session["status"] != "open" or not is_web_url(session["url"]):
        return None
    return fill('<a href="{url}">Open<span class="hidden"> checkout</span></a>', url=session["url"])
