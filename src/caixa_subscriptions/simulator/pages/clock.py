"""The page that shows what the simulator holds and moves its clocks."""

from __future__ import annotations

import calendar
import datetime as dt
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from caixa_subscriptions.simulator.core import Simulator
from caixa_subscriptions.simulator.errors import StripeError
from caixa_subscriptions.simulator.money import NOTHING, money
from caixa_subscriptions.simulator.pages import wording
from caixa_subscriptions.simulator.pages.html import Html, fill
from caixa_subscriptions.simulator.pages.layout import alert, chip, page
from caixa_subscriptions.simulator.pages.response import (
    PageError,
    PageResponse,
    is_web_url,
    redirect_response,
)

HOME = "/simulator/"
SHOWN = 30
REFRESH_SECONDS = 1
TONES = {
    "active": "good",
    "complete": "good",
    "delivered": "good",
    "failed": "bad",
    "open": "warn",
    "paid": "good",
    "past_due": "bad",
    "pending": "warn",
    "trialing": "good",
    "unpaid": "bad",
}


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


def show_home(simulator: Simulator) -> PageResponse:
    return _home(simulator)


def advance_clock(simulator: Simulator, clock_id: str, form: Mapping[str, str]) -> PageResponse:
    clock = simulator.get_object(clock_id)
    if clock is None or clock["object"] != "test_helpers.test_clock":
        raise PageError(404, "Clock not found", "There is no such clock.")
    step = STEPS.get(form.get("by", ""))
    if step is None:
        raise PageError(400, "Bad request", f"Advance by one of: {', '.join(STEPS)}.")
    try:
        simulator.advance_clock(clock_id, step[1](clock["frozen_time"]), wait=True)
    except StripeError as refused:
        return _home(simulator, problem=refused.message, status=400)
    return redirect_response(HOME)


def resend_delivery(simulator: Simulator, delivery_id: str) -> PageResponse:
    if not re.fullmatch(r"\d{1,18}", delivery_id, re.ASCII):
        raise PageError(404, "Delivery not found", "There is no such delivery.")
    simulator.resend(int(delivery_id))
    return redirect_response(f"{HOME}#deliveries")


def show_event(simulator: Simulator, event_id: str) -> PageResponse:
    event = simulator.get_object(event_id)
    if event is None or event["object"] != "event":
        raise PageError(404, "Event not found", "There is no event at this address.")
    body = fill(
        """<a class="back" href="{home}">← All objects</a>
<h1>{type}</h1><p class="who"><code>{event_id}</code> · {time}</p>
<pre tabindex="0" aria-label="Payload">{payload}</pre>""",
        home=HOME,
        type=event["type"],
        event_id=event["id"],
        time=wording.time(event["created"]),
        payload=_json(event),
    )
    return page(title=event["type"], body=body, width="wide")


def _home(simulator: Simulator, *, problem: str | None = None, status: int = 200) -> PageResponse:
    clocks = simulator.list_objects("test_helpers.test_clock", limit=SHOWN)
    body = fill(
        """<div class="bar"><h1>Simulator</h1><a class="button" href="{home}">Refresh</a></div>
{problem}
<section aria-labelledby="clocks"><h2 id="clocks">Time</h2>{clocks}</section>
{tables}
{events}
{deliveries}""",
        home=HOME,
        problem=alert(problem),
        clocks=[_clock(clock) for clock in clocks]
        or Html('<p class="card">There is no test clock; objects follow the time of day.</p>'),
        tables=[
            _section("Subscriptions", _subscriptions(simulator)),
            _section("Customers", _customers(simulator)),
            _section("Checkout sessions", _checkouts(simulator)),
            _section("Invoices", _invoices(simulator)),
        ],
        events=_section("Events", _events(simulator)),
        deliveries=_section("Deliveries", _deliveries(simulator)),
    )
    advancing = any(clock["status"] == "advancing" for clock in clocks)
    return page(
        title="Simulator",
        body=body,
        status=status,
        width="wide",
        refresh_seconds=REFRESH_SECONDS if advancing else None,
    )


def _clock(clock: Mapping[str, Any]) -> Html:
    forms = [
        fill(
            """<form method="post" action="/simulator/clocks/{clock_id}/advance">
<input type="hidden" name="by" value="{by}">
<button type="submit"><span class="hidden">Advance </span>{text}</button></form>""",
            clock_id=clock["id"],
            by=by,
            text=text,
        )
        for by, (text, _step) in STEPS.items()
    ]
    return fill(
        """<div class="card clock"><div><p class="time">{time}</p>
<p class="fine">{name} · <code>{clock_id}</code> {chip}</p></div>
<div class="advance"><p aria-hidden="true">Advance</p><div class="buttons">{forms}</div></div>
</div>""",
        time=wording.time(clock["frozen_time"]),
        name=clock["name"] or "Test clock",
        clock_id=clock["id"],
        chip=chip(clock["status"], "good" if clock["status"] == "ready" else "warn"),
        forms=forms,
    )


def _section(title: str, content: Html) -> Html:
    anchor = title.lower().replace(" ", "-")
    return fill(
        """<section aria-labelledby="{anchor}"><h2 id="{anchor}">{title}</h2>
<div class="card flush">{content}</div></section>""",
        anchor=anchor,
        title=title,
        content=content,
    )


def _table(label: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Html:
    body = [
        fill("<tr>{cells}</tr>", cells=[fill("<td>{cell}</td>", cell=cell) for cell in row])
        for row in rows
    ]
    if not body:
        return Html('<p class="empty">None yet.</p>')
    return fill(
        """<div class="scroll" role="region" aria-label="{label}" tabindex="0"><table>
<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>""",
        label=label,
        head=[fill('<th scope="col">{text}</th>', text=text) for text in columns],
        body=body,
    )


def _code(text: object) -> Html:
    return fill("<code>{text}</code>", text=text)


def _status(status: str | None) -> Html:
    return chip(wording.words(status or "draft"), TONES.get(status or "", "quiet"))


def _subscriptions(simulator: Simulator) -> Html:
    rows = []
    for one in simulator.list_objects("subscription", limit=SHOWN):
        item = one["items"]["data"][0]
        price = item["price"]
        amount = wording.price_amount(price, item.get("quantity") or 1)
        rows.append(
            [
                _code(one["id"]),
                _status(one["status"]),
                f"{amount} {wording.interval(price)}",
                wording.date(one["trial_end"]),
                wording.date(wording.period_end(one)),
                wording.date(one["cancel_at"]),
                _code(one["customer"]),
            ]
        )
    columns = ("Id", "Status", "Price", "Trial end", "Period end", "Cancels", "Customer")
    return _table("Subscriptions", columns, rows)


def _customers(simulator: Simulator) -> Html:
    return _table(
        "Customers",
        ("Id", "E-mail", "Created", "Clock"),
        [
            (
                _code(one["id"]),
                one["email"],
                wording.date(one["created"]),
                _code(one["test_clock"]) if one["test_clock"] else NOTHING,
            )
            for one in simulator.list_objects("customer", limit=SHOWN)
        ],
    )


def _checkouts(simulator: Simulator) -> Html:
    return _table(
        "Checkout sessions",
        ("Id", "Status", "Payment", "Due", "Created"),
        [
            (
                _checkout_link(one),
                _status(one["status"]),
                wording.words(one["payment_status"]),
                money(one["amount_total"], one["currency"]),
                wording.time(one["created"]),
            )
            for one in simulator.list_objects("checkout.session", limit=SHOWN)
        ],
    )


def _checkout_link(session: Mapping[str, Any]) -> Html:
    short = _code(f"{session['id'][:20]}…")
    if session["status"] != "open" or not is_web_url(session["url"]):
        return short
    return fill('<a href="{url}">{text}</a>', url=session["url"], text=short)


def _invoices(simulator: Simulator) -> Html:
    return _table(
        "Invoices",
        ("Number", "Status", "Reason", "Total", "Attempts", "Next attempt", "Created"),
        [
            (
                one["number"] or "Draft",
                _status(one["status"]),
                wording.words(one["billing_reason"] or ""),
                money(one["total"], one["currency"]),
                one["attempt_count"],
                wording.time(one["next_payment_attempt"]),
                wording.time(one["created"]),
            )
            for one in simulator.list_objects("invoice", limit=SHOWN)
        ],
    )


def _events(simulator: Simulator) -> Html:
    events = [
        fill(
            """<li><details><summary><span>{type}</span> <time>{time}</time></summary>
<p><a href="/simulator/events/{event_id}"><code>{event_id}</code></a></p>
<pre tabindex="0" aria-label="Payload of {type}">{payload}</pre></details></li>""",
            type=event["type"],
            time=wording.time(event["created"]),
            event_id=event["id"],
            payload=_json(event),
        )
        for event in simulator.list_objects("event", limit=SHOWN)
    ]
    if not events:
        return Html('<p class="empty">None yet.</p>')
    return fill('<ul class="events">{events}</ul>', events=events)


def _deliveries(simulator: Simulator) -> Html:
    rows = [
        (
            fill(
                '<a href="/simulator/events/{event_id}">{type}</a>',
                event_id=one.event_id,
                type=one.event_type,
            ),
            _status(one.status),
            one.attempts,
            one.response_status or NOTHING,
            one.last_error or NOTHING,
            fill('<span class="cut" title="{url}">{url}</span>', url=one.url),
            fill(
                """<form method="post" action="/simulator/deliveries/{delivery_id}/resend">
<button type="submit" class="small">Resend<span class="hidden"> {type}</span></button></form>""",
                delivery_id=one.id,
                type=one.event_type,
            ),
        )
        for one in simulator.list_deliveries(limit=SHOWN)
    ]
    columns = ("Event", "Status", "Attempts", "Answer", "Error", "Endpoint", "Again")
    return _table("Deliveries", columns, rows)


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
