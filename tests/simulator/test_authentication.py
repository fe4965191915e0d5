"""3D Secure: the first payment, renewals, and what the customer does about them."""

from __future__ import annotations

from typing import Any

import pytest

from caixa_subscriptions.simulator.core import CardError, StripeError
from tests.simulator.tools import DAY, HOUR, Calls, advance, event_types, events

ONCE = "4000002500003155"
ALWAYS = "4000002760003184"
THEN_DECLINED = "4000008260003178"


def waiting(call: Calls, card: str = ALWAYS, **params: Any) -> tuple[dict[str, Any], Any, Any]:
    """A subscription whose first payment waits, its invoice and its intent."""
    customer = call.customer(card)
    made = call.subscribe(customer, call.price(), expand=["latest_invoice.payments"], **params)
    invoice = made["latest_invoice"]
    (payment,) = invoice["payments"]["data"]
    return made, invoice, call.get(payment["payment"]["payment_intent"])


def test_a_first_payment_that_needs_authentication_leaves_it_incomplete(call: Calls) -> None:
    made, invoice, intent = waiting(call)
    assert made["status"] == "incomplete"
    # As recorded: fails_when_subscribing_with_sca_card.
    assert (invoice["status"], invoice["attempted"], invoice["attempt_count"]) == ("open", True, 0)
    assert invoice["next_payment_attempt"] is None
    assert intent["status"] == "requires_action"
    assert intent["next_action"]["use_stripe_sdk"]["type"] == "stripe_3ds2_fingerprint"
    assert (intent["last_payment_error"], intent["latest_charge"]) == (None, None)
    assert event_types(call.simulator)[-5:] == [
        "payment_intent.requires_action",
        "invoice.updated",
        "invoice.payment_action_required",
        "invoice.payment_failed",
        "customer.subscription.created",
    ]


def test_passing_it_makes_the_subscription_active(call: Calls) -> None:
    made, invoice, intent = waiting(call)
    before = len(event_types(call.simulator))
    answered = call.simulator.authenticate(intent["id"])
    assert (answered["status"], answered["next_action"]) == ("succeeded", None)
    assert call.get(made["id"])["status"] == "active"
    assert call.get(invoice["id"])["status"] == "paid"
    charge = call.get(answered["latest_charge"])
    secure = charge["payment_method_details"]["card"]["three_d_secure"]
    assert secure["result"] == "authenticated"
    assert event_types(call.simulator, before) == [
        "charge.succeeded",
        "payment_intent.succeeded",
        "invoice_payment.paid",
        "invoice.updated",
        "invoice.paid",
        "invoice.payment_succeeded",
        "customer.subscription.updated",
    ]


def test_failing_it_leaves_it_incomplete(call: Calls) -> None:
    made, invoice, intent = waiting(call)
    answered = call.simulator.authenticate(intent["id"], succeed=False)
    assert answered["status"] == "requires_payment_method"
    assert answered["last_payment_error"]["code"] == "payment_intent_authentication_failure"
    assert call.get(made["id"])["status"] == "incomplete"
    assert event_types(call.simulator)[-2:] == [
        "payment_intent.payment_failed",
        "invoice.payment_failed",
    ]
    advance(call.simulator, hours=24)
    assert call.get(made["id"])["status"] == "incomplete_expired"
    assert call.get(invoice["id"])["status"] == "void"


def test_a_card_can_be_authenticated_and_declined_all_the_same(call: Calls) -> None:
    made, _invoice, intent = waiting(call, THEN_DECLINED)
    answered = call.simulator.authenticate(intent["id"])
    assert answered["status"] == "requires_payment_method"
    assert answered["last_payment_error"]["decline_code"] == "insufficient_funds"
    assert call.get(made["id"])["status"] == "incomplete"


def test_nobody_can_authenticate_what_does_not_ask_for_it(call: Calls) -> None:
    _made, _invoice, intent = waiting(call)
    call.simulator.authenticate(intent["id"])
    with pytest.raises(StripeError, match="does not wait for authentication"):
        call.simulator.authenticate(intent["id"])
    with pytest.raises(StripeError, match="No such payment_intent"):
        call.simulator.authenticate("pi_none")


def test_a_card_that_was_set_up_renews_without_its_owner(call: Calls) -> None:
    made, _invoice, intent = waiting(call, ONCE)
    call.simulator.authenticate(intent["id"])
    advance(call.simulator, days=31)
    assert call.get(made["id"])["status"] == "active"
    assert call.get(call.get(made["id"])["latest_invoice"])["status"] == "paid"


def test_a_renewal_that_needs_authentication_is_past_due_until_it_comes(call: Calls) -> None:
    made, _invoice, intent = waiting(call)
    call.simulator.authenticate(intent["id"])
    advance(call.simulator, days=30, hours=2)
    renewed = call.get(made["id"])
    assert renewed["status"] == "past_due"
    told = [one for one in event_types(call.simulator) if "test_clock" not in one]
    assert told[-5:] == [
        "payment_intent.requires_action",
        "invoice.updated",
        "invoice.payment_action_required",
        "invoice.payment_failed",
        "customer.subscription.updated",
    ]
    (payment,) = call.simulator.list_objects("invoice_payment", invoice=renewed["latest_invoice"])
    call.simulator.authenticate(payment["payment"]["payment_intent"])
    assert call.get(made["id"])["status"] == "active"


def test_paying_an_invoice_by_hand_says_that_action_is_needed(call: Calls) -> None:
    _made, invoice, _intent = waiting(call)
    error = call.error(402, "POST", f"/v1/invoices/{invoice['id']}/pay")
    assert error["code"] == "invoice_payment_intent_requires_action"


@pytest.mark.parametrize("card", [ONCE, ALWAYS])
def test_checkout_authenticates_on_its_page(call: Calls, card: str) -> None:
    session = call.session(call.price())
    done = call.simulator.complete_checkout(session["id"], card_number=card)
    assert (done["status"], done["payment_status"]) == ("complete", "paid")
    subscription = call.get(done["subscription"])
    assert subscription["status"] == "active"
    advance(call.simulator, days=30, hours=2)
    assert call.get(subscription["id"])["status"] == ("active" if card == ONCE else "past_due")


def test_checkout_stays_open_when_authentication_fails(call: Calls) -> None:
    session = call.session(call.price())
    with pytest.raises(CardError, match="unable to authenticate"):
        call.simulator.complete_checkout(session["id"], card_number=ALWAYS, authenticate=False)
    with pytest.raises(CardError, match="insufficient funds"):
        call.simulator.complete_checkout(session["id"], card_number=THEN_DECLINED)
    assert call.get(session["id"])["status"] == "open"


def test_a_hard_decline_is_counted_but_not_charged_again(call: Calls) -> None:
    customer = call.customer("4000000000000341")
    price = call.price()
    made = call.subscribe(customer, price, trial_period_days=1)
    lost = "4000000000009987"  # reported lost after it was attached
    method = customer["invoice_settings"]["default_payment_method"]
    with call.simulator.deed() as world:
        card = world.get("payment_method", method)
        world.update(card, {"_number": lost})
    advance(call.simulator, seconds=DAY + HOUR + 60)
    assert call.get(made["id"])["status"] == "past_due"
    failed = len(events(call.simulator, "charge.failed"))
    advance(call.simulator, days=2)
    invoice = call.get(call.get(made["id"])["latest_invoice"])
    assert (invoice["attempt_count"], failed) == (2, 1)
    assert len(events(call.simulator, "charge.failed")) == 1
