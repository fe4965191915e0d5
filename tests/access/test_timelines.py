"""However late webhooks are and wrong the app's clock is: who pays gets in, who left does not.

Lifecycles of one customer are run by the simulator: trials, renewals, cards that fail, recoveries,
changes of price, collection that is paused, cancellations in the portal, at a moment and at once,
and with the customer. Each is then told to the app many times over, every webhook late by its own
0 to 72 hours, with the app's clock right or wrong by five minutes. What is true is read from the
simulator's events alone, and never from what decides access.

*Paying*: Stripe has the subscription `active` or `trialing`, it has not ended, and none of its
invoices is open after an attempt to charge. A trial counts: it is owed as well.

*Never refused*: from the arrival of the news of how this came to be (the first payment, a recovery,
a cancellation taken back: nobody can know those before), without a gap until Stripe stops having it
so, whatever news of renewals is late by then. Where the end was asked for, the app's clock says
when it comes, so that a clock that is fast takes its minutes off.

*Cancelled*: every subscription of the customer has ended. *Its time* is the moment it ended; when
nobody told before (a cancellation at once, the end of the retries, a trial that ended without a
card), the arrival of the first news that did. Not more than five minutes later access is refused,
and stays so.

*Late*: a webhook arrives 0 to 72 hours after what it tells of, and sooner or later than others. It
brings the object as it was then, or as it is at arrival, which is how dj-stripe reads it; what is
older than what is known is not believed.

1,000 timelines; `TIMELINES=10000` as many as that, as CI does.
"""

from __future__ import annotations

import datetime as dt
import os
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from caixa_subscriptions.access import decision
from caixa_subscriptions.access.answer import Access
from caixa_subscriptions.access.decision import Policy
from caixa_subscriptions.access.facts import subscription_facts
from caixa_subscriptions.shapes import SubscriptionFacts, from_timestamp
from caixa_subscriptions.simulator import Simulator
from tests.access.lifecycles import Lifecycle, News, Payload, at, deeds, subscription_of
from tests.conftest import advance
from tests.simulator.tools import FAILS_LATER, HOUR
from tests.test_checkout import check_out

TIMELINES = int(os.environ.get("TIMELINES", "1000"))
PER_LIFECYCLE = 40
LATEST = 72 * HOUR
FIVE_MINUTES = 300

Decide = Callable[..., Access]
Facts = list[SubscriptionFacts]


class Timeline:
    """One lifecycle as one app hears of it. Moments are true ones, not those of the app's clock."""

    def __init__(self, life: Lifecycle, random: Random) -> None:
        self.life = life
        self.skew = random.choice([-FIVE_MINUTES, 0, FIVE_MINUTES])
        self.policy = Policy(past_due_days=random.choice([0, 3, 7, 14]))
        self._fetched = random.random() < 0.5
        self._lateness = random.choice(
            [
                lambda: 0,
                lambda: LATEST,
                lambda: random.choice([0, LATEST, random.randint(0, LATEST)]),
            ]
        )
        self._arrivals: dict[int, int] = {}
        self._heard = {
            name: self._hear(history)
            for histories in (life.subscriptions, life.invoices)
            for name, history in histories.items()
        }
        if life.deletion:
            self._hear([life.deletion])

    def arrival(self, news: News) -> int:
        return self._arrivals[news.order]

    def arrivals(self) -> Iterable[int]:
        return self._arrivals.values()

    def _hear(self, history: list[News]) -> tuple[list[int], list[Payload]]:
        """The moments of arrival, and what the app knows of the object from each on."""
        for news in history:
            self._arrivals[news.order] = news.created + self._lateness()
        moments: list[int] = []
        known: list[Payload] = []
        newest = -1
        for news in sorted(history, key=self.arrival):
            moment = self.arrival(news)
            newest = max(newest, news.order)
            payload = next(one.payload for one in history if one.order == newest)
            if self._fetched:
                payload = at(history, moment) or payload
            moments.append(moment)
            known.append(payload)
        return moments, known

    def _known(self, name: str, moment: int) -> Payload | None:
        moments, known = self._heard[name]
        found = bisect_right(moments, moment)
        return known[found - 1] if found else None

    def facts(self, moment: int) -> list[SubscriptionFacts]:
        """What the app knows."""
        subscriptions = [self._known(name, moment) for name in self.life.subscriptions]
        invoices = [self._known(name, moment) for name in self.life.invoices]
        deletion = self.life.deletion
        return [
            self.life.facts(
                one,
                past_due_since=past_due_since(one, invoices),
                customer_deleted=deletion is not None and self.arrival(deletion) <= moment,
            )
            for one in subscriptions
            if one
        ]

    def access(self, moment: int, decide: Decide) -> Access:
        now = from_timestamp(moment + self.skew)
        return decide(self.facts(moment), policy=self.policy, now=now, livemode=False)

    # The claims

    def check(self, decide: Decide) -> None:
        for begin, end in self.owed():
            for moment in self._moments_within(begin, end):
                access = self.access(moment, decide)
                assert access.allowed, ("refused", moment, access)
        for begin, end in self.over():
            for moment in self._moments_within(begin, end):
                access = self.access(moment, decide)
                assert not access.allowed, ("kept", moment, access)

    def owed(self) -> Iterable[tuple[int, int]]:
        """From when until before when access must not be refused."""
        for name in self.life.subscriptions:
            for span in self.life.spans(name):
                asked = span.cancel_at or span.end + FIVE_MINUTES
                end = min(span.end, asked - max(self.skew, 0))
                yield max(span.begin, self.arrival(span.told)), end

    def over(self) -> Iterable[tuple[int, int]]:
        """From when until before when access must be refused: before anything was paid for, and
        after everything has ended."""
        begun = [span.begin for name in self.life.subscriptions for span in self.life.spans(name)]
        first = min(history[0].created for history in self.life.subscriptions.values())
        yield first, min(begun, default=self.life.end)
        running: list[tuple[int, int]] = []
        for name, history in self.life.subscriptions.items():
            ended = self.life.ended(name)
            until = self.life.end + LATEST
            if ended:
                moment, told = ended
                until = max(moment, min(map(self.arrival, told))) + FIVE_MINUTES
            running.append((history[0].created, until))
        over_at = first
        for begin, until in sorted(running):
            if over_at > first:
                yield over_at, begin
            over_at = max(over_at, until)
        yield over_at, self.life.end + LATEST

    def _moments_within(self, begin: int, end: int) -> list[int]:
        """Both ends, and either side of every arrival between: only news and time change access."""
        news = {moment + off for moment in self.arrivals() for off in (-1, 0)}
        return sorted(one for one in news | {begin, end - 1} if begin <= one < end)


def past_due_since(subscription: Payload, invoices: Iterable[Payload | None]) -> dt.datetime | None:
    """What the one SQL finds: the first open invoice of those after the last that was paid."""
    if subscription["status"] != "past_due":
        return None
    own = [one for one in invoices if one and subscription_of(one) == subscription["id"]]
    paid = max((one["created"] for one in own if one["status"] == "paid"), default=0)
    unpaid = [one["created"] for one in own if one["status"] == "open" and one["created"] > paid]
    return from_timestamp(min(unpaid, default=None))


def check_timelines(
    number: int, decide: Decide, phases: Collection[Phase], *, derandomize: bool = False
) -> int:
    """Raises AssertionError for a claim that does not hold; else how many timelines it took."""
    told = 0

    @settings(
        max_examples=-(-number // PER_LIFECYCLE),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        derandomize=derandomize,
        print_blob=True,
        phases=phases,
    )
    @given(deeds(), st.sampled_from(["canceled", "unpaid", "past_due"]), st.integers(0, 2**32))
    def tell(done: list[tuple[Any, ...]], dunning_outcome: str, seed: int) -> None:
        nonlocal told
        life = Lifecycle(done, dunning_outcome=dunning_outcome)
        assume(life.subscriptions)
        random = Random(seed)
        for _ in range(PER_LIFECYCLE):
            Timeline(life, random).check(decide)
            told += 1

    tell()
    return told


def test_who_pays_gets_in_and_who_left_does_not() -> None:
    # As in the simulator's invariants: CI takes the same ones every time, and does not shrink.
    in_ci = "CI" in os.environ
    phases = (Phase.generate,) if in_ci else tuple(Phase)
    told = check_timelines(TIMELINES, decision.decide, phases, derandomize=in_ci)
    assert told >= TIMELINES
    print(f"{told} timelines")  # noqa: T201  shown by `pytest -s`


def without_tolerance_for_clocks(facts: Facts, **asked: Any) -> Access:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decision, "LATE_NEWS", dt.timedelta(days=3))
        return decision.decide(facts, **asked)


def by_the_period_alone(facts: Facts, **asked: Any) -> Access:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decision, "LATE_NEWS", dt.timedelta())
        return decision.decide(facts, **asked)


def blind_to_cancel_at(facts: Facts, **asked: Any) -> Access:
    return decision.decide([replace(one, cancel_at=None) for one in facts], **asked)


def blind_to_the_portals_cancellations(facts: Facts, **asked: Any) -> Access:
    seen = [one if one.cancel_at_period_end else replace(one, cancel_at=None) for one in facts]
    return decision.decide(seen, **asked)


def a_minute_too_long(facts: Facts, now: dt.datetime, **asked: Any) -> Access:
    minute = dt.timedelta(minutes=1)
    seen = [
        replace(one, cancel_at=one.cancel_at + minute) if one.cancel_at else one for one in facts
    ]
    return decision.decide(seen, now=now, **asked)


def until_the_paid_period_ends(facts: Facts, **asked: Any) -> Access:
    seen = [
        replace(one, status="active", ended_at=None) if one.status == "canceled" else one
        for one in facts
    ]
    return decision.decide(seen, **asked)


def by_the_first_subscription(facts: Facts, **asked: Any) -> Access:
    return decision.decide(facts[:1], **asked)


def blind_to_deleted_customers(facts: Facts, **asked: Any) -> Access:
    return decision.decide([replace(one, customer_deleted=False) for one in facts], **asked)


def without_those_whose_collection_is_paused(facts: Facts, **asked: Any) -> Access:
    return decision.decide([one for one in facts if not one.pause_collection], **asked)


def before_the_first_payment(facts: Facts, policy: Policy, **asked: Any) -> Access:
    return decision.decide(facts, policy=replace(policy, allow_incomplete=True), **asked)


@pytest.mark.parametrize(
    "wrong",
    [
        without_tolerance_for_clocks,
        by_the_period_alone,
        blind_to_cancel_at,
        blind_to_the_portals_cancellations,
        a_minute_too_long,
        until_the_paid_period_ends,
        by_the_first_subscription,
        blind_to_deleted_customers,
        without_those_whose_collection_is_paused,
        before_the_first_payment,
    ],
)
def test_a_wrong_decision_is_found(wrong: Decide) -> None:
    with pytest.raises(AssertionError, match=r"refused|kept"):
        check_timelines(10_000, wrong, (Phase.generate,), derandomize=True)


@pytest.mark.parametrize("days", [7, 30])
def test_the_facts_are_those_of_the_database(
    user: Any, shop: Simulator, caixa: Any, days: int
) -> None:
    """The timelines' facts, which no database has seen, are what real webhooks bring there."""
    caixa(TRIAL_DAYS=days)
    shop.complete_checkout(check_out(user).session_id, card_number=FAILS_LATER)
    since = set()
    for _ in range(12):
        shop.deliver_pending()
        (subscription,) = shop.list_objects("subscription")
        invoices = shop.list_objects("invoice")
        expected = SubscriptionFacts.from_stripe(
            subscription,
            livemode=False,
            past_due_since=past_due_since(subscription, invoices),
        )
        assert subscription_facts(user, livemode=False) == [expected]
        since.add(expected.past_due_since)
        advance(shop, days=5)
    assert len(since) > 1
