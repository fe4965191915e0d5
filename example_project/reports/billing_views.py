from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from caixa_subscriptions.access import get_access, has_live_subscription
from caixa_subscriptions.conf import settings as subscription_settings
from caixa_subscriptions.exceptions import (
    AlreadySubscribed,
    CheckoutSessionNotFound,
    CustomerNotFound,
    SubscriptionsError,
)
from caixa_subscriptions.services.checkout import complete_checkout, create_checkout_session
from caixa_subscriptions.services.portal import create_portal_session
from example_project.accounts.models import User
from example_project.reports.plans import find_plan
from example_project.reports.views import safe_next

PROCESSING_REFRESH_SECONDS = 3


class SeeOther(HttpResponseRedirect):
    """After a POST: the next page is always fetched with GET."""

    status_code = 303


def subscriber_of(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # noqa: S101  behind login_required
    return request.user


@login_required
@require_GET
def billing(request: HttpRequest) -> HttpResponse:
    user = subscriber_of(request)
    access = get_access(user)
    context = {
        "access": access,
        "plan": find_plan(access.price_id),
        "live": has_live_subscription(user),
        "has_subscribed": access.status != "none",
    }
    return render(request, "reports/billing.html", context)


@login_required
@require_POST
def checkout(request: HttpRequest) -> HttpResponse:
    next_url = safe_next(request, request.POST.get("next"))
    success_path = resolve_url(subscription_settings.checkout_success_url)
    if next_url:
        success_path = f"{success_path}?{urlencode({'next': next_url})}"
    cancel_query = {"canceled": "1"} | ({"next": next_url} if next_url else {})
    cancel_path = (
        f"{resolve_url(subscription_settings.checkout_cancel_url)}?{urlencode(cancel_query)}"
    )
    try:
        session = create_checkout_session(
            subscriber=subscriber_of(request),
            price=request.POST.get("price", ""),
            success_url=request.build_absolute_uri(success_path),
            cancel_url=request.build_absolute_uri(cancel_path),
        )
    except AlreadySubscribed as error:
        messages.info(request, str(error))
        return SeeOther(reverse("billing"))
    except SubscriptionsError as error:
        messages.error(request, str(error))
        return SeeOther(reverse("pricing"))
    return SeeOther(session.url)


@login_required
@require_POST
def portal(request: HttpRequest) -> HttpResponse:
    return_path = resolve_url(subscription_settings.portal_return_url)
    try:
        url = create_portal_session(
            subscriber=subscriber_of(request), return_url=request.build_absolute_uri(return_path)
        )
    except CustomerNotFound as error:
        messages.info(request, str(error))
        return SeeOther(reverse("pricing"))
    except SubscriptionsError as error:
        messages.error(request, str(error))
        return SeeOther(reverse("billing"))
    return SeeOther(url)


@login_required
@never_cache
@require_GET
def checkout_success(request: HttpRequest) -> HttpResponse:
    user = subscriber_of(request)
    try:
        access = complete_checkout(subscriber=user, session_id=request.GET.get("session_id", ""))
    except CheckoutSessionNotFound as error:
        raise Http404 from error
    except SubscriptionsError:
        # The webhook may have told us already; if not, the page asks again in a moment.
        access = get_access(user)
    context = {
        "access": access,
        "plan": find_plan(access.price_id),
        "next": safe_next(request, request.GET.get("next")),
        "dashboard_url": reverse("dashboard"),
        "refresh_seconds": PROCESSING_REFRESH_SECONDS,
    }
    return render(request, "reports/checkout_success.html", context)
