"""The page of a Boleto or Pix, and Checkout's way to it."""

from __future__ import annotations

from typing import Any

import pytest

from caixa_subscriptions.simulator import Simulator
from tests.simulator.pages.browsing import (
    Browser,
    call,
    checkout_path,
    form_with,
    new_checkout,
    new_price,
)


def unpaid(simulator: Simulator, browser: Browser, kind: str) -> dict[str, Any]:
    """The payment intent of a Checkout completed on its page."""
    session = new_checkout(
        simulator,
        price=new_price(simulator, currency="brl"),
        payment_method_types=["card", kind],
        subscription_data=None,
    )
    page = browser.get(checkout_path(session))
    button = {"boleto": "Pay by Boleto", "pix": "Pay by Pix"}[kind]
    answer = browser.submit(page, button)
    assert answer.status == 303
    assert answer.location.startswith("https://app.example/done/")
    assert (simulator.get_object(session["id"]) or {})["payment_status"] == "unpaid"
    found = call(simulator, "GET", "/v1/payment_intents", customer=session["customer"])
    return dict(found["data"][0])


@pytest.mark.parametrize(
    ("kind", "name", "status"), [("boleto", "Boleto", "processing"), ("pix", "Pix", "succeeded")]
)
def test_a_voucher_is_paid_on_its_page(
    simulator: Simulator, browser: Browser, kind: str, name: str, status: str
) -> None:
    intent = unpaid(simulator, browser, kind)
    path = f"/simulator/voucher/{intent['id']}"
    page = browser.get(path)
    assert f"{name} of R$9.00" in page.text
    assert "It is simulated" in page.text
    assert form_with(page, f"Pay the {name}")
    paid = browser.submit(page, f"Pay the {name}")
    assert "Paid" in paid.text
    assert (simulator.get_object(intent["id"]) or {})["status"] == status
    assert "Paid" in browser.post(path).text  # another tab
    assert "Paid" in browser.get(path).text


def test_there_is_not_always_something_to_pay(simulator: Simulator, browser: Browser) -> None:
    assert browser.get("/simulator/voucher/pi_none").status == 404
    intent = call(simulator, "POST", "/v1/payment_intents", amount=100, currency="usd")
    assert "Nothing waits" in browser.get(f"/simulator/voucher/{intent['id']}").text


def test_a_checkout_for_cards_offers_nothing_else(simulator: Simulator, browser: Browser) -> None:
    session = new_checkout(simulator)
    assert "Pay by" not in browser.get(checkout_path(session)).text
    refused = browser.post(checkout_path(session), {"pays_by": "pix"})
    assert refused.status == 400
    assert "cannot be paid by pix" in refused.text
