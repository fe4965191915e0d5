"""The one question all gates ask, and the responses of those that refuse."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from asgiref.sync import sync_to_async
from django.contrib.auth.views import redirect_to_login
from django.db import Error, models
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, resolve_url
from django.utils.cache import patch_vary_headers
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _

from caixa_subscriptions.access import Access, aget_access, get_access
from caixa_subscriptions.access.decision import exempt
from caixa_subscriptions.conf import settings
from caixa_subscriptions.exceptions import RETRY_AFTER_SECONDS, AccessUnavailable
from caixa_subscriptions.payment_required import payment_required_body
from caixa_subscriptions.subscribers import aget_subscriber, get_subscriber, is_somebody

logger = logging.getLogger(__name__)

Refusal = HttpResponseBase | None

# On a request: the subscriber it is about, and what was found.
_FOUND = "_subscriber_and_access"


def attach(request: HttpRequest) -> None:
    """Give the request `subscription`, looked up when it is read, and `await asubscription()`."""
    given: Any = request
    given.subscription = SimpleLazyObject(partial(access_of, request))
    given.asubscription = partial(aaccess_of, request)


def access_of(request: HttpRequest | Any) -> Access:
    """The access of who asks with this request: Django's, or REST framework's.

    Looked up once per request, as long as it is about the same subscriber. Users with `is_staff`
    pass where the setting `STAFF_EXEMPT` says so. Raises `AccessUnavailable` when the database
    fails, be it over who asks or over their access.
    """
    # REST framework's request holds Django's, and each view has a new one of its own.
    given = getattr(request, "_request", request)
    try:
        subscriber = get_subscriber(request)
        known = given.__dict__.get(_FOUND)
        # Unless it was about another subscriber.
        if known is not None and known[0] == subscriber:
            access = known[1]
        else:
            access = get_access(subscriber)
    except Error as error:
        raise AccessUnavailable from error
    return _answer(request, given, subscriber, access)


async def aaccess_of(request: HttpRequest) -> Access:
    """`access_of` for async code, on the event loop where session and cache allow it."""
    given = getattr(request, "_request", request)
    try:
        subscriber = await aget_subscriber(request)
        known = given.__dict__.get(_FOUND)
        if known is not None and known[0] == subscriber:
            access = known[1]
        else:
            access = await aget_access(subscriber)
    except Error as error:
        raise AccessUnavailable from error
    return _answer(request, given, subscriber, access)


def _answer(request: Any, given: Any, subscriber: models.Model | None, access: Access) -> Access:
    if subscriber is None and not is_somebody(getattr(request, "user", None)):
        return access  # and ask again after a login
    given.__dict__[_FOUND] = subscriber, access
    if settings.staff_exempt and getattr(request.user, "is_staff", False):
        access = exempt(access)
    given.subscription = access
    return access


def ask_to_log_in(request: HttpRequest) -> HttpResponseBase:
    """What nobody gets of a gate on a single view: the login page, or 401."""
    if _is_browsing(request):
        response: HttpResponseBase = redirect_to_login(request.get_full_path())
    else:
        detail = _("Authentication credentials were not provided.")
        response = JsonResponse({"detail": detail, "code": "not_authenticated"}, status=401)
    return _varying(response)


def refuse(
    request: HttpRequest,
    *,
    features: Iterable[str] = (),
    plans: Iterable[str] = (),
    nobody: Callable[[HttpRequest], Refusal] = ask_to_log_in,
) -> Refusal:
    """The response that refuses this request; None when it may go on.

    `nobody` says what becomes of requests without a user. A database error is a 503.
    """
    try:
        access = access_of(request)
    except AccessUnavailable as error:
        return unavailable(request, error)
    if features or plans:
        access = access.requiring(features=features, plans=plans)
    if access.allowed:
        return None
    if not is_somebody(getattr(request, "user", None)):
        return nobody(request)
    return payment_required(request, access)


async def arefuse(
    request: HttpRequest,
    *,
    features: Iterable[str] = (),
    plans: Iterable[str] = (),
    nobody: Callable[[HttpRequest], Refusal] = ask_to_log_in,
) -> Refusal:
    """`refuse` for async code."""
    try:
        access = (await aaccess_of(request)).requiring(features=features, plans=plans)
    except AccessUnavailable as error:
        return unavailable(request, error)
    if access.allowed:
        return None
    if not is_somebody(getattr(request, "user", None)):
        return nobody(request)
    return await sync_to_async(payment_required)(request, access)


def payment_required(request: HttpRequest, access: Access) -> HttpResponseBase:
    """People in a browser go to the paywall, programs get 402 with the reason."""
    response: HttpResponseBase
    try:
        if _is_browsing(request):
            response = redirect(_paywall(request, access))
        else:
            body = payment_required_body(request=request, access=access)
            response = JsonResponse(body, status=402)
    except Error as error:
        return unavailable(request, error)
    return _varying(response)


def unavailable(request: HttpRequest, error: Exception) -> HttpResponseBase:
    """503: nobody can say whether there is access, so there is none for the moment."""
    # Its text may name hosts or quote what was asked for.
    logger.error("Access could not be decided: %s", type(error.__cause__ or error).__name__)
    detail = str(AccessUnavailable.message)
    response: HttpResponse
    if _is_browsing(request):
        response = HttpResponse(detail, status=503, content_type="text/plain; charset=utf-8")
    else:
        response = JsonResponse({"detail": detail, "code": AccessUnavailable.code}, status=503)
    response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return _varying(response)


def _paywall(request: HttpRequest, access: Access) -> str:
    paywall = urlsplit(resolve_url(settings.paywall_url))
    query = urlencode({"reason": access.code or "", "next": request.get_full_path()})
    return urlunsplit(paywall._replace(query=f"{paywall.query}&{query}".lstrip("&")))


def _is_browsing(request: HttpRequest) -> bool:
    """A person looking at pages, rather than a program that wants to read the reason."""
    return (
        "text/html" in request.headers.get("Accept", "")
        and "Authorization" not in request.headers
        and "HX-Request" not in request.headers
    )


def _varying(response: HttpResponseBase) -> HttpResponseBase:
    patch_vary_headers(response, ["Accept", "Authorization", "HX-Request", "Cookie"])
    return response
