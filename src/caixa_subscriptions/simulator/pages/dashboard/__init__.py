"""The dashboard: what the simulator holds, what comes next, and the buttons that move its time."""

from __future__ import annotations

from caixa_subscriptions.simulator.core import Simulator
from caixa_subscriptions.simulator.pages.dashboard.clocks import advance_clock, list_clocks
from caixa_subscriptions.simulator.pages.dashboard.customers import list_customers, show_customer
from caixa_subscriptions.simulator.pages.dashboard.deliveries import list_deliveries, resend
from caixa_subscriptions.simulator.pages.dashboard.events import list_events, show_event
from caixa_subscriptions.simulator.pages.dashboard.home import show_home
from caixa_subscriptions.simulator.pages.dashboard.invoices import (
    list_invoices,
    pay_invoice,
    show_invoice,
)
from caixa_subscriptions.simulator.pages.dashboard.objects import (
    find,
    list_checkouts,
    show_object,
)
from caixa_subscriptions.simulator.pages.dashboard.subscriptions import (
    list_subscriptions,
    show_subscription,
)
from caixa_subscriptions.simulator.pages.request import PageRequest
from caixa_subscriptions.simulator.pages.response import PageResponse

LISTS = {
    "checkouts": list_checkouts,
    "clocks": list_clocks,
    "customers": list_customers,
    "deliveries": list_deliveries,
    "events": list_events,
    "invoices": list_invoices,
    "search": find,
    "subscriptions": list_subscriptions,
}
ONES = {
    "customers": show_customer,
    "events": show_event,
    "invoices": show_invoice,
    "objects": show_object,
    "subscriptions": show_subscription,
}


def answer_get(simulator: Simulator, request: PageRequest) -> PageResponse | None:
    """None where the dashboard has no page."""
    match request.path:
        case ():
            return show_home(simulator, base_url=request.base_url)
        case (place,) if place in LISTS:
            return LISTS[place](simulator, request.query)
        case (place, object_id) if place in ONES:
            return ONES[place](simulator, object_id)
    return None


def answer_post(simulator: Simulator, request: PageRequest) -> PageResponse | None:
    """None where the dashboard has no form."""
    match request.path:
        case ("clocks", clock_id, "advance"):
            return advance_clock(simulator, clock_id, request.form, show_home)
        case ("deliveries", delivery_id, "resend"):
            return resend(simulator, delivery_id, request.form)
        case ("invoices", invoice_id, "pay"):
            return pay_invoice(simulator, invoice_id)
    return None
