"""A card refused on the Checkout page: the session stays open, and events tell of it."""

from __future__ import annotations

import pytest

from caixa_subscriptions.simulator import CardError
from tests.simulator.tools import (
    DAY,
    DECLINED,
    FAILS_LATER,
    Calls,
    advance,
    event_types,
    events,
)

ALWAYS, THEN_DECLINED = "4000002760003184", "4000008260003178"
FAILED = ["payment_intent.created", "charge.failed", "payment_intent.payment_failed"]
NOT_AGAIN = FAILED[1:]


def declined(
    call: Calls,
    session: dict[str, object],
    card: str = DECLINED,
    *,
    match: str = "declined",
    authenticate: bool = True,
) -> list[str]:
    """The events of a decline."""
    before = len(events(call.simulator))
    with pytest.raises(CardError, match=match):
        call.simulator.complete_checkout(
            str(session["id"]), card_number=card, authenticate=authenticate
        )
    assert call.get(str(session["id"]))["status"] == "open"
    return event_types(call.simulator, before)


@pytest.mark.parametrize("card", [DECLINED, FAILS_LATER, "4100000000000019"])
def test_a_decline_of_a_subscription_is_told_and_the_next_card_buys_it(
    call: Calls, card: str
) -> None:
    customer = call.customer()
    session = call.session(call.price(), customer=customer["id"])
    assert declined(call, session, card) == FAILED
    (failed,) = call.simulator.list_objects("payment_intent")
    assert (failed["status"], failed["amount"]) == ("requires_payment_method", 900)
    assert failed["customer"] == customer["id"]
    assert failed["last_payment_error"]["code"] == "card_declined"
    assert call.get(failed["latest_charge"])["status"] == "failed"
    assert call.simulator.list_objects("subscription") == []
    assert call.simulator.list_objects("invoice") == []
    assert call("GET", f"/v1/customers/{customer['id']}/payment_methods")["data"] == []
    done = call.simulator.complete_checkout(str(session["id"]))
    assert (done["payment_status"], done["payment_intent"]) == ("paid", None)
    assert call.get(done["subscription"])["status"] == "active"


def test_a_payment_that_was_declined_goes_on_with_the_same_intent(call: Calls) -> None:
    data = {"currency": "usd", "unit_amount": 700, "product_data": {"name": "Book"}}
    session = call(
        "POST",
        "/v1/checkout/sessions",
        mode="payment",
        success_url="https://shop.example/done",
        line_items=[{"price_data": data}],
        payment_intent_data={"metadata": {"a": "b"}},
    )
    assert declined(call, session) == FAILED
    assert declined(call, session) == NOT_AGAIN
    (failed,) = call.simulator.list_objects("payment_intent")
    done = call.simulator.complete_checkout(session["id"])
    assert done["payment_intent"] == failed["id"]
    intent = call.get(failed["id"])
    assert (intent["status"], intent["amount_received"]) == ("succeeded", 700)
    assert (intent["last_payment_error"], intent["metadata"]) == (None, {"a": "b"})
    assert len(call.simulator.list_objects("charge")) == 3


def test_a_card_refused_for_a_trial_is_no_failed_payment(call: Calls) -> None:
    session = call.session(call.price(), subscription_data={"trial_period_days": 7})
    assert declined(call, session) == []


def unauthenticated(call: Calls, session: dict[str, object], card: str = ALWAYS) -> list[str]:
    return declined(call, session, card, match="unable to authenticate", authenticate=False)


@pytest.mark.parametrize("card", [ALWAYS, THEN_DECLINED])
def test_failed_3d_secure_is_told_and_the_next_card_buys(call: Calls, card: str) -> None:
    session = call.session(call.price(), customer=call.customer()["id"])
    assert unauthenticated(call, session, card) == [
        "payment_intent.created",
        "payment_intent.requires_action",
        "payment_intent.payment_failed",
    ]
    (failed,) = call.simulator.list_objects("payment_intent")
    assert (failed["status"], failed["next_action"]) == ("requires_payment_method", None)
    assert failed["last_payment_error"]["code"] == "payment_intent_authentication_failure"
    assert (failed["latest_charge"], failed["amount"]) == (None, 900)
    assert call.simulator.list_objects("charge") == []
    assert call.simulator.list_objects("subscription") == []
    done = call.simulator.complete_checkout(str(session["id"]), card_number=ALWAYS)
    assert call.get(done["subscription"])["status"] == "active"


def test_failed_3d_secure_of_a_trial_leaves_nothing(call: Calls) -> None:
    session = call.session(call.price(), subscription_data={"trial_period_days": 7})
    assert unauthenticated(call, session) == []


def test_a_card_refused_in_setup_mode_is_told_by_the_setup_intent(call: Calls) -> None:
    session = call(
        "POST",
        "/v1/checkout/sessions",
        mode="setup",
        currency="usd",
        customer=call.customer()["id"],
        success_url="https://shop.example/done",
    )
    failed = "setup_intent.setup_failed"
    assert unauthenticated(call, session) == ["setup_intent.requires_action", failed]
    intent = call.get(session["setup_intent"])
    assert intent["last_setup_error"]["code"] == "setup_intent_authentication_failure"
    assert declined(call, session) == [failed]
    intent = call.get(session["setup_intent"])
    assert intent["last_setup_error"]["code"] == "card_declined"
    call.simulator.complete_checkout(session["id"])
    intent = call.get(session["setup_intent"])
    assert (intent["status"], intent["last_setup_error"]) == ("succeeded", None)


def test_a_declined_session_that_is_left_expires_by_its_clock(call: Calls) -> None:
    session = call.session(call.price(), customer=call.customer()["id"])
    declined(call, session)
    advance(call.simulator, hours=23)
    assert call.get(str(session["id"]))["status"] == "open"
    advance(call.simulator, hours=2)
    (expired,) = events(call.simulator, "checkout.session.expired")
    assert expired["created"] == session["created"] + DAY
    assert expired["data"]["object"]["payment_status"] == "unpaid"
