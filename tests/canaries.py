"""What logs, exceptions, reprs and lists must never tell: a trap for it, over the whole suite.

The suite's people and cards are the canaries: e-mail addresses, a name, CPF numbers, card numbers;
and so are keys, secrets of webhooks and of clients, and the URLs of sessions. What is logged by
this package at any level, by Django and dj-stripe from INFO on, and by the SDK from the level that
this package leaves it, is looked at with its tracebacks as a log file would have it; so is every
error of ours that is made.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from caixa_subscriptions.exceptions import SubscriptionsError

NAME = "Iara Canária"
CPF = "123.456.789-09"

CANARIES = {
    "e-mail address": re.compile(r"[\w.+%-]+@[\w-]+\.\w+"),
    "name": re.compile(r"Iara|Can[áa]ria|Can\\xe1ria"),
    "CPF": re.compile(r"\b\d{3}\.\d{3}\.\d{3}-\d{2}\b"),
    "card number": re.compile(r"\b(?:4[02]\d{2}|5555|3782|6011)(?:[ -]?\d{4}){2,3}\b"),
    "API key": re.compile(r"\b[sr]k_(?:test|live)_\w+"),
    "secret of a webhook": re.compile(r"\bwhsec_\w+"),
    "secret of a client": re.compile(r"\b(?:pi|seti|cs|acss)_\w+_secret_\w+"),
    "URL of a session": re.compile(r"/(?:c/pay|p/session)/\w+"),
}
LEVELS = {
    "caixa_subscriptions": logging.DEBUG,
    "django": logging.INFO,
    "djstripe": logging.INFO,
}


def canaries_in(text: str) -> list[str]:
    return [what for what, pattern in CANARIES.items() if pattern.search(text)]


class Trap(logging.Handler):
    """Remembers which canaries were told by whom; the text itself is kept for whoever mends it."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.looked_at = 0
        self.found: list[tuple[str, str, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.look(f"log of {record.name}", self.format(record))

    def look(self, where: str, text: str) -> None:
        self.looked_at += 1
        self.found += [(where, what, text) for what in canaries_in(text)]


@contextmanager
def trapped(trap: Trap) -> Iterator[None]:
    """Everything that is logged, and every error of ours, goes through the trap."""
    before = {name: logging.getLogger(name).level for name in LEVELS}
    make = SubscriptionsError.__init__

    made: list[SubscriptionsError] = []

    def look_at(error: SubscriptionsError, *args: Any, **kwargs: Any) -> None:
        make(error, *args, **kwargs)
        made.append(error)  # what its own class adds to it comes after this
        trap.look(f"error {error.code}", f"{error!r} {error} {error.args}")

    logging.getLogger().addHandler(trap)
    for name, level in LEVELS.items():
        logging.getLogger(name).setLevel(level)
    SubscriptionsError.__init__ = look_at  # type: ignore[method-assign]
    try:
        yield
    finally:
        for error in made:
            trap.look(f"error {error.code}", f"{vars(error)}")
        SubscriptionsError.__init__ = make  # type: ignore[method-assign]
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)
        logging.getLogger().removeHandler(trap)
