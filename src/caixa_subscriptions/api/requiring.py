"""The gates' question, as REST framework wants it answered: by raising."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import Error

from caixa_subscriptions.api.exceptions import PaymentRequired, Unavailable
from caixa_subscriptions.exceptions import AccessUnavailable
from caixa_subscriptions.gate import access_of


def require_access(
    request: Any, *, features: Iterable[str] = (), plans: Iterable[str] = ()
) -> None:
    """Raises `PaymentRequired` (402) for who lacks access, `Unavailable` (503) when unknown."""
    try:
        access = access_of(request).requiring(features=features, plans=plans)
        if not access.allowed:
            raise PaymentRequired(request=request, access=access)
    except (AccessUnavailable, Error) as error:
        raise Unavailable from error
