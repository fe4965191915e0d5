"""Declined cards, retries and recovery."""

from __future__ import annotations

from typing import Any

import pytest

from caixa_subscriptions.simulator import Simulator
from tests.simulator.tools import (
    DAY,
    FAILS_LATER,
    GOOD,
    HOUR,
    START,
    Calls,
    Wall,
    advance,
    events,
    failing,
    go_to,
    invoice_of,
    message,
    on_trial,
    replace_card,
    trial_without_card,
)


def test_a_card_that_fails_later_makes_past_due(call: Calls) -> None:
    subscription = failing(call)
    assert subscription["status"] == "past_due"
    invoice = invoice_of(call, subscription)
    assert (invoice["status"], invoice["attempt_count"]) == ("open", 1)
    assert invoice["next_payment_attempt"] > call.simulator.now()
    (failed,) = events(call.simulator, "invoice.payment_failed")
    assert failed["data"]["object"]["next_payment_attempt"] == invoice["next_payment_attempt"]
    updated = events(call.simulator, "customer.subscription.updated")[-1]
    assert updated["data"]["previous_attributes"] == {"status": "active"}
    (charge,) = call.simulator.list_objects("charge")
    assert (charge["status"], charge["failure_code"]) == ("failed", "card_declined")
    intent = call.get(charge["payment_intent"])
    assert intent["status"] == "requires_payment_method"
    assert intent["last_payment_error"]["decline_code"] == "generic_decline"


def test_eight_attempts_over_two_weeks_then_canceled(call: Calls) -> None:
    subscription = failing(call)
    before = len(events(call.simulator, "customer.subscription.updated"))
    advance(call.simulator, days=12)
    assert call.get(subscription["id"])["status"] == "past_due"
    assert invoice_of(call, subscription)["attempt_count"] == 7
    advance(call.simulator, days=2)
    ended = call.get(subscription["id"])
    assert ended["status"] == "canceled"
    assert ended["cancellation_details"]["reason"] == "payment_failed"
    assert ended["ended_at"] == ended["canceled_at"]
    invoice = invoice_of(call, subscription)
    assert (invoice["status"], invoice["attempt_count"]) == ("open", 8)
    assert (invoice["next_payment_attempt"], invoice["auto_advance"]) == (None, False)
    assert len(events(call.simulator, "invoice.payment_failed")) == 8
    # Retries tell nothing of the subscription; its end is `deleted`, never an update.
    assert len(events(call.simulator, "customer.subscription.updated")) == before
    assert len(events(call.simulator, "customer.subscription.deleted")) == 1
    assert len(call.simulator.list_objects("payment_intent")) == 1
    assert len(call.simulator.list_objects("charge")) == 8


@pytest.fixture
def keeping(request: pytest.FixtureRequest, wall: Wall) -> Any:
    simulator = Simulator(
        seed=1,
        now=wall,
        default_clock=True,
        transport=lambda *_: 200,
        options={"dunning_outcome": request.param},
    )
    yield Calls(simulator)
    simulator.close()


@pytest.mark.parametrize("keeping", ["unpaid"], indirect=True)
def test_dunning_outcome_unpaid_keeps_drafts_until_paid(keeping: Calls) -> None:
    call = keeping
    subscription = failing(call)
    advance(call.simulator, days=14)
    assert call.get(subscription["id"])["status"] == "unpaid"
    advance(call.simulator, days=30)
    draft = invoice_of(call, subscription)
    assert (draft["status"], draft["auto_advance"]) == ("draft", False)
    replace_card(call, subscription["customer"])
    paid = call("POST", f"/v1/invoices/{draft['id']}/pay")
    assert paid["status"] == "paid"
    assert call.get(subscription["id"])["status"] == "active"


@pytest.mark.parametrize("keeping", ["past_due"], indirect=True)
def test_dunning_outcome_past_due_stays(keeping: Calls) -> None:
    call = keeping
    subscription = failing(call)
    advance(call.simulator, days=14)
    stays = call.get(subscription["id"])
    assert (stays["status"], stays["ended_at"]) == ("past_due", None)
    assert invoice_of(call, subscription)["next_payment_attempt"] is None
    assert events(call.simulator, "customer.subscription.deleted") == []


def test_an_unknown_dunning_outcome_is_refused() -> None:
    with pytest.raises(ValueError, match="dunning_outcome must be one of"):
        Simulator(options={"dunning_outcome": "forgiven"})


def test_a_good_card_recovers_at_the_next_attempt(call: Calls) -> None:
    subscription = failing(call)
    replace_card(call, subscription["customer"])
    assert call.get(subscription["id"])["status"] == "past_due"
    advance(call.simulator, days=2)
    assert call.get(subscription["id"])["status"] == "active"
    invoice = invoice_of(call, subscription)
    assert (invoice["status"], invoice["attempt_count"]) == ("paid", 2)
    updated = events(call.simulator, "customer.subscription.updated")[-1]
    assert updated["data"]["previous_attributes"] == {"status": "past_due"}
    (intent,) = call.simulator.list_objects("payment_intent")
    assert (intent["status"], intent["last_payment_error"]) == ("succeeded", None)


def test_paying_by_hand_recovers_and_is_no_attempt(call: Calls) -> None:
    subscription = failing(call)
    invoice = invoice_of(call, subscription)
    error = call.error(402, "POST", f"/v1/invoices/{invoice['id']}/pay")
    assert (error["code"], error["decline_code"]) == ("card_declined", "generic_decline")
    # The call failed, and what it did stays.
    assert len(call.simulator.list_objects("charge")) == 2
    later = invoice_of(call, subscription)
    assert later["attempt_count"] == 1
    assert later["next_payment_attempt"] == invoice["next_payment_attempt"]
    card = call.card(GOOD, subscription["customer"])
    paid = call("POST", f"/v1/invoices/{invoice['id']}/pay", payment_method=card["id"])
    assert (paid["status"], paid["attempt_count"]) == ("paid", 1)
    recovered = call.get(subscription["id"])
    assert recovered["status"] == "active"
    # For this payment only.
    assert recovered["default_payment_method"] == subscription["default_payment_method"]


def weekly_and_failing(call: Calls) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """A subscription with two open invoices, the older one first."""
    customer = call.customer(FAILS_LATER)
    subscription = call.subscribe(customer, call.price(interval="week"), trial_period_days=7)
    go_to(call.simulator, START + 7 * DAY + HOUR)
    first = invoice_of(call, subscription)
    go_to(call.simulator, START + 14 * DAY + HOUR)
    second = invoice_of(call, subscription)
    assert first["id"] != second["id"]
    assert (call.get(first["id"])["status"], second["status"]) == ("open", "open")
    return subscription, first, second


def test_renewals_go_on_while_past_due_and_the_latest_invoice_decides(call: Calls) -> None:
    subscription, first, second = weekly_and_failing(call)
    good = call.card(GOOD, subscription["customer"])["id"]
    call("POST", f"/v1/invoices/{first['id']}/pay", payment_method=good)
    assert call.get(subscription["id"])["status"] == "past_due"
    call("POST", f"/v1/invoices/{second['id']}/pay", payment_method=good)
    assert call.get(subscription["id"])["status"] == "active"


def test_voiding_the_latest_invoice_leaves_the_one_before_to_decide(call: Calls) -> None:
    subscription, first, second = weekly_and_failing(call)
    call("POST", f"/v1/invoices/{second['id']}/void")
    assert call.get(subscription["id"])["status"] == "past_due"
    call("POST", f"/v1/invoices/{first['id']}/mark_uncollectible")
    assert call.get(subscription["id"])["status"] == "active"


def test_invoices_are_numbered_one_after_the_other(call: Calls) -> None:
    subscription = on_trial(call)
    advance(call.simulator, days=14, hours=1)
    customer = call.get(subscription["customer"])
    numbers = [one["number"] for one in call.simulator.list_objects("invoice")]
    assert numbers == [f"{customer['invoice_prefix']}-000{n}" for n in (2, 1)]
    assert customer["next_invoice_sequence"] == 3
    assert customer["currency"] == "usd"


def test_voiding_the_first_invoice_ends_an_incomplete_subscription(call: Calls) -> None:
    subscription = call.subscribe(call.customer(FAILS_LATER), call.price())
    call("POST", f"/v1/invoices/{subscription['latest_invoice']}/void")
    assert call.get(subscription["id"])["status"] == "incomplete_expired"


def test_a_draft_is_finalized_by_hand_once(call: Calls) -> None:
    subscription = on_trial(call)
    advance(call.simulator, days=14)
    path = f"/v1/invoices/{call.get(subscription['id'])['latest_invoice']}"
    call.error(400, "POST", f"{path}/void")
    assert call("POST", f"{path}/finalize")["status"] == "paid"
    call.error(400, "POST", f"{path}/finalize")
    assert call.error(400, "POST", f"{path}/pay")["message"] == "Invoice is already paid"
    advance(call.simulator, hours=2)
    assert len(call.simulator.list_objects("charge")) == 1


def test_a_draft_is_paid_by_hand_once(call: Calls) -> None:
    subscription = on_trial(call)
    advance(call.simulator, days=14)
    path = f"/v1/invoices/{call.get(subscription['id'])['latest_invoice']}"
    assert call("POST", f"{path}/pay")["status"] == "paid"
    advance(call.simulator, hours=2)
    assert len(call.simulator.list_objects("charge")) == 1


def test_paying_by_hand_needs_a_card_of_the_customer(call: Calls) -> None:
    subscription = trial_without_card(call)
    advance(call.simulator, days=7, hours=1)
    path = f"/v1/invoices/{invoice_of(call, subscription)['id']}/pay"
    error = call.error(400, "POST", path)
    assert error["message"] == "Cannot charge a customer that has no active card"
    stranger = call.customer()
    card = call.card(GOOD, stranger["id"])
    assert call.error(400, "POST", path, payment_method=card["id"])["param"] == "payment_method"
    assert call.error(400, "POST", path, payment_method="pm_none")["code"] == "resource_missing"


def test_marking_uncollectible_recovers_and_voiding_follows_the_invoice_before(
    call: Calls,
) -> None:
    subscription = failing(call)
    invoice = invoice_of(call, subscription)
    closed = call("POST", f"/v1/invoices/{invoice['id']}/mark_uncollectible")
    assert closed["status"] == "uncollectible"
    assert call.get(subscription["id"])["status"] == "active"
    second = failing(call)
    invoice = invoice_of(call, second)
    assert call("POST", f"/v1/invoices/{invoice['id']}/void")["status"] == "void"
    assert call.get(second["id"])["status"] == "active"
    assert call.error(400, "POST", f"/v1/invoices/{invoice['id']}/void")
    assert call.error(400, "POST", f"/v1/invoices/{invoice['id']}/pay")
    advance(call.simulator, days=10)
    assert call.get(invoice["id"])["status"] == "void"


def test_an_invoice_given_up_can_still_be_void_and_a_paid_one_cannot(call: Calls) -> None:
    path = f"/v1/invoices/{invoice_of(call, failing(call))['id']}"
    call("POST", f"{path}/mark_uncollectible")
    assert "(uncollectible)" in message(call.error(400, "POST", f"{path}/mark_uncollectible"))
    assert call("POST", f"{path}/void")["status"] == "void"
    paid = call.subscribe(call.customer(GOOD), call.price())["latest_invoice"]
    assert "(paid)" in message(call.error(400, "POST", f"/v1/invoices/{paid}/void"))
