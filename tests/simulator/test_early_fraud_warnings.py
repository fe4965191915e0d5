"""Charges their bank thinks are fraud (Stripe docs: testing; SDK types)."""

from __future__ import annotations

from typing import Any

import pytest

from caixa_subscriptions.simulator import disputing
from tests.simulator.tools import GOOD, START, Calls, event_types, events

WARNED_OF = "4000000000005423"
PATH = "/v1/radar/early_fraud_warnings"
UPDATED = "radar.early_fraud_warning.updated"


def warned(call: Calls) -> dict[str, Any]:
    paid = call.subscribe(call.customer(WARNED_OF), call.price())
    assert paid["status"] == "active"
    (found,) = call("GET", PATH)["data"]
    return dict(found)


def test_a_warning_follows_the_charge(call: Calls) -> None:
    warning = warned(call)
    charge = call("GET", f"/v1/charges/{warning['charge']}")
    assert (charge["status"], charge["disputed"]) == ("succeeded", False)
    assert warning["payment_intent"] == charge["payment_intent"]
    assert (warning["actionable"], warning["fraud_type"]) == (True, "misc")
    types = event_types(call.simulator)
    created = types.index("radar.early_fraud_warning.created")
    assert created > types.index("charge.succeeded")
    assert call("GET", f"{PATH}/{warning['id']}") == warning


def test_other_cards_are_not_warned_of(call: Calls) -> None:
    call.subscribe(call.customer(GOOD), call.price())
    assert call("GET", PATH)["data"] == []


def test_checkout_and_the_token_are_warned_of(call: Calls) -> None:
    session = call.session(call.price())
    call.simulator.complete_checkout(session["id"], card_number=WARNED_OF)
    pay = {"amount": 100, "currency": "usd", "payment_method": "pm_card_createIssuerFraudRecord"}
    back = "https://shop.example/"
    intent = call("POST", "/v1/payment_intents", **pay, confirm=True, return_url=back)
    newer, _older = call("GET", PATH)["data"]
    assert newer["payment_intent"] == intent["id"]


def test_held_money_is_warned_of_once_it_is_taken(call: Calls) -> None:
    pay = {"amount": 100, "currency": "usd", "payment_method": "pm_card_createIssuerFraudRecord"}
    held = {"capture_method": "manual", "confirm": True, "return_url": "https://shop.example/"}
    intent = call("POST", "/v1/payment_intents", **pay, **held)["id"]
    assert call("GET", PATH)["data"] == []
    call("POST", f"/v1/payment_intents/{intent}/capture")
    (warning,) = call("GET", PATH)["data"]
    assert warning["payment_intent"] == intent


def test_only_a_full_refund_leaves_nothing_to_do(call: Calls) -> None:
    warning = warned(call)
    call("POST", "/v1/refunds", charge=warning["charge"], amount=100)
    assert call.get(warning["id"])["actionable"]
    assert events(call.simulator, UPDATED) == []
    call("POST", "/v1/refunds", charge=warning["charge"])
    (told,) = events(call.simulator, UPDATED)
    assert told["data"]["object"] == warning | {"actionable": False}
    assert told["data"]["previous_attributes"] == {"actionable": True}
    assert call("GET", f"{PATH}/{warning['id']}")["actionable"] is False


def test_a_dispute_leaves_nothing_to_do(call: Calls) -> None:
    warning = warned(call)
    with call.simulator.deed() as world:
        charge = world.get("charge", warning["charge"])
        disputing.open_dispute(world, charge, reason="fraudulent")
    (told,) = events(call.simulator, UPDATED)
    assert told["data"]["previous_attributes"] == {"actionable": True}
    assert call("GET", f"{PATH}/{warning['id']}")["actionable"] is False


def test_another_charge_refunded_changes_nothing(call: Calls) -> None:
    warning = warned(call)
    paid = call.subscribe(call.customer(GOOD), call.price())
    (charge,) = call("GET", "/v1/charges", customer=paid["customer"])["data"]
    call("POST", "/v1/refunds", charge=charge["id"])
    assert call("GET", f"{PATH}/{warning['id']}")["actionable"]


@pytest.mark.parametrize("name", ["charge", "payment_intent"])
def test_warnings_are_found(call: Calls, name: str) -> None:
    warning = warned(call)
    call.subscribe(call.customer(WARNED_OF), call.price())
    assert call("GET", PATH, **{name: warning[name]})["data"] == [warning]
    assert call("GET", PATH, **{name: "none"})["data"] == []


def test_warnings_are_found_by_their_time(call: Calls) -> None:
    warning = warned(call)
    assert call("GET", PATH, created={"gte": START})["data"] == [warning]
    assert call("GET", PATH, created={"lt": START})["data"] == []


def test_an_unknown_warning(call: Calls) -> None:
    assert call.error(404, "GET", f"{PATH}/issfr_none")["code"] == "resource_missing"
