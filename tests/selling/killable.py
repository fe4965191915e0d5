"""A program that sells and can be killed: it imports Django once, and forks for each order.

An order is a line of JSON: what to `do`, and with `die_at` the number of the point at which the
process sends itself SIGKILL. Points come before and after each SQL statement and each call to
Stripe. It answers with the lines `{"pid"}` and `{"signal"}`, and between them, when nothing killed
it, how many points there were.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

import django
import stripe
from django.conf import settings
from django.db import connection


class Points:
    """Counts them, and dies at one."""

    def __init__(self, die_at: int | None) -> None:
        self.die_at = die_at
        self.passed = 0

    def __call__(self) -> None:
        self.passed += 1
        if self.passed == self.die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def around_sql(self, execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
        self()
        result = execute(sql, params, many, context)
        self()
        return result


class CountingClient(stripe.RequestsClient):
    def __init__(self, points: Points) -> None:
        super().__init__(timeout=20)
        self._points = points

    def request(self, *args: Any, **kwargs: Any) -> Any:
        self._points()
        answer = super().request(*args, **kwargs)
        self._points()
        return answer


def carry_out(order: dict[str, Any]) -> None:
    from django.contrib.auth import get_user_model

    from caixa_subscriptions import stripe_gateway
    from caixa_subscriptions.services.checkout import complete_checkout, create_checkout_session

    points = Points(order["die_at"])
    user = get_user_model().objects.get(pk=order["user"])
    with (
        connection.execute_wrapper(points.around_sql),
        stripe_gateway.replaced_http_client(CountingClient(points)),
    ):
        if order["do"] == "complete":
            complete_checkout(subscriber=user, session_id=order["session"])
        else:
            create_checkout_session(
                subscriber=user,
                price=order["price"],
                success_url="http://testserver/done/",
                cancel_url="http://testserver/pricing/",
            )
    tell(points=points.passed)


def tell(**what: Any) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def main() -> None:
    django.setup()
    from caixa_subscriptions.conf import forget_settings

    connection.settings_dict["NAME"] = os.environ["KILLABLE_DATABASE"]
    settings.STRIPE_API_HOST = stripe.api_base = os.environ["KILLABLE_STRIPE"]
    # All of the test's subscribers have the same card.
    settings.CAIXA_SUBSCRIPTIONS = {**settings.CAIXA_SUBSCRIPTIONS, "SECOND_TRIAL": "allow"}
    forget_settings()
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            try:
                carry_out(json.loads(line))
            except BaseException as error:
                tell(error=f"{type(error).__name__}: {error}")
            finally:
                os._exit(0)
        tell(pid=pid)
        _pid, status = os.waitpid(pid, 0)
        tell(signal=os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0)


if __name__ == "__main__":
    main()
