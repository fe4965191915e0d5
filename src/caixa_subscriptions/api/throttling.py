"""How often one person, and one address, may ask for what costs a call to Stripe.

Against people who click and scripts that try cards; no call charges twice, however many there are.
The counters are in Django's default cache, as REST framework's are, and are exact only where all
processes share it.
"""

from __future__ import annotations

import logging
from typing import Any

from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView

from caixa_subscriptions.conf import settings

logger = logging.getLogger(__name__)


class _RateThrottle(SimpleRateThrottle):
    """Reads its rate from `THROTTLE_RATES` at every request; no rate, no limit."""

    def __init__(self) -> None:
        """The rate depends on the view."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        self.rate = settings.throttle_rates.get(self.rate_name(view))
        if self.rate is None:
            return True
        self.num_requests, self.duration = self.parse_rate(self.rate)
        try:
            return super().allow_request(request, view)
        except Exception as error:  # whatever a cache that is out of reach raises
            logger.error("Requests are not counted: %s", type(error).__name__)
            return True

    def rate_name(self, view: Any) -> str:
        raise NotImplementedError

    def get_cache_key(self, request: Request, view: Any) -> str:
        who = self.who(request)
        return f"caixa_subscriptions:throttle:{view.throttle_scope}:{self.scope}:{who}"

    def who(self, request: Request) -> Any:
        raise NotImplementedError


class UserThrottle(_RateThrottle):
    """So many times for each user: `THROTTLE_RATES["checkout"]`, `["portal"]`."""

    scope = "user"

    def rate_name(self, view: Any) -> str:
        return str(view.throttle_scope)

    def who(self, request: Request) -> Any:
        return request.user.pk


class AddressThrottle(_RateThrottle):
    """So many times for each address, whoever is logged in: `THROTTLE_RATES["address"]`.

    REST framework's `NUM_PROXIES` says how the address is found behind proxies.
    """

    scope = "address"

    def rate_name(self, view: Any) -> str:
        return "address"

    def who(self, request: Request) -> Any:
        return self.get_ident(request)
