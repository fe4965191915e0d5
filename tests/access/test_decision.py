"""What an answer tells beside the decision, which truth_table.csv holds."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import translation

from caixa_subscriptions.access.decision import Access, Policy, decide, is_live
from caixa_subscriptions.shapes import SubscriptionFacts
from tests.factories import NOW, in_days, subscription_payload

POLICY = Policy(past_due_days=7)


def facts_of(**payload: Any) -> SubscriptionFacts:
    return SubscriptionFacts.from_stripe(subscription_payload(**payload), livemode=False)


def access_of(*payloads: dict[str, Any]) -> Access:
    facts = [facts_of(**payload) for payload in payloads]
    return decide(facts, policy=POLICY, now=NOW, livemode=False)


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
    assert access.livemode is False


@pytest.mark.parametrize(
    ("payload", "rule"),
    [
        ({}, "active"),
        ({"status": "trialing"}, "trialing"),
        ({"current_period_end": None}, "active"),
        ({"cancel_at": in_days(5)}, "cancels_later"),
        ({"current_period_end": in_days(-1), "cancel_at": in_days(5)}, "news_late"),
        ({"current_period_end": in_days(-9)}, "renewal_unheard"),
        ({"status": "trialing", "trial_end": in_days(-9)}, "trial_over_unheard"),
        ({"cancel_at": in_days(-1)}, "cancellation_reached"),
        ({"ended_at": in_days(-1)}, "ended"),
        ({"status": "past_due", "current_period_start": in_days(-1)}, "past_due"),
        ({"status": "past_due", "current_period_start": in_days(-8)}, "past_due_over"),
        ({"status": "past_due", "current_period_start": None}, "past_due_unknown"),
        ({"status": "canceled"}, "canceled"),
        (
            {
                "status": "canceled",
                "trial_end": in_days(-1),
                "canceled_at": in_days(-1),
                "current_period_end": in_days(-1),
            },
            "trial_ended",
        ),
        ({"status": "incomplete", "created": in_days(-1)}, "incomplete"),
        ({"status": "incomplete", "created": in_days(-0.5)}, "incomplete_allowed"),
        ({"status": "incomplete_expired"}, "never_paid"),
        ({"status": "paused"}, "paused"),
        ({"status": "unpaid"}, "unpaid"),
        ({"status": "hibernating"}, "unknown_status"),
    ],
)
def test_the_rule_that_decided_is_named(payload: dict[str, Any], rule: str) -> None:
    policy = Policy(past_due_days=7, allow_incomplete=True)
    access = decide([facts_of(**payload)], policy=policy, now=NOW, livemode=False)
    assert access.rule == rule


def test_a_deleted_customer_is_a_rule_too() -> None:
    facts = SubscriptionFacts.from_stripe(
        subscription_payload(), livemode=False, customer_deleted=True
    )
    assert decide([facts], policy=POLICY, now=NOW, livemode=False).rule == "customer_deleted"
    assert not is_live(facts, NOW)


def test_a_first_payment_is_not_waited_for_unless_the_policy_says_so() -> None:
    assert access_of({"status": "incomplete", "created": NOW}).code == "payment_incomplete"
    facts = facts_of(status="incomplete", created=NOW)
    policy = Policy(past_due_days=7, allow_incomplete=True)
    assert decide([facts], policy=policy, now=NOW, livemode=False).allowed


@pytest.mark.parametrize("status", ["canceled", "paused", "unpaid", "incomplete", "new_at_stripe"])
def test_a_refusal_that_time_does_not_change_tells_no_times(status: str) -> None:
    access = access_of({"status": status})
    assert not access.allowed
    times = (access.access_until, access.past_due_until, access.changes_at)
    assert times == (None, None, None)


def test_an_expired_trial_is_no_longer_trialing() -> None:
    assert not access_of({"status": "trialing", "trial_end": in_days(-9)}).is_trialing


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
        {"cancel_at": NOW},
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
