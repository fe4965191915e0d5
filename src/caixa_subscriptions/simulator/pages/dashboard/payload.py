"""JSON to read: coloured, with ids that lead to their objects."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from caixa_subscriptions.simulator.ids import is_id
from caixa_subscriptions.simulator.pages.dashboard.parts import address, table
from caixa_subscriptions.simulator.pages.html import Html, fill

_ID = re.compile(r"\w{8,80}", re.ASCII)


def show_json(value: object, label: str) -> Html:
    """`label` tells people who do not see it what it is."""
    return fill(
        '<pre class="json" tabindex="0" role="group" aria-label="{label}">{json}</pre>',
        label=label,
        json=list(_lines(value, "")),
    )


def show_changes(data: Mapping[str, Any]) -> Html:
    """`previous_attributes` beside what they became."""
    rows = [
        (fill("<code>{name}</code>", name=name), _short(was), _short(became))
        for name, was, became in _changes(data["previous_attributes"], data["object"], "")
    ]
    return table("What changed", ("Attribute", "Was", "Is"), rows)


def _changes(before: Any, after: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    for key, was in before.items():
        became = after.get(key)
        if isinstance(was, dict) and was and isinstance(became, dict):
            yield from _changes(was, became, f"{path}{key}.")
        else:
            yield path + key, was, became


def _short(value: Any) -> Html:
    if isinstance(value, list | dict) and value:
        return fill(
            "<details><summary>{size}</summary>{json}</details>",
            size=f"{len(value)} {'entry' if len(value) == 1 else 'entries'}",
            json=show_json(value, "Value"),
        )
    return fill('<code class="json">{value}</code>', value=_scalar(value))


def _lines(value: Any, indent: str) -> Iterator[Html]:
    if not isinstance(value, list | dict) or not value:
        yield _scalar(value)
        return
    opening, closing = ("{", "}") if isinstance(value, dict) else ("[", "]")
    yield fill("{opening}\n", opening=opening)
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    inner = indent + "  "
    for number, (key, child) in enumerate(pairs):
        yield Html(inner)
        if isinstance(value, dict):
            yield fill('<span class="k">{key}</span>: ', key=_dumps(key))
        yield from _lines(child, inner)
        yield Html(",\n" if number + 1 < len(value) else "\n")
    yield fill("{indent}{closing}", indent=indent, closing=closing)


def _scalar(value: Any) -> Html:
    if isinstance(value, str) and is_id(value) and _ID.fullmatch(value):
        return fill('"<a href="{url}">{id}</a>"', url=address(value), id=value)
    style = "s" if isinstance(value, str) else "n"
    if value is None or isinstance(value, bool | list | dict):
        style = "w"
    return fill('<span class="{style}">{text}</span>', style=style, text=_dumps(value))


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
