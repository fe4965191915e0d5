"""Stripe's rate limits of test mode, when the option `rate_limits` asks for them (Stripe docs:
rate-limits)."""

from __future__ import annotations

from caixa_subscriptions.simulator.errors import StripeError
from caixa_subscriptions.simulator.faults import MESSAGES

PER_SECOND = 25
SEARCHES_PER_SECOND = 20


class Limits:
    """Counts by the seconds of the wall clock. Use it inside a transaction of the store."""

    def __init__(self) -> None:
        self._second = 0
        self._calls = 0
        self._searches = 0

    def check(self, path: str, second: int) -> None:
        """Raises StripeError 429."""
        if second != self._second:
            self._second, self._calls, self._searches = second, 0, 0
        searches = path.endswith("/search")
        self._calls += 1
        self._searches += searches
        if self._calls > PER_SECOND:
            reason = "global-rate"
        elif searches and self._searches > SEARCHES_PER_SECOND:
            reason = "endpoint-rate"
        else:
            return
        headers = {"Stripe-Rate-Limited-Reason": reason}
        raise StripeError(429, MESSAGES["rate_limit"], code="rate_limit", headers=headers)
