"""A gate in front of every view: 402 with a reason, or the paywall for people in a browser."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings as django_settings
from django.db import models
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, resolve_url
from django.utils.cache import patch_vary_headers
from django.utils.functional import SimpleLazyObject
from rest_framework.request import Request

from caixa_subscriptions.access import Access, get_access
from caixa_subscriptions.api.authentication import authenticate_for_view, is_api_view
from caixa_subscriptions.conf import settings
from caixa_subscriptions.payment_required import payment_required_body
from caixa_subscriptions.subscribers import get_subscriber

GetResponse = Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]

# Views of these URL namespaces are how one subscribes in the first place.
_EXEMPT_APP_NAMES = frozenset({"admin", "caixa_subscriptions", "djstripe"})


class SubscriptionMiddleware:
    """Lets a request through when its subscriber may use the product.

    Stands after AuthenticationMiddleware. Nobody (no user) passes: who must log in is for the
    view to say. `request.subscription` is the lazy `Access` of the request's subscriber.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        _attach(request, request)
        return self.get_response(request)

    def process_view(
        self,
        request: HttpRequest,
        view: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> HttpResponseBase | None:
        if _is_exempt(request):
            return None
        asking: HttpRequest | Request | None = request
        if is_api_view(view):
            # The view's own authenticators decide who is asking: a JWT, say, even beside a session.
            asking = authenticate_for_view(request, view, args, kwargs)
            if asking is not None:
                _attach(request, asking)
        elif not request.user.is_authenticated:
            asking = None
        if asking is None:
            return None
        access: Access = request.subscription  # type: ignore[attr-defined]
        if access.allowed:
            return None
        return _refuse(request, subscriber=get_subscriber(asking), access=access)


def _attach(request: HttpRequest, asking: HttpRequest | Request) -> None:
    request.subscription = SimpleLazyObject(  # type: ignore[attr-defined]
        lambda: get_access(get_subscriber(asking))
    )


def _is_exempt(request: HttpRequest) -> bool:
    match = request.resolver_match
    if match is not None and not _EXEMPT_APP_NAMES.isdisjoint(match.app_names):
        return True
    targets = (django_settings.LOGIN_URL, settings.paywall_url)
    # With the prefix the site may be mounted under, which a reversed URL has as well.
    if request.path in {resolve_url(target) for target in targets}:
        return True
    path = request.path_info
    return any(
        path == rule or (rule != "/" and rule.endswith("/") and path.startswith(rule))
        for rule in settings.exempt_paths
    )


def _refuse(
    request: HttpRequest, *, subscriber: models.Model | None, access: Access
) -> HttpResponseBase:
    response: HttpResponseBase
    if _is_browsing(request):
        query = urlencode({"reason": access.code or "", "next": request.get_full_path()})
        response = redirect(f"{resolve_url(settings.paywall_url)}?{query}")
    else:
        body = payment_required_body(request=request, subscriber=subscriber, access=access)
        response = JsonResponse(body, status=402)
    patch_vary_headers(response, ["Accept", "Authorization", "HX-Request", "Cookie"])
    return response


def _is_browsing(request: HttpRequest) -> bool:
    """A person looking at pages, rather than a program that wants to read the reason."""
    return (
        "text/html" in request.headers.get("Accept", "")
        and "Authorization" not in request.headers
        and "HX-Request" not in request.headers
    )
