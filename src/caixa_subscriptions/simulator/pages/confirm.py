"""The page of the customer's bank, which asks whether it is really them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from caixa_subscriptions.simulator.core import Simulator
from caixa_subscriptions.simulator.errors import StripeError
from caixa_subscriptions.simulator.money import money
from caixa_subscriptions.simulator.pages.html import Html, fill
from caixa_subscriptions.simulator.pages.layout import message_page, page
from caixa_subscriptions.simulator.pages.response import (
    PageError,
    PageResponse,
    redirect_response,
)


def show_confirm(simulator: Simulator, intent_id: str) -> PageResponse:
    intent = _intent(simulator, intent_id)
    if not _waits(intent):
        return _told(intent)
    action = f"/simulator/confirm/{intent_id}"
    url = _return_url(intent)
    return bank_page(action, _amount(intent), {}, form_targets=[url] if url else [])


def submit_confirm(simulator: Simulator, intent_id: str, form: Mapping[str, str]) -> PageResponse:
    intent = _intent(simulator, intent_id)
    if not _waits(intent):  # another tab was faster
        return _told(intent)
    url = _return_url(intent)
    try:
        intent = simulator.authenticate(intent_id, succeed=form.get("authentication") == "complete")
    except StripeError as refused:
        raise PageError(400, "Not confirmed", refused.message) from refused
    return redirect_response(_returning(url, intent)) if url else _told(intent)


def bank_page(
    action: str,
    amount: str | None,
    fields: Mapping[str, str],
    *,
    form_targets: list[str],
) -> PageResponse:
    """Two buttons; each sends `fields` and its own `authentication` to `action`."""
    body = fill(
        """<section class="card message"><h1>Authenticate {what}</h1>
<p>This stands for the page of the customer's bank. It is simulated: no bank is asked, and no money
moves.</p>
{complete}
{fail}
</section>""",
        what=f"the payment of {amount}" if amount else "the card",
        complete=_button(action, fields, "complete", "Complete authentication", "primary"),
        fail=_button(action, fields, "fail", "Fail authentication", ""),
    )
    return page(title="Authenticate", body=body, form_targets=form_targets)


def _button(action: str, fields: Mapping[str, str], outcome: str, text: str, tone: str) -> Html:
    hidden = [
        fill('<input type="hidden" name="{name}" value="{value}">', name=name, value=value)
        for name, value in {**fields, "authentication": outcome}.items()
    ]
    return fill(
        '<form method="post" action="{action}">{hidden}'
        '<p><button class="{tone}" type="submit">{text}</button></p></form>',
        action=action,
        hidden=hidden,
        tone=tone,
        text=text,
    )


def _waits(intent: Mapping[str, Any]) -> bool:
    action = intent["next_action"] or {}
    return action.get("type") in ("redirect_to_url", "use_stripe_sdk")


def _intent(simulator: Simulator, intent_id: str) -> dict[str, Any]:
    intent = simulator.get_object(intent_id)
    if intent is None or intent["object"] not in ("payment_intent", "setup_intent"):
        raise PageError(404, "Nothing to confirm", "There is no payment at this address.")
    return intent


def _amount(intent: Mapping[str, Any]) -> str | None:
    return money(intent["amount"], intent["currency"]) if "amount" in intent else None


def _told(intent: Mapping[str, Any]) -> PageResponse:
    if intent["status"] in ("succeeded", "processing", "requires_capture"):
        title, message = "Confirmed", "The bank is satisfied. You can close this page."
    else:
        title = "Not confirmed"
        message = "Nothing waits for an answer here. Go back to the shop and try again."
    return message_page(title=title, message=message, status=200)


def _return_url(intent: Mapping[str, Any]) -> str | None:
    action = (intent["next_action"] or {}).get("redirect_to_url")
    return action["return_url"] if action else None


def _returning(url: str, intent: Mapping[str, Any]) -> str:
    """With what Stripe adds to a `return_url` (Stripe docs: payment intents)."""
    name = intent["object"]
    parts = urlsplit(url)
    added = urlencode(
        {
            name: intent["id"],
            f"{name}_client_secret": intent["client_secret"],
            "redirect_status": "succeeded"
            if intent["status"] != "requires_payment_method"
            else "failed",
        }
    )
    query = f"{parts.query}&{added}" if parts.query else added
    return urlunsplit(parts._replace(query=query))
