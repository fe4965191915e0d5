"""Webhooks on their way: what was answered, when the next attempt is, and once more."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping

from caixa_subscriptions.simulator.core import Simulator
from caixa_subscriptions.simulator.delivery import OUTCOMES, Delivery
from caixa_subscriptions.simulator.errors import StripeError
from caixa_subscriptions.simulator.money import NOTHING
from caixa_subscriptions.simulator.pages.dashboard.frame import show, way_back
from caixa_subscriptions.simulator.pages.dashboard.parts import (
    HOME,
    Column,
    badge,
    button,
    distance,
    dotted,
    link,
    moment,
    table,
)
from caixa_subscriptions.simulator.pages.dashboard.pieces import PIECE, filters, url
from caixa_subscriptions.simulator.pages.html import Html, fill
from caixa_subscriptions.simulator.pages.response import (
    PageError,
    PageResponse,
    redirect_response,
)

PLACE = "deliveries"
# How long the page waits for the answer to what was sent again.
PATIENCE_SECONDS = 1.0


def list_deliveries(simulator: Simulator, query: Mapping[str, str]) -> PageResponse:
    outcome = query.get("status", "")
    outcome = outcome if outcome in OUTCOMES else ""
    before = _number(query.get("before", ""))
    found = simulator.list_deliveries(limit=PIECE + 1, before=before, outcome=outcome or None)
    return show(
        "Deliveries",
        filters(PLACE, "status", simulator.count_deliveries(), outcome, everything=False),
        fill(
            '<div class="card flush">{table}</div>',
            table=listing(found[:PIECE], back=HOME + PLACE),
        ),
        _links(outcome, before, found),
        here=PLACE,
    )


def _links(outcome: str, before: int | None, found: list[Delivery]) -> Html:
    steps = [("Newest", "")] if before is not None else []
    steps += [("Older →", str(found[PIECE - 1].id))] if len(found) > PIECE else []
    return fill(
        '<nav class="pager" aria-label="More">{links}</nav>',
        links=[
            fill(
                '<a class="button" href="{url}">{text}</a>',
                url=url(PLACE, {"status": outcome, "before": last}),
                text=text,
            )
            for text, last in steps
        ],
    )


def listing(
    found: Iterable[Delivery], *, back: str, event: bool = True, brief: bool = False
) -> Html:
    """Each with a button that sends it again and comes back to `back`; `brief` leaves out what
    the page of deliveries tells, `event` says what was delivered."""
    columns = [
        Column("Event" if event else "Endpoint"),
        Column("Status"),
        Column("Answer"),
        *([] if brief else [Column("Attempts", "number minor"), Column("Next attempt", "minor")]),
        *([Column("Endpoint", "minor")] if event and not brief else []),
        Column("Again"),
    ]
    rows = []
    for one in found:
        endpoint = fill('<span class="cut" title="{url}">{url}</span>', url=one.url or "gone")
        waits = one.status == "pending"
        rows.append(
            [
                link(one.event_id, dotted(one.event_type)) if event else endpoint,
                badge("failing" if waits and one.attempts else one.status),
                one.response_status or one.last_error or NOTHING,
                *([] if brief else [one.attempts, _next(one) if waits else NOTHING]),
                *([endpoint] if event and not brief else []),
                button(
                    f"deliveries/{one.id}/resend",
                    fill('Resend<span class="hidden"> {type}</span>', type=one.event_type),
                    fields={"back": back},
                    style="small",
                ),
            ]
        )
    return fill(
        '<div class="sent{brief}">{table}</div>',
        brief=" brief" if brief else None,
        table=table("Deliveries", columns, rows),
    )


def _next(delivery: Delivery) -> Html:
    """By the wall clock, which deliveries follow."""
    now = int(time.time())
    due = max(int(delivery.next_attempt_at), now)
    return moment(due, text=distance(due, now))


def resend(simulator: Simulator, delivery_id: str, form: Mapping[str, str]) -> PageResponse:
    number = _number(delivery_id)
    found = [] if number is None else simulator.list_deliveries(limit=1, before=number + 1)
    if not found or found[0].id != number:
        raise PageError(404, "Delivery not found", "There is no such delivery.")
    try:
        simulator.resend(number)
    except StripeError as error:
        raise PageError(error.status, "Not sent again", error.message) from error
    simulator.wait_for_event(found[0].event_type, found[0].object_id, timeout=PATIENCE_SECONDS)
    return redirect_response(way_back(form, HOME + PLACE))


def _number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"\d{1,18}", text, re.ASCII) else None
