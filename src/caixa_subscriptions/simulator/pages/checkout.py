"""The hosted Checkout page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from caixa_subscriptions.simulator import checkout_discounts
from caixa_subscriptions.simulator.completing import asks_for_card, needs_authentication
from caixa_subscriptions.simulator.core import Simulator
from caixa_subscriptions.simulator.errors import CardError, StripeError
from caixa_subscriptions.simulator.money import money
from caixa_subscriptions.simulator.pages import promotion, wording
from caixa_subscriptions.simulator.pages.card_form import (
    CardFormError,
    card_fields,
    field_of_decline,
    read_card,
)
from caixa_subscriptions.simulator.pages.confirm import bank_page
from caixa_subscriptions.simulator.pages.html import Html, fill
from caixa_subscriptions.simulator.pages.layout import message_page, page
from caixa_subscriptions.simulator.pages.response import (
    PageError,
    PageResponse,
    is_web_url,
    redirect_response,
)

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
        if asks_for_card(session):
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
) -> PageResponse:
    trial_days = simulator.checkout_trial_days(session["id"])
    details = session["customer_details"] or {}
    email = details.get("email") or session["customer_email"]
    back = _link(session["cancel_url"], "Back")
    button = "Start trial" if trial_days else "Subscribe"
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
</div>""",
        session_id=session["id"],
        heading="Start your free trial" if trial_days else "Subscribe",
        back=back and fill('<a class="back" href="{url}">← {text}</a>', url=back[0], text=back[1]),
        lines=[_line(simulator, line, trial_days) for line in _line_items(simulator, session)],
        totals=promotion.totals(simulator, session),
        code=code or promotion.code_form(session),
        email=email and fill('<p class="who">For <strong>{email}</strong></p>', email=email),
        fields=card_fields(form, error, autofocus=code is None)
        if asks_for_card(session)
        else Html("<p>No card is needed today.</p>"),
        button=button,
        fine="Cancel before the trial ends and you pay nothing."
        if trial_days
        else "Renews by itself until you cancel.",
    )
    return page(
        title=button,
        body=body,
        status=status,
        width="wide",
        form_targets=[session["success_url"] or ""],
    )


def _line_items(simulator: Simulator, session: Mapping[str, Any]) -> list[dict[str, Any]]:
    answer = simulator.request(
        "GET",
        f"/v1/checkout/sessions/{session['id']}/line_items",
        {"limit": 100},
        headers={"Authorization": "Bearer sk_test_simulator000000000000000000"},
    )
    lines: list[dict[str, Any]] = answer.body["data"]
    return lines


def _line(simulator: Simulator, line: Mapping[str, Any], trial_days: int) -> Html:
    price = line["price"]
    quantity = line["quantity"] or 1
    product = simulator.get_object(price["product"]) or {}
    amount = f"{wording.price_amount(price, quantity)} {wording.interval(price)}".rstrip()
    terms = f"{wording.days(trial_days)} free, then {amount}" if trial_days else amount
    return fill(
        """<div class="line"><p class="product">{name}{quantity}</p>
<p class="terms">{terms}</p>{description}</div>""",
        name=product.get("name") or line["description"],
        quantity=f" \N{MULTIPLICATION SIGN} {quantity}" if quantity > 1 else None,
        terms=terms,
        description=product.get("description")
        and fill('<p class="fine">{text}</p>', text=product["description"]),
    )
