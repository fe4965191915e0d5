"""Why a subscriber has access or not: every fact, every verdict, and what comes next.

For people who were asked "why can I not get in?". Reads the database and never the cache, in the
mode of the settings. No Stripe, no writes.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from django.db import models
from django.utils.translation import gettext

from caixa_subscriptions.access import get_policy
from caixa_subscriptions.access.answer import Access
from caixa_subscriptions.access.decision import Policy, Verdict, decide, exempt, verdict
from caixa_subscriptions.access.facts import subscription_facts
from caixa_subscriptions.access.wording import because, in_words, what_would_change
from caixa_subscriptions.conf import now, settings
from caixa_subscriptions.shapes import SubscriptionFacts

# Two answers that agree in these are the same to everyone who asks a gate.
_SEEN_BY_GATES = ("allowed", "code", "plans", "features", "limits")


@dataclass(frozen=True, slots=True)
class Explained:
    """One subscription, or the trial from sign-up: what it gives, and whether it answers."""

    facts: SubscriptionFacts
    verdict: Verdict
    answers: bool

    @property
    def name(self) -> str:
        return gettext("Trial from sign-up") if self.facts.is_from_signup else self.facts.id

    @property
    def because(self) -> str:
        return because(self.verdict.rule)

    @property
    def would_change(self) -> tuple[str, ...]:
        return what_would_change(self.verdict.rule)

    @property
    def shown_facts(self) -> list[tuple[str, Any]]:
        """Name and value of the facts that say something, but for the id; items by their price."""
        facts = {field.name: getattr(self.facts, field.name) for field in fields(self.facts)}
        facts["items"] = ", ".join(
            item.lookup_key or item.price_id or "" for item in facts["items"]
        )
        facts["entitlements"] = ", ".join(sorted(facts["entitlements"]))
        return [(name, value) for name, value in facts.items() if value and name != "id"]


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer at `moment`, how it came about, and `then`: the next one that comes by itself.

    `then` is None when time alone changes nothing; its moment is `then_at`. `of_other_mode` is how
    many subscriptions there are that do not count because they are of the other mode.
    """

    subscriber: models.Model
    moment: dt.datetime
    policy: Policy
    access: Access
    subscriptions: Sequence[Explained]
    then: Access | None
    then_at: dt.datetime | None
    of_other_mode: int

    @property
    def because(self) -> str:
        return because(self.access.rule)

    @property
    def then_because(self) -> str:
        return because(self.then.rule) if self.then else ""

    @property
    def would_change(self) -> list[str]:
        """What would change the answer: of a refusal, what any of the subscriptions waits for."""
        rules = [self.access.rule]
        if not self.access.allowed:
            rules += [one.verdict.rule for one in self.subscriptions]
        return list(dict.fromkeys(name for rule in rules for name in what_would_change(rule)))

    @property
    def would_change_in_words(self) -> list[str]:
        return [in_words(name) for name in self.would_change]

    @property
    def plans(self) -> list[str]:
        return sorted(self.access.plans)

    @property
    def features(self) -> list[str]:
        return sorted(self.access.features)

    def as_json(self) -> dict[str, Any]:
        """The explanation in types JSON knows; times in ISO 8601, UTC; no limit is None."""
        return {
            "subscriber": {
                "model": self.subscriber._meta.label_lower,
                "pk": str(self.subscriber.pk),
            },
            "mode": "live" if self.access.livemode else "test",
            "moment": self.moment.isoformat(),
            "answer": _answer(self.access),
            "would_change": self.would_change,
            "then": _answer(self.then) | {"at": _plain(self.then_at)} if self.then else None,
            "subscriptions": [
                {
                    "facts": _plain(asdict(one.facts)),
                    "verdict": _plain(one.verdict._asdict())
                    | {"allowed": one.verdict.code is None, "because": one.because},
                    "answers": one.answers,
                    "would_change": list(one.would_change),
                }
                for one in self.subscriptions
            ],
            "subscriptions_of_other_mode": self.of_other_mode,
            "policy": {
                "past_due_days": self.policy.past_due_days,
                "allow_incomplete": self.policy.allow_incomplete,
                "staff_exempt": settings.staff_exempt,
            },
        }


def explain(subscriber: models.Model) -> Explanation:
    """The access of a saved subscriber in the current mode, explained. Two SQL queries.

    Raises Django's `DatabaseError` when the database does not answer.
    """
    livemode, policy, moment = settings.livemode, get_policy(), now()
    facts = subscription_facts(subscriber, livemode=livemode)

    def at(time: dt.datetime) -> Access:
        access = decide(facts, policy=policy, now=time, livemode=livemode)
        if settings.staff_exempt and getattr(subscriber, "is_staff", False):
            return exempt(access)
        return access

    access = at(moment)
    verdicts = [verdict(one, policy=policy, now=moment) for one in facts]
    moments = sorted({given.changes_at for given in verdicts if given.changes_at})
    later = ((time, at(time)) for time in moments)
    then_at, then = next(
        ((time, answer) for time, answer in later if _differ(access, answer)), (None, None)
    )
    return Explanation(
        subscriber=subscriber,
        moment=moment,
        policy=policy,
        access=access,
        subscriptions=[
            Explained(one, given, answers=_answers(one, access))
            for one, given in zip(facts, verdicts, strict=True)
        ],
        then=then,
        then_at=then_at,
        of_other_mode=len(subscription_facts(subscriber, livemode=not livemode)),
    )


def _answers(facts: SubscriptionFacts, access: Access) -> bool:
    if facts.is_from_signup:
        return access.subscription_id is None
    return facts.id == access.subscription_id


def _differ(one: Access, other: Access) -> bool:
    return any(getattr(one, name) != getattr(other, name) for name in _SEEN_BY_GATES)


def _answer(access: Access) -> dict[str, Any]:
    shown = {
        name: _plain(getattr(access, name))
        for name in (
            "allowed",
            "code",
            "rule",
            "status",
            "subscription_id",
            "access_until",
            "past_due_until",
            "plans",
            "features",
            "limits",
        )
    }
    return shown | {"because": because(access.rule)}


def _plain(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat()
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return None if value == math.inf else value
