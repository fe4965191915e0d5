"""What falls due by itself, in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from caixa_subscriptions.simulator.core import Simulator
from caixa_subscriptions.simulator.errors import StripeError
from caixa_subscriptions.simulator.looking import Upcoming
from caixa_subscriptions.simulator.pages import wording
from caixa_subscriptions.simulator.pages.dashboard.parts import link, moment, who
from caixa_subscriptions.simulator.pages.html import Html, fill

_WORDS = {
    "cancel": "is canceled",
    "end_discount": "ends",
    "expire_coupon": "expires",
    "expire_incomplete": "expires unpaid",
    "expire_promotion_code": "expires",
    "expire_session": "expires",
    "finalize": "is finalized and charged",
    "period_end": "renews",
    "retry": "is charged again",
    "trial_will_end": "sends trial_will_end",
    "upcoming": "sends invoice.upcoming",
}


def listing(simulator: Simulator, found: Iterable[Upcoming], now: int) -> Html:
    """`now` of the clock they are due on."""
    lines = [
        fill(
            "<li>{time} <span>{what}</span></li>",
            time=moment(one.due, now),
            what=_sentence(simulator, one),
        )
        for one in found
    ]
    if not lines:
        return Html('<p class="fine">Nothing is planned.</p>')
    return fill('<ol class="upcoming">{lines}</ol>', lines=lines)


def _sentence(simulator: Simulator, one: Upcoming) -> Html:
    obj = simulator.get_object(one.object_id) or {}
    kind = wording.words(str(obj.get("object", "object")).rpartition(".")[2])
    deed = _WORDS.get(one.action, wording.words(one.action))
    if one.action == "period_end" and obj.get("status") == "trialing":
        deed = "ends its trial"
    return fill(
        "{link}{of} {deed}",
        link=link(one.object_id, f"{kind.capitalize()} {obj.get('number') or ''}".rstrip()),
        of=f" of {owner(simulator, obj)}" if "customer" in obj else None,
        deed=deed,
    )


def owner(simulator: Simulator, obj: Mapping[str, Any]) -> str:
    """Whose it is, in words."""
    customer_id = obj.get("customer")
    if not customer_id:
        return str(obj.get("customer_email") or "nobody yet")
    return who(simulator.get_object(customer_id), customer_id)


def now_of(simulator: Simulator, obj: Mapping[str, Any]) -> int:
    """What time it is for a customer, subscription or invoice; Unix seconds."""
    try:
        return simulator.now(obj["test_clock"] or "")
    except StripeError:  # its clock is gone
        return simulator.now("")
