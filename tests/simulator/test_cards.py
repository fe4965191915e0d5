"""Test cards: what comes of attaching, keeping and charging each (Stripe docs: testing)."""

from __future__ import annotations

from typing import Any

import pytest

from caixa_subscriptions.simulator.cards import TOKENS, outcome
from tests.simulator.tools import GOOD, Calls, advance, events, invoice_of, on_trial, replace_card

BLOCKED = "4100000000000019"
UNLESS_SET_UP = "4000002500003155"
ALWAYS = "4000002760003184"
ON_SESSION = "4000003800000446"
NO_FUNDS_THEN = "4000008260003178"


@pytest.mark.parametrize(
    ("number", "decline_code"),
    [
        ("4000000000000002", "generic_decline"),
        ("4000000000009995", "insufficient_funds"),
        ("4000000000009987", "lost_card"),
        ("4000000000009979", "stolen_card"),
        ("4000000000000069", "expired_card"),
        ("4000000000000127", "incorrect_cvc"),
        ("4000000000000119", "processing_error"),
    ],
)
def test_some_cards_are_not_even_attached(call: Calls, number: str, decline_code: str) -> None:
    method = call(
        "POST",
        "/v1/payment_methods",
        type="card",
        card={"number": number, "exp_month": 12, "exp_year": 2034},
    )
    path = f"/v1/payment_methods/{method['id']}/attach"
    error = call.error(402, "POST", path, customer=call.customer()["id"])
    assert (error["type"], error["decline_code"]) == ("card_error", decline_code)


@pytest.mark.parametrize(
    ("number", "terms", "asked"),
    [
        (GOOD, {}, False),
        (UNLESS_SET_UP, {}, True),
        (UNLESS_SET_UP, {"off_session": True}, True),
        (UNLESS_SET_UP, {"set_up": True}, True),
        (UNLESS_SET_UP, {"set_up": True, "off_session": True}, False),
        (ALWAYS, {"set_up": True, "off_session": True}, True),
        (ALWAYS, {"authenticated": True}, False),
        (ON_SESSION, {}, True),
        (ON_SESSION, {"off_session": True}, False),
    ],
)
def test_who_must_authenticate(number: str, terms: dict[str, Any], asked: bool) -> None:
    found = outcome(number, "charge", **terms)
    assert (found.needs_authentication, found.succeeds) == (asked, not asked)


def test_a_card_without_funds_is_declined_after_authentication() -> None:
    assert outcome(NO_FUNDS_THEN, "charge").needs_authentication
    assert outcome(NO_FUNDS_THEN, "set_up", authenticated=True).succeeds
    decline = outcome(NO_FUNDS_THEN, "charge", authenticated=True).decline
    assert decline
    assert decline["decline_code"] == "insufficient_funds"


@pytest.mark.parametrize("token", TOKENS)
def test_every_token_attaches_or_is_declined(call: Calls, token: str) -> None:
    path = f"/v1/payment_methods/{token}/attach"
    answer = call.raw("POST", path, {"customer": call.customer()["id"]})
    declined = "chargeDeclined" in token and "authentication" not in token
    assert answer.status == (402 if declined else 200), answer.body
    if not declined:
        assert answer.body["card"]["last4"] == TOKENS[token][-4:]


def test_what_radar_blocks_was_never_sent_to_the_bank(call: Calls) -> None:
    call.subscribe(call.customer(BLOCKED), call.price())
    (charge,) = call.simulator.list_objects("charge")
    assert charge["outcome"]["type"] == "blocked"
    assert charge["outcome"]["network_status"] == "not_sent_to_network"
    assert charge["outcome"]["reason"] == "highest_risk_level"


def test_a_hard_decline_counts_attempts_and_charges_nothing_more(call: Calls) -> None:
    subscription = on_trial(call)
    replace_card(call, subscription["customer"], BLOCKED)
    advance(call.simulator, days=20)
    invoice = invoice_of(call, subscription)
    assert invoice["attempt_count"] == 4
    assert invoice["next_payment_attempt"] > call.simulator.now()
    assert len(call.simulator.list_objects("charge")) == 1
    assert len(events(call.simulator, "invoice.payment_failed")) == 1
    replace_card(call, subscription["customer"], GOOD)
    advance(call.simulator, days=2)
    assert invoice_of(call, subscription)["status"] == "paid"
    assert call.get(subscription["id"])["status"] == "active"


def test_a_hard_decline_ends_in_the_end_as_any_other(call: Calls) -> None:
    subscription = on_trial(call)
    replace_card(call, subscription["customer"], BLOCKED)
    advance(call.simulator, days=30)
    assert call.get(subscription["id"])["status"] == "canceled"
    assert invoice_of(call, subscription)["attempt_count"] == 8


def test_paying_by_hand_tries_a_hopeless_card_again(call: Calls) -> None:
    subscription = on_trial(call)
    replace_card(call, subscription["customer"], BLOCKED)
    advance(call.simulator, days=15)
    path = f"/v1/invoices/{invoice_of(call, subscription)['id']}/pay"
    assert call.error(402, "POST", path)["decline_code"] == "fraudulent"
    assert len(call.simulator.list_objects("charge")) == 2
