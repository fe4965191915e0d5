"""Inputs and outputs of the endpoints."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from caixa_subscriptions.access import Access
from caixa_subscriptions.services.trials import is_trial_eligible

# Stripe takes URLs of up to 5,000 characters.
MAX_URL_LENGTH = 2000


class StrictSerializer(serializers.Serializer[Any]):
    """What a client sends and we do not know is an error, and not left out in silence."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            unknown = sorted(str(name) for name in data.keys() - self.fields.keys())
            if unknown:
                error = ErrorDetail(gettext("Unknown field."), code="unknown")
                raise serializers.ValidationError({name: [error] for name in unknown})
        return super().to_internal_value(data)


class CheckoutSerializer(StrictSerializer):
    price = serializers.CharField(max_length=255)
    quantity = serializers.IntegerField(required=False)
    success_url = serializers.CharField(max_length=MAX_URL_LENGTH, required=False)
    cancel_url = serializers.CharField(max_length=MAX_URL_LENGTH, required=False)


class PortalSerializer(StrictSerializer):
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
    min_quantity = serializers.IntegerField()
    max_quantity = serializers.IntegerField()


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
