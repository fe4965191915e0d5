from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from djstripe.models import Subscription
from djstripe.settings import djstripe_settings

from caixa_subscriptions.access.explanation import explain
from caixa_subscriptions.conf import settings
from caixa_subscriptions.exceptions import SubscriptionsError
from caixa_subscriptions.models import (
    BillingAccount,
    CheckoutAttempt,
    Remedy,
    StripeRequest,
    TrialUsageTracking,
)
from caixa_subscriptions.services.signup_trials import end_signup_trial, extend_signup_trial
from caixa_subscriptions.services.trial_length import end_trial, extend_trial
from caixa_subscriptions.subscribers import SubscriberNotFound, find_subscriber

if TYPE_CHECKING:  # Django's own class takes no type argument before 6.1
    _ModelAdmin = admin.ModelAdmin[TrialUsageTracking]
    _AnyAdmin = admin.ModelAdmin[Any]
else:
    _ModelAdmin = _AnyAdmin = admin.ModelAdmin


A_WEEK = dt.timedelta(days=7)


@admin.display(description=_("access"))
def explain_access_link(subscriber: models.Model) -> str:
    """For `list_display` or `readonly_fields` of your own admin of subscribers."""
    if subscriber.pk is None:
        return ""
    url = reverse("admin:caixa_subscriptions_explain_access")
    query = urlencode({"subscriber": subscriber.pk})
    return format_html('<a href="{}?{}">{}</a>', url, query, _("Explain access"))


@admin.display(description=_("subscriber"), ordering="subscriber")
def subscriber_key(row: Any) -> str:
    """A list is looked at over shoulders: the key, and not the name or e-mail address."""
    if row.subscriber_id is None:
        return "-"
    subscriber = djstripe_settings.get_subscriber_model()._meta
    try:
        url = reverse(
            f"admin:{subscriber.app_label}_{subscriber.model_name}_change", args=[row.subscriber_id]
        )
    except NoReverseMatch:  # the project's admin has no subscribers
        return str(row.subscriber_id)
    return format_html('<a href="{}">{}</a>', url, row.subscriber_id)


class WhoForm(forms.Form):
    subscriber = forms.CharField(
        label=_("Subscriber"),
        max_length=255,
        help_text=_("Primary key, user name or e-mail, or an id: cus_... or sub_..."),
    )


@admin.register(TrialUsageTracking)
class TrialUsageTrackingAdmin(_ModelAdmin):
    list_display = [
        subscriber_key,
        "livemode",
        "has_used_trial",
        "trial_used_at",
        "trial_end",
        "subscription_id",
    ]
    list_filter = ["has_used_trial", "livemode"]
    search_fields = ["=subscriber__pk", "=subscription_id"]
    raw_id_fields = ["subscriber"]
    readonly_fields = ["created", "updated"]
    date_hierarchy = "trial_used_at"
    actions = ["extend_trials", "end_trials"]

    @admin.action(permissions=["change"], description=_("Extend the trial by a week"))
    def extend_trials(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> None:
        self._change_trials(
            request,
            queryset,
            partial(extend_trial, by=A_WEEK),
            partial(extend_signup_trial, by=A_WEEK),
        )

    @admin.action(permissions=["change"], description=_("End the trial now and charge"))
    def end_trials(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> None:
        self._change_trials(request, queryset, end_trial, end_signup_trial)

    def _change_trials(
        self,
        request: HttpRequest,
        queryset: models.QuerySet[Any],
        change: Callable[..., Any],
        change_from_signup: Callable[..., Any],
    ) -> None:
        """Each by itself: what fails for one is told, and the others go on."""
        changed = 0
        for usage in queryset.filter(livemode=settings.livemode).select_related("subscriber"):
            try:
                if usage.subscription_id:
                    change(subscription_id=usage.subscription_id)
                elif usage.trial_end and usage.subscriber:
                    change_from_signup(subscriber=usage.subscriber)
                else:  # no trial has begun
                    continue
            except SubscriptionsError as error:
                which = usage.subscription_id or usage.subscriber_id
                self.message_user(request, f"{error} ({which})", messages.ERROR)
            else:
                changed += 1
        self.message_user(
            request,
            ngettext("%(count)d trial was changed.", "%(count)d trials were changed.", changed)
            % {"count": changed},
        )

    def get_urls(self) -> list[URLPattern]:
        page = path(
            "explain-access/",
            self.admin_site.admin_view(self.explain_access),
            name="caixa_subscriptions_explain_access",
        )
        # What is written to Stripe is on record before: `ATOMIC_REQUESTS` is not for the actions.
        urls = super().get_urls()
        for url in urls:
            url.callback = transaction.non_atomic_requests(url.callback)
        return [page, *urls]

    def explain_access(self, request: HttpRequest) -> HttpResponse:
        """What `manage.py explain_access` says, for staff who may view what it shows."""
        if not _may_see_access(request):
            raise PermissionDenied
        form = WhoForm(request.GET or None)
        explanation = None
        if form.is_valid():
            try:
                explanation = explain(find_subscriber(form.cleaned_data["subscriber"]))
            except SubscriberNotFound as error:
                form.add_error("subscriber", str(error))
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "opts": self.model._meta,
            "title": gettext("Explain access"),
            "form": form,
            "explanation": explanation,
        }
        return TemplateResponse(request, "admin/caixa_subscriptions/explain_access.html", context)


class _ReadOnlyAdmin(_AnyAdmin):
    """To look at: what is here follows from services, which tell Stripe as well."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(CheckoutAttempt)
class CheckoutAttemptAdmin(_ReadOnlyAdmin):
    list_display = ["session_id", subscriber_key, "livemode", "status", "trial_days", "created"]
    list_filter = ["status", "livemode"]
    search_fields = ["=subscriber__pk", "=session_id", "=customer_id"]


@admin.register(Remedy)
class RemedyAdmin(_ReadOnlyAdmin):
    list_display = ["subscription_id", "kind", "policy", subscriber_key, "livemode", "done_at"]
    list_filter = ["kind", "policy", "livemode"]
    search_fields = ["=subscriber__pk", "=subscription_id", "=kept_subscription_id"]


@admin.register(StripeRequest)
class StripeRequestAdmin(_ReadOnlyAdmin):
    list_display = ["operation", "scope", "livemode", "created", "settled_at"]
    list_filter = ["operation", "livemode"]
    search_fields = ["=scope"]


@admin.register(BillingAccount)
class BillingAccountAdmin(_ReadOnlyAdmin):
    list_display = ["customer_id", subscriber_key, "livemode", "closing", "updated"]
    list_filter = ["livemode", "closing"]
    search_fields = ["=subscriber__pk", "=customer_id"]
    fields = ["subscriber", "livemode", "customer_id", "reference", "closing", "created", "updated"]


def _may_see_access(request: HttpRequest) -> bool:
    """The page shows subscriptions, and tells whether there is somebody of a name."""
    seen = [Subscription._meta, djstripe_settings.get_subscriber_model()._meta]
    user = request.user
    return all(
        user.has_perm(f"{meta.app_label}.view_{meta.model_name}")
        or user.has_perm(f"{meta.app_label}.change_{meta.model_name}")
        for meta in seen
    )
