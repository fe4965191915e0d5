"""The words of the truth table: subscriptions in one line, times as offsets from now.

`active period=-10d..+20d cancel_at=+5d` is one subscription; ` & ` stands between several.
The names are Stripe's, but for

* `period`: `current_period_start..current_period_end`, of the first item, or of the subscription
  itself where it says `pre-basil`
* `item`, `deleted_item`: the period of a second item
* `unpaid_since`: when its oldest open invoice was made
* `live`, `customer_deleted`, `cancel_at_period_end`: said or not

A time is `now`, or a sum such as `-3d+1s`; an empty half of a period is null.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field
from typing import Any

UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
FLAGS = ("live", "customer_deleted", "cancel_at_period_end", "pre-basil")
TIMES = ("created", "trial_end", "cancel_at", "canceled_at", "ended_at", "unpaid_since")
PERIODS = ("period", "item", "deleted_item")

Period = tuple[int | None, int | None]


@dataclass
class Situation:
    """One subscription. Times are seconds from now; what is not said is null."""

    status: str | None
    times: dict[str, int] = field(default_factory=dict)
    periods: dict[str, Period] = field(default_factory=dict)
    flags: set[str] = field(default_factory=set)
    pause_collection: str | None = None

    def time(self, name: str) -> int | None:
        return self.times.get(name)


def parse(text: str) -> list[Situation]:
    return [_situation(one) for one in text.split(" & ")] if text else []


def seconds_of(text: str) -> int | None:
    if text in ("", "now"):
        return None if text == "" else 0
    parts = re.findall(r"([+-])(\d+)([dhms])", text)
    assert "".join(map("".join, parts)) == text, f"not a time: {text}"
    return sum(int(sign + number) * UNITS[unit] for sign, number, unit in parts)


def words_of(seconds: int | None) -> str:
    """The other way round, in the largest units: `+20d`, `-1h`, `now`."""
    if not seconds:
        return "" if seconds is None else "now"
    sign, left, words = "+" if seconds > 0 else "-", abs(seconds), ""
    for unit, size in UNITS.items():
        many, left = divmod(left, size)
        words += f"{sign}{many}{unit}" if many else ""
    return words


def payload_of(one: Situation, *, id: str, now: dt.datetime) -> dict[str, Any]:  # noqa: A002
    """As Stripe sends it since basil, or as it did before."""

    def unix(offset: int | None) -> int | None:
        return None if offset is None else int(now.timestamp()) + offset

    def period(name: str) -> dict[str, int | None]:
        start, end = one.periods.get(name, (None, None))
        return {"current_period_start": unix(start), "current_period_end": unix(end)}

    payload = {"id": id, "object": "subscription", "status": one.status, "trial_start": None}
    payload |= {name: unix(one.time(name)) for name in TIMES if name != "unpaid_since"}
    payload["cancel_at_period_end"] = "cancel_at_period_end" in one.flags
    payload["pause_collection"] = one.pause_collection and {"behavior": one.pause_collection}
    if "pre-basil" in one.flags:
        items = [{"id": "si_1", "plan": {"id": "price_1"}}]
        return payload | period("period") | {"items": {"object": "list", "data": items}}
    items = [
        {"id": f"si_{name}", "price": {"id": "price_1"}, **period(name)}
        | ({"deleted": True} if name == "deleted_item" else {})
        for name in ("period", *(set(one.periods) - {"period"}))
    ]
    return payload | {"items": {"object": "list", "data": items}}


def _situation(text: str) -> Situation:
    status, *rest = text.split()
    one = Situation(None if status == "null" else status)
    for word in rest:
        name, _equals, value = word.partition("=")
        if name in FLAGS:
            one.flags.add(name)
        elif name == "pause_collection":
            one.pause_collection = value
        elif name in PERIODS:
            start, _dots, end = value.partition("..")
            one.periods[name] = (seconds_of(start), seconds_of(end))
        else:
            assert name in TIMES, f"not a fact: {word}"
            one.times[name] = seconds_of(value) or 0
    return one
