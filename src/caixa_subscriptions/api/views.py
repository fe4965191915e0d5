"""The endpoints: validate, call a service, answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import models, transaction
from rest_framework import status
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from caixa_subscriptions.api.exceptions import exception_handler
from caixa_subscriptions.api.parsers import BoundedJSONParser
from caixa_subscriptions.api.serializers import (
    CheckoutSerializer,
    OfferedPriceSerializer,
    PortalSerializer,
    StatusSerializer,
)
from caixa_subscriptions.api.throttling import AddressThrottle, UserThrottle
from caixa_subscriptions.conf import settings
from caixa_subscriptions.exceptions import SubscriberRequired
from caixa_subscriptions.gate import access_of
from caixa_subscriptions.prices import offered_prices
from caixa_subscriptions.redirects import absolute_redirect_url, default_redirect_url
from caixa_subscriptions.services.checkout import create_checkout_session
from caixa_subscriptions.services.portal import create_portal_session
from caixa_subscriptions.subscribers import get_subscriber, stored_subscriber


class SubscriptionsView(APIView):
    """Answers errors in our form whatever the project's own exception handler is."""

    parser_classes = [BoundedJSONParser, FormParser, MultiPartParser]
    permission_classes = [IsAuthenticated]

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        # What is sold is committed before Stripe is asked: `ATOMIC_REQUESTS` is not for us.
        return transaction.non_atomic_requests(super().as_view(**initkwargs))

    def get_exception_handler(self) -> Callable[..., Response | None]:
        return exception_handler

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        # The answers are personal, and some carry a URL that is a key by itself.
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("Referrer-Policy", "no-referrer")
        return response

    def subscriber(self) -> models.Model:
        subscriber = get_subscriber(self.request)
        if subscriber is None:
            raise SubscriberRequired
        return stored_subscriber(subscriber)


class ConfigView(SubscriptionsView):
    """What a front end needs to start: publishable key, mode, trial length and prices."""

    authentication_classes = []  # public: stale credentials must not be refused here
    permission_classes = [AllowAny]

    def get(self, request: Request) -> Response:
        return Response(
            {
                "publishable_key": settings.publishable_key,
                "livemode": settings.livemode,
                "trial_days": settings.trial_days,
                "prices": OfferedPriceSerializer(offered_prices(), many=True).data,
            }
        )


class StatusView(SubscriptionsView):
    """The subscription of whoever asks. Reads the database only, never Stripe."""

    def get(self, request: Request) -> Response:
        subscriber = self.subscriber()
        serializer = StatusSerializer(access_of(request), context={"subscriber": subscriber})
        return Response(serializer.data)


class CheckoutView(SubscriptionsView):
    """Opens a Checkout Session for an offered price."""

    throttle_classes = [UserThrottle, AddressThrottle]
    throttle_scope = "checkout"

    def post(self, request: Request) -> Response:
        serializer = CheckoutSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        data = serializer.validated_data
        session = create_checkout_session(
            subscriber=self.subscriber(),
            price=data["price"],
            quantity=data.get("quantity"),
            success_url=_redirect_url(
                data.get("success_url"), settings.checkout_success_url, request
            ),
            cancel_url=_redirect_url(data.get("cancel_url"), settings.checkout_cancel_url, request),
        )
        return Response(
            {
                "session_id": session.session_id,
                "url": session.url,
                "trial_days": session.trial_days,
            },
            status=status.HTTP_201_CREATED,
        )


class PortalView(SubscriptionsView):
    """Opens a customer portal session."""

    throttle_classes = [UserThrottle, AddressThrottle]
    throttle_scope = "portal"

    def post(self, request: Request) -> Response:
        serializer = PortalSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        url = create_portal_session(
            subscriber=self.subscriber(),
            return_url=_redirect_url(
                serializer.validated_data.get("return_url"), settings.portal_return_url, request
            ),
        )
        return Response({"url": url}, status=status.HTTP_201_CREATED)


def _redirect_url(asked: str | None, default: str, request: Any) -> str:
    if asked is None:
        return default_redirect_url(default, request=request)
    return absolute_redirect_url(asked, request=request)
