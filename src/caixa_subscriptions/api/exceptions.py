"""Every error as `{"detail", "code"}`, with `errors` for the fields of a bad input."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from rest_framework import status
from rest_framework.exceptions import APIException, ErrorDetail, ValidationError
from rest_framework.response import Response
from rest_framework.views import exception_handler as drf_exception_handler
from rest_framework.views import set_rollback

from caixa_subscriptions import exceptions
from caixa_subscriptions.access import Access
from caixa_subscriptions.payment_required import endpoint_url, payment_required_body

STATUS = {
    exceptions.PriceNotOffered: status.HTTP_400_BAD_REQUEST,
    exceptions.QuantityNotOffered: status.HTTP_400_BAD_REQUEST,
    exceptions.RedirectNotAllowed: status.HTTP_400_BAD_REQUEST,
    exceptions.SubscriberRequired: status.HTTP_403_FORBIDDEN,
    exceptions.CustomerNotFound: status.HTTP_404_NOT_FOUND,
    exceptions.CheckoutSessionNotFound: status.HTTP_404_NOT_FOUND,
    exceptions.AlreadySubscribed: status.HTTP_409_CONFLICT,
    exceptions.NotTrialing: status.HTTP_409_CONFLICT,
    exceptions.TrialEndRefused: status.HTTP_400_BAD_REQUEST,
    exceptions.PaymentFailed: status.HTTP_402_PAYMENT_REQUIRED,
    exceptions.PortalNotConfigured: status.HTTP_503_SERVICE_UNAVAILABLE,
    exceptions.CustomerConflict: status.HTTP_409_CONFLICT,
    exceptions.StripeRefused: status.HTTP_502_BAD_GATEWAY,
    exceptions.CheckoutParamsRefused: status.HTTP_500_INTERNAL_SERVER_ERROR,
    exceptions.StripeUnavailable: status.HTTP_503_SERVICE_UNAVAILABLE,
    exceptions.AccessUnavailable: status.HTTP_503_SERVICE_UNAVAILABLE,
    exceptions.Busy: status.HTTP_503_SERVICE_UNAVAILABLE,
}


class PaymentRequired(APIException):
    """402 with the reason; works under the project's own exception handler too."""

    status_code = status.HTTP_402_PAYMENT_REQUIRED

    def __init__(self, *, request: Any, access: Access) -> None:
        super().__init__()
        self.access = access
        # Set directly: the base class would turn the booleans and nulls into strings.
        self.detail = payment_required_body(request=request, access=access)


class Unavailable(APIException):
    """503, worth trying again; works under the project's own exception handler too."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    wait = exceptions.RETRY_AFTER_SECONDS  # REST framework makes the header of it

    def __init__(self) -> None:
        super().__init__()
        error = exceptions.AccessUnavailable
        body: dict[str, Any] = {"detail": error.message, "code": error.code}
        self.detail = body


def exception_handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """For `REST_FRAMEWORK["EXCEPTION_HANDLER"]`, and used by our own endpoints in any case."""
    if isinstance(exc, exceptions.SubscriptionsError):
        return _domain_error(exc, context["request"])
    response = drf_exception_handler(exc, context)
    if response is None or isinstance(exc, PaymentRequired | Unavailable):
        return response
    if isinstance(exc, ValidationError):
        errors = response.data
        if not isinstance(errors, dict):
            errors = {"non_field_errors": errors}
        response.data = {"detail": _("Invalid input."), "code": "invalid", "errors": errors}
        return response
    detail = response.data.get("detail") if isinstance(response.data, dict) else None
    code = detail.code if isinstance(detail, ErrorDetail) else getattr(exc, "default_code", "error")
    response.data = {"detail": detail or str(exc), "code": code}
    return response


def _domain_error(exc: exceptions.SubscriptionsError, request: HttpRequest) -> Response:
    set_rollback()
    body: dict[str, Any] = {"detail": str(exc), "code": exc.code}
    headers = {}
    if isinstance(exc, exceptions.AlreadySubscribed):
        body["portal_url"] = endpoint_url("portal", request=request)
    if isinstance(exc, exceptions.StripeUnavailable):
        headers["Retry-After"] = str(exc.retry_after)
    elif isinstance(exc, exceptions.AccessUnavailable | exceptions.Busy):
        headers["Retry-After"] = str(exceptions.RETRY_AFTER_SECONDS)
    return Response(body, status=_status(exc), headers=headers)


def _status(exc: exceptions.SubscriptionsError) -> int:
    """Of its class, else of the nearest it is a kind of."""
    known = (STATUS[kind] for kind in type(exc).__mro__ if kind in STATUS)
    return next(known, status.HTTP_500_INTERNAL_SERVER_ERROR)
