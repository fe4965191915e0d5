"""Who may use the product, right now, and why: a pure function of facts, policy and time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from caixa_subscriptions.shapes import SubscriptionFacts

# Stripe turns a trial into `active` at once when it ends. A trial that is over in our books but
# not yet in what we heard may only mean that the webhook is late; Stripe redelivers for 3 days
# (Stripe docs: webhooks).
LATE_NEWS = dt.timedelta(days=3)

# A subscription in one of these can still charge, so it stands in the way of a second one.
LIVE_STATUSES = frozenset({"trialing", "active", "past_due", "unpaid", "paused"})


@dataclass(frozen=True, slots=True)
class Policy:
    """`past_due_days`: days of access after a failed renewal, counted from the renewal."""

    past_due_days: int


@dataclass(frozen=True, slots=True)
class Access:
    """The answer every gate, page and endpoint shows. Times are aware UTC.

    `code` is None when allowed, else one of the 402 codes. `access_until` is when access ends
    unless Stripe renews it; None when it is refused, or when the end is not known.
    """

    allowed: bool
    code: str | None
    livemode: bool
    status: str = "none"
    is_trialing: bool = False
    trial_end: dt.datetime | None = None
    current_period_end: dt.datetime | None = None
    cancel_at: dt.datetime | None = None
    cancel_at_period_end: bool = False
    access_until: dt.datetime | None = None
    price_id: str | None = None
    subscription_id: str | None = None

    @property
    def reason(self) -> str:
        """One sentence for a person, in the active language."""
        if self.code == "subscription_required":
            return _("You do not have a subscription yet.")
        if self.code == "trial_expired":
            return _("Your free trial is over.")
        if self.code == "payment_past_due":
            return _("Your last payment failed. Please update your payment method.")
        if self.code == "payment_incomplete":
            return _("Your first payment was not completed.")
        if self.code == "subscription_paused":
            return _("Your subscription is paused. Add a payment method to go on.")
        if self.code == "subscription_canceled":
            return _("Your subscription was canceled.")
        if self.code == "subscription_unpaid":
            return _("Your subscription has unpaid invoices.")
        if self.cancel_at:
            return _("Your subscription ends on %(date)s.") % {"date": _date(self.cancel_at)}
        if self.status == "past_due" and self.access_until:
            return _("Your last payment failed. You have access until %(date)s.") % {
                "date": _date(self.access_until)
            }
        if self.is_trialing and self.trial_end:
            return _("Your free trial ends on %(date)s.") % {"date": _date(self.trial_end)}
        return _("Your subscription is active.")


def _date(moment: dt.datetime) -> str:
    return date_format(localtime(moment), "DATE_FORMAT")


def is_live(facts: SubscriptionFacts, now: dt.datetime) -> bool:
    """Whether this subscription can still charge, so that a second one would charge twice."""
    if facts.status not in LIVE_STATUSES or facts.ended_at:
        return False
    return facts.cancel_at is None or facts.cancel_at > now


def decide(
    subscriptions: Iterable[SubscriptionFacts],
    *,
    policy: Policy,
    now: dt.datetime,
    livemode: bool,
) -> Access:
    """The best answer any of the subscriptions gives; none at all is `subscription_required`."""
    answers = [
        (_decide_one(facts, policy=policy, now=now, livemode=livemode), facts)
        for facts in subscriptions
    ]
    if not answers:
        return Access(allowed=False, code="subscription_required", livemode=livemode)
    return max(answers, key=_rank)[0]


# Of several refusals, the one its owner can mend tells more than the one that is history.
_REFUSALS = (
    "subscription_required",
    "subscription_canceled",
    "trial_expired",
    "payment_incomplete",
    "subscription_paused",
    "subscription_unpaid",
    "payment_past_due",
)
_FAR = dt.datetime.max.replace(tzinfo=dt.UTC)
_NEVER = dt.datetime.min.replace(tzinfo=dt.UTC)


def _rank(answer: tuple[Access, SubscriptionFacts]) -> tuple[bool, int, dt.datetime, dt.datetime]:
    access, facts = answer
    return (
        access.allowed,
        _REFUSALS.index(access.code) if access.code else 0,
        access.access_until or _FAR if access.allowed else _NEVER,
        facts.created or _NEVER,
    )


def _decide_one(
    facts: SubscriptionFacts, *, policy: Policy, now: dt.datetime, livemode: bool
) -> Access:
    code, access_until = _code_and_end(facts, policy=policy, now=now)
    return Access(
        allowed=code is None,
        code=code,
        livemode=livemode,
        status=facts.status,
        is_trialing=code is None and facts.status == "trialing",
        trial_end=facts.trial_end,
        current_period_end=facts.current_period_end,
        cancel_at=facts.cancel_at,
        cancel_at_period_end=facts.cancel_at_period_end,
        access_until=access_until,
        price_id=facts.price_id,
        subscription_id=facts.id,
    )


def _code_and_end(
    facts: SubscriptionFacts, *, policy: Policy, now: dt.datetime
) -> tuple[str | None, dt.datetime | None]:
    match facts.status:
        case "trialing" | "active" | "past_due":
            pass
        case "canceled":
            if _ended_with_its_trial(facts):
                return "trial_expired", None
            return "subscription_canceled", None
        case "incomplete":
            return "payment_incomplete", None
        case "paused":
            return "subscription_paused", None
        case "unpaid":
            return "subscription_unpaid", None
        case _:  # incomplete_expired, and words Stripe may add: never an open gate
            return "subscription_required", None

    # The portal sets only `cancel_at` on flexible billing (Stripe docs: billing mode), so the
    # moment counts and not `cancel_at_period_end`.
    if facts.ended_at or (facts.cancel_at and facts.cancel_at <= now):
        return "subscription_canceled", None

    if facts.status == "past_due":
        since = facts.current_period_start
        until = since + dt.timedelta(days=policy.past_due_days) if since else None
        if until is None or until <= now:
            return "payment_past_due", None
        return None, min(until, facts.cancel_at or _FAR)

    end = facts.current_period_end
    if facts.status == "trialing":
        end = facts.trial_end or end
        if end and end + LATE_NEWS <= now:
            return "trial_expired", None
    if end and end <= now:
        end = None  # renewed at Stripe, presumably; when it ends is not known here yet
    return None, facts.cancel_at or end


def _ended_with_its_trial(facts: SubscriptionFacts) -> bool:
    """Nobody asked for the end: it came with the end of the trial, before any paid period."""
    return bool(
        facts.trial_end
        and facts.canceled_at
        and facts.canceled_at >= facts.trial_end
        and (facts.current_period_end is None or facts.current_period_end <= facts.trial_end)
    )
