"""Every situation Stripe can put a subscription in, and what we say to it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import translation

from caixa_subscriptions.access.decision import Access, Policy, decide, is_live
from caixa_subscriptions.shapes import SubscriptionFacts
from tests.factories import NOW, in_days, subscription_payload

POLICY = Policy(past_due_days=7)


def facts_of(**payload: Any) -> SubscriptionFacts:
    return SubscriptionFacts.from_stripe(subscription_payload(**payload), livemode=False)


# situation, what Stripe says, code (None: allowed), when access ends
SITUATIONS: list[tuple[str, dict[str, Any], str | None, dt.datetime | None]] = [
    ("paid and running", {}, None, in_days(20)),
    (
        "in the trial",
        {"status": "trialing", "trial_end": in_days(3), "current_period_end": in_days(3)},
        None,
        in_days(3),
    ),
    (
        "trial over an hour ago, news late",
        {"status": "trialing", "trial_end": NOW - dt.timedelta(hours=1)},
        None,
        None,
    ),
    (
        "trial over for 3 days and nothing heard",
        {"status": "trialing", "trial_end": in_days(-3)},
        "trial_expired",
        None,
    ),
    (
        "trial without a trial_end goes by its period",
        {"status": "trialing", "current_period_end": in_days(2)},
        None,
        in_days(2),
    ),
    ("renewal late, webhook not heard", {"current_period_end": in_days(-2)}, None, None),
    ("no period known", {"current_period_end": None}, None, None),
    (
        "canceled by the API at period end",
        {"cancel_at": in_days(20), "cancel_at_period_end": True},
        None,
        in_days(20),
    ),
    ("canceled in the portal, flexible billing", {"cancel_at": in_days(5)}, None, in_days(5)),
    ("cancellation time reached now", {"cancel_at": NOW}, "subscription_canceled", None),
    (
        "trial with cancellation reached, webhook late",
        {"status": "trialing", "trial_end": in_days(-1), "cancel_at": in_days(-1)},
        "subscription_canceled",
        None,
    ),
    ("ended but still called active", {"ended_at": in_days(-1)}, "subscription_canceled", None),
    (
        "renewal failed 3 days ago",
        {"status": "past_due", "current_period_start": in_days(-3)},
        None,
        in_days(4),
    ),
    (
        "renewal failed, cancellation comes first",
        {"status": "past_due", "current_period_start": in_days(-3), "cancel_at": in_days(1)},
        None,
        in_days(1),
    ),
    (
        "renewal failed exactly 7 days ago",
        {"status": "past_due", "current_period_start": in_days(-7)},
        "payment_past_due",
        None,
    ),
    (
        "past due since nobody knows when",
        {"status": "past_due", "current_period_start": None},
        "payment_past_due",
        None,
    ),
    (
        "canceled at once",
        {"status": "canceled", "canceled_at": in_days(-1), "ended_at": in_days(-1)},
        "subscription_canceled",
        None,
    ),
    (
        "canceled during the trial, ended with it",
        {
            "status": "canceled",
            "trial_end": in_days(-1),
            "current_period_end": in_days(-1),
            "canceled_at": in_days(-5),
            "ended_at": in_days(-1),
        },
        "subscription_canceled",
        None,
    ),
    (
        "trial ended without a card, Stripe canceled",
        {
            "status": "canceled",
            "trial_end": in_days(-1),
            "current_period_end": in_days(-1),
            "canceled_at": in_days(-1),
            "ended_at": in_days(-1),
        },
        "trial_expired",
        None,
    ),
    (
        "same, and no period is told",
        {
            "status": "canceled",
            "trial_end": in_days(-1),
            "current_period_end": None,
            "canceled_at": in_days(-1),
        },
        "trial_expired",
        None,
    ),
    (
        "paid once after the trial, then canceled",
        {
            "status": "canceled",
            "trial_end": in_days(-40),
            "current_period_end": in_days(-10),
            "canceled_at": in_days(-10),
        },
        "subscription_canceled",
        None,
    ),
    ("first payment open", {"status": "incomplete"}, "payment_incomplete", None),
    ("first payment never came", {"status": "incomplete_expired"}, "subscription_required", None),
    ("trial ended without a card, paused", {"status": "paused"}, "subscription_paused", None),
    ("retries exhausted", {"status": "unpaid"}, "subscription_unpaid", None),
    ("a word Stripe may add", {"status": "hibernating"}, "subscription_required", None),
    ("no status at all", {"status": None}, "subscription_required", None),
]


def access_of(*payloads: dict[str, Any]) -> Access:
    facts = [facts_of(**payload) for payload in payloads]
    return decide(facts, policy=POLICY, now=NOW, livemode=False)


@pytest.mark.parametrize(
    ("payload", "code", "access_until"),
    [row[1:] for row in SITUATIONS],
    ids=[row[0] for row in SITUATIONS],
)
def test_situation(
    payload: dict[str, Any], code: str | None, access_until: dt.datetime | None
) -> None:
    access = access_of(payload)
    assert (access.allowed, access.code, access.access_until) == (code is None, code, access_until)


def test_nobody_has_no_access() -> None:
    access = access_of()
    assert not access.allowed
    assert access.code == "subscription_required"
    assert access.status == "none"


def test_the_facts_are_handed_on() -> None:
    trial_end = in_days(3)
    access = access_of(
        {
            "id": "sub_7",
            "status": "trialing",
            "trial_end": trial_end,
            "current_period_end": trial_end,
            "cancel_at": trial_end,
            "cancel_at_period_end": True,
            "price": "price_7",
        }
    )
    assert access.subscription_id == "sub_7"
    assert access.price_id == "price_7"
    assert access.status == "trialing"
    assert access.is_trialing
    assert access.trial_end == access.current_period_end == access.cancel_at == trial_end
    assert access.cancel_at_period_end


def test_an_expired_trial_is_no_longer_trialing() -> None:
    assert not access_of({"status": "trialing", "trial_end": in_days(-9)}).is_trialing


def test_an_open_subscription_beats_a_newer_refused_one() -> None:
    access = access_of({"id": "sub_old"}, {"id": "sub_new", "status": "unpaid", "created": NOW})
    assert access.allowed
    assert access.subscription_id == "sub_old"


def test_of_two_open_ones_the_longer_wins() -> None:
    access = access_of(
        {"id": "sub_short", "cancel_at": in_days(1)}, {"id": "sub_long", "cancel_at": in_days(9)}
    )
    assert access.subscription_id == "sub_long"


def test_an_open_end_is_the_longest() -> None:
    access = access_of({"id": "sub_known"}, {"id": "sub_late", "current_period_end": in_days(-1)})
    assert access.subscription_id == "sub_late"


def test_of_two_refused_ones_the_mendable_explains() -> None:
    access = access_of(
        {"status": "canceled", "created": NOW},
        {"status": "past_due", "current_period_start": in_days(-30), "created": in_days(-90)},
    )
    assert access.code == "payment_past_due"


def test_of_two_alike_the_newer_explains() -> None:
    access = access_of(
        {"id": "sub_new", "status": "canceled", "created": in_days(-1)},
        {"id": "sub_old", "status": "canceled", "created": in_days(-90)},
        {"id": "sub_undated", "status": "canceled", "created": None},
    )
    assert access.subscription_id == "sub_new"


@pytest.mark.parametrize("status", ["trialing", "active", "past_due", "unpaid", "paused"])
def test_what_can_still_charge_is_live(status: str) -> None:
    facts = facts_of(status=status)
    assert is_live(facts, NOW)


@pytest.mark.parametrize(
    "payload",
    [
        {"status": "canceled"},
        {"status": "incomplete"},
        {"status": "incomplete_expired"},
        {"ended_at": in_days(-1)},
        {"cancel_at": in_days(-1)},
    ],
)
def test_what_can_no_longer_charge_is_not_live(payload: dict[str, Any]) -> None:
    assert not is_live(facts_of(**payload), NOW)


def test_a_pending_cancellation_is_live_until_its_time() -> None:
    facts = facts_of(cancel_at=in_days(1))
    assert is_live(facts, NOW)


@pytest.mark.parametrize(
    ("payload", "sentence"),
    [
        ({}, "Your subscription is active."),
        ({"cancel_at": in_days(1)}, "Your subscription ends on June 16, 2026."),
        (
            {"status": "trialing", "trial_end": in_days(2)},
            "Your free trial ends on June 17, 2026.",
        ),
        (
            {"status": "past_due", "current_period_start": NOW},
            "Your last payment failed. You have access until June 22, 2026.",
        ),
        (
            {"status": "past_due", "current_period_start": in_days(-9)},
            "Your last payment failed. Please update your payment method.",
        ),
        ({"status": "trialing", "trial_end": in_days(-9)}, "Your free trial is over."),
        ({"status": "incomplete"}, "Your first payment was not completed."),
        ({"status": "paused"}, "Your subscription is paused. Add a payment method to go on."),
        ({"status": "canceled"}, "Your subscription was canceled."),
        ({"status": "unpaid"}, "Your subscription has unpaid invoices."),
        ({"status": "incomplete_expired"}, "You do not have a subscription yet."),
    ],
)
def test_the_reason_is_one_sentence(payload: dict[str, Any], sentence: str) -> None:
    assert access_of(payload).reason == sentence


def test_the_reason_speaks_portuguese() -> None:
    with translation.override("pt-br"):
        assert access_of({"status": "canceled"}).reason == "Sua assinatura foi cancelada."
