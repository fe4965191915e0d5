"""REST framework permissions."""

from __future__ import annotations

from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from caixa_subscriptions.access import get_access
from caixa_subscriptions.api.exceptions import PaymentRequired
from caixa_subscriptions.subscribers import get_subscriber


class HasActiveSubscription(BasePermission):
    """Lets subscribers in, answers others with 402 and the reason, and nobody with 401."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        if not request.user or not request.user.is_authenticated:
            return False
        access = get_access(get_subscriber(request))
        if not access.allowed:
            raise PaymentRequired(request=request, access=access)
        return True
