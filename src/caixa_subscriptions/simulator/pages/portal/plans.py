"""Another plan or quantity: chosen, shown with what it costs, and confirmed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from caixa_subscriptions.simulator import portal
from caixa_subscriptions.simulator.errors import StripeError
from caixa_subscriptions.simulator.money import money
from caixa_subscriptions.simulator.pages import wording
from caixa_subscriptions.simulator.pages.html import Html, fill
from caixa_subscriptions.simulator.pages.layout import alert
from caixa_subscriptions.simulator.pages.portal.frame import Visit, asked, leave, show_step
from caixa_subscriptions.simulator.pages.response import PageError, PageResponse

TITLE, CONFIRM = "Update plan", "Confirm the new plan"


def show(visit: Visit, subscription_id: str, query: Mapping[str, str]) -> PageResponse:
    """The choice, or with one made what it costs."""
    if _asked_item(visit) is not None:
        return show_asked(visit, problem=None, status=200)
    if not visit.offers("subscription_update"):
        raise PageError(404, "Page not found", "There is no plan to be changed here.")
    subscription = visit.subscription(subscription_id)
    if "price" not in query:
        return choose(visit, subscription)
    try:
        return confirm(visit, subscription, *_chosen(query))
    except StripeError as refused:
        return choose(visit, subscription, problem=refused.message, status=400)


def submit(visit: Visit, form: Mapping[str, str]) -> PageResponse:
    subscription_id = asked(form)
    price, quantity = _chosen(form) if (item := _asked_item(visit)) is None else item
    return visit.act(
        lambda world: portal.change_plan(
            world, visit.token, subscription_id, price=price, quantity=quantity
        )
    )


def show_asked(visit: Visit, *, problem: str | None, status: int) -> PageResponse:
    """The one change a flow is for."""
    asked_for = (visit.flow or {})["subscription_update_confirm"]
    subscription = visit.subscription(asked_for["subscription"])
    if problem is None:
        try:
            return confirm(visit, subscription, *(_asked_item(visit) or (None, None)))
        except StripeError as refused:
            problem, status = refused.message, 400
    return show_step(visit, CONFIRM, alert(problem), leave(visit), status=status)


def _asked_item(visit: Visit) -> tuple[str | None, int | None] | None:
    if visit.flow is None or visit.flow["type"] != "subscription_update_confirm":
        return None
    (item,) = visit.flow["subscription_update_confirm"]["items"]
    return item["price"], item["quantity"]


def _chosen(form: Mapping[str, str]) -> tuple[str | None, int | None]:
    quantity = form.get("quantity", "").strip()
    if quantity and not (quantity.isascii() and quantity.isdigit() and len(quantity) <= 9):
        raise StripeError(400, "Write the quantity as a number.", param="quantity")
    return form.get("price") or None, int(quantity) if quantity else None


def choose(
    visit: Visit,
    subscription: Mapping[str, Any],
    *,
    problem: str | None = None,
    status: int = 200,
) -> PageResponse:
    feature = visit.features["subscription_update"]
    item = subscription["items"]["data"][0]
    prices = _offered(visit, feature, item["price"])
    return show_step(
        visit,
        TITLE,
        alert(problem),
        fill(
            """<form method="get" action="{url}">
<fieldset class="choices"><legend>Choose a plan</legend>
{prices}</fieldset>
{quantity}
<div class="buttons"><button class="primary" type="submit">Continue</button>{leave}</div>
</form>""",
            url=visit.url("plan", subscription["id"]),
            prices=[_choice(visit, price, item["price"]["id"]) for price in prices],
            quantity=_quantity(feature, item),
            leave=leave(visit),
        ),
        status=status,
    )


def _offered(
    visit: Visit, feature: Mapping[str, Any], current: Mapping[str, Any]
) -> list[Mapping[str, Any]]:
    """The current price first when it is no longer offered itself."""
    ids = [price for product in feature["products"] or [] for price in product["prices"]]
    if "price" not in feature["default_allowed_updates"]:
        return [current]
    found = [visit.simulator.get_object(price_id) for price_id in ids]
    offered: list[Mapping[str, Any]] = [
        one
        for one in found
        if one and (one["id"] == current["id"] or _sells(one, current["currency"]))
    ]
    return offered if current["id"] in ids else [current, *offered]


def _sells(price: Mapping[str, Any], currency: str) -> bool:
    return bool(price["active"]) and price["currency"] == currency


def _choice(visit: Visit, price: Mapping[str, Any], current: str) -> Html:
    product = visit.simulator.get_object(price["product"]) or {}
    return fill(
        """<label class="choice"><input type="radio" name="price" value="{id}"{checked}>
<span><strong>{name}</strong><br>{amount} {interval}{note}</span></label>\n""",
        id=price["id"],
        checked=Html(" checked") if price["id"] == current else None,
        name=product.get("name") or "Plan",
        amount=wording.price_amount(price),
        interval=wording.interval(price),
        note=" (your plan)" if price["id"] == current else None,
    )


def _quantity(feature: Mapping[str, Any], item: Mapping[str, Any]) -> Html | None:
    """Bounds of the products differ; those of the one chosen are checked when it is."""
    adjustable = [
        one["adjustable_quantity"]
        for one in feature["products"] or []
        if one["adjustable_quantity"]["enabled"]
    ]
    if "quantity" not in feature["default_allowed_updates"] or not adjustable:
        return None
    return fill(
        """<div class="field"><label for="quantity">Quantity</label>
<input id="quantity" name="quantity" type="number" inputmode="numeric" required
 value="{value}" min="{least}"></div>""",
        value=item["quantity"],
        least=min(one["minimum"] for one in adjustable),
    )


def confirm(
    visit: Visit, subscription: Mapping[str, Any], price: str | None, quantity: int | None
) -> PageResponse:
    """Raises StripeError for a change that is refused."""
    with visit.simulator.deed() as world:
        preview = portal.preview_change(
            world, visit.token, subscription["id"], price=price, quantity=quantity
        )
    old, new = (one["items"]["data"][0] for one in (subscription, preview.subscription))
    if (old["price"]["id"], old["quantity"]) == (new["price"]["id"], new["quantity"]):
        raise StripeError(400, "This is your plan already.")
    return show_step(
        visit,
        CONFIRM,
        fill(
            '<dl class="change">{rows}</dl>',
            rows=[
                _row("From", _terms(visit, old)),
                _row("To", _terms(visit, new)),
                *[
                    _row(text, money(amount, new["price"]["currency"]))
                    for text, amount in _due(preview)
                ],
            ],
        ),
        fill("<p>{sentence}</p>", sentence=_next(preview, new["price"]["currency"])),
        fill(
            """<form method="post" action="{url}">
<input type="hidden" name="subscription" value="{subscription_id}">
<input type="hidden" name="price" value="{price}">
<input type="hidden" name="quantity" value="{quantity}">
<div class="buttons"><button class="primary" type="submit">Confirm</button>{leave}</div>
</form>""",
            url=visit.url("plan"),
            subscription_id=subscription["id"],
            price=new["price"]["id"],
            quantity=new["quantity"],
            leave=leave(visit, back_a_step=_asked_item(visit) is None),
        ),
    )


def _row(term: str, value: str) -> Html:
    return fill("<div><dt>{term}</dt><dd>{value}</dd></div>\n", term=term, value=value)


def _terms(visit: Visit, item: Mapping[str, Any]) -> str:
    product = visit.simulator.get_object(item["price"]["product"]) or {}
    times = f" \N{MULTIPLICATION SIGN} {item['quantity']}" if item["quantity"] > 1 else ""
    amount = wording.price_amount(item["price"], item["quantity"])
    return f"{product.get('name') or 'Plan'}{times}, {amount} {wording.interval(item['price'])}"


def _due(preview: portal.Preview) -> list[tuple[str, int]]:
    lines = [] if preview.invoice is None else preview.invoice["lines"]["data"]
    due = 0 if preview.invoice is None else preview.invoice["amount_due"]
    return [*((one["description"], one["amount"]) for one in lines), ("Due today", due)]


def _next(preview: portal.Preview, currency: str) -> str:
    if preview.upcoming is None:
        return "Nothing more will be charged by itself."
    amount = money(preview.upcoming["amount_due"], currency)
    return f"Your next charge of {amount} is on {wording.date(preview.upcoming['created'])}."
