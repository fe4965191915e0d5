"""The demo's time: that of the simulator's clock, so that "7 days left" follows time travel."""

from __future__ import annotations

import datetime as dt

from example_project.simulator import get_simulator


def now() -> dt.datetime:
    return dt.datetime.fromtimestamp(get_simulator().now(), tz=dt.UTC)
