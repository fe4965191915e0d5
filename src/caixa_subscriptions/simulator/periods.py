"""Billing periods: months counted from the anchor, so that January 31 comes back in March."""

from __future__ import annotations

import calendar
import datetime as dt


def add_interval(anchor: int, interval: str, count: int) -> int:
    """The anchor plus `count` days, weeks, months or years; the last day of a short month
    stands in for days it lacks (Stripe docs: billing cycle)."""
    moment = dt.datetime.fromtimestamp(anchor, tz=dt.UTC)
    if interval in ("day", "week"):
        return int((moment + dt.timedelta(**{f"{interval}s": count})).timestamp())
    months = moment.month - 1 + count * (12 if interval == "year" else 1)
    year, month = moment.year + months // 12, months % 12 + 1
    day = min(moment.day, calendar.monthrange(year, month)[1])
    return int(moment.replace(year=year, month=month, day=day).timestamp())


def period_around(anchor: int, moment: int, interval: str, interval_count: int) -> tuple[int, int]:
    """The cycle counted from `anchor` that `moment`, not before it, falls in."""
    start, cycles = anchor, 0
    while True:
        cycles += 1
        end = add_interval(anchor, interval, cycles * interval_count)
        if end > moment:
            return start, end
        start = end


def period_end(anchor: int, start: int, interval: str, interval_count: int) -> int:
    """The first boundary of the cycle after `start`."""
    cycles = 0
    while True:
        cycles += 1
        end = add_interval(anchor, interval, cycles * interval_count)
        if end > start:
            return end
