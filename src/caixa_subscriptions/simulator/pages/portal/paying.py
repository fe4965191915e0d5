"""Another card, given in the portal."""

from __future__ import annotations

from collections.abc import Mapping

from caixa_subscriptions.simulator import portal
from caixa_subscriptions.simulator.cards import check_expiry
from caixa_subscriptions.simulator.errors import CardError, StripeError
from caixa_subscriptions.simulator.pages.card_form import (
    Card,
    CardFormError,
    field_of_decline,
    read_card,
)
from caixa_subscriptions.simulator.pages.portal import home
from caixa_subscriptions.simulator.pages.portal.frame import Visit
from caixa_subscriptions.simulator.pages.response import PageResponse, redirect_response
from caixa_subscriptions.simulator.world import World


def submit(visit: Visit, form: Mapping[str, str]) -> PageResponse:
    status = 400
    try:
        card = read_card(form)
        visit.act(lambda world: _update(world, visit.token, card))
    except CardFormError as error:
        wrong = error
    except CardError as declined:
        wrong, status = CardFormError(field_of_decline(declined.code), declined.message), 402
    except StripeError as refused:
        return home.show(visit, problem=refused.message, status=400)
    else:
        return redirect_response(visit.url())
    return home.show(visit, card=home.card_form(visit, form, wrong), status=status)


def _update(world: World, token: str, card: Card) -> None:
    check_expiry(card.exp_month, card.exp_year, card.cvc, now=world.wall())
    portal.update_card(
        world,
        token,
        card_number=card.number,
        exp_month=card.exp_month,
        exp_year=card.exp_year,
    )
