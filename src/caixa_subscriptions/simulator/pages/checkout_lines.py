"""What the Checkout page sells: its lines, with quantities that may be changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from caixa_subscriptions.simulator.core import Simulator
from caixa_subscriptions.simulator.pages import wording
from caixa_subscriptions.simulator.pages.html import Html, fill


@dataclass(frozen=True, slots=True)
class QuantityError:
    """What is wrong with the quantity entered for a line."""

    line_id: str
    entered: str
    message: str


def lines(
    simulator: Simulator, session_id: str, trial_days: int, error: QuantityError | None
) -> list[Html]:
    with simulator.deed() as world:
        session = world.get("checkout.session", session_id)
    return [_line(simulator, session, line, trial_days, error) for line in session["_line_items"]]


def _line(
    simulator: Simulator,
    session: Mapping[str, Any],
    line: Mapping[str, Any],
    trial_days: int,
    error: QuantityError | None,
) -> Html:
    price = line["price"]
    quantity = line["quantity"]
    product = simulator.get_object(price["product"]) or {}
    amount = f"{wording.price_amount(price, quantity)} {wording.interval(price)}".rstrip()
    free = trial_days and price["recurring"]
    terms = f"{wording.days(trial_days)} free, then {amount}" if free else amount
    return fill(
        """<div class="line"><p class="product">{name}{quantity}</p>
<p class="terms">{terms}</p>{description}{form}</div>""",
        name=product.get("name") or line["description"],
        quantity=f" \N{MULTIPLICATION SIGN} {quantity}" if quantity > 1 else None,
        terms=terms,
        description=product.get("description")
        and fill('<p class="fine">{text}</p>', text=product["description"]),
        form=_quantity_form(
            session["id"], line, error if error and error.line_id == line["id"] else None
        ),
    )


def _quantity_form(
    session_id: str, line: Mapping[str, Any], error: QuantityError | None
) -> Html | None:
    bounds = line["_adjustable"]
    if bounds is None:
        return None
    return fill(
        """<form class="quantity" method="post" action="/simulator/checkout/{session}/quantity">
<input type="hidden" name="line" value="{line}">
<div class="field"><label for="quantity-{line}">Quantity of {name}</label>
<input id="quantity-{line}" name="quantity" type="number" min="{minimum}" max="{maximum}"
 value="{entered}" required{invalid}>{message}</div>
<button type="submit">Update</button></form>""",
        session=session_id,
        line=line["id"],
        name=line["description"],
        minimum=bounds["minimum"],
        maximum=bounds["maximum"],
        entered=error.entered if error else line["quantity"],
        invalid=error
        and fill(
            ' aria-invalid="true" aria-describedby="quantity-{line}-error" autofocus',
            line=line["id"],
        ),
        message=error
        and fill(
            '<p class="error" id="quantity-{line}-error" role="alert">{message}</p>',
            line=line["id"],
            message=error.message,
        ),
    )
