from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from djstripe.models import Subscription
from djstripe.settings import djstripe_settings

from caixa_subscriptions.access.explanation import explain
from caixa_subscriptions.models import TrialUsageTracking
from caixa_subscriptions.subscribers import SubscriberNotFound, find_subscriber

if TYPE_CHECKING:  # Django's own class takes no type argument before 6.1
    _ModelAdmin = admin.ModelAdmin[TrialUsageTracking]
else:
    _ModelAdmin = admin.ModelAdmin


@admin.display(description=_("access"))
def explain_access_link(subscriber: models.Model) -> str:
    """For `list_display` or `readonly_fields` of your own admin of subscribers."""
    if subscriber.pk is None:
        return ""
    url = reverse("admin:caixa_subscriptions_explain_access")
    query = urlencode({"subscriber": subscriber.pk})
    return format_html('<a href="{}?{}">{}</a>', url, query, _("Explain access"))


class WhoForm(forms.Form):
    subscriber = forms.CharField(
        label=_("Subscriber"),
        max_length=255,
        help_text=_("Primary key, user name or e-mail, or an id: cus_... or sub_..."),
    )


@admin.register(TrialUsageTracking)
class TrialUsageTrackingAdmin(_ModelAdmin):
    list_display = [
        "subscriber",
        "livemode",
        "has_used_trial",
        "trial_used_at",
        "subscription_id",
    ]
    list_filter = ["has_used_trial", "livemode"]
    list_select_related = ["subscriber"]
    search_fields = ["=subscriber__pk", "=subscription_id"]
    raw_id_fields = ["subscriber"]
    readonly_fields = ["created", "updated"]
    date_hierarchy = "trial_used_at"

    def get_urls(self) -> list[URLPattern]:
        page = path(
            "explain-access/",
            self.admin_site.admin_view(self.explain_access),
            name="caixa_subscriptions_explain_access",
        )
        return [page, *super().get_urls()]

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


def _may_see_access(request: HttpRequest) -> bool:
    """The page shows subscriptions, and tells whether there is somebody of a name."""
    seen = [Subscription._meta, djstripe_settings.get_subscriber_model()._meta]
    user = request.user
    return all(
        user.has_perm(f"{meta.app_label}.view_{meta.model_name}")
        or user.has_perm(f"{meta.app_label}.change_{meta.model_name}")
        for meta in seen
    )
