"""Clocks, what falls due on them, and the buttons that move them."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

from caixa_subscriptions.simulator.core import Simulator
from caixa_subscriptions.simulator.errors import StripeError
from caixa_subscriptions.simulator.pages import wording
from caixa_subscriptions.simulator.pages.dashboard import upcoming
from caixa_subscriptions.simulator.pages.dashboard.frame import show, way_back
from caixa_subscriptions.simulator.pages.dashboard.parts import HOME, badge, button
from caixa_subscriptions.simulator.pages.dashboard.pieces import piece
from caixa_subscriptions.simulator.pages.html import Html, fill
from caixa_subscriptions.simulator.pages.response import (
    PageError,
    PageResponse,
    redirect_response,
)

KIND = "test_helpers.test_clock"
REFRESH_SECONDS = 1


def _next_month(timestamp: int) -> int:
    """The same day of the next month, or that month's last day."""
    moment = dt.datetime.fromtimestamp(timestamp, tz=dt.UTC)
    year, month = (moment.year, moment.month + 1) if moment.month < 12 else (moment.year + 1, 1)
    day = min(moment.day, calendar.monthrange(year, month)[1])
    return int(moment.replace(year=year, month=month, day=day).timestamp())


STEPS: Mapping[str, tuple[str, Callable[[int], int]]] = {
    "hour": ("1 hour", lambda now: now + 3600),
    "day": ("1 day", lambda now: now + 86400),
    "8-days": ("8 days", lambda now: now + 8 * 86400),
    "month": ("1 month", _next_month),
}


def list_clocks(simulator: Simulator, query: Mapping[str, str]) -> PageResponse:
    return _page(simulator, query)


def _page(
    simulator: Simulator,
    query: Mapping[str, str],
    *,
    problem: str | None = None,
    status: int = 200,
) -> PageResponse:
    found, links = piece(simulator.list_objects, "clocks", query, {}, KIND)
    return show(
        "Clocks",
        cards(simulator, found, back=HOME + "clocks"),
        links,
        here="clocks",
        problem=problem,
        status=status,
        refresh_seconds=refresh(found),
    )


def latest(simulator: Simulator, limit: int) -> list[dict[str, Any]]:
    """The simulator's own clock, then the newest; at most `limit`."""
    found = simulator.list_objects(KIND, limit=limit)
    default = simulator.default_clock_id
    own = simulator.get_object(default) if default else None
    return [*([own] if own else []), *(one for one in found if one["id"] != default)][:limit]


def refresh(clocks: list[dict[str, Any]]) -> int | None:
    """After how many seconds a page with these clocks is out of date."""
    return REFRESH_SECONDS if any(one["status"] == "advancing" for one in clocks) else None


def cards(simulator: Simulator, clocks: list[dict[str, Any]], *, back: str) -> Html:
    if not clocks:
        return Html('<p class="card">There is no test clock; objects follow the time of day.</p>')
    return Html("".join(_card(simulator, clock, back) for clock in clocks))


def _card(simulator: Simulator, clock: Mapping[str, Any], back: str) -> Html:
    return fill(
        """<div class="card clock"><div class="face"><p class="time">{time}</p>
<p class="fine">{name} · <code>{clock_id}</code> {badge}</p>
<div class="advance"><p aria-hidden="true">Advance</p><div class="buttons">{steps}</div>{custom}
</div></div><div class="next"><h3>What comes next</h3>{next}</div></div>""",
        time=wording.time(clock["frozen_time"]),
        name=clock["name"] or "Test clock",
        clock_id=clock["id"],
        badge=badge(clock["status"]),
        steps=[_step(simulator, clock, by, back) for by in STEPS],
        custom=_custom(clock, back),
        next=upcoming.listing(
            simulator, simulator.upcoming(clock=clock["id"], limit=6), clock["frozen_time"]
        ),
    )


def _step(simulator: Simulator, clock: Mapping[str, Any], by: str, back: str) -> Html:
    text, step = STEPS[by]
    due = simulator.count_due(clock["id"], step(clock["frozen_time"]))
    return fill(
        '<div class="step">{button}<span class="fine">{due}</span></div>',
        button=button(
            f"clocks/{clock['id']}/advance",
            fill('<span class="hidden">Advance </span>{text}', text=text),
            fields={"by": by, "back": back},
        ),
        due=f"{due} due" if due else None,
    )


def _custom(clock: Mapping[str, Any], back: str) -> Html:
    now = dt.datetime.fromtimestamp(clock["frozen_time"], tz=dt.UTC)
    return fill(
        """<form class="custom" method="post" action="/simulator/clocks/{clock_id}/advance">
<input type="hidden" name="back" value="{back}">
<label for="to-{clock_id}">To a moment of UTC</label>
<input id="to-{clock_id}" name="to" type="datetime-local" min="{now}" value="{now}" required>
<button type="submit">Go there</button></form>""",
        clock_id=clock["id"],
        back=back,
        now=f"{now:%Y-%m-%dT%H:%M}",
    )


def advance_clock(
    simulator: Simulator,
    clock_id: str,
    form: Mapping[str, str],
    again: Callable[..., PageResponse],
) -> PageResponse:
    """`again` shows the page the form came from once more, with the problem."""
    clock = simulator.get_object(clock_id)
    if clock is None or clock["object"] != KIND:
        raise PageError(404, "Clock not found", "There is no such clock.")
    try:
        simulator.advance_clock(clock_id, _target(form, clock["frozen_time"]), wait=True)
    except StripeError as refused:
        if way_back(form, HOME) == HOME + "clocks":
            return _page(simulator, {}, problem=refused.message, status=400)
        return again(simulator, problem=refused.message, status=400)
    return redirect_response(way_back(form, HOME))


def _target(form: Mapping[str, str], now: int) -> int:
    if "to" in form:
        try:
            moment = dt.datetime.strptime(form["to"], "%Y-%m-%dT%H:%M").replace(tzinfo=dt.UTC)
        except ValueError:
            raise PageError(400, "Bad request", "Write a moment as 2030-12-31T23:59.") from None
        return int(moment.timestamp())
    step = STEPS.get(form.get("by", ""))
    if step is None:
        raise PageError(400, "Bad request", f"Advance by one of: {', '.join(STEPS)}.")
    return step[1](now)
