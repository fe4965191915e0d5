"""The hosted customer portal: its homepage, and one page for each thing done there."""

from __future__ import annotations

from caixa_subscriptions.simulator.core import Simulator
from caixa_subscriptions.simulator.pages.portal import cancelling, home, paying, plans
from caixa_subscriptions.simulator.pages.portal.frame import open_visit
from caixa_subscriptions.simulator.pages.request import PageRequest
from caixa_subscriptions.simulator.pages.response import PageResponse


def answer_get(simulator: Simulator, request: PageRequest) -> PageResponse | None:
    """None for an address that is no page of the portal."""
    match request.path:
        case ("portal", token):
            return home.show(open_visit(simulator, token))
        case ("portal", token, "cancel", subscription_id):
            return cancelling.show(open_visit(simulator, token), subscription_id)
        case ("portal", token, "plan", subscription_id):
            return plans.show(open_visit(simulator, token), subscription_id, request.query)
    return None


def answer_post(simulator: Simulator, request: PageRequest) -> PageResponse | None:
    """None for an address that is no form of the portal."""
    form = request.form
    match request.path:
        case ("portal", token, "cancel"):
            return cancelling.submit(open_visit(simulator, token), form)
        case ("portal", token, "renew"):
            return cancelling.renew(open_visit(simulator, token), form)
        case ("portal", token, "card"):
            return paying.submit(open_visit(simulator, token), form)
        case ("portal", token, "plan"):
            return plans.submit(open_visit(simulator, token), form)
    return None
