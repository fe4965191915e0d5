"""Boleto and Pix: paid later, or never (Stripe docs: payments/boleto, payments/pix)."""

from __future__ import annotations

from typing import Any

import pytest

from caixa_subscriptions.simulator import StripeError
from tests.simulator.tools import DAY, Calls, advance, event_types, events, message

BOLETO = {
    "type": "boleto",
    "boleto": {"tax_id": "000.000.000-00"},
    "billing_details": {"name": "Ana", "email": "ana@example.com"},
}
PIX = {"type": "pix"}


def price(call: Calls, **params: Any) -> dict[str, Any]:
    recurring = {"recurring": {"interval": "month"}} | params
    return call(
        "POST",
        "/v1/prices",
        currency="brl",
        unit_amount=9900,
        product_data={"name": "Reports"},
        **recurring,
    )


def payment(call: Calls, method: dict[str, Any], **params: Any) -> dict[str, Any]:
    """Confirmed, of R$ 100."""
    made = call("POST", "/v1/payment_methods", **method)
    return call(
        "POST",
        "/v1/payment_intents",
        **{"amount": 10_000, "currency": "brl", "payment_method_types": [method["type"]]} | params,
        payment_method=made["id"],
        confirm=True,
    )


def bought(call: Calls, kind: str, **params: Any) -> dict[str, Any]:
    """A completed Checkout Session whose payment is still to come."""
    customer = call.customer(email="ana@example.com")
    session = call.session(
        price(call), customer=customer["id"], payment_method_types=["card", kind], **params
    )
    return call.simulator.complete_checkout(session["id"], card_number="", pays_by=kind)


def intent_of(call: Calls, session: dict[str, Any]) -> dict[str, Any]:
    (found,) = call("GET", "/v1/payment_intents", customer=session["customer"])["data"]
    return dict(found)


def test_a_boleto_is_kept_as_recorded(call: Calls) -> None:
    method = call("POST", "/v1/payment_methods", **BOLETO)
    assert method["boleto"]["tax_id"] == "000.000.000-00"
    assert method["billing_details"]["name"] == "Ana"
    assert method["billing_details"]["address"]["city"] is None
    error = call.error(400, "POST", "/v1/payment_methods", type="boleto")
    assert error["param"] == "boleto"
    nameless = BOLETO | {"billing_details": {"email": "ana@example.com"}}
    error = call.error(400, "POST", "/v1/payment_methods", **nameless)
    assert error["param"] == "billing_details[name]"
    assert call.error(501, "POST", "/v1/payment_methods", type="oxxo")["param"] == "type"


def test_a_boleto_is_shown_until_the_end_of_its_third_day(call: Calls) -> None:
    start = len(events(call.simulator))
    intent = payment(call, BOLETO)
    assert intent["status"] == "requires_action"
    details = intent["next_action"]["boleto_display_details"]
    assert len(details["number"]) == 47
    assert details["hosted_voucher_url"].endswith(f"/simulator/voucher/{intent['id']}")
    # 23:59 in São Paulo.
    assert details["expires_at"] % DAY == 3 * 3600 - 60
    assert 3 * DAY < details["expires_at"] - call.simulator.now() < 4 * DAY
    assert event_types(call.simulator, start) == [
        "payment_intent.created",
        "payment_intent.requires_action",
    ]


def test_a_paid_boleto_is_confirmed_on_the_next_business_day(call: Calls) -> None:
    intent = payment(call, BOLETO, customer=call.customer()["id"])
    paid = call.simulator.pay_voucher(intent["id"])
    assert (paid["status"], paid["next_action"]) == ("processing", None)
    with pytest.raises(StripeError, match="does not wait"):
        call.simulator.pay_voucher(intent["id"])
    advance(call.simulator, hours=23)
    assert call.get(intent["id"])["status"] == "processing"
    advance(call.simulator, hours=2)
    done = call.get(intent["id"])
    assert (done["status"], done["amount_received"]) == ("succeeded", 10_000)
    charge = call.get(done["latest_charge"])
    assert charge["payment_method_details"] == {
        "type": "boleto",
        "boleto": {"tax_id": "000.000.000-00"},
    }
    assert "cannot be refunded" in message(
        call.error(400, "POST", "/v1/refunds", charge=charge["id"])
    )
    advance(call.simulator, days=5)
    assert call.get(intent["id"])["status"] == "succeeded"


def test_a_boleto_paid_on_friday_waits_for_monday(call: Calls) -> None:
    intent = payment(call, BOLETO, customer=call.customer()["id"])  # on a Monday
    advance(call.simulator, days=3)
    expires = call.get(intent["id"])["next_action"]["boleto_display_details"]["expires_at"]
    assert expires > call.simulator.now()
    friday = payment(call, BOLETO, customer=call.customer()["id"])
    advance(call.simulator, days=1)
    call.simulator.pay_voucher(friday["id"])
    advance(call.simulator, days=2)
    assert call.get(friday["id"])["status"] == "processing"
    advance(call.simulator, days=1)
    assert call.get(friday["id"])["status"] == "succeeded"


def test_pix_has_its_money_at_once_and_can_be_refunded(call: Calls) -> None:
    intent = payment(call, PIX)
    code = intent["next_action"]["pix_display_qr_code"]
    assert code["expires_at"] == intent["created"] + DAY
    assert call.simulator.pay_voucher(intent["id"])["status"] == "succeeded"
    refund = call("POST", "/v1/refunds", payment_intent=intent["id"])
    assert refund["destination_details"] == {"type": "pix", "pix": {}}


def test_what_nobody_pays_expires(call: Calls) -> None:
    intent = payment(call, PIX, customer=call.customer()["id"])
    advance(call.simulator, hours=25)
    after = call.get(intent["id"])
    assert after["status"] == "requires_payment_method"
    assert after["last_payment_error"]["code"] == "payment_intent_payment_attempt_expired"
    assert events(call.simulator, "payment_intent.payment_failed")


@pytest.mark.parametrize(
    ("email", "status"),
    [
        ("succeed_immediately@example.com", "succeeded"),
        ("expire_immediately@example.com", "requires_payment_method"),
    ],
)
def test_addresses_of_test_mode_decide_at_once(call: Calls, email: str, status: str) -> None:
    details = {"name": "Ana", "email": email}
    intent = payment(call, BOLETO | {"billing_details": details})
    assert call.get(intent["id"])["status"] == status


def test_they_are_for_reais_and_for_some_amounts(call: Calls) -> None:
    wrong = {"amount": 1000, "currency": "usd", "payment_method_types": ["pix"]}
    error = call.error(400, "POST", "/v1/payment_intents", **wrong)
    assert error["param"] == "payment_method_types[0]"
    wrong["payment_method_types"] = ["oxxo"]
    assert call.error(501, "POST", "/v1/payment_intents", **wrong)
    method = call("POST", "/v1/payment_methods", **BOLETO)
    small = {"amount": 499, "currency": "brl", "payment_method_types": ["boleto"]}
    small |= {"payment_method": method["id"], "confirm": True}
    error = call.error(402, "POST", "/v1/payment_intents", **small)
    assert error["code"] == "payment_method_not_available"
    session = call.session(call.price())
    with pytest.raises(StripeError, match="cannot be paid by pix"):
        call.simulator.complete_checkout(session["id"], card_number="", pays_by="pix")


def test_checkout_is_complete_and_unpaid_until_the_boleto_is(call: Calls) -> None:
    session = bought(call, "boleto")
    assert (session["status"], session["payment_status"]) == ("complete", "unpaid")
    assert call.get(session["subscription"])["status"] == "active"
    assert call.get(session["invoice"])["status"] == "open"
    assert event_types(call.simulator)[-1] == "checkout.session.completed"
    assert not events(call.simulator, "invoice.payment_failed")
    start = len(events(call.simulator))
    call.simulator.pay_voucher(intent_of(call, session)["id"])
    advance(call.simulator, days=1)
    assert [one for one in event_types(call.simulator, start) if "clock" not in one] == [
        "payment_intent.processing",
        "charge.succeeded",
        "payment_intent.succeeded",
        "invoice_payment.paid",
        "invoice.updated",
        "invoice.paid",
        "invoice.payment_succeeded",
        "checkout.session.async_payment_succeeded",
    ]
    assert call.get(session["id"])["payment_status"] == "paid"
    assert call.get(session["invoice"])["status"] == "paid"


def test_an_unpaid_first_boleto_is_void_and_the_subscription_stays(call: Calls) -> None:
    session = bought(call, "boleto")
    advance(call.simulator, days=4)
    assert call.get(session["invoice"])["status"] == "void"
    assert call.get(session["subscription"])["status"] == "active"
    assert call.get(session["id"])["payment_status"] == "unpaid"
    (failed,) = events(call.simulator, "checkout.session.async_payment_failed")
    assert failed["data"]["object"]["id"] == session["id"]


@pytest.mark.parametrize("paid", [True, False])
def test_a_subscription_can_wait_for_its_first_boleto(call: Calls, paid: bool) -> None:
    call.simulator.set_option("delayed_payment_status", "incomplete")
    session = bought(call, "boleto")
    assert call.get(session["subscription"])["status"] == "incomplete"
    advance(call.simulator, days=2)
    assert call.get(session["subscription"])["status"] == "incomplete"  # longer than 23 hours
    if paid:
        call.simulator.pay_voucher(intent_of(call, session)["id"])
    advance(call.simulator, days=3)
    expected = "active" if paid else "incomplete_expired"
    assert call.get(session["subscription"])["status"] == expected


def test_a_renewal_by_boleto_is_late_only_when_it_expires(call: Calls) -> None:
    session = bought(call, "boleto")
    call.simulator.pay_voucher(intent_of(call, session)["id"])
    advance(call.simulator, days=31, hours=2)
    subscription = call.get(session["subscription"])
    assert subscription["status"] == "active"
    invoice = call.get(subscription["latest_invoice"])
    assert (invoice["status"], invoice["billing_reason"]) == ("open", "subscription_cycle")
    advance(call.simulator, days=4)
    assert call.get(subscription["id"])["status"] == "past_due"
    late = call.get(invoice["id"])
    assert late["next_payment_attempt"] is not None
    advance(call.simulator, days=2)  # another voucher
    (intent, _first) = call("GET", "/v1/payment_intents", customer=session["customer"])["data"]
    call.simulator.pay_voucher(intent["id"])
    advance(call.simulator, days=3)
    assert call.get(subscription["id"])["status"] == "active"
    assert call.get(invoice["id"])["status"] == "paid"


@pytest.mark.parametrize("paid", [True, False])
def test_a_boleto_outlives_its_customer(call: Calls, paid: bool) -> None:
    session = bought(call, "boleto")
    intent = intent_of(call, session)
    call("DELETE", f"/v1/customers/{session['customer']}")
    if paid:
        call.simulator.pay_voucher(intent["id"])
    advance(call.simulator, days=5)
    assert call.get(intent["id"])["status"] == ("succeeded" if paid else "requires_payment_method")
    assert call.get(session["invoice"])["status"] == ("paid" if paid else "open")
    assert call.get(session["subscription"])["status"] == "canceled"


@pytest.mark.parametrize("paid", [True, False])
def test_a_single_payment_by_pix(call: Calls, paid: bool) -> None:
    single = call(
        "POST",
        "/v1/prices",
        currency="brl",
        unit_amount=9900,
        product_data={"name": "Book"},
    )
    session = call(
        "POST",
        "/v1/checkout/sessions",
        mode="payment",
        customer=call.customer()["id"],
        line_items=[{"price": single["id"], "quantity": 1}],
        payment_method_types=["pix"],
        success_url="https://shop.example/done",
    )
    done = call.simulator.complete_checkout(session["id"], card_number="", pays_by="pix")
    assert done["payment_status"] == "unpaid"
    if paid:
        call.simulator.pay_voucher(done["payment_intent"])
    advance(call.simulator, days=2)
    what = "succeeded" if paid else "failed"
    assert len(events(call.simulator, f"checkout.session.async_payment_{what}")) == 1
    assert call.get(session["id"])["payment_status"] == ("paid" if paid else "unpaid")
