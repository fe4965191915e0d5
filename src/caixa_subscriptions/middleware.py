"""A gate in front of every view: 402 with a reason, or the paywall for people in a browser."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.db import Error
from django.http import HttpRequest, HttpResponseBase

from caixa_subscriptions.api.authentication import arm, is_api_view, is_armed
from caixa_subscriptions.api.exceptions import PaymentRequired, Unavailable
from caixa_subscriptions.exceptions import AccessUnavailable
from caixa_subscriptions.exempt import is_exempt
from caixa_subscriptions.gate import arefuse, attach, payment_required, refuse, unavailable

GetResponse = Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]


class SubscriptionMiddleware:
    """Lets a request through when its subscriber may use the product.

    Stands after AuthenticationMiddleware. Nobody (no user) passes: who must log in is for the
    view to say. `request.subscription` is the lazy `Access` of the request's subscriber, and
    `await request.asubscription()` the same in async views.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)
            # Django calls an async one right on the event loop.
            self.process_view = self.aprocess_view  # type: ignore[method-assign]

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        attach(request)
        return self.get_response(request)

    def process_view(
        self,
        request: HttpRequest,
        view: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        return refuse(request, nobody=_passes) if _is_gated_here(request, view) else None

    async def aprocess_view(
        self,
        request: HttpRequest,
        view: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> HttpResponseBase | None:
        return await arefuse(request, nobody=_passes) if _is_gated_here(request, view) else None

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponseBase | None:
        """Refusals that no REST framework view has answered, and its user being out of reach."""
        if isinstance(exception, PaymentRequired):
            return payment_required(request, exception.access)
        if isinstance(exception, AccessUnavailable | Unavailable):
            return unavailable(request, exception)
        if isinstance(exception, Error) and is_armed(request):
            return unavailable(request, exception)
        return None


def _is_gated_here(request: HttpRequest, view: Callable[..., Any]) -> bool:
    """Whether `request.user` is who asks. REST framework's views have yet to find out."""
    if is_exempt(request, view):
        return False
    # Most views are functions, which need not be asked more.
    if getattr(view, "cls", None) is not None and is_api_view(view):
        arm(request)
        return False
    return True


def _passes(request: HttpRequest) -> None:
    return None
