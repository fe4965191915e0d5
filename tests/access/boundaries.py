"""Situations of the truth table around the moments at which the answer changes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from tests.access.families import GENEROUS, MONTH, RUNNING, STATUSES, Row
from tests.access.oracle import Rules


def around(number: int, unit: str = "day") -> dict[str, str]:
    """In words and as a time: a second before so many units ago, exactly then, a second later."""
    if number == 0:
        return {"a second ago": "-1s", "this very second": "now", "in a second": "+1s"}
    time, ago = f"-{number}{unit[0]}", f"{number} {unit}s ago"
    return {
        f"{ago}, and a second": f"{time}-1s",
        f"exactly {ago}": time,
        f"{ago}, but for a second": f"{time}+1s",
    }


NEWS_IS_LATE = {
    "3 days and 5 minutes ago, and a second": "-3d-5m-1s",
    "exactly 3 days and 5 minutes ago": "-3d-5m",
    "3 days and 5 minutes ago, but for a second": "-3d-5m+1s",
}


def ends_of_trials() -> Iterator[Row]:
    for moments in (around(0), around(3), NEWS_IS_LATE, around(7)):
        for words, end in moments.items():
            yield Row(f"The trial's end: {words}, no news", f"trialing trial_end={end}")
            yield Row(
                f"The end of a trial that Stripe tells as a period: {words}, no news",
                f"trialing period=-20d..{end}",
            )
    yield Row(
        "The trial ended 4 days ago and its period did not", f"trialing {MONTH} trial_end=-4d"
    )
    yield Row("The trial goes on and its period is over", "trialing period=-9d..-4d trial_end=+1d")
    yield Row("A trial of which no end is known", "trialing")
    yield Row("A trial of which no end is known, canceled", "trialing cancel_at=+2d")
    yield Row("The trial ended, 4 days of no news at 30 days", "trialing trial_end=-4d", GENEROUS)


def ends_of_periods() -> Iterator[Row]:
    ago = (around(0), around(3), NEWS_IS_LATE, around(7), around(30))
    for days, moments in product((0, 3, 7, 30), ago):
        for words, end in moments.items():
            yield Row(
                f"The paid period's end: {words}, no news, PAST_DUE_DAYS is {days}",
                f"active period=-60d..{end}",
                Rules(past_due_days=days),
            )
    yield Row("Active, and Stripe tells no period", "active")
    yield Row("Active, no period known, canceled for tomorrow", "active cancel_at=+1d")
    yield Row("Only the start of the period is known", "active period=-99d..")
    yield Row(
        "Renewal unheard for 2 days, canceled for tomorrow", "active period=-30d..-2d cancel_at=+1d"
    )
    yield Row(
        "Renewal unheard for 9 days, canceled for tomorrow", "active period=-30d..-9d cancel_at=+1d"
    )
    yield Row(
        "Set to end with the period by an old flag only", f"active {MONTH} cancel_at_period_end"
    )


def cancellations() -> Iterator[Row]:
    flags = {"": "in the portal", " cancel_at_period_end": "by the API at the period's end"}
    for status, (flag, how) in product(RUNNING, flags.items()):
        for words, moment in around(0).items():
            yield Row(
                f"{STATUSES[status]}; canceled {how}, due: {words}",
                f"{status} period=-1d..+29d cancel_at={moment}{flag}",
            )


def failed_payments() -> Iterator[Row]:
    for days in (0, 7, 30):
        rules = Rules(past_due_days=days)
        for words, since in around(days).items():
            told = f"{words}, PAST_DUE_DAYS is {days}"
            yield Row(
                f"The renewal failed: {told}",
                f"past_due period=-60d..+9d unpaid_since={since}",
                rules,
            )
            yield Row(f"The failed period began: {told}", f"past_due period={since}..+9d", rules)
    facts = "past_due period=-20d..+10d"
    yield Row("An upgrade failed in the middle of a paid month", f"{facts} unpaid_since=-1d")
    yield Row(
        "A weekly one stays past due for months", "past_due period=-2d..+5d unpaid_since=-90d"
    )
    yield Row("Past due, and nobody knows since when", "past_due")
    yield Row("Past due, nobody knows since when, canceled for tomorrow", "past_due cancel_at=+1d")
    yield Row("Past due, only the end is known", "past_due period=..+9d")
    yield Row("Past due, its own period over too", "past_due period=-30d..-1d unpaid_since=-1d")
    yield Row(
        "Past due, canceled before the tolerance ends", "past_due period=-3d..+27d cancel_at=+1d"
    )
    yield Row(
        "Past due, canceled with the tolerance's end", "past_due period=-3d..+27d cancel_at=+4d"
    )
    yield Row("Past due, canceled after the tolerance", "past_due period=-3d..+27d cancel_at=+20d")
    yield Row("Tolerance over, to be canceled next week", "past_due period=-9d..+21d cancel_at=+7d")
    yield Row(
        "Past due in a trial that never ended here", "past_due period=-3d..+27d trial_end=+1d"
    )


def first_payments() -> Iterator[Row]:
    for allow in (False, True):
        rules = Rules(allow_incomplete=allow)
        site = "allowed" if allow else "not allowed"
        for words, created in {"1 hour ago": "-1h", **around(23, "hour")}.items():
            yield Row(
                f"First payment open, made {words}; {site} here",
                f"incomplete created={created} {MONTH}",
                rules,
            )
        yield Row(
            f"First payment open, nobody knows since when; {site} here",
            f"incomplete {MONTH}",
            rules,
        )
        yield Row(
            f"First payment never came; {site} here",
            f"incomplete_expired created=-1h {MONTH}",
            rules,
        )
        yield Row(f"Active all along; open payments are {site} here", f"active {MONTH}", rules)


FAMILIES = (ends_of_trials, ends_of_periods, cancellations, failed_payments, first_payments)
