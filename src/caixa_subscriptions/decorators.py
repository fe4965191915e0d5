"""Gates on single views, and the way past the middleware."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, overload

from asgiref.sync import iscoroutinefunction

from caixa_subscriptions.exempt import ATTRIBUTE
from caixa_subscriptions.gate import arefuse, refuse

View = Callable[..., Any]


@overload
def subscription_required(view: View, /) -> View: ...
@overload
def subscription_required(
    *, features: Iterable[str] = (), plans: Iterable[str] = ()
) -> Callable[[View], View]: ...
def subscription_required(
    view: View | None = None, /, *, features: Iterable[str] = (), plans: Iterable[str] = ()
) -> Any:
    """Only for subscribers: with all of `features`, and with one of `plans`.

    For function views, sync or async, with parentheses or without. Nobody is asked to log in,
    others get the paywall or 402. On REST framework's views use the permissions: this one goes by
    `request.user`, before they have authenticated.
    """
    features, plans = names(features), names(plans)

    def decorate(view: View) -> View:
        if iscoroutinefunction(view):

            @wraps(view)
            async def agated(request: Any, *args: Any, **kwargs: Any) -> Any:
                refusal = await arefuse(request, features=features, plans=plans)
                return await view(request, *args, **kwargs) if refusal is None else refusal

            return agated

        @wraps(view)
        def gated(request: Any, *args: Any, **kwargs: Any) -> Any:
            refusal = refuse(request, features=features, plans=plans)
            return view(request, *args, **kwargs) if refusal is None else refusal

        return gated

    return decorate if view is None else decorate(view)


def subscription_exempt(view: Any) -> Any:
    """The middleware lets everybody through to this view: a function, or the class of views.

    Subclasses are exempt too, unless they say `subscription_exempt = False`.
    """
    if isinstance(view, type):
        setattr(view, ATTRIBUTE, True)
        return view
    # A wrapper, as the same view may be gated under another path.
    if iscoroutinefunction(view):

        @wraps(view)
        async def aexempt(*args: Any, **kwargs: Any) -> Any:
            return await view(*args, **kwargs)

        setattr(aexempt, ATTRIBUTE, True)
        return aexempt

    @wraps(view)
    def exempt(*args: Any, **kwargs: Any) -> Any:
        return view(*args, **kwargs)

    setattr(exempt, ATTRIBUTE, True)
    return exempt


def names(given: Iterable[str]) -> frozenset[str]:
    """`"reports"` means that one, not its letters."""
    return frozenset([given] if isinstance(given, str) else given)
