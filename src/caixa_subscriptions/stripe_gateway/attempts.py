"""One call to Stripe, tried again for as long as that helps and the deadline allows.

The SDK's own retries are off: they know neither 429 nor our deadline nor the breaker.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import stripe

from caixa_subscriptions.conf import settings
from caixa_subscriptions.exceptions import StripeUnavailable
from caixa_subscriptions.stripe_gateway import errors
from caixa_subscriptions.stripe_gateway.runtime import (
    Runtime,
    attempt_seconds,
    runtime,
    seconds_left,
    within,
)

MAX_ATTEMPTS = 5
# The longest pause after the first attempt; it doubles up to the longest of all.
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 4.0
# With less than this left, another attempt is not worth its while.
LEAST_SECONDS = 1.0
# Of an attempt's time, at most so much for the connection.
CONNECT_SECONDS = 2.0
PAGE_SIZE = 100


class NotSent(StripeUnavailable):
    """Stripe was not even called: the breaker is open, or no time is left."""


Call = Callable[[Any], Any]  # of the services of `StripeClient.v1`


def repeat(call: Call) -> Any:
    """What `call` answers. Raises the SDK's error of the last attempt; NotSent when there was none,
    which is at once while the breaker is open.

    Pauses have full jitter, and are as long as Stripe says where it says so.
    """
    here = runtime()
    pause = FIRST_PAUSE_SECONDS
    for attempt in range(1, MAX_ATTEMPTS + 1):
        # The time may be gone with earlier calls of the same request.
        if seconds_left() < LEAST_SECONDS or not here.breaker.admit(here.clock.now()):
            raise NotSent if attempt == 1 else StripeUnavailable
        try:
            return _attempt(call, here)
        except stripe.StripeError as error:
            wait = max(random.uniform(0, pause), errors.retry_after(error) or 0)  # noqa: S311
            if attempt == MAX_ATTEMPTS or not errors.is_worth_repeating(error):
                raise
            if wait + LEAST_SECONDS > seconds_left():
                raise
        here.clock.sleep(wait)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
    raise AssertionError("the last attempt returns or raises")


def pause() -> None:
    """Before looking what became of a call that has just failed."""
    runtime().clock.sleep(random.uniform(0, FIRST_PAUSE_SECONDS))  # noqa: S311


def _attempt(call: Call, here: Runtime) -> Any:
    try:
        answer = call(_services(here))
    except stripe.StripeError as error:
        if errors.is_outage(error):
            here.breaker.met_outage(here.clock.now())
        elif errors.is_replayed(error.headers) and (error.http_status or 0) >= 500:
            here.breaker.heard_nothing()
        else:
            here.breaker.answered()
        raise
    except BaseException:
        here.breaker.heard_nothing()
        raise
    here.breaker.answered()
    return answer


def _services(here: Runtime) -> Any:
    # Whole seconds, so that few clients, each with its open connections, serve all deadlines.
    seconds = max(int(attempt_seconds()), 1)
    known = (settings.secret_key, settings.api_version, settings.api_host, seconds)
    if known not in here.clients:
        here.clients[known] = _new_client(*known, http_client=here.http_client)
    return here.clients[known].v1


def _new_client(
    api_key: str,
    api_version: str | None,
    api_host: str,
    seconds: int,
    *,
    http_client: stripe.HTTPClient | None,
) -> stripe.StripeClient:
    connect = min(CONNECT_SECONDS, seconds / 2)
    return stripe.StripeClient(
        api_key,
        stripe_version=api_version,
        base_addresses={"api": api_host},
        max_network_retries=0,
        http_client=http_client or stripe.RequestsClient(timeout=(connect, seconds - connect)),
    )


def read(name: str, call: Call) -> Any:
    """A call that changes nothing. Raises StripeUnavailable, StripeRefused."""
    with errors.mapped_errors(name), within():
        return repeat(call)


def read_all(
    name: str, call: Callable[[Any, dict[str, Any]], Any], params: Mapping[str, Any]
) -> Iterator[Any]:
    """Every object of a list, page by page; each page has a deadline of its own."""
    return listed(call, params, ask=partial(read, name))


def listed(
    call: Callable[[Any, dict[str, Any]], Any],
    params: Mapping[str, Any],
    *,
    ask: Callable[[Call], Any] = repeat,
) -> Iterator[Any]:
    """Every object of a list; `ask` makes the call for each page."""
    asked = {**params, "limit": PAGE_SIZE}
    while True:
        page = ask(partial(_page, call, asked))
        yield from page.data
        if not page.has_more or not page.data:
            return
        asked = {**asked, "starting_after": page.data[-1].id}


def _page(call: Callable[[Any, dict[str, Any]], Any], asked: dict[str, Any], v1: Any) -> Any:
    return call(v1, asked)
