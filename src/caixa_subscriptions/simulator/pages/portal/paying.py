"""Another card, given in the portal."""

from __future__ import annotations

from collections.abc import Mapping

from caixa_subscriptions.simulator import portal
from caixa_subscriptions.simulator.cards import check_expiry
from caixa_subscriptions.simulator.errors import CardError
from caixa_subscriptions.simulator.pages.card_form import (
    Card,
    CardFormError,
    field_of_decline,
    read_card,
)
from caixa_subscriptions.simulator.pages.html import Html
from caixa_subscriptions.simulator.pages.layout import alert
from caixa_subscriptions.simulator.pages.portal import home
from caixa_subscriptions.simulator.pages.portal.frame import Visit, show_step
from caixa_subscriptions.simulator.pages.response import PageResponse
from caixa_subscriptions.simulator.world import World


def show(
    visit: Visit, *, problem: str | None = None, card: Html | None = None, status: int = 200
) -> PageResponse:
    """A page of its own in a flow, else the homepage; `card` is the form as it came back."""
    if visit.flow is None:
        return home.show(visit, problem=problem, card=card, status=status)
    form = card or home.card_form(visit, {}, None, autofocus=True)
    return show_step(visit, "Update card", alert(problem), form, status=status)


def submit(visit: Visit, form: Mapping[str, str]) -> PageResponse:
    status = 400
    try:
        card = read_card(form)
        return visit.act(lambda world: _update(world, visit.token, card))
    except CardFormError as error:
        wrong = error
    except CardError as declined:
        wrong, status = CardFormError(field_of_decline(declined.code), declined.message), 402
    return show(visit, card=home.card_form(visit, form, wrong), status=status)


def _update(world: World, token: str, card: Card) -> None:
    check_expiry(card.exp_month, card.exp_year, card.cvc, now=world.wall())
    portal.update_card(
        world,
        token,
        card_number=card.number,
        exp_month=card.exp_month,
        exp_year=card.exp_year,
    )
