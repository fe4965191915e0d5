"""Who may use the product, right now, and why: a pure function of facts, policy and time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from caixa_subscriptions.access.answer import Access
from caixa_subscriptions.access.plans import Catalogue
from caixa_subscriptions.shapes import SubscriptionFacts

# Stripe delivers a webhook again for 3 days (Stripe docs: webhooks), so a period or a trial that
# is over in our books, and not in what we heard, may only mean that the news is late. Five minutes
# more, for a clock of ours that is fast.
LATE_NEWS = dt.timedelta(days=3, minutes=5)

# An incomplete subscription expires 23 hours after its creation (Stripe docs: subscriptions).
INCOMPLETE_EXPIRES_AFTER = dt.timedelta(hours=23)

# A subscription in one of these can still charge, so it stands in the way of a second one.
LIVE_STATUSES = frozenset({"trialing", "active", "past_due", "unpaid", "paused"})


@dataclass(frozen=True, slots=True)
class Policy:
    """What a project decides about access.

    `past_due_days`: days of access after a failed renewal, counted from the renewal.
    `allow_incomplete`: access while the first payment is pending. `catalogue`: what prices give.
    `signup_trials`: whether trials that began at sign-up count.
    """

    past_due_days: int
    allow_incomplete: bool = False
    catalogue: Catalogue = field(default_factory=Catalogue)
    signup_trials: bool = False

    @property
    def renewal_unheard(self) -> dt.timedelta:
        """How long a paid period may be over without news: had the renewal failed unheard, access
        would go on for `past_due_days`, and Stripe may take `LATE_NEWS` to tell."""
        return max(LATE_NEWS, dt.timedelta(days=self.past_due_days))


class Verdict(NamedTuple):
    """What one subscription gives. See `Access` for the times."""

    rule: str
    code: str | None = None
    until: dt.datetime | None = None
    past_due_until: dt.datetime | None = None
    changes_at: dt.datetime | None = None


def is_live(facts: SubscriptionFacts, now: dt.datetime) -> bool:
    """Whether this subscription can still charge, so that a second one would charge twice."""
    if facts.is_from_signup:
        return False
    if facts.status not in LIVE_STATUSES or facts.ended_at or facts.customer_deleted:
        return False
    return facts.cancel_at is None or facts.cancel_at > now


def decide(
    subscriptions: Iterable[SubscriptionFacts],
    *,
    policy: Policy,
    now: dt.datetime,
    livemode: bool,
) -> Access:
    """The best answer any of the subscriptions gives; none at all is `subscription_required`.

    Of several that allow access the one that lasts longest answers, with the features, limits
    and plans of all of them. A subscription of the other mode does not count.
    """
    answers = [
        (verdict(facts, policy=policy, now=now), facts)
        for facts in subscriptions
        if facts.livemode == livemode
    ]
    if not answers:
        return Access(allowed=False, code="subscription_required", livemode=livemode)
    best, facts = answers[0] if len(answers) == 1 else max(answers, key=_rank)
    if best.code is not None:
        return _access(best, facts)
    allowing = [facts for one, facts in answers if one.code is None]
    return _access(best, facts, **_plans_of(allowing, policy))


def exempt(access: Access) -> Access:
    """The answer for staff whom no gate asks, whatever their own subscriptions say."""
    return replace(
        access, allowed=True, code=None, rule="staff_exempt", is_exempt=True, changes_at=None
    )


def verdict(facts: SubscriptionFacts, *, policy: Policy, now: dt.datetime) -> Verdict:
    """What one subscription gives at `now`."""
    if facts.is_from_signup:
        return _from_signup(facts, now)
    if facts.customer_deleted:
        return Verdict("customer_deleted", "subscription_canceled")
    match facts.status:
        case "active" | "trialing" | "past_due":
            return _running(facts, policy, now)
        case "canceled":
            if _ended_with_its_trial(facts):
                return Verdict("trial_ended", "trial_expired")
            return Verdict("canceled", "subscription_canceled")
        case "incomplete":
            return _incomplete(facts, policy, now)
        case "paused":
            return Verdict("paused", "subscription_paused")
        case "unpaid":
            return Verdict("unpaid", "subscription_unpaid")
        case "incomplete_expired":
            return Verdict("never_paid", "subscription_required")
        case _:  # a word Stripe may add: never an open gate
            return Verdict("unknown_status", "subscription_required")


def _from_signup(facts: SubscriptionFacts, now: dt.datetime) -> Verdict:
    """Nobody else knows of it, so there is no news to wait for."""
    end = facts.trial_end
    if end is None or end <= now:
        return Verdict("signup_trial_over", "trial_expired")
    return Verdict("signup_trial", until=end, changes_at=end)


def _running(facts: SubscriptionFacts, policy: Policy, now: dt.datetime) -> Verdict:
    # The portal sets only `cancel_at` on flexible billing (Stripe docs: billing mode), so the
    # moment counts and not `cancel_at_period_end`.
    if facts.ended_at:
        return Verdict("ended", "subscription_canceled")
    if facts.cancel_at and facts.cancel_at <= now:
        return Verdict("cancellation_reached", "subscription_canceled")
    if facts.status == "past_due":
        return _past_due(facts, policy, now)
    trialing = facts.status == "trialing"
    end = facts.current_period_end
    if trialing:
        end = facts.trial_end or end
    rule = "cancels_later" if facts.cancel_at else facts.status
    if end is None:
        return Verdict(rule, until=facts.cancel_at, changes_at=facts.cancel_at)
    latest = end + (LATE_NEWS if trialing else policy.renewal_unheard)
    if latest <= now:
        if trialing:
            return Verdict("trial_over_unheard", "trial_expired", changes_at=facts.cancel_at)
        return Verdict("renewal_unheard", "subscription_expired", changes_at=facts.cancel_at)
    changes_at = min(latest, facts.cancel_at) if facts.cancel_at else latest
    if end <= now:
        # Renewed at Stripe, presumably; when it ends is not known here yet.
        return Verdict("news_late", until=facts.cancel_at, changes_at=changes_at)
    return Verdict(rule, until=facts.cancel_at or end, changes_at=changes_at)


def _past_due(facts: SubscriptionFacts, policy: Policy, now: dt.datetime) -> Verdict:
    since = facts.past_due_since or facts.current_period_start
    if since is None:
        return Verdict("past_due_unknown", "payment_past_due", changes_at=facts.cancel_at)
    until = since + dt.timedelta(days=policy.past_due_days)
    if until <= now:
        return Verdict("past_due_over", "payment_past_due", changes_at=facts.cancel_at)
    end = min(until, facts.cancel_at) if facts.cancel_at else until
    return Verdict("past_due", until=end, past_due_until=until, changes_at=end)


def _incomplete(facts: SubscriptionFacts, policy: Policy, now: dt.datetime) -> Verdict:
    if policy.allow_incomplete and facts.created:
        until = facts.created + INCOMPLETE_EXPIRES_AFTER
        if until > now:
            return Verdict("incomplete_allowed", until=until, changes_at=until)
    return Verdict("incomplete", "payment_incomplete")


def _ended_with_its_trial(facts: SubscriptionFacts) -> bool:
    """Nobody asked for the end: it came with the end of the trial, before any paid period."""
    return bool(
        facts.trial_end
        and facts.canceled_at
        and facts.canceled_at >= facts.trial_end
        and (facts.current_period_end is None or facts.current_period_end <= facts.trial_end)
    )


# Of several refusals, the one its owner can mend tells more than the one that is history.
_REFUSALS = (
    "subscription_required",
    "subscription_canceled",
    "trial_expired",
    "payment_incomplete",
    "subscription_paused",
    "subscription_expired",
    "subscription_unpaid",
    "payment_past_due",
)
_FAR = dt.datetime.max.replace(tzinfo=dt.UTC)
_NEVER = dt.datetime.min.replace(tzinfo=dt.UTC)


def _rank(
    answer: tuple[Verdict, SubscriptionFacts],
) -> tuple[bool, int, dt.datetime, dt.datetime, str]:
    given, facts = answer
    allowed = given.code is None
    return (
        allowed,
        0 if given.code is None else _REFUSALS.index(given.code),
        given.until or _FAR if allowed else _NEVER,
        facts.created or _NEVER,
        facts.id,
    )


def _access(best: Verdict, facts: SubscriptionFacts, **plans: Any) -> Access:
    first = facts.items[0] if facts.items else None
    return Access(
        allowed=best.code is None,
        code=best.code,
        livemode=facts.livemode,
        rule=best.rule,
        status=facts.status,
        is_trialing=best.code is None and facts.status == "trialing",
        trial_end=facts.trial_end,
        current_period_end=facts.current_period_end,
        cancel_at=facts.cancel_at,
        cancel_at_period_end=facts.cancel_at_period_end,
        access_until=best.until,
        past_due_until=best.past_due_until,
        changes_at=best.changes_at,
        price_id=first.price_id if first else None,
        product_id=first.product_id if first else None,
        subscription_id=None if facts.is_from_signup else facts.id,
        **plans,
    )


def _plans_of(facts: list[SubscriptionFacts], policy: Policy) -> dict[str, Any]:
    """The plans, features and limits of all that allow access."""
    plans = [plan for one in facts for plan in policy.catalogue.plans_of(one.items)]
    if policy.catalogue.of_signup_trial and any(one.is_from_signup for one in facts):
        plans.append(policy.catalogue.of_signup_trial)
    entitlements = frozenset().union(*(one.entitlements for one in facts))
    if not plans and not entitlements:
        return {}
    limits: dict[str, float] = {}
    for plan in plans:
        for name, most in plan.limits.items():
            limits[name] = max(most, limits.get(name, 0))
    return {
        "plans": frozenset(plan.name for plan in plans),
        "features": entitlements.union(*(plan.features for plan in plans)),
        "limits": limits,
    }
