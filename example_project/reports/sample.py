"""Figures of an imaginary shop, so that the example has something worth paying for."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

MONTHS = 12


@dataclass(frozen=True, slots=True)
class Report:
    """`value` of the last full month, `change_percent` against the month before it."""

    id: str
    title: str | Promise
    unit: str
    series: tuple[int, ...]

    @property
    def value(self) -> int:
        return self.series[-1]

    @property
    def change_percent(self) -> float:
        return round((self.series[-1] / self.series[-2] - 1) * 100, 1)


REPORTS = (
    Report("revenue", _("Revenue"), "usd", (
        41200, 42900, 40100, 44800, 47600, 46900, 51300, 53800, 52700, 58400, 61900, 64300,
    )),
    Report("orders", _("Orders"), "count", (
        812, 845, 798, 871, 919, 902, 980, 1014, 1003, 1098, 1152, 1187,
    )),
    Report("visitors", _("Visitors"), "count", (
        18400, 19100, 18700, 20300, 21900, 21200, 22800, 24100, 23900, 25700, 26900, 27400,
    )),
    Report("returns", _("Returned orders"), "count", (
        49, 46, 51, 44, 47, 42, 45, 41, 43, 39, 38, 36,
    )),
)  # fmt: skip


def last_months(today: dt.date) -> list[dt.date]:
    """The first days of the last full months, oldest first."""
    count = today.year * 12 + today.month - 1
    return [
        dt.date((count - back) // 12, (count - back) % 12 + 1, 1) for back in range(MONTHS, 0, -1)
    ]
