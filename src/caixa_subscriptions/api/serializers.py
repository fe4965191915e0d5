"""Inputs and outputs of the endpoints."""

from __future__ import annotations

import datetime as dt
from typing import Any

from rest_framework import serializers

from caixa_subscriptions.access import Access
from caixa_subscriptions.services.trials import is_trial_eligible

# Stripe takes URLs of up to 5,000 characters.
MAX_URL_LENGTH = 2000


class CheckoutSerializer(serializers.Serializer[Any]):
    price = serializers.CharField(max_length=255)
    success_url = serializers.CharField(max_length=MAX_URL_LENGTH, required=False)
    cancel_url = serializers.CharField(max_length=MAX_URL_LENGTH, required=False)


class PortalSerializer(serializers.Serializer[Any]):
    return_url = serializers.CharField(max_length=MAX_URL_LENGTH, required=False)


class OfferedPriceSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    price_id = serializers.CharField()
    lookup_key = serializers.CharField(allow_null=True)
    currency = serializers.CharField()
    unit_amount = serializers.IntegerField(allow_null=True)
    interval = serializers.CharField()
    interval_count = serializers.IntegerField()
    product_name = serializers.CharField()


class StatusSerializer(serializers.Serializer[Any]):
    """Of an `Access`; times are ISO 8601 in UTC, or null."""

    has_active_subscription = serializers.BooleanField(source="allowed")
    status = serializers.CharField()
    reason = serializers.CharField()
    is_trialing = serializers.BooleanField()
    trial_eligible = serializers.SerializerMethodField()
    trial_end = serializers.DateTimeField(default_timezone=dt.UTC, allow_null=True)
    current_period_end = serializers.DateTimeField(default_timezone=dt.UTC, allow_null=True)
    cancel_at_period_end = serializers.BooleanField()
    cancel_at = serializers.DateTimeField(default_timezone=dt.UTC, allow_null=True)
    access_until = serializers.DateTimeField(default_timezone=dt.UTC, allow_null=True)
    price = serializers.CharField(source="price_id", allow_null=True)
    livemode = serializers.BooleanField()

    def get_trial_eligible(self, access: Access) -> bool:
        return is_trial_eligible(subscriber=self.context["subscriber"])
