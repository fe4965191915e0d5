"""The hosted customer portal: its homepage, and one page for each thing done there."""

from __future__ import annotations

from collections.abc import Mapping

from caixa_subscriptions.simulator.core import Simulator
from caixa_subscriptions.simulator.errors import StripeError
from caixa_subscriptions.simulator.pages.portal import (
    cancelling,
    details,
    flows,
    home,
    paying,
    plans,
)
from caixa_subscriptions.simulator.pages.portal.frame import Visit, open_visit
from caixa_subscriptions.simulator.pages.request import PageRequest
from caixa_subscriptions.simulator.pages.response import PageResponse, redirect_response

_SUBMIT = {
    "cancel": cancelling.submit,
    "card": paying.submit,
    "details": details.submit,
    "plan": plans.submit,
    "renew": cancelling.renew,
}


def answer_get(simulator: Simulator, request: PageRequest) -> PageResponse | None:
    """None for an address that is no page of the portal."""
    match request.path:
        case ("portal", token):
            return _start(open_visit(simulator, token))
        case ("portal", token, "details"):
            visit = open_visit(simulator, token)
            if not flows.leads_to(visit, "details", None):
                return redirect_response(visit.url())
            return details.show(visit)
        case ("portal", token, "cancel" | "plan" as step, subscription_id):
            visit = open_visit(simulator, token)
            if not flows.leads_to(visit, step, subscription_id):
                return redirect_response(visit.url())
            if step == "cancel":
                return cancelling.show(visit, subscription_id)
            return plans.show(visit, subscription_id, request.query)
    return None


def answer_post(simulator: Simulator, request: PageRequest) -> PageResponse | None:
    """None for an address that is no form of the portal."""
    match request.path:
        case ("portal", token, step) if step in _SUBMIT:
            return _submit(open_visit(simulator, token), step, request.form)
    return None


def _submit(visit: Visit, step: str, form: Mapping[str, str]) -> PageResponse:
    if not flows.leads_to(visit, step, form.get("subscription")):
        return redirect_response(visit.url())
    try:
        return _SUBMIT[step](visit, form)
    except StripeError as refused:
        return _start(visit, problem=refused.message, status=400)


def _start(visit: Visit, *, problem: str | None = None, status: int = 200) -> PageResponse:
    """Where a link leads."""
    if visit.flow is None:
        return home.show(visit, problem=problem, status=status)
    if visit.is_done:
        return flows.show_end(visit)
    return flows.show(visit, problem=problem, status=status)
