from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext
from django.views import defaults

from caixa_subscriptions.access import get_access, has_live_subscription
from caixa_subscriptions.conf import now
from caixa_subscriptions.conf import settings as subscription_settings
from caixa_subscriptions.services.trials import is_trial_eligible
from example_project.accounts.models import User
from example_project.reports.chart import HEIGHT, LABELS, WIDTH, bars
from example_project.reports.plans import plans
from example_project.reports.sample import REPORTS, last_months


def home(request: HttpRequest) -> HttpResponse:
    context = {"trial_days": subscription_settings.trial_days, "plans": plans()}
    return render(request, "reports/home.html", context)


@login_required
def dashboard(request: HttpRequest) -> HttpResponse:
    months = last_months(now().date())
    context = {
        "access": request.subscription,  # type: ignore[attr-defined]  # set by the middleware
        "reports": REPORTS,
        "revenue": REPORTS[0],
        "bars": bars(REPORTS[0].series, months),
        "width": WIDTH,
        "height": HEIGHT,
        "svg_height": HEIGHT + LABELS,
        "label_y": HEIGHT + LABELS - 12,
    }
    return render(request, "reports/dashboard.html", context)


def pricing(request: HttpRequest) -> HttpResponse:
    """The plans; and the paywall, when the middleware sent somebody here (`reason`, `next`)."""
    user = request.user if isinstance(request.user, User) else None
    access = get_access(user)
    context = {
        "plans": plans(),
        "access": access,
        "live": user is not None and has_live_subscription(user),
        "trial_days": subscription_settings.trial_days,
        # Nobody has used a trial yet who has no account.
        "trial_eligible": user is None or is_trial_eligible(subscriber=user),
        # The words are ours, whatever the address says.
        "refused": user is not None and bool(request.GET.get("reason")) and not access.allowed,
        "canceled": "canceled" in request.GET,
        "next": safe_next(request, request.GET.get("next")),
    }
    return render(request, "reports/pricing.html", context)


def safe_next(request: HttpRequest, url: str | None) -> str:
    """`url` if it leads to a page of this site, else ""."""
    allowed = url_has_allowed_host_and_scheme(
        url, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return url if url and allowed else ""


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Programs read JSON, people a page."""
    if request.path_info.startswith("/api/"):
        return JsonResponse({"detail": gettext("Not found."), "code": "not_found"}, status=404)
    return defaults.page_not_found(request, exception)
