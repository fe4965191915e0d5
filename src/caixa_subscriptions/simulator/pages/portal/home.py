"""The homepage of the customer portal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from caixa_subscriptions.simulator.core import Simulator
from caixa_subscriptions.simulator.lifecycle import ENDED
from caixa_subscriptions.simulator.money import money
from caixa_subscriptions.simulator.pages import wording
from caixa_subscriptions.simulator.pages.card_form import CardFormError, card_fields
from caixa_subscriptions.simulator.pages.html import Html, fill
from caixa_subscriptions.simulator.pages.layout import alert, chip, page
from caixa_subscriptions.simulator.pages.portal import details
from caixa_subscriptions.simulator.pages.portal.frame import Visit, back
from caixa_subscriptions.simulator.pages.response import PageResponse, is_web_url

TONES = {"trialing": "good", "active": "good", "past_due": "bad", "unpaid": "bad"}
INVOICE_TONES = {"paid": "good", "open": "bad", "uncollectible": "bad"}


def show(
    visit: Visit, *, problem: str | None = None, card: Html | None = None, status: int = 200
) -> PageResponse:
    """What the configuration offers; `card` is the card's form as it came back."""
    subscriptions = visit.simulator.list_objects(
        "subscription", customer=visit.session["customer"], limit=20
    )
    living = [one for one in subscriptions if one["status"] not in ENDED]
    shown = living or subscriptions[:1]
    profile = visit.configuration["business_profile"]
    body = fill(
        """{back}<h1>Your subscription</h1>
<p class="who">{email}</p>
{headline}{problem}
{parts}
{terms}""",
        back=back(visit),
        email=visit.customer.get("email"),
        headline=profile["headline"] and fill("<p>{text}</p>", text=profile["headline"]),
        problem=alert(problem),
        parts=[
            [_plan(visit, one) for one in shown]
            or Html('<section class="card"><p>There is no subscription yet.</p></section>'),
            _card(visit, shown, card) if visit.offers("payment_method_update") else None,
            details.section(visit) if visit.offers("customer_update") else None,
            _invoices(visit) if visit.offers("invoice_history") else None,
        ],
        terms=_terms(profile),
    )
    return page(title="Your subscription", body=body, status=status)


def card_form(
    visit: Visit, form: Mapping[str, str], error: CardFormError | None, *, autofocus: bool = False
) -> Html:
    return fill(
        """<form method="post" action="{url}">
{fields}
<button class="primary" type="submit">Save card</button>
</form>""",
        url=visit.url("card"),
        fields=card_fields(form, error, autofocus=autofocus),
    )


def _card(visit: Visit, shown: list[dict[str, Any]], form: Html | None) -> Html:
    return fill(
        """<section class="card" aria-labelledby="payment">
<h2 id="payment">Payment method</h2>
<p>{card}</p>
<details{opened}><summary>Update card</summary>
{form}</details>
</section>""",
        card=wording.card(_payment_method(visit.simulator, visit.customer, shown)),
        opened=Html(" open") if form else None,
        form=form or card_form(visit, {}, None),
    )


def _terms(profile: Mapping[str, Any]) -> Html | None:
    links = [
        fill('<a href="{url}">{text}</a>', url=profile[name], text=text)
        for name, text in (
            ("terms_of_service_url", "Terms of service"),
            ("privacy_policy_url", "Privacy policy"),
        )
        if is_web_url(profile[name])
    ]
    return fill('<p class="fine links">{links}</p>', links=links) if links else None


def _payment_method(
    simulator: Simulator, customer: Mapping[str, Any], subscriptions: list[dict[str, Any]]
) -> dict[str, Any] | None:
    """The subscription's default comes before the customer's (Stripe docs: billing, payment
    method priority)."""
    ids = [one["default_payment_method"] for one in subscriptions]
    ids.append((customer.get("invoice_settings") or {}).get("default_payment_method"))
    first = next((payment_method_id for payment_method_id in ids if payment_method_id), None)
    return simulator.get_object(first) if first else None


def plan_name(visit: Visit, subscription: Mapping[str, Any]) -> str:
    product = subscription["items"]["data"][0]["price"]["product"]
    return (visit.simulator.get_object(product) or {}).get("name") or "Plan"


def _actions(visit: Visit, subscription: Mapping[str, Any]) -> Html | None:
    if subscription["status"] in ENDED:
        return None
    actions = []
    if visit.offers("subscription_update") and len(subscription["items"]["data"]) == 1:
        actions.append(
            fill(
                '<a class="button" href="{url}">Update plan</a>',
                url=visit.url("plan", subscription["id"]),
            )
        )
    if subscription["cancel_at"] is not None:
        actions.append(_button(visit, subscription, "renew", "primary", "Renew subscription"))
    elif visit.offers("subscription_cancel") and _asks_first(visit):
        actions.append(
            fill(
                '<a class="button danger" href="{url}">Cancel subscription</a>',
                url=visit.url("cancel", subscription["id"]),
            )
        )
    elif visit.offers("subscription_cancel"):
        actions.append(_button(visit, subscription, "cancel", "danger", "Cancel subscription"))
    return fill('<div class="buttons">{actions}</div>', actions=actions) if actions else None


def _asks_first(visit: Visit) -> bool:
    """Whether there is something to say before it is canceled, or no way back afterwards."""
    feature = visit.features["subscription_cancel"]
    asks: bool = feature["cancellation_reason"]["enabled"]
    return asks or feature["mode"] == "immediately"


def _button(visit: Visit, subscription: Mapping[str, Any], verb: str, look: str, text: str) -> Html:
    return fill(
        """<form method="post" action="{url}">
<input type="hidden" name="subscription" value="{subscription_id}">
<button type="submit" class="{look}">{text}</button>
</form>""",
        url=visit.url(verb),
        subscription_id=subscription["id"],
        look=look,
        text=text,
    )


def _plan(visit: Visit, subscription: Mapping[str, Any]) -> Html:
    item = subscription["items"]["data"][0]
    price = item["price"]
    amount = wording.price_amount(price, item.get("quantity") or 1)
    ending = subscription["cancel_at"] is not None and subscription["status"] not in ENDED
    return fill(
        """<section class="card plan">
<div class="plan-head"><h2>{name}</h2>{chip}</div>
<p class="terms">{amount} {interval}</p>
<p>{sentence}</p>
{actions}
</section>""",
        name=plan_name(visit, subscription),
        chip=chip("canceling", "warn")
        if ending
        else chip(
            wording.words(subscription["status"]), TONES.get(subscription["status"], "quiet")
        ),
        amount=amount,
        interval=wording.interval(price),
        sentence=wording.subscription_sentence(subscription, amount),
        actions=_actions(visit, subscription),
    )


def _invoices(visit: Visit) -> Html:
    invoices = visit.simulator.list_objects("invoice", customer=visit.session["customer"], limit=24)
    rows = [
        fill(
            """<li><span>{date}</span><span>{amount}</span>{chip}
<a class="fine" href="/simulator/invoices/{id}">{number}</a></li>""",
            date=wording.date(invoice["created"]),
            amount=money(invoice["total"], invoice["currency"]),
            chip=chip(invoice["status"], INVOICE_TONES.get(invoice["status"], "quiet")),
            id=invoice["id"],
            number=invoice["number"] or "Draft",
        )
        for invoice in invoices
    ]
    return fill(
        """<section class="card" aria-labelledby="invoices">
<h2 id="invoices">Invoices</h2>
{invoices}
</section>""",
        invoices=fill('<ul class="invoices">{rows}</ul>', rows=rows)
        if rows
        else Html("<p>No invoices yet.</p>"),
    )
