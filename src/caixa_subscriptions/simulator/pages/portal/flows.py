"""A link that leads to one thing: `flow_data` (Stripe docs: customer portal, deep links)."""

from __future__ import annotations

from caixa_subscriptions.simulator.pages.layout import message_page
from caixa_subscriptions.simulator.pages.portal import cancelling, details, paying, plans
from caixa_subscriptions.simulator.pages.portal.frame import Visit, return_link
from caixa_subscriptions.simulator.pages.response import PageResponse

STEPS = {
    "customer_update": "details",
    "payment_method_update": "card",
    "subscription_cancel": "cancel",
    "subscription_update": "plan",
    "subscription_update_confirm": "plan",
}


def leads_to(visit: Visit, step: str, subscription_id: str | None) -> bool:
    """Whether the link is for this; without a flow, or back on the homepage, it is for all."""
    if visit.flow is None:
        return True
    kind = visit.flow["type"]
    about = (visit.flow.get(kind) or {}).get("subscription")
    return not visit.is_done and STEPS[kind] == step and about in (None, subscription_id)


def show(visit: Visit, *, problem: str | None, status: int) -> PageResponse:
    flow = visit.flow or {}
    about = flow.get(flow["type"], {})
    match flow["type"]:
        case "customer_update":
            return details.show(visit, problem=problem, status=status)
        case "payment_method_update":
            return paying.show(visit, problem=problem, status=status)
        case "subscription_cancel":
            return cancelling.show(visit, about["subscription"], problem=problem, status=status)
        case "subscription_update":
            subscription = visit.subscription(about["subscription"])
            return plans.choose(visit, subscription, problem=problem, status=status)
    return plans.show_asked(visit, problem=problem, status=status)


def show_end(visit: Visit) -> PageResponse:
    after = (visit.flow or {})["after_completion"]
    message = (after["hosted_confirmation"] or {}).get("custom_message")
    return message_page(
        title="All done",
        message=message or "Your changes have been saved.",
        status=200,
        link=return_link(visit.destination or visit.session["return_url"]),
    )
