"""The simulator's pages for people: Checkout, customer portal, and the dashboard."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from typing import Any

from caixa_subscriptions.simulator.core import Simulator
from caixa_subscriptions.simulator.pages import dashboard, portal
from caixa_subscriptions.simulator.pages.checkout import (
    show_checkout,
    submit_checkout,
    submit_code,
    submit_quantity,
)
from caixa_subscriptions.simulator.pages.confirm import show_confirm, submit_confirm
from caixa_subscriptions.simulator.pages.layout import error_page
from caixa_subscriptions.simulator.pages.request import PageRequest, read_request
from caixa_subscriptions.simulator.pages.response import (
    PageError,
    PageResponse,
    file_response,
)
from caixa_subscriptions.simulator.pages.voucher import show_voucher, submit_voucher

__all__ = ["PageResponse", "handle"]

STATIC = {
    "dashboard.css": "text/css; charset=utf-8",
    "icon.svg": "image/svg+xml",
    "simulator.css": "text/css; charset=utf-8",
}


def handle(simulator: Simulator, environ: Mapping[str, Any]) -> PageResponse:
    """Answer a request whose path starts with `/simulator/`."""
    try:
        request = read_request(environ)
        response = (
            _get(simulator, request) if request.method != "POST" else _post(simulator, request)
        )
    except PageError as error:
        response = error_page(error)
    if environ["REQUEST_METHOD"] == "HEAD":
        return PageResponse(response.status, response.headers, b"")
    return response


def _get(simulator: Simulator, request: PageRequest) -> PageResponse:
    match request.path:
        case ("checkout", session_id):
            return show_checkout(simulator, session_id)
        case ("confirm", intent_id):
            return show_confirm(simulator, intent_id)
        case ("voucher", intent_id):
            return show_voucher(simulator, intent_id)
        case ("static", name) if name in STATIC:
            return file_response(
                STATIC[name], resources.files(__name__).joinpath(name).read_bytes()
            )
    for answer in (portal.answer_get, dashboard.answer_get):
        if (page := answer(simulator, request)) is not None:
            return page
    raise PageError(404, "Page not found", "There is no page at this address.")


def _post(simulator: Simulator, request: PageRequest) -> PageResponse:
    match request.path:
        case ("checkout", session_id):
            return submit_checkout(simulator, session_id, request.form)
        case ("confirm", intent_id):
            return submit_confirm(simulator, intent_id, request.form)
        case ("voucher", intent_id):
            return submit_voucher(simulator, intent_id)
        case ("checkout", session_id, "code"):
            return submit_code(simulator, session_id, request.form)
        case ("checkout", session_id, "quantity"):
            return submit_quantity(simulator, session_id, request.form)
    for answer in (portal.answer_post, dashboard.answer_post):
        if (page := answer(simulator, request)) is not None:
            return page
    raise PageError(404, "Page not found", "There is no form at this address.")
