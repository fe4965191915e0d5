from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin

from caixa_subscriptions.models import TrialUsageTracking

if TYPE_CHECKING:  # Django's own class takes no type argument before 6.1
    _ModelAdmin = admin.ModelAdmin[TrialUsageTracking]
else:
    _ModelAdmin = admin.ModelAdmin


@admin.register(TrialUsageTracking)
class TrialUsageTrackingAdmin(_ModelAdmin):
    list_display = ["subscriber", "livemode", "has_used_trial", "trial_used_at", "subscription_id"]
    list_filter = ["has_used_trial", "livemode"]
    list_select_related = ["subscriber"]
    search_fields = ["=subscriber__pk", "=subscription_id"]
    raw_id_fields = ["subscriber"]
    readonly_fields = ["created", "updated"]
    date_hierarchy = "trial_used_at"
