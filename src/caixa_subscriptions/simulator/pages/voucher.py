"""The page of a Boleto or a Pix code, where its customer pays or has paid."""

from __future__ import annotations

from typing import Any

from caixa_subscriptions.simulator.core import Simulator
from caixa_subscriptions.simulator.money import money
from caixa_subscriptions.simulator.pages import wording
from caixa_subscriptions.simulator.pages.html import Html, fill
from caixa_subscriptions.simulator.pages.layout import message_page, page
from caixa_subscriptions.simulator.pages.response import PageError, PageResponse
from caixa_subscriptions.simulator.vouchers import DELAYED, awaits_voucher

NAMES = {"boleto": "Boleto", "pix": "Pix"}
_TOLD = {
    "processing": ("Paid", "The bank confirms the payment on the next business day."),
    "succeeded": ("Paid", "The money has arrived. You can close this page."),
}


def show_voucher(simulator: Simulator, intent_id: str) -> PageResponse:
    intent = _intent(simulator, intent_id)
    if not awaits_voucher(intent):
        return _told(intent)
    details = next(value for key, value in intent["next_action"].items() if key.startswith(DELAYED))
    body = fill(
        """<section class="card message"><h1>{name} of {amount}</h1>
<p>It can be paid until {expires}. It is simulated: no bank knows of it.</p>
<p><code>{code}</code></p>
<form method="post" action="/simulator/voucher/{intent_id}">
<p><button class="primary" type="submit">Pay the {name}</button></p>
</form></section>""",
        name=NAMES[intent["next_action"]["type"].partition("_")[0]],
        amount=money(intent["amount"], intent["currency"]),
        expires=wording.time(details["expires_at"]),
        code=details.get("number") or details["data"],
        intent_id=intent_id,
    )
    return page(title="Pay", body=body)


def submit_voucher(simulator: Simulator, intent_id: str) -> PageResponse:
    intent = _intent(simulator, intent_id)
    if awaits_voucher(intent):
        intent = simulator.pay_voucher(intent_id)
    return _told(intent)


def other_ways(session: dict[str, Any]) -> list[Html]:
    """A form for each way to pay a Checkout Session that is no card."""
    return [
        fill(
            """<form class="card" method="post" action="/simulator/checkout/{session_id}">
<input type="hidden" name="pays_by" value="{kind}">
<button type="submit">Pay by {name}</button>
</form>""",
            session_id=session["id"],
            kind=kind,
            name=NAMES[kind],
        )
        for kind in session["payment_method_types"]
        if kind in NAMES
    ]


def _intent(simulator: Simulator, intent_id: str) -> dict[str, Any]:
    intent = simulator.get_object(intent_id)
    if intent is None or intent["object"] != "payment_intent":
        raise PageError(404, "Nothing to pay", "There is no payment at this address.")
    return intent


def _told(intent: dict[str, Any]) -> PageResponse:
    title, message = _TOLD.get(
        intent["status"], ("Nothing to pay", "Nothing waits to be paid here.")
    )
    return message_page(title=title, message=message, status=200)
