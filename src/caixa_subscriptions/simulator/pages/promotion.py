"""The promotion code on the Checkout page: entered, shown, taken off."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from caixa_subscriptions.simulator.core import Simulator
from caixa_subscriptions.simulator.money import money
from caixa_subscriptions.simulator.pages import wording
from caixa_subscriptions.simulator.pages.html import Html, fill


def totals(simulator: Simulator, session: Mapping[str, Any]) -> Html:
    """What comes off, if anything, and what is due today."""
    currency = session["currency"] or "usd"
    off = (session["total_details"] or {}).get("amount_discount", 0)
    rows = [("Subtotal", session["amount_subtotal"]), ("Discount", -off)] if off else []
    return fill(
        """{discount}<dl class="total">{rows}
<div><dt>Total due today</dt><dd>{total}</dd></div></dl>""",
        discount=[_terms(simulator, one) for one in session["discounts"] or []],
        rows=[
            fill(
                '<div class="part"><dt>{name}</dt><dd>{amount}</dd></div>',
                name=name,
                amount=money(amount, currency),
            )
            for name, amount in rows
        ],
        total=money(session["amount_total"] or 0, currency),
    )


def _terms(simulator: Simulator, given: Mapping[str, Any]) -> Html:
    code = simulator.get_object(given["promotion_code"]) if given["promotion_code"] else None
    coupon_id = code["promotion"]["coupon"] if code else given["coupon"]
    coupon = simulator.get_object(coupon_id)
    name = code["code"] if code else (coupon or {}).get("name") or coupon_id
    return fill(
        '<p class="terms"><strong>{name}</strong> {terms}</p>',
        name=name,
        terms=coupon and wording.coupon(coupon),
    )


def code_form(
    session: Mapping[str, Any], entered: str = "", error: str | None = None
) -> Html | None:
    """Where the session takes codes: an input, or a button that takes the code off again."""
    if not session["allow_promotion_codes"]:
        return None
    action = fill("/simulator/checkout/{id}/code", id=session["id"])
    if session["discounts"]:
        return fill(
            """<form method="post" action="{action}"><input type="hidden" name="code" value="">
<button type="submit">Remove code</button></form>""",
            action=action,
        )
    return fill(
        """<form class="code" method="post" action="{action}">
<div class="field"><label for="code">Promotion code</label>
<input id="code" name="code" value="{entered}" autocomplete="off" spellcheck="false"
 maxlength="64"{invalid}>{message}</div>
<button type="submit">Apply</button></form>""",
        action=action,
        entered=entered,
        invalid=Html(' aria-invalid="true" aria-describedby="code-error" autofocus')
        if error
        else None,
        message=error
        and fill('<p class="error" id="code-error" role="alert">{error}</p>', error=error),
    )
