"""Canceling a subscription in the portal, and taking that back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from caixa_subscriptions.simulator import portal
from caixa_subscriptions.simulator.pages import wording
from caixa_subscriptions.simulator.pages.html import Html, fill
from caixa_subscriptions.simulator.pages.layout import alert
from caixa_subscriptions.simulator.pages.portal import home
from caixa_subscriptions.simulator.pages.portal.frame import Visit, asked, leave, show_step
from caixa_subscriptions.simulator.pages.response import (
    PageError,
    PageResponse,
)

BUTTON = "Cancel subscription"
# In the words of Stripe's API: `cancellation_details.feedback`.
REASONS = {
    "too_expensive": "It is too expensive",
    "missing_features": "Some features are missing",
    "switched_service": "I use something else now",
    "unused": "I do not use it enough",
    "customer_service": "The customer service was not good enough",
    "too_complex": "It is too hard to use",
    "low_quality": "The quality was not good enough",
    "other": "Another reason",
}


def show(
    visit: Visit, subscription_id: str, *, problem: str | None = None, status: int = 200
) -> PageResponse:
    if not visit.offers("subscription_cancel"):
        raise PageError(404, "Page not found", "There is nothing to be canceled here.")
    subscription = visit.subscription(subscription_id)
    at_once = visit.features["subscription_cancel"]["mode"] == "immediately"
    end = wording.date(wording.period_end(subscription))
    return show_step(
        visit,
        BUTTON,
        alert(problem),
        fill("<p><strong>{plan}</strong></p>", plan=home.plan_name(visit, subscription)),
        Html("<p>Your subscription will end at once.</p>")
        if at_once
        else fill("<p>Your subscription will end on {end}. Until then it is yours.</p>", end=end),
        fill(
            """<form method="post" action="{url}">
<input type="hidden" name="subscription" value="{subscription_id}">
{reasons}
<div class="buttons"><button class="danger" type="submit">{button}</button>{leave}</div>
</form>""",
            url=visit.url("cancel"),
            subscription_id=subscription_id,
            reasons=_reasons(visit.features["subscription_cancel"]["cancellation_reason"]),
            button=BUTTON,
            leave=leave(visit, "Keep subscription"),
        ),
        status=status,
    )


def _reasons(feature: Mapping[str, Any]) -> Html | None:
    if not feature["enabled"] or not feature["options"]:
        return None
    return fill(
        '<fieldset class="choices"><legend>Why do you cancel?</legend>\n{choices}</fieldset>',
        choices=[
            fill(
                """<label class="choice"><input type="radio" name="feedback" value="{value}">
<span>{text}</span></label>\n""",
                value=value,
                text=text,
            )
            for value, text in REASONS.items()
            if value in feature["options"]
        ],
    )


def submit(visit: Visit, form: Mapping[str, str]) -> PageResponse:
    subscription_id = asked(form)
    feedback = form.get("feedback")
    return visit.act(
        lambda world: portal.cancel(world, visit.token, subscription_id, feedback=feedback)
    )


def renew(visit: Visit, form: Mapping[str, str]) -> PageResponse:
    subscription_id = asked(form)
    return visit.act(lambda world: portal.renew(world, visit.token, subscription_id))
