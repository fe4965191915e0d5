"""The hosted customer portal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from caixa_subscriptions.simulator.core import Simulator
from caixa_subscriptions.simulator.errors import CardError, StripeError
from caixa_subscriptions.simulator.money import money
from caixa_subscriptions.simulator.pages import wording
from caixa_subscriptions.simulator.pages.card_form import (
    CardFormError,
    card_fields,
    field_of_decline,
    read_card,
)
from caixa_subscriptions.simulator.pages.html import Html, fill
from caixa_subscriptions.simulator.pages.layout import alert, chip, page
from caixa_subscriptions.simulator.pages.response import (
    PageError,
    PageResponse,
    is_web_url,
    redirect_response,
)

ENDED = ("canceled", "incomplete_expired")
TONES = {"trialing": "good", "active": "good", "past_due": "bad", "unpaid": "bad"}
INVOICE_TONES = {"paid": "good", "open": "bad", "uncollectible": "bad"}


def show_portal(simulator: Simulator, token: str) -> PageResponse:
    return _portal_page(simulator, _open_session(simulator, token), token)


def cancel_in_portal(simulator: Simulator, token: str, form: Mapping[str, str]) -> PageResponse:
    return _act(simulator, token, lambda: simulator.portal_cancel(token, _asked(form)))


def renew_in_portal(simulator: Simulator, token: str, form: Mapping[str, str]) -> PageResponse:
    return _act(simulator, token, lambda: simulator.portal_renew(token, _asked(form)))


def update_card_in_portal(
    simulator: Simulator, token: str, form: Mapping[str, str]
) -> PageResponse:
    session = _open_session(simulator, token)
    try:
        card = read_card(form)
        simulator.portal_update_card(
            token,
            card_number=card.number,
            exp_month=card.exp_month,
            exp_year=card.exp_year,
            cvc=card.cvc,
        )
    except CardFormError as error:
        return _portal_page(simulator, session, token, form=form, card_error=error, status=400)
    except CardError as declined:
        problem = CardFormError(field_of_decline(declined.code), declined.message)
        return _portal_page(simulator, session, token, form=form, card_error=problem, status=402)
    except StripeError as refused:
        return _portal_page(simulator, session, token, problem=refused.message, status=400)
    return redirect_response(f"/simulator/portal/{token}")


def _asked(form: Mapping[str, str]) -> str:
    try:
        return form["subscription"]
    except KeyError:
        raise PageError(400, "Bad request", "The form does not name a subscription.") from None


def _act(simulator: Simulator, token: str, change: Callable[[], object]) -> PageResponse:
    session = _open_session(simulator, token)
    try:
        change()
    except StripeError as refused:
        return _portal_page(simulator, session, token, problem=refused.message, status=400)
    return redirect_response(f"/simulator/portal/{token}")


def _open_session(simulator: Simulator, token: str) -> dict[str, Any]:
    try:
        return simulator.get_portal_session(token)
    except StripeError as error:
        raise PageError(
            404,
            "Link expired",
            "This link to the customer portal is not valid any more. Go back to the app and open "
            "the portal again from there.",
        ) from error


def _portal_page(
    simulator: Simulator,
    session: Mapping[str, Any],
    token: str,
    *,
    form: Mapping[str, str] | None = None,
    card_error: CardFormError | None = None,
    problem: str | None = None,
    status: int = 200,
) -> PageResponse:
    customer = simulator.get_object(session["customer"]) or {}
    subscriptions = simulator.list_objects("subscription", customer=session["customer"], limit=20)
    living = [one for one in subscriptions if one["status"] not in ENDED]
    shown = living or subscriptions[:1]
    body = fill(
        """{back}<h1>Your subscription</h1>
<p class="who">{email}</p>
{problem}
{plans}
<section class="card" aria-labelledby="payment">
<h2 id="payment">Payment method</h2>
<p>{card}</p>
<details{opened}><summary>Update card</summary>
<form method="post" action="/simulator/portal/{token}/card">
{fields}
<button class="primary" type="submit">Save card</button>
</form></details>
</section>
<section class="card" aria-labelledby="invoices">
<h2 id="invoices">Invoices</h2>
{invoices}
</section>""",
        back=_back(session["return_url"]),
        email=customer.get("email"),
        problem=alert(problem),
        plans=[_plan(simulator, one, token) for one in shown]
        or Html('<section class="card"><p>There is no subscription yet.</p></section>'),
        card=wording.card(_payment_method(simulator, customer, shown)),
        opened=Html(" open") if card_error else None,
        token=token,
        fields=card_fields(form or {}, card_error, autofocus=False),
        invoices=_invoices(simulator, session["customer"]),
    )
    return page(title="Your subscription", body=body, status=status)


def _back(return_url: str | None) -> Html | None:
    if return_url is None or not is_web_url(return_url):
        return None
    return fill('<a class="back" href="{url}">← Return to the app</a>', url=return_url)


def _payment_method(
    simulator: Simulator, customer: Mapping[str, Any], subscriptions: list[dict[str, Any]]
) -> dict[str, Any] | None:
    """The subscription's default comes before the customer's (Stripe docs: billing, payment
    method priority)."""
    ids = [one["default_payment_method"] for one in subscriptions]
    ids.append((customer.get("invoice_settings") or {}).get("default_payment_method"))
    first = next((payment_method_id for payment_method_id in ids if payment_method_id), None)
    return simulator.get_object(first) if first else None


def _plan(simulator: Simulator, subscription: Mapping[str, Any], token: str) -> Html:
    item = subscription["items"]["data"][0]
    price = item["price"]
    product = simulator.get_object(price["product"]) or {}
    amount = wording.price_amount(price, item.get("quantity") or 1)
    ended = subscription["status"] in ENDED
    ending = subscription["cancel_at"] is not None and not ended
    action = None
    if not ended:
        action = fill(
            """<form method="post" action="/simulator/portal/{token}/{verb}">
<input type="hidden" name="subscription" value="{subscription_id}">
<button type="submit" class="{look}">{text}</button>
</form>""",
            token=token,
            verb="renew" if ending else "cancel",
            subscription_id=subscription["id"],
            look="primary" if ending else "danger",
            text="Renew subscription" if ending else "Cancel subscription",
        )
    return fill(
        """<section class="card plan">
<div class="plan-head"><h2>{name}</h2>{chip}</div>
<p class="terms">{amount} {interval}</p>
<p>{sentence}</p>
{action}
</section>""",
        name=product.get("name") or "Plan",
        chip=chip("canceling", "warn")
        if ending
        else chip(
            wording.words(subscription["status"]), TONES.get(subscription["status"], "quiet")
        ),
        amount=amount,
        interval=wording.interval(price),
        sentence=wording.subscription_sentence(subscription, amount),
        action=action,
    )


def _invoices(simulator: Simulator, customer_id: str) -> Html:
    invoices = simulator.list_objects("invoice", customer=customer_id, limit=24)
    if not invoices:
        return Html("<p>No invoices yet.</p>")
    rows = [
        fill(
            """<li><span>{date}</span><span>{amount}</span>{chip}
<span class="fine">{number}</span></li>""",
            date=wording.date(invoice["created"]),
            amount=money(invoice["total"], invoice["currency"]),
            chip=chip(invoice["status"], INVOICE_TONES.get(invoice["status"], "quiet")),
            number=invoice["number"] or "Draft",
        )
        for invoice in invoices
    ]
    return fill('<ul class="invoices">{rows}</ul>', rows=rows)
