"""The customer's own details in the portal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from caixa_subscriptions.simulator import portal
from caixa_subscriptions.simulator.errors import StripeError
from caixa_subscriptions.simulator.pages.html import Html, fill
from caixa_subscriptions.simulator.pages.layout import alert
from caixa_subscriptions.simulator.pages.portal.frame import Visit, leave, show_step
from caixa_subscriptions.simulator.pages.response import PageError, PageResponse

TITLE = "Update details"
# Label, type of input, and what browsers fill in by themselves.
FIELDS = {
    "name": ("Name", "text", "name"),
    "email": ("E-mail", "email", "email"),
    "phone": ("Phone", "tel", "tel"),
}
ADDRESS = {
    "line1": ("Address", "text", "address-line1"),
    "line2": ("Address, second line", "text", "address-line2"),
    "postal_code": ("Postal code", "text", "postal-code"),
    "city": ("City", "text", "address-level2"),
    "state": ("State", "text", "address-level1"),
    "country": ("Country, in two letters", "text", "country"),
}


def section(visit: Visit) -> Html:
    """What is known, and the way to change it."""
    customer = visit.customer
    address = customer["address"] or {}
    known = [*(customer[name] for name in FIELDS), *(address.get(name) for name in ADDRESS)]
    return fill(
        """<section class="card" aria-labelledby="details">
<h2 id="details">Your details</h2>
<p>{known}</p>
<p><a href="{url}">{title}</a></p>
</section>""",
        known=[fill("{text}<br>", text=text) for text in known if text] or "Nothing is known yet.",
        url=visit.url("details"),
        title=TITLE,
    )


def show(
    visit: Visit,
    form: Mapping[str, str] | None = None,
    *,
    problem: str | None = None,
    status: int = 200,
) -> PageResponse:
    """`form` holds what was typed already."""
    if not visit.offers("customer_update"):
        raise PageError(404, "Page not found", "There are no details to be changed here.")
    return show_step(
        visit,
        TITLE,
        alert(problem),
        fill(
            """<form method="post" action="{url}">
<fieldset><legend>Details</legend>
{fields}</fieldset>
<div class="buttons"><button class="primary" type="submit">Save details</button>{leave}</div>
</form>""",
            url=visit.url("details"),
            fields=[_field(*field, form or {}) for field in _fields(visit)],
            leave=leave(visit),
        ),
        status=status,
    )


def _fields(visit: Visit) -> Iterator[tuple[str, tuple[str, str, str], str]]:
    """Of each that may be changed: name, its row above, and the value it has."""
    customer, allowed = visit.customer, visit.features["customer_update"]["allowed_updates"]
    for name, row in FIELDS.items():
        if name in allowed:
            yield name, row, customer[name] or ""
    if "address" in allowed:
        for name, row in ADDRESS.items():
            yield f"address_{name}", row, (customer["address"] or {}).get(name) or ""


def _field(name: str, row: tuple[str, str, str], value: str, form: Mapping[str, str]) -> Html:
    label, kind, filled = row
    return fill(
        """<div class="field"><label for="{name}">{label}</label>
<input id="{name}" name="{name}" type="{kind}" value="{value}" autocomplete="{filled}"
 maxlength="200"></div>\n""",
        name=name,
        label=label,
        kind=kind,
        value=form.get(name, value),
        filled=filled,
    )


def submit(visit: Visit, form: Mapping[str, str]) -> PageResponse:
    changes: dict[str, Any] = {name: form[name] for name in FIELDS if name in form}
    address = {name: form[key] for name in ADDRESS if (key := f"address_{name}") in form}
    if address:
        changes["address"] = address
    try:
        return visit.act(lambda world: portal.update_customer(world, visit.token, changes))
    except StripeError as refused:
        return show(visit, form, problem=refused.message, status=400)
