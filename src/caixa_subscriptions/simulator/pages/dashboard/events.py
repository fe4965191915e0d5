"""The event log, and one event with its payload and deliveries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from caixa_subscriptions.simulator.core import Simulator
from caixa_subscriptions.simulator.pages import wording
from caixa_subscriptions.simulator.pages.dashboard import deliveries
from caixa_subscriptions.simulator.pages.dashboard.frame import show
from caixa_subscriptions.simulator.pages.dashboard.parts import (
    address,
    code,
    dotted,
    facts,
    link,
    moment,
    section,
)
from caixa_subscriptions.simulator.pages.dashboard.payload import show_changes, show_json
from caixa_subscriptions.simulator.pages.dashboard.pieces import piece, url
from caixa_subscriptions.simulator.pages.html import Html, fill
from caixa_subscriptions.simulator.pages.response import PageError, PageResponse

FAMILIES = (
    "customer.*",
    "customer.subscription.*",
    "checkout.session.*",
    "invoice.*",
    "payment_intent.*",
    "charge.*",
)
_TONES = (
    ("bad", ("failed", "deleted", "marked_uncollectible", "voided", "past_due", "expired")),
    ("good", ("succeeded", "paid", "completed")),
    ("info", ("created",)),
)
# Shown of the other events about the same object.
NEIGHBOURS = 10


def list_events(simulator: Simulator, query: Mapping[str, str]) -> PageResponse:
    chosen = query.get("type", "").strip()
    about = query.get("object", "").strip()
    by: dict[str, Any] = {"type": chosen} if chosen else {}
    by |= {"about": [about]} if about else {}
    customer = query.get("customer", "").strip()
    by |= {"customer": customer} if customer else {}
    kept = {"type": chosen, "object": about, "customer": customer}
    found, links = piece(simulator.list_events, "events", query, kept, **by)
    return show(
        "Events",
        _choices(kept),
        fill('<div class="card flush">{events}</div>', events=log(found)),
        links,
        here="events",
    )


def _choices(kept: Mapping[str, str]) -> Html:
    chosen, others = kept["type"], {name: kept[name] for name in ("object", "customer")}
    families = [
        fill(
            '<a class="chip quiet" href="{url}"{current}>{family}</a>',
            url=url("events", {"type": family, **others}),
            current=Html(' aria-current="true"') if family == chosen else None,
            family=family,
        )
        for family in FAMILIES
    ]
    return fill(
        """<form class="choose" method="get" action="/simulator/events">{customer}
<div class="field"><label for="type">Type</label>
<input id="type" name="type" value="{type}" placeholder="invoice.paid or invoice.*" maxlength="100"
 autocomplete="off" spellcheck="false"></div>
<div class="field"><label for="object">Object</label>
<input id="object" name="object" value="{about}" placeholder="sub_…" maxlength="100"
 autocomplete="off" spellcheck="false"></div>
<button type="submit">Filter</button></form>
<nav class="filters" aria-label="Families of events"><a class="chip quiet" href="{all}"{current}
>All</a>{families}</nav>""",
        type=chosen,
        customer=fill('<input type="hidden" name="customer" value="{id}">', id=kept["customer"])
        if kept["customer"]
        else None,
        about=kept["object"],
        all=url("events", others),
        current=None if chosen else Html(' aria-current="true"'),
        families=families,
    )


def log(events: Iterable[Mapping[str, Any]], *, now: int | None = None, named: bool = True) -> Html:
    """One line each; `now` of their clock, for how long ago they were; `named` says what each is
    about."""
    lines = [
        fill(
            """<li class="{tone}"><a href="{url}">{type}</a>
<span class="about">{about}</span> {time}</li>""",
            tone=_tone(event["type"]),
            url=address(event["id"]),
            type=dotted(event["type"]),
            about=_about(event["data"], named=named),
            time=moment(event["created"], now),
        )
        for event in events
    ]
    if not lines:
        return Html('<p class="empty">No events.</p>')
    return fill('<ol class="log">{lines}</ol>', lines=lines)


def _tone(event_type: str) -> str:
    last = event_type.rpartition(".")[2]
    return next(
        (tone for tone, ends in _TONES if last.endswith(ends)),
        "quiet",
    )


def _about(data: Mapping[str, Any], *, named: bool) -> str:
    """What tells the object best, and what changed."""
    obj = data["object"]
    name = obj.get("number") or obj.get("email") or obj.get("customer_email") or obj.get("id")
    before = data.get("previous_attributes") or {}
    parts = [str(name)] if name and named else []
    if isinstance(before.get("status"), str) and isinstance(obj.get("status"), str):
        parts.append(f"{wording.words(before['status'])} → {wording.words(obj['status'])}")
    elif before:
        parts.append("changed " + ", ".join(list(before)[:3]) + ("" if len(before) <= 3 else ", …"))
    return " · ".join(parts)


def show_event(simulator: Simulator, event_id: str) -> PageResponse:
    event = simulator.get_object(event_id)
    if event is None or event["object"] != "event":
        raise PageError(404, "Event not found", "There is no event at this address.")
    obj = event["data"]["object"]
    changed = event["data"].get("previous_attributes")
    sent = simulator.list_deliveries(limit=NEIGHBOURS, event=event_id)
    neighbours = simulator.list_events(limit=NEIGHBOURS, about=[obj["id"]]) if "id" in obj else []
    return show(
        event["type"],
        facts(
            [
                ("Event", code(event["id"])),
                ("About", link(obj.get("id"))),
                ("Created", wording.time(event["created"])),
                ("API version", event["api_version"]),
                ("Request", code((event["request"] or {}).get("id") or "by itself")),
            ]
        ),
        section("What changed", show_changes(event["data"])) if changed else None,
        section("Deliveries", deliveries.listing(sent, back=address(event_id), event=False)),
        section("Payload", show_json(event, "Payload")),
        section(
            "More about this object",
            log((one for one in neighbours if one["id"] != event_id), named=False),
            more=(url("events", {"object": obj.get("id", "")}), "All of them"),
        ),
        here="events",
    )
