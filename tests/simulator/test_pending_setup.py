"""A trial whose card must be authenticated before its first charge (Stripe docs: SCA)."""

from __future__ import annotations

import pytest

from tests.simulator.tools import GOOD, Calls, advance, bought, events

ASKS_ONCE = "4000002500003155"
ASKS_ALWAYS = "4000002760003184"


@pytest.mark.parametrize(("card", "later"), [(ASKS_ONCE, "active"), (ASKS_ALWAYS, "past_due")])
def test_a_trial_asks_for_its_card_beforehand(call: Calls, card: str, later: str) -> None:
    made = call.subscribe(call.customer(card), call.price(), trial_period_days=7)
    assert made["status"] == "trialing"
    intent = call.get(made["pending_setup_intent"])
    assert intent["status"] == "requires_action"
    assert call.simulator.authenticate(intent["id"])["status"] == "succeeded"
    assert call.get(made["id"])["pending_setup_intent"] is None
    updated = events(call.simulator, "customer.subscription.updated")[-1]
    assert updated["data"]["previous_attributes"] == {"pending_setup_intent": intent["id"]}
    advance(call.simulator, days=7, hours=1)
    assert call.get(made["id"])["status"] == later


def test_a_trial_whose_card_was_not_authenticated_falls_behind(call: Calls) -> None:
    made = call.subscribe(call.customer(ASKS_ONCE), call.price(), trial_period_days=7)
    intent = call.simulator.authenticate(made["pending_setup_intent"], succeed=False)
    assert intent["last_setup_error"]["code"] == "setup_intent_authentication_failure"
    assert call.get(made["id"])["pending_setup_intent"] == intent["id"]
    advance(call.simulator, days=7, hours=1)
    assert call.get(made["id"])["status"] == "past_due"


def test_most_trials_have_nothing_to_set_up(call: Calls) -> None:
    made = call.subscribe(call.customer(GOOD), call.price(), trial_period_days=7)
    assert made["pending_setup_intent"] is None
    without = call.subscribe(call.customer(), call.price(), trial_period_days=7)
    assert without["pending_setup_intent"] is None
    trial = {"trial_period_days": 7}
    sold = bought(call, card=ASKS_ONCE, subscription_data=trial)  # its owner was there
    assert sold["pending_setup_intent"] is None


def test_a_trial_made_to_be_completed_waits_for_a_card(call: Calls) -> None:
    made = call.subscribe(
        call.customer(), call.price(), trial_period_days=7, payment_behavior="default_incomplete"
    )
    assert call.get(made["pending_setup_intent"])["status"] == "requires_payment_method"
