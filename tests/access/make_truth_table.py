"""Writes truth_table.csv: `python -m tests.access.make_truth_table`.

The situations are those of `families`; what is expected comes from `oracle`, written from
docs/access.md.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterable
from pathlib import Path

from tests.access import boundaries, families
from tests.access.families import Row
from tests.access.oracle import Rules, expected
from tests.access.situations import parse, words_of

PATH = Path(__file__).with_name("truth_table.csv")
COLUMNS = [
    "row",
    "situation",
    "subscriptions",
    "PAST_DUE_DAYS",
    "ALLOW_INCOMPLETE",
    "STRIPE_LIVE_MODE",
    "allowed",
    "code",
    "access_until",
    "answered_by",
]


def rows() -> Iterable[list[str]]:
    """Each situation once: of two families with the same facts and settings the first tells it."""
    seen = set()
    for family in (*families.FAMILIES, *boundaries.FAMILIES):
        for row in family():
            facts = (row.subscriptions, str(row.rules))
            if facts not in seen:
                seen.add(facts)
                yield [str(len(seen)), *_cells(row, row.rules)]


def _cells(row: Row, rules: Rules) -> list[str]:
    answer = expected(parse(row.subscriptions), rules)
    until = None if answer.until is None else int(answer.until)
    return [
        row.words,
        row.subscriptions,
        str(rules.past_due_days),
        _yes(rules.allow_incomplete),
        _yes(rules.live),
        _yes(answer.allowed),
        answer.code or "",
        words_of(until),
        str(answer.answered_by or ""),
    ]


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def table() -> str:
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows())
    return written.getvalue()


if __name__ == "__main__":
    text = table()
    PATH.write_text(text, encoding="utf-8")
    sys.stdout.write(f"{text.count(chr(10)) - 1} rows\n")
