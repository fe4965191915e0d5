"""Payments and cards set up by API alone, without an invoice."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator.tools import DECLINED, FAILS_LATER, GOOD, Calls, event_types, events

ONCE = "4000002500003155"
ALWAYS = "4000002760003184"
NO_REDIRECTS = {"enabled": True, "allow_redirects": "never"}


def pay(call: Calls, **params: Any) -> dict[str, Any]:
    terms = {"amount": 2900, "currency": "usd", "automatic_payment_methods": NO_REDIRECTS}
    return call("POST", "/v1/payment_intents", **terms | params)


def refused(call: Calls, path: str, **params: Any) -> dict[str, Any]:
    return call.error(400, "POST", path, **params)


# Payment intents


def test_a_payment_is_made_confirmed_and_settled_a_moment_later(call: Calls) -> None:
    customer = call.customer(GOOD)
    card = customer["invoice_settings"]["default_payment_method"]
    before = len(event_types(call.simulator))
    intent = pay(
        call,
        customer=customer["id"],
        payment_method=card,
        confirm=True,
        description="One report",
        metadata={"order": "7"},
        expand=["latest_charge"],
    )
    assert (intent["status"], intent["amount_received"]) == ("succeeded", 2900)
    assert (intent["description"], intent["metadata"]) == ("One report", {"order": "7"})
    assert intent["capture_method"] == "automatic_async"
    charge = intent["latest_charge"]
    # As recorded: the balance hears of it after the answer.
    assert charge["balance_transaction"] is None
    transaction = call.get(call.get(charge["id"])["balance_transaction"])
    assert (transaction["amount"], transaction["fee"]) == (2900, 114)
    assert event_types(call.simulator, before) == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "charge.updated",
    ]


@pytest.mark.parametrize(("amount", "fee"), [(2500, 103), (2900, 114), (9000, 291)])
def test_fees_round_half_up(call: Calls, amount: int, fee: int) -> None:
    intent = pay(call, amount=amount, payment_method="pm_card_visa", confirm=True)
    charge = call.get(intent["latest_charge"])
    assert call.get(charge["balance_transaction"])["fee"] == fee


def test_it_waits_for_a_card_and_then_for_confirmation(call: Calls) -> None:
    intent = pay(call)
    assert (intent["status"], intent["payment_method"]) == ("requires_payment_method", None)
    path = f"/v1/payment_intents/{intent['id']}"
    assert refused(call, f"{path}/confirm")["code"] == "payment_intent_unexpected_state"
    card = call.card(GOOD, call.customer()["id"])
    assert "another Customer" in refused(call, path, payment_method=card["id"])["message"]
    changed = call(
        "POST",
        path,
        amount=3000,
        payment_method="pm_card_visa",
        description="",
        metadata={"a": "b"},
        receipt_email="ana@example.com",
    )
    assert (changed["status"], changed["amount"]) == ("requires_confirmation", 3000)
    assert changed["receipt_email"] == "ana@example.com"
    confirmed = call("POST", f"{path}/confirm")
    assert confirmed["status"] == "succeeded"
    assert refused(call, f"{path}/confirm")["code"] == "payment_intent_unexpected_state"
    assert refused(call, path, amount=1000)["code"] == "payment_intent_unexpected_state"
    call("POST", path, metadata={"a": ""})
    assert call.get(intent["id"])["metadata"] == {}


def test_a_decline_keeps_its_traces_and_another_card_may_try(call: Calls) -> None:
    customer = call.customer(FAILS_LATER)
    card = customer["invoice_settings"]["default_payment_method"]
    intent = pay(call, customer=customer["id"], payment_method=card)
    path = f"/v1/payment_intents/{intent['id']}/confirm"
    error = call.error(402, "POST", path)
    assert (error["code"], error["decline_code"]) == ("card_declined", "generic_decline")
    assert error["payment_intent"]["status"] == "requires_payment_method"
    assert event_types(call.simulator)[-2:] == ["charge.failed", "payment_intent.payment_failed"]
    done = call("POST", path, payment_method="pm_card_visa", setup_future_usage="off_session")
    assert done["status"] == "succeeded"
    assert call.get(done["payment_method"])["customer"] == customer["id"]


def test_three_d_secure_by_the_sdk_or_by_a_page(call: Calls) -> None:
    token = "pm_card_authenticationRequired"
    intent = pay(call, payment_method=token, confirm=True)
    assert intent["next_action"]["type"] == "use_stripe_sdk"
    assert call.simulator.authenticate(intent["id"])["status"] == "succeeded"
    back = "https://shop.example/back"
    intent = call(
        "POST",
        "/v1/payment_intents",
        amount=2900,
        currency="usd",
        payment_method=token,
        confirm=True,
        return_url=back,
    )
    redirect = intent["next_action"]["redirect_to_url"]
    assert redirect["return_url"] == back
    assert redirect["url"].endswith(f"/simulator/confirm/{intent['id']}")


def test_without_its_owner_a_card_that_asks_is_declined(call: Calls) -> None:
    customer = call.customer(ALWAYS)
    card = customer["invoice_settings"]["default_payment_method"]
    params = {"customer": customer["id"], "payment_method": card, "confirm": True}
    error = call.error(
        402, "POST", "/v1/payment_intents", amount=2900, currency="usd", off_session=True, **params
    )
    assert (error["code"], error["decline_code"]) == ("authentication_required",) * 2


def test_an_amount_can_be_held_and_taken_in_part(call: Calls) -> None:
    intent = pay(call, payment_method="pm_card_visa", confirm=True, capture_method="manual")
    assert (intent["status"], intent["amount_capturable"]) == ("requires_capture", 2900)
    path = f"/v1/payment_intents/{intent['id']}/capture"
    assert refused(call, path, amount_to_capture=3000)["param"] == "amount_to_capture"
    done = call("POST", path, amount_to_capture=2000, metadata={"a": "b"})
    assert (done["status"], done["amount_received"]) == ("succeeded", 2000)
    assert (done["amount_capturable"], done["metadata"]) == (0, {"a": "b"})
    charge = call.get(done["latest_charge"])
    assert (charge["captured"], charge["amount_captured"]) == (True, 2000)
    assert charge["amount_refunded"] == 900
    assert call.get(charge["balance_transaction"])["amount"] == 2000
    assert events(call.simulator, "charge.captured")
    assert refused(call, path)["code"] == "payment_intent_unexpected_state"


def test_a_payment_is_canceled_and_what_was_held_let_go(call: Calls) -> None:
    intent = pay(call, payment_method="pm_card_visa", confirm=True, capture_method="manual")
    path = f"/v1/payment_intents/{intent['id']}/cancel"
    done = call("POST", path, cancellation_reason="abandoned")
    assert (done["status"], done["cancellation_reason"]) == ("canceled", "abandoned")
    assert call.get(done["latest_charge"])["refunded"] is True
    assert refused(call, path)["code"] == "payment_intent_unexpected_state"
    waiting = pay(call)
    assert call("POST", f"/v1/payment_intents/{waiting['id']}/cancel")["status"] == "canceled"
    assert event_types(call.simulator)[-1] == "payment_intent.canceled"


def test_an_invoices_payment_follows_the_invoice(call: Calls) -> None:
    made = call.subscribe(call.customer(FAILS_LATER), call.price())
    (payment,) = call.simulator.list_objects("invoice_payment", invoice=made["latest_invoice"])
    path = f"/v1/payment_intents/{payment['payment']['payment_intent']}"
    assert "voiding the invoice" in refused(call, f"{path}/cancel")["message"]
    assert refused(call, path, amount=100)["param"] == "amount"
    card = call.card(GOOD, made["customer"])
    call("POST", f"{path}/confirm", payment_method=card["id"])
    assert call.get(made["latest_invoice"])["status"] == "paid"
    assert call.get(made["id"])["status"] == "active"


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"amount": 49}, "amount"),
        ({"return_url": "https://a.example"}, "return_url"),
        ({"off_session": True}, "off_session"),
        ({"payment_method": "pm_none"}, "payment_method"),
        (
            {
                "payment_method": "pm_card_visa",
                "confirm": True,
                "automatic_payment_methods": {"enabled": True},
            },
            "return_url",
        ),
    ],
)
def test_what_stripe_would_not_take(call: Calls, params: dict[str, Any], param: str) -> None:
    terms = {"amount": 2900, "currency": "usd", "automatic_payment_methods": NO_REDIRECTS}
    assert refused(call, "/v1/payment_intents", **terms | params)["param"] == param


def test_lists_are_filtered(call: Calls) -> None:
    customer = call.customer()
    mine = pay(call, customer=customer["id"])
    pay(call)
    found = call("GET", "/v1/payment_intents", customer=customer["id"])["data"]
    assert [one["id"] for one in found] == [mine["id"]]
    assert call("GET", f"/v1/payment_intents/{mine['id']}")["id"] == mine["id"]


# Setup intents


def set_up(call: Calls, **params: Any) -> dict[str, Any]:
    return call("POST", "/v1/setup_intents", **params)


def test_a_card_is_set_up_and_attached(call: Calls) -> None:
    customer = call.customer()
    intent = set_up(
        call, customer=customer["id"], usage="off_session", description="d", metadata={"a": "b"}
    )
    assert (intent["status"], intent["description"]) == ("requires_payment_method", "d")
    path = f"/v1/setup_intents/{intent['id']}"
    assert refused(call, f"{path}/confirm")["code"] == "setup_intent_unexpected_state"
    changed = call("POST", path, payment_method="pm_card_visa", description="", metadata={"a": ""})
    assert (changed["status"], changed["metadata"]) == ("requires_confirmation", {})
    done = call("POST", f"{path}/confirm")
    assert done["status"] == "succeeded"
    assert call.get(done["payment_method"])["customer"] == customer["id"]
    assert event_types(call.simulator)[-2:] == [
        "payment_method.attached",
        "setup_intent.succeeded",
    ]
    assert refused(call, f"{path}/cancel")["code"] == "setup_intent_unexpected_state"
    assert refused(call, path, payment_method="pm_card_visa")["code"] is not None
    listed = call("GET", "/v1/setup_intents", customer=customer["id"])["data"]
    assert [one["id"] for one in listed] == [intent["id"]]


def test_a_card_set_up_with_authentication_pays_later_without_it(call: Calls) -> None:
    customer = call.customer(ONCE)
    card = customer["invoice_settings"]["default_payment_method"]
    terms = {"customer": customer["id"], "payment_method": card, "confirm": True}
    intent = set_up(call, **terms, automatic_payment_methods=NO_REDIRECTS)
    assert intent["status"] == "requires_action"
    assert call.simulator.authenticate(intent["id"])["status"] == "succeeded"
    assert pay(call, **terms, off_session=True)["status"] == "succeeded"


def test_failing_to_authenticate_leaves_it_without_a_card(call: Calls) -> None:
    customer = call.customer()
    intent = set_up(
        call,
        customer=customer["id"],
        payment_method="pm_card_authenticationRequired",
        confirm=True,
        return_url="https://shop.example/back",
        payment_method_types=["card"],
    )
    assert intent["next_action"]["type"] == "redirect_to_url"
    failed = call.simulator.authenticate(intent["id"], succeed=False)
    assert failed["status"] == "requires_payment_method"
    assert failed["last_setup_error"]["code"] == "setup_intent_authentication_failure"
    assert event_types(call.simulator)[-1] == "setup_intent.setup_failed"


def test_a_declined_card_cannot_be_set_up(call: Calls) -> None:
    error = call.error(
        402, "POST", "/v1/setup_intents", payment_method="pm_card_chargeDeclined", confirm=True
    )
    assert error["setup_intent"]["status"] == "requires_payment_method"
    assert DECLINED not in str(error)


def test_a_set_up_is_canceled(call: Calls) -> None:
    intent = set_up(call)
    path = f"/v1/setup_intents/{intent['id']}/cancel"
    done = call("POST", path, cancellation_reason="abandoned")
    assert (done["status"], done["cancellation_reason"]) == ("canceled", "abandoned")
    error = refused(call, "/v1/setup_intents", return_url="https://a.example")
    assert error["param"] == "return_url"
