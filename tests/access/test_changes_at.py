"""`changes_at` is when the oracle, asked again later about the same facts, says something else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from caixa_subscriptions.access.decision import decide
from tests.access.oracle import DAY, HOUR, LATE_NEWS, Rules, expected
from tests.access.situations import Situation
from tests.access.test_truth_table import CASES, Case, facts_of
from tests.factories import NOW

ALONE = [case for case in CASES if len(case.subscriptions) == 1]
SPANS = (0, 23 * HOUR, 3 * DAY, LATE_NEWS, 7 * DAY, 30 * DAY)


@pytest.mark.parametrize("case", ALONE, ids=lambda case: f"{case.number}: {case.words}")
def test_the_answer_changes_then_and_not_before(case: Case) -> None:
    access = decide(facts_of(case), policy=case.policy, now=NOW, livemode=case.livemode)
    told = None if access.changes_at is None else (access.changes_at - NOW).total_seconds()
    (one,) = case.subscriptions
    rules = Rules(case.policy.past_due_days, case.policy.allow_incomplete, case.livemode)
    today = said(one, rules, 0)
    changes = (moment for moment in later_moments(one) if said(one, rules, moment) != today)
    assert told == next(changes, None)


def said(one: Situation, rules: Rules, moment: int) -> tuple[bool, str | None]:
    """What is said so many seconds from now."""
    answer = expected([as_seen_at(one, moment)], rules)
    return answer.allowed, answer.code


def as_seen_at(one: Situation, moment: int) -> Situation:
    def shifted(time: int | None) -> int | None:
        return None if time is None else time - moment

    return replace(
        one,
        times={name: time - moment for name, time in one.times.items()},
        periods={name: (shifted(a), shifted(b)) for name, (a, b) in one.periods.items()},
    )


def later_moments(one: Situation) -> list[int]:
    """All that could matter: every time told, and so long after, a second before and after it."""
    times = [*one.times.values(), *(time for period in one.periods.values() for time in period)]
    moments = {
        time + span + second
        for time in times
        if time is not None
        for span in SPANS
        for second in (-1, 0, 1)
    }
    return sorted(moment for moment in moments if moment > 0)
