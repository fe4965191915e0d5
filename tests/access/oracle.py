"""The rules of docs/access.md, written once more: slowly, plainly, and on their own.

It shares no code with what it judges. Times are whole seconds from now.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from tests.access.situations import Situation

DAY = 24 * 60 * 60
HOUR = 60 * 60
LATE_NEWS = 3 * DAY + 5 * 60  # five minutes more, for a clock that is fast


@dataclass
class Rules:
    """The settings of the site."""

    past_due_days: int = 7
    allow_incomplete: bool = False
    live: bool = False


@dataclass
class Expected:
    allowed: bool
    code: str | None
    until: float | None  # seconds from now; None: refused, or nobody knows
    answered_by: int | None = None  # which of the subscriptions, counted from 1


# The further down, the more its owner can do about it.
REFUSALS = [
    "subscription_required",
    "subscription_canceled",
    "trial_expired",
    "payment_incomplete",
    "subscription_paused",
    "subscription_expired",
    "subscription_unpaid",
    "payment_past_due",
]


def expected(subscriptions: list[Situation], rules: Rules) -> Expected:
    """What a person with these subscriptions is to be told."""
    best = Expected(False, "subscription_required", None)
    best_created = -math.inf
    for number, one in enumerate(subscriptions, start=1):
        if ("live" in one.flags) != rules.live:
            continue
        answer = answer_of(one, rules)
        answer.answered_by = number
        created = one.time("created")
        newer = -math.inf if created is None else created
        if (
            best.answered_by is None
            or better(answer, best)
            or (not better(best, answer) and newer > best_created)
        ):
            best, best_created = answer, newer
    return best


def better(one: Expected, other: Expected) -> bool:
    if one.allowed != other.allowed:
        return one.allowed
    if one.allowed:
        ends = [math.inf if each.until is None else each.until for each in (one, other)]
        return ends[0] > ends[1]
    assert one.code is not None
    assert other.code is not None
    return REFUSALS.index(one.code) > REFUSALS.index(other.code)


def answer_of(one: Situation, rules: Rules) -> Expected:
    if "customer_deleted" in one.flags:
        return no("subscription_canceled")
    if one.status == "incomplete_expired":
        return no("subscription_required")
    if one.status == "paused":
        return no("subscription_paused")
    if one.status == "unpaid":
        return no("subscription_unpaid")
    if one.status == "incomplete":
        return incomplete(one, rules)
    if one.status == "canceled":
        return no("trial_expired" if trial_ran_out(one) else "subscription_canceled")
    if one.status not in ("active", "trialing", "past_due"):
        return no("subscription_required")

    cancel_at = one.time("cancel_at")
    if one.time("ended_at") is not None:
        return no("subscription_canceled")
    if cancel_at is not None and cancel_at <= 0:
        return no("subscription_canceled")
    if one.status == "past_due":
        return past_due(one, rules)
    if one.status == "trialing":
        trial_end = one.time("trial_end")
        end = period_end(one) if trial_end is None else trial_end
        silence, code = LATE_NEWS, "trial_expired"
    else:
        end = period_end(one)
        silence, code = LATE_NEWS, "subscription_expired"
        if rules.past_due_days > 3:
            silence = rules.past_due_days * DAY
    if end is not None and end + silence <= 0:
        return no(code)
    if cancel_at is not None:
        return Expected(True, None, cancel_at)
    if end is not None and end <= 0:
        return Expected(True, None, None)
    return Expected(True, None, end)


def no(code: str) -> Expected:
    return Expected(False, code, None)


def past_due(one: Situation, rules: Rules) -> Expected:
    since = one.time("unpaid_since")
    if since is None:
        since = period_start(one)
    if since is None:
        return no("payment_past_due")
    until = since + rules.past_due_days * DAY
    if until <= 0:
        return no("payment_past_due")
    cancel_at = one.time("cancel_at")
    if cancel_at is not None and cancel_at < until:
        until = cancel_at
    return Expected(True, None, until)


def incomplete(one: Situation, rules: Rules) -> Expected:
    created = one.time("created")
    if rules.allow_incomplete and created is not None and created + 23 * HOUR > 0:
        return Expected(True, None, created + 23 * HOUR)
    return no("payment_incomplete")


def trial_ran_out(one: Situation) -> bool:
    """Canceled when the trial ended or later, with no period after the trial."""
    trial_end, canceled_at = one.time("trial_end"), one.time("canceled_at")
    if trial_end is None or canceled_at is None or canceled_at < trial_end:
        return False
    end = period_end(one)
    return end is None or end <= trial_end


def period_start(one: Situation) -> int | None:
    """The latest of its items."""
    starts = [start for start, _end in periods(one) if start is not None]
    return max(starts) if starts else None


def period_end(one: Situation) -> int | None:
    """The earliest of its items."""
    ends = [end for _start, end in periods(one) if end is not None]
    return min(ends) if ends else None


def periods(one: Situation) -> list[tuple[int | None, int | None]]:
    return [period for name, period in one.periods.items() if name != "deleted_item"]
