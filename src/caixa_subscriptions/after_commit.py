"""What happens once a transaction is committed, and cannot undo it any more."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from django.db import transaction

logger = logging.getLogger(__name__)


def after_commit(work: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    """Call `work` after the commit, or now where no transaction is open. An exception is logged.

    It must reach nobody: dj-stripe would answer 500 for an event that is stored already, so that
    Stripe's next delivery does nothing, and what comes after this one would be lost. Django's own
    `robust=True` is not enough: it stumbles over callables without a name, such as `partial`, and
    logs an exception's text, which may quote what was written.
    """

    def call() -> None:
        try:
            work(*args, **kwargs)
        except Exception as error:
            name = getattr(work, "__qualname__", type(work).__name__)
            logger.error("After a commit %s failed: %s", name, type(error).__name__)

    transaction.on_commit(call, robust=True)
