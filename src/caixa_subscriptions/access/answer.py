"""The answer to "who may use what, right now, and why"."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _


@dataclass(frozen=True, slots=True)
class Access:
    """The answer every gate, page and endpoint shows. Times are aware UTC.

    `code` is None when allowed, else one of the 402 codes; `rule` names the rule that decided.
    `access_until` is when access ends unless Stripe renews it; None when it is refused, or when
    the end is not known. `past_due_until` is when the tolerance after a failed payment ends.
    `changes_at` is when the answer changes by itself if nothing more is heard of Stripe; None if
    it does not. `is_exempt` is staff whom no gate asks.
    """

    allowed: bool
    code: str | None
    livemode: bool
    rule: str = "no_subscription"
    status: str = "none"
    is_trialing: bool = False
    trial_end: dt.datetime | None = None
    current_period_end: dt.datetime | None = None
    cancel_at: dt.datetime | None = None
    cancel_at_period_end: bool = False
    access_until: dt.datetime | None = None
    past_due_until: dt.datetime | None = None
    changes_at: dt.datetime | None = None
    price_id: str | None = None
    product_id: str | None = None
    subscription_id: str | None = None
    plans: frozenset[str] = frozenset()
    features: frozenset[str] = frozenset()
    limits: Mapping[str, float] = field(default_factory=dict)
    is_exempt: bool = False

    def has_feature(self, name: str) -> bool:
        """Whether a plan or a Stripe entitlement gives this feature. Refused, nobody has any."""
        return self.is_exempt or name in self.features

    def limit(self, name: str) -> float:
        """How many of something the plans allow: `math.inf` without a limit, 0 without a plan."""
        return math.inf if self.is_exempt else self.limits.get(name, 0)

    def requiring(self, *, features: Iterable[str] = (), plans: Iterable[str] = ()) -> Access:
        """The same answer, refused when it lacks one of `features`, or has none of `plans`."""
        wanted = frozenset(plans)
        if not self.allowed or self.is_exempt:
            return self
        if wanted and wanted.isdisjoint(self.plans):
            return replace(self, allowed=False, code="plan_required", rule="plan_required")
        if not self.features.issuperset(features):
            return replace(self, allowed=False, code="feature_required", rule="feature_required")
        return self

    @property
    def reason(self) -> str:
        """One sentence for a person, in the active language."""
        if self.code is not None:
            return _refusal(self.code)
        if self.cancel_at:
            return _("Your subscription ends on %(date)s.") % {"date": _date(self.cancel_at)}
        if self.past_due_until:
            return _("Your last payment failed. You have access until %(date)s.") % {
                "date": _date(self.past_due_until)
            }
        if self.is_trialing and self.trial_end:
            return _("Your free trial ends on %(date)s.") % {"date": _date(self.trial_end)}
        if self.status == "incomplete":
            return _("Your first payment is still to be completed.")
        if self.status == "none":
            return _("You do not need a subscription.")
        return _("Your subscription is active.")


def _refusal(code: str) -> str:
    return {
        "subscription_required": _("You do not have a subscription yet."),
        "trial_expired": _("Your free trial is over."),
        "payment_past_due": _("Your last payment failed. Please update your payment method."),
        "payment_incomplete": _("Your first payment was not completed."),
        "subscription_paused": _("Your subscription is paused. Add a payment method to go on."),
        "subscription_canceled": _("Your subscription was canceled."),
        "subscription_unpaid": _("Your subscription has unpaid invoices."),
        "subscription_expired": _("Your subscription is over, and no renewal was confirmed."),
        "plan_required": _("Your plan does not include this."),
        "feature_required": _("Your plan does not include this."),
    }[code]


def _date(moment: dt.datetime) -> str:
    return date_format(localtime(moment))
