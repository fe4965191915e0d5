"""The card fields of Checkout and portal: shown, read, and shown again with what was wrong."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass

from caixa_subscriptions.simulator.pages.html import Html, fill

# Stripe docs: testing.
TEST_CARDS = (
    ("4242 4242 4242 4242", "every payment succeeds"),
    ("4000 0000 0000 0341", "is accepted, later charges fail"),
    ("4000 0000 0000 0002", "is declined"),
    ("4000 0025 0000 3155", "asks for 3D Secure until it is set up, then pays without its owner"),
    ("4000 0027 6000 3184", "asks for 3D Secure on every payment"),
)
DEFAULTS = {"card_number": "", "expiry": "12/34", "cvc": "123"}

_EXPIRY = re.compile(r"\s*(\d{1,2})\s*/\s*(\d{4}|\d{2})\s*", re.ASCII)
_FIELD_OF_CODE = {
    "expired_card": "expiry",
    "invalid_expiry_month": "expiry",
    "invalid_expiry_year": "expiry",
    "incorrect_cvc": "cvc",
    "invalid_cvc": "cvc",
}


class CardFormError(Exception):
    """What a person must mend: `field` is the input the message belongs to."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


@dataclass(frozen=True, slots=True)
class Card:
    number: str
    exp_month: int
    exp_year: int
    cvc: str


def read_card(form: Mapping[str, str]) -> Card:
    """Raises CardFormError. Expiry and CVC left out are those the page fills in by itself."""
    values = {**DEFAULTS, **form}
    number = re.sub(r"[\s-]", "", values["card_number"])
    if not re.fullmatch(r"\d{12,19}", number, re.ASCII):
        raise CardFormError("card_number", "Your card number is incomplete.")
    expiry = _EXPIRY.fullmatch(values["expiry"])
    if expiry is None or not 1 <= int(expiry[1]) <= 12:
        raise CardFormError("expiry", "Write the expiry as month and year, such as 12/34.")
    year = int(expiry[2])
    if year < 100:
        year += dt.datetime.now(dt.UTC).year // 100 * 100
    cvc = values["cvc"].strip()
    if not re.fullmatch(r"\d{3,4}", cvc, re.ASCII):
        raise CardFormError("cvc", "The CVC has three or four digits.")
    return Card(number=number, exp_month=int(expiry[1]), exp_year=year, cvc=cvc)


def field_of_decline(code: str | None) -> str:
    """The input an error code of Stripe's belongs to."""
    return _FIELD_OF_CODE.get(code or "", "card_number")


def card_fields(form: Mapping[str, str], error: CardFormError | None, *, autofocus: bool) -> Html:
    """The number is not repeated after an error: it has to be another one anyway.

    The field that is wrong is focused; `autofocus` focuses the first when none is.
    """
    focused = error.field if error else "card_number" if autofocus else None
    values = DEFAULTS | {name: form[name] for name in ("expiry", "cvc") if name in form}
    hints = [
        fill("<li><code>{number}</code> {effect}</li>", number=number, effect=effect)
        for number, effect in TEST_CARDS
    ]
    return fill(
        """<fieldset>
<legend>Card</legend>
{number}
<div class="pair">{expiry}{cvc}</div>
<div class="hint" id="test-cards"><p>Test cards; any expiry to come and any CVC:</p>
<ul>{hints}</ul></div>
</fieldset>""",
        number=_field(
            "card_number", "Card number", values, error, focused, described_by="test-cards"
        ),
        expiry=_field("expiry", "Expiry", values, error, focused),
        cvc=_field("cvc", "CVC", values, error, focused),
        hints=hints,
    )


def _field(
    name: str,
    label: str,
    values: Mapping[str, str],
    error: CardFormError | None,
    focused: str | None,
    *,
    described_by: str | None = None,
) -> Html:
    mine = error is not None and error.field == name
    message = fill(
        '<p class="error" id="{name}-error" role="alert">{message}</p>', name=name, message=error
    )
    ids = [*([f"{name}-error"] if mine else []), *([described_by] if described_by else [])]
    return fill(
        """<div class="field"><label for="{name}">{label}</label>
<input id="{name}" name="{name}" value="{value}" inputmode="{mode}" autocomplete="off"
 spellcheck="false" maxlength="32" required{described}{invalid}{focus}>{message}</div>""",
        name=name,
        label=label,
        value=values[name],
        mode="text" if name == "expiry" else "numeric",
        described=fill(' aria-describedby="{ids}"', ids=" ".join(ids)) if ids else None,
        invalid=Html(' aria-invalid="true"') if mine else None,
        focus=Html(" autofocus") if focused == name else None,
        message=message if mine else None,
    )
