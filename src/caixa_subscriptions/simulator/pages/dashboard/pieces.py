"""Long lists in pieces: one page of objects, and links to newer and older ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from caixa_subscriptions.simulator.pages import wording
from caixa_subscriptions.simulator.pages.dashboard.parts import HOME, TONES
from caixa_subscriptions.simulator.pages.html import Html, fill

PIECE = 25
Read = Callable[..., list[dict[str, Any]]]


def piece(
    read: Read,
    place: str,
    query: Mapping[str, str],
    kept: Mapping[str, str],
    *wanted: Any,
    **by: Any,
) -> tuple[list[dict[str, Any]], Html | None]:
    """One page of `read(*wanted, limit=, before=, after=, **by)` and its links, which repeat the
    filters in `kept`. One object more is read, to know whether there is another page."""
    before, after = query.get("before"), query.get("after")
    found = read(*wanted, limit=PIECE + 1, before=before, after=after if not before else None, **by)
    if after and not before:
        newer, older, found = len(found) > PIECE, True, found[-PIECE:]
    else:
        newer, older, found = bool(before), len(found) > PIECE, found[:PIECE]
    if not found or not (newer or older):
        return found, _links(place, kept, None, None) if before or after else None
    return found, _links(
        place, kept, found[0]["id"] if newer else None, found[-1]["id"] if older else None
    )


def _links(place: str, kept: Mapping[str, str], newer: str | None, older: str | None) -> Html:
    steps = [
        (kept, "Newest", newer or not older),
        (dict(kept) | {"after": newer or ""}, "← Newer", newer),
        (dict(kept) | {"before": older or ""}, "Older →", older),
    ]
    return fill(
        '<nav class="pager" aria-label="More">{links}</nav>',
        links=[
            fill('<a class="button" href="{url}">{text}</a>', url=url(place, fields), text=text)
            for fields, text, there in steps
            if there
        ],
    )


def url(place: str, fields: Mapping[str, str]) -> str:
    """A page of ours with its query; empty fields are left out."""
    query = urlencode({name: value for name, value in fields.items() if value})
    return HOME + place + (f"?{query}" if query else "")


def filters(
    place: str,
    name: str,
    counts: Mapping[str, int],
    chosen: str | None,
    *,
    everything: bool = True,
) -> Html | None:
    """Links to the objects of each status, with how many there are; `everything` says that the
    counts add up to all of them."""
    if not counts:
        return None
    choices: list[tuple[str, str, int | None]] = [
        ("", "All", sum(counts.values()) if everything else None)
    ]
    choices += [(one, wording.words(one), count) for one, count in counts.items()]
    return fill(
        '<nav class="filters" aria-label="Filter">{links}</nav>',
        links=[
            fill(
                '<a class="chip {tone}" href="{url}"{current}>{text}{count}</a>',
                tone=TONES.get(value, "quiet"),
                url=url(place, {name: value}),
                current=Html(' aria-current="true"') if value == (chosen or "") else None,
                text=text,
                count=None if count is None else fill(" <b>{count}</b>", count=count),
            )
            for value, text, count in choices
        ],
    )
