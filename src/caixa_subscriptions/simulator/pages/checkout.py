"""The hosted Checkout page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from caixa_subscriptions.simulator import checkout_discounts
from caixa_subscriptions.simulator.checkout_payments import needs_authentication
from caixa_subscriptions.simulator.completing import asks_for_card
from caixa_subscriptions.simulator.core import Simulator
from caixa_subscriptions.simulator.errors import CardError, StripeError
from caixa_subscriptions.simulator.money import money
from caixa_subscriptions.simulator.pages import checkout_lines, promotion
from caixa_subscriptions.simulator.pages.card_form import (
    CardFormError,
    card_fields,
    field_of_decline,
    read_card,
)
from caixa_subscriptions.simulator.pages.checkout_words import words
from caixa_subscriptions.simulator.pages.confirm import bank_page
from caixa_subscriptions.simulator.pages.html import Html, fill
from caixa_subscriptions.simulator.pages.layout import message_page, page
from caixa_subscriptions.simulator.pages.response import (
    PageError,
    PageResponse,
    is_web_url,
    redirect_response,
)
from caixa_subscriptions.simulator.pages.voucher import other_ways
from caixa_subscriptions.simulator.resources import checkout_items

# Stripe docs: Checkout, fulfilment: the redirect waits this long for the webhook's 2xx.
REDIRECT_WAIT_SECONDS = 10.0
DAY = 86400


def show_checkout(simulator: Simulator, session_id: str) -> PageResponse:
    session = _session(simulator, session_id)
    if session["status"] != "open":
        return _closed(session)
    return _form_page(simulator, session, form={}, error=None, status=200)


def submit_checkout(simulator: Simulator, session_id: str, form: Mapping[str, str]) -> PageResponse:
    session = _session(simulator, session_id)
    if session["status"] != "open":
        return _closed(session)
    try:
        pays_by = form.get("pays_by", "card")
        if pays_by != "card":
            session = simulator.complete_checkout(session_id, card_number="", pays_by=pays_by)
        elif asks_for_card(session):
            card = read_card(form)
            answer = form.get("authentication")
            if answer is None and needs_authentication(session, card.number):
                return _ask_bank(session, form)
            session = simulator.complete_checkout(
                session_id,
                card_number=card.number,
                exp_month=card.exp_month,
                exp_year=card.exp_year,
                cvc=card.cvc,
                authenticate=answer != "fail",
            )
        else:
            session = simulator.complete_checkout(session_id, card_number="")
    except CardFormError as error:
        return _form_page(simulator, session, form=form, error=error, status=400)
    except CardError as declined:
        problem = CardFormError(field_of_decline(declined.code), declined.message)
        return _form_page(simulator, session, form=form, error=problem, status=402)
    except StripeError as refused:
        session = _session(simulator, session_id)
        if session["status"] != "open":  # another tab was faster
            return _closed(session)
        raise PageError(400, "Checkout refused", refused.message) from refused
    simulator.wait_for_event(
        "checkout.session.completed", session_id, timeout=REDIRECT_WAIT_SECONDS
    )
    success_url = _success_url(session)
    return redirect_response(success_url) if success_url else _closed(session)


def submit_code(simulator: Simulator, session_id: str, form: Mapping[str, str]) -> PageResponse:
    """The checkout again, with the promotion code or with what is wrong with it."""
    session = _session(simulator, session_id)
    if session["status"] != "open":
        return _closed(session)
    code = form.get("code", "")
    try:
        with simulator.deed() as world:
            checkout_discounts.enter_code(world, session_id, code)
    except StripeError as refused:
        wrong = promotion.code_form(session, code, refused.message)
        return _form_page(simulator, session, form={}, error=None, status=400, code=wrong)
    return redirect_response(f"/simulator/checkout/{session_id}")


def _ask_bank(session: Mapping[str, Any], form: Mapping[str, str]) -> PageResponse:
    due = session["amount_total"]
    return bank_page(
        f"/simulator/checkout/{session['id']}",
        money(due, session["currency"]) if due else None,
        {name: form[name] for name in ("card_number", "expiry", "cvc") if name in form},
        form_targets=[session["success_url"] or ""],
    )


def submit_quantity(simulator: Simulator, session_id: str, form: Mapping[str, str]) -> PageResponse:
    """The checkout again, with the quantity or with what is wrong with it."""
    session = _session(simulator, session_id)
    if session["status"] != "open":
        return _closed(session)
    line, entered = form.get("line", ""), form.get("quantity", "").strip()
    # Of what is no number, what no line allows.
    quantity = int(entered) if re.fullmatch(r"[0-9]{1,9}", entered) else 0
    try:
        with simulator.deed() as world:
            checkout_items.choose_quantity(world, session_id, line, quantity)
    except StripeError as refused:
        wrong = checkout_lines.QuantityError(line, entered, refused.message)
        return _form_page(simulator, session, form={}, error=None, status=400, quantity=wrong)
    return redirect_response(f"/simulator/checkout/{session_id}")


def _session(simulator: Simulator, session_id: str) -> dict[str, Any]:
    session = simulator.get_object(session_id)
    if session is None or session["object"] != "checkout.session":
        raise PageError(404, "Checkout not found", "There is no checkout at this address.")
    return session


def _success_url(session: Mapping[str, Any]) -> str | None:
    url: str | None = session["success_url"]
    return url.replace("{CHECKOUT_SESSION_ID}", session["id"]) if url else None


def _closed(session: Mapping[str, Any]) -> PageResponse:
    if session["status"] == "expired":
        return message_page(
            title="Checkout expired",
            message="This checkout is no longer open. Go back to the shop and start again.",
            status=410,
            link=_link(session["cancel_url"], "Back to the shop"),
        )
    return message_page(
        title="Checkout complete",
        message="This checkout is complete. Nothing more will be charged here.",
        status=200,
        link=_link(_success_url(session), "Continue"),
    )


def _link(url: str | None, text: str) -> tuple[str, str] | None:
    return (url, text) if url is not None and is_web_url(url) else None


def _form_page(
    simulator: Simulator,
    session: Mapping[str, Any],
    *,
    form: Mapping[str, str],
    error: CardFormError | None,
    status: int,
    code: Html | None = None,
    quantity: checkout_lines.QuantityError | None = None,
) -> PageResponse:
    trial_days = simulator.checkout_trial_days(session["id"])
    details = session["customer_details"] or {}
    email = details.get("email") or session["customer_email"]
    back = _link(session["cancel_url"], "Back")
    says = words(session, trial_days)
    body = fill(
        """<div class="checkout">
<section class="summary" aria-labelledby="summary">
{back}
<h1 id="summary">{heading}</h1>
{lines}
{totals}
{code}
</section>
<form class="card" method="post" action="/simulator/checkout/{session_id}">
<h2>Payment details</h2>
{email}
{fields}
<button class="primary" type="submit">{button}</button>
<p class="fine">{fine}</p>
</form>
{others}
</div>""",
        session_id=session["id"],
        heading=says.heading,
        back=back and fill('<a class="back" href="{url}">← {text}</a>', url=back[0], text=back[1]),
        lines=checkout_lines.lines(simulator, session["id"], trial_days, quantity),
        totals=promotion.totals(simulator, session) if session["mode"] != "setup" else None,
        code=code or promotion.code_form(session),
        email=email and fill('<p class="who">For <strong>{email}</strong></p>', email=email),
        fields=card_fields(form, error, autofocus=code is None and quantity is None)
        if asks_for_card(session)
        else Html("<p>No card is needed today.</p>"),
        button=says.button,
        others=other_ways(dict(session)),
        fine=says.fine,
    )
    return page(
        title=says.button,
        body=body,
        status=status,
        width="wide",
        form_targets=[session["success_url"] or ""],
    )
