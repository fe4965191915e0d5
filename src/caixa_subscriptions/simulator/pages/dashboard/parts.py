"""What the dashboard's pages are made of: badges, tables, times, links, small forms."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from caixa_subscriptions.simulator.money import NOTHING
from caixa_subscriptions.simulator.pages import wording
from caixa_subscriptions.simulator.pages.html import Html, fill
from caixa_subscriptions.simulator.pages.layout import chip

HOME = "/simulator/"
# Kinds with a page of their own; every other object has /simulator/objects/<id>.
PLACES = {
    "cus_": "customers",
    "evt_": "events",
    "in_": "invoices",
    "sub_": "subscriptions",
}
TONES = {
    "active": "good",
    "advancing": "warn",
    "complete": "good",
    "delivered": "good",
    "draft": "quiet",
    "failed": "bad",
    "failing": "bad",
    "incomplete": "warn",
    "open": "warn",
    "paid": "good",
    "past_due": "bad",
    "paused": "warn",
    "pending": "warn",
    "ready": "good",
    "succeeded": "good",
    "trialing": "info",
    "uncollectible": "bad",
    "unpaid": "bad",
}
# The largest unit that says something; seconds of each, and from how many of it on it is used.
UNITS = (
    ("year", 365 * 86400, 2),
    ("month", 2_629_800, 2),
    ("day", 86400, 2),
    ("hour", 3600, 1),
    ("minute", 60, 1),
)


@dataclass(frozen=True, slots=True)
class Column:
    """`style`: "number" is aligned to the right, "minor" left out on a narrow screen."""

    title: str
    style: str = ""


def address(object_id: str) -> str:
    """The page of an object."""
    place = next((name for start, name in PLACES.items() if object_id.startswith(start)), "objects")
    return f"{HOME}{place}/{quote(object_id, safe='')}"


def link(object_id: str | None, text: object = None) -> Html:
    """To the page of an object: its id, or `text`."""
    if not object_id:
        return Html(NOTHING)
    shown = fill("<code>{id}</code>", id=object_id) if text is None else text
    return fill('<a href="{url}">{text}</a>', url=address(object_id), text=shown)


def badge(status: str | None) -> Html:
    """A status as a chip."""
    return chip(wording.words(status or "draft"), TONES.get(status or "draft", "quiet"))


def dotted(name: str) -> Html:
    """A long name with places where its line may break."""
    parts = name.replace(".", ".\0").replace("_", "_\0").split("\0")
    return Html("<wbr>".join(fill("{part}", part=part) for part in parts))


def code(text: object) -> Html:
    return fill("<code>{text}</code>", text=text)


def distance(timestamp: int, now: int) -> str:
    """Unix seconds from `now` in words: "in 3 days", "2 hours ago", "now"."""
    seconds = abs(timestamp - now)
    for unit, size, least in UNITS:
        if (count := round(seconds / size)) >= least and seconds >= size:
            words = f"{count} {unit}{'' if count == 1 else 's'}"
            return f"in {words}" if timestamp > now else f"{words} ago"
    return "now"


def moment(timestamp: int | None, now: int | None = None, *, text: str | None = None) -> Html:
    """A time of UTC; how far from `now` when that is given, and then the time is its title."""
    if timestamp is None:
        return Html(NOTHING)
    exact = wording.time(timestamp)
    return fill(
        '<time datetime="{iso}" title="{exact}">{text}</time>',
        iso=dt.datetime.fromtimestamp(timestamp, tz=dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        exact=exact,
        text=text or (short_time(timestamp) if now is None else distance(timestamp, now)),
    )


def short_time(timestamp: int) -> str:
    when = dt.datetime.fromtimestamp(timestamp, tz=dt.UTC)
    return f"{when.day} {wording.MONTHS[when.month - 1][:3]} {when.year}, {when:%H:%M}"


def day(timestamp: int | None) -> Html:
    """A day of UTC, the time in its title."""
    if timestamp is None:
        return Html(NOTHING)
    when = dt.datetime.fromtimestamp(timestamp, tz=dt.UTC)
    return moment(timestamp, text=f"{when.day} {wording.MONTHS[when.month - 1][:3]} {when.year}")


def table(
    label: str,
    columns: Sequence[Column | str],
    rows: Iterable[Sequence[object]],
    *,
    empty: str = "None yet.",
) -> Html:
    """The first cell of a row is its heading."""
    heads = [Column(one) if isinstance(one, str) else one for one in columns]
    body = [fill("<tr>{cells}</tr>", cells=list(_cells(heads, row))) for row in rows]
    if not body:
        return fill('<p class="empty">{empty}</p>', empty=empty)
    return fill(
        """<div class="scroll" role="group" aria-label="{label}" tabindex="0"><table>
<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>""",
        label=label,
        head=[
            fill('<th scope="col"{style}>{text}</th>', style=_style(one), text=one.title)
            for one in heads
        ],
        body=body,
    )


def _cells(heads: Sequence[Column], row: Sequence[object]) -> Iterable[Html]:
    for index, (head, cell) in enumerate(zip(heads, row, strict=True)):
        yield fill(
            '<th scope="row"{style}>{cell}</th>' if index == 0 else "<td{style}>{cell}</td>",
            style=_style(head),
            cell=cell,
        )


def _style(column: Column) -> Html | None:
    return fill(' class="{style}"', style=column.style) if column.style else None


def section(title: str, content: object, *, more: tuple[str, str] | None = None) -> Html:
    """A titled card; `more` is the URL and text of a link beside the title."""
    anchor = title.lower().replace(" ", "-")
    return fill(
        """<section aria-labelledby="{anchor}"><div class="bar"><h2 id="{anchor}">{title}</h2>
{more}</div><div class="card flush">{content}</div></section>""",
        anchor=anchor,
        title=title,
        content=content,
        more=more and fill('<a href="{url}">{text}</a>', url=more[0], text=more[1]),
    )


def facts(pairs: Iterable[tuple[str, object]]) -> Html:
    """Names and values."""
    return fill(
        '<dl class="facts">{pairs}</dl>',
        pairs=[
            fill(
                "<div><dt>{name}</dt><dd>{value}</dd></div>",
                name=name,
                value=NOTHING if value is None or value == "" else value,
            )
            for name, value in pairs
        ],
    )


def button(
    action: str, text: object, *, fields: Mapping[str, str] | None = None, style: str = ""
) -> Html:
    """A form that is one button; `action` follows /simulator/."""
    return fill(
        """<form method="post" action="{action}">{fields}
<button type="submit"{style}>{text}</button></form>""",
        action=HOME + action,
        fields=[
            fill('<input type="hidden" name="{name}" value="{value}">', name=name, value=value)
            for name, value in (fields or {}).items()
        ],
        style=fill(' class="{style}"', style=style) if style else None,
        text=text,
    )


def who(customer: Mapping[str, Any] | None, customer_id: str | None) -> str:
    """A customer's name, e-mail address or id."""
    found = customer or {}
    return str(found.get("name") or found.get("email") or customer_id or NOTHING)
