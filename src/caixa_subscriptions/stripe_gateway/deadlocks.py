"""What the database took back, so that others could go on, is done again.

InnoDB lets callers who insert and delete one and the same row wait for each other in a circle, and
asks whom it chose to lose to begin again (MySQL docs: how to minimize and handle deadlocks).
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import OperationalError, connection

ATTEMPTS = 10
_PAUSE_SECONDS = 0.02  # at most, and so much more each time

P = ParamSpec("P")
T = TypeVar("T")


def again_after_deadlock(work: Callable[P, T]) -> Callable[P, T]:
    """For work that is one transaction in the database, and nothing else.

    Raises OperationalError when it has lost `ATTEMPTS` times, and inside another transaction at
    once: all of that is lost, not this work alone.
    """

    @wraps(work)
    def repeated(*args: P.args, **kwargs: P.kwargs) -> T:
        for attempt in range(1, ATTEMPTS):
            try:
                return work(*args, **kwargs)
            except OperationalError as error:
                if not connection.get_autocommit() or not is_deadlock(error):
                    raise
                time.sleep(random.uniform(0, attempt * _PAUSE_SECONDS))  # noqa: S311 - no secret
        return work(*args, **kwargs)

    return repeated


def is_deadlock(error: OperationalError) -> bool:
    """By the error's number on MariaDB and MySQL, by its SQLSTATE on PostgreSQL."""
    if connection.vendor == "mysql":
        return error.args[:1] == (1213,)
    cause = error.__cause__
    return (getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)) == "40P01"
