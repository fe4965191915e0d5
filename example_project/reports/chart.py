"""A bar chart's geometry; the template draws it as SVG, without a script."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT, GAP = 720, 200, 14
LABELS = 34  # below the bars


@dataclass(frozen=True, slots=True)
class Bar:
    """One month, in the units of a WIDTH x HEIGHT drawing."""

    month: dt.date
    value: int
    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        return round(self.x + self.width / 2, 1)


def bars(values: Sequence[int], months: Sequence[dt.date]) -> list[Bar]:
    step = WIDTH / len(values)
    top = max(values)
    return [
        Bar(
            month=month,
            value=value,
            x=round(index * step + GAP / 2, 1),
            y=round(HEIGHT - HEIGHT * value / top, 1),
            width=round(step - GAP, 1),
            height=round(HEIGHT * value / top, 1),
        )
        for index, (value, month) in enumerate(zip(values, months, strict=True))
    ]
