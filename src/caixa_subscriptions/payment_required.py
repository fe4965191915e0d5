"""The body of every 402 answer."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from caixa_subscriptions.access import Access
from caixa_subscriptions.services.trials import is_trial_eligible
from caixa_subscriptions.subscribers import get_subscriber

_LACKING = frozenset({"feature_required", "plan_required"})


def payment_required_body(*, request: HttpRequest | Any, access: Access) -> dict[str, Any]:
    """Why access is refused and where to go from here.

    The URLs are those of our endpoints (POST), absolute; None where the project does not
    include them. Asks the database whether there is a trial: raises its errors.
    """
    subscriber = get_subscriber(request)
    if access.code in _LACKING:
        detail = _("A plan that includes this is needed.")
    else:
        detail = _("An active subscription is needed for this.")
    return {
        "detail": detail,
        "code": access.code or "subscription_required",
        "reason": access.reason,
        "trial_eligible": subscriber is not None and is_trial_eligible(subscriber=subscriber),
        "checkout_url": endpoint_url("checkout", request=request),
        "portal_url": endpoint_url("portal", request=request),
    }


def endpoint_url(name: str, *, request: HttpRequest | Any) -> str | None:
    try:
        path = reverse(f"caixa_subscriptions:{name}")
    except NoReverseMatch:
        return None
    return request.build_absolute_uri(path)
