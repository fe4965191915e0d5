"""Gates on class-based views."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest

from caixa_subscriptions.decorators import names
from caixa_subscriptions.gate import arefuse, refuse


class SubscriptionRequiredMixin:
    """Only for subscribers: with all of `required_features`, and with one of `required_plans`.

    Comes before the view's class, async ones included. Nobody is asked to log in, others get the
    paywall or 402. On REST framework's views use the permissions.
    """

    required_features: Iterable[str] = ()
    required_plans: Iterable[str] = ()
    view_is_async: bool

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if self.view_is_async:
            return self._adispatch(request, *args, **kwargs)
        features, plans = names(self.required_features), names(self.required_plans)
        refusal = refuse(request, features=features, plans=plans)
        return self._dispatch(request, *args, **kwargs) if refusal is None else refusal

    async def _adispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        features, plans = names(self.required_features), names(self.required_plans)
        refusal = await arefuse(request, features=features, plans=plans)
        return await self._dispatch(request, *args, **kwargs) if refusal is None else refusal

    def _dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return super().dispatch(request, *args, **kwargs)  # type: ignore[misc]
