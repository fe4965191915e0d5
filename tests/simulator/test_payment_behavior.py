"""What becomes of a new subscription whose first payment does not simply succeed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator.tools import FAILS_LATER, GOOD, Calls, advance, event_types

ALWAYS = "4000002760003184"


def begun(call: Calls, card: str | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """A subscription that waits to be confirmed, and its intent."""
    made = call.subscribe(
        call.customer(card),
        call.price(),
        payment_behavior="default_incomplete",
        expand=["latest_invoice.confirmation_secret", "latest_invoice.payments"],
    )
    (payment,) = made["latest_invoice"]["payments"]["data"]
    return made, call.get(payment["payment"]["payment_intent"])


def test_default_incomplete_waits_for_the_page_to_confirm(call: Calls) -> None:
    made, intent = begun(call, GOOD)
    assert made["status"] == "incomplete"
    assert intent["status"] == "requires_confirmation"
    secret = made["latest_invoice"]["confirmation_secret"]
    assert secret == {"client_secret": intent["client_secret"], "type": "payment_intent"}
    assert "charge.succeeded" not in event_types(call.simulator)
    call("POST", f"/v1/payment_intents/{intent['id']}/confirm")
    assert call.get(made["id"])["status"] == "active"
    assert call.get(made["latest_invoice"]["id"])["status"] == "paid"


def test_it_needs_no_card_to_begin_with(call: Calls) -> None:
    made, intent = begun(call, None)
    assert (made["status"], intent["status"]) == ("incomplete", "requires_payment_method")
    path = f"/v1/payment_intents/{intent['id']}/confirm"
    done = call("POST", path, payment_method="pm_card_visa")
    assert call.get(made["id"])["status"] == "active"
    # An invoice's intent keeps its card with the customer.
    assert call.get(done["payment_method"])["customer"] == made["customer"]


def test_one_that_nobody_confirms_is_over_and_its_payment_canceled(call: Calls) -> None:
    made, intent = begun(call, GOOD)
    advance(call.simulator, hours=24)
    assert call.get(made["id"])["status"] == "incomplete_expired"
    canceled = call.get(intent["id"])
    assert (canceled["status"], canceled["cancellation_reason"]) == ("canceled", "void_invoice")
    assert "payment_intent.canceled" in event_types(call.simulator)


@pytest.mark.parametrize(
    ("card", "code"),
    [
        (FAILS_LATER, "card_declined"),
        (ALWAYS, "subscription_payment_intent_requires_action"),
    ],
)
def test_error_if_incomplete_leaves_nothing(call: Calls, card: str, code: str) -> None:
    customer, price = call.customer(card), call.price()
    before = event_types(call.simulator)
    error = call.error(
        402,
        "POST",
        "/v1/subscriptions",
        customer=customer["id"],
        items=[{"price": price["id"]}],
        payment_behavior="error_if_incomplete",
    )
    assert error["code"] == code
    assert call("GET", "/v1/subscriptions", customer=customer["id"])["data"] == []
    assert event_types(call.simulator) == before


def test_what_is_for_updates_only(call: Calls) -> None:
    error = call.error(
        400,
        "POST",
        "/v1/subscriptions",
        customer=call.customer(GOOD)["id"],
        items=[{"price": call.price()["id"]}],
        payment_behavior="pending_if_incomplete",
    )
    assert error["param"] == "payment_behavior"


def test_the_secret_is_there_only_when_it_is_expanded(call: Calls) -> None:
    made = call.subscribe(call.customer(GOOD), call.price(), expand=["latest_invoice"])
    assert "confirmation_secret" not in made["latest_invoice"]
    path = f"/v1/invoices/{made['latest_invoice']['id']}"
    shown = call("GET", path, expand=["confirmation_secret"])
    assert shown["confirmation_secret"]["type"] == "payment_intent"
    trial = call.subscribe(
        call.customer(GOOD),
        call.price(),
        trial_period_days=7,
        expand=["latest_invoice.confirmation_secret"],
    )
    assert trial["latest_invoice"]["confirmation_secret"] is None
