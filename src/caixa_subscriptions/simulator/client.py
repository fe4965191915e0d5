"""The simulator as an HTTP client of the `stripe` SDK: every call is answered in this process."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import stripe

from caixa_subscriptions.simulator.errors import StripeError
from caixa_subscriptions.simulator.faults import LATENCY
from caixa_subscriptions.simulator.params import decode_form

if TYPE_CHECKING:
    from caixa_subscriptions.simulator.core import Simulator

TIMEOUT_SECONDS = 80.0  # as the SDK's own clients wait
_FORM = "application/x-www-form-urlencoded"


class Headers(Mapping[str, str]):
    """An answer's headers, by names in any case: the SDK asks for `stripe-should-retry`."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._named = {name.lower(): value for name, value in headers.items()}

    def __getitem__(self, name: str) -> str:
        return self._named[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._named)

    def __len__(self) -> int:
        return len(self._named)


class SimulatorHTTPClient(stripe.HTTPClient):
    """For `stripe.StripeClient(key, http_client=...)` and `stripe.default_http_client`.

    `base_url` is where hosted pages are said to be. Between retries `retry_delay` seconds pass;
    the SDK's own delays of half a second and more would only slow tests down. A ConnectionError
    or TimeoutError out of the simulator is raised as `stripe.APIConnectionError`, which the SDK
    retries; so is an answer that is late by more than `timeout` seconds. Nobody waits for late
    answers: `waited` counts their seconds.
    """

    name = "simulator"

    def __init__(
        self,
        simulator: Simulator,
        *,
        base_url: str = "http://127.0.0.1:12111",
        retry_delay: float = 0.0,
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:
        super().__init__()
        self.simulator = simulator
        self.base_url = base_url
        self.retry_delay = retry_delay
        self.timeout = timeout
        self.waited = 0.0

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Mapping[str, str]]:
        """Body, status and headers, as the SDK's base class asks for them."""
        parts = urlsplit(url)
        headers = headers or {}
        pairs = parse_qsl(parts.query, keep_blank_values=True)
        if post_data and headers.get("Content-Type", _FORM) == _FORM:
            pairs += parse_qsl(post_data, keep_blank_values=True)
        try:
            params = decode_form(pairs)
        except StripeError as error:
            return json.dumps(error.body("req_unread")), error.status, Headers({})
        try:
            response = self.simulator.request(
                method.upper(), parts.path, params, headers=headers, base_url=self.base_url
            )
            self._wait(float(response.headers.get(LATENCY, 0)))
        except (ConnectionError, TimeoutError) as error:
            raise stripe.APIConnectionError(  # type: ignore[no-untyped-call]
                f"Unexpected error communicating with the simulator: {error!r}",
                should_retry=True,
            ) from error
        return json.dumps(response.body), response.status, Headers(response.headers)

    def _wait(self, seconds: float) -> None:
        self.waited += min(seconds, self.timeout)
        if seconds > self.timeout:
            raise TimeoutError(f"no answer within {self.timeout:g} seconds")

    def request_stream(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[io.BytesIO, int, Mapping[str, str]]:
        body, status, answered = self.request(method, url, headers, post_data)
        return io.BytesIO(body.encode()), status, answered

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        # In the loop's own thread, so that calls gathered together are answered in their order.
        body, status, answered = self.request(method, url, headers, post_data)
        return body.encode(), status, answered

    async def request_stream_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[AsyncIterator[bytes], int, Mapping[str, str]]:
        body, status, answered = self.request(method, url, headers, post_data)
        return _once(body.encode()), status, answered

    def _sleep_time_seconds(self, num_retries: int) -> float:
        return self.retry_delay

    def sleep_async(self, secs: float) -> Awaitable[None]:
        return asyncio.sleep(secs)

    def close(self) -> None:
        """The simulator is its owner's to close."""

    async def close_async(self) -> None:
        """The same."""


@contextmanager
def answering_every_client(client: SimulatorHTTPClient) -> Iterator[None]:
    """Until the end, none of the SDK's own HTTP clients in this process reaches the network.

    Calls of clients that were made elsewhere, at any time, are answered by `client` as well.
    """
    before = []
    for own in _own_clients(stripe.HTTPClient):
        for name in ("request", "request_stream", "request_async", "request_stream_async"):
            before.append((own, name, vars(own).get(name)))
            setattr(own, name, _handed_to(client, name))
    try:
        yield
    finally:
        for own, name, method in before:
            if method is None:
                delattr(own, name)
            else:
                setattr(own, name, method)


def _own_clients(base: type[stripe.HTTPClient]) -> Iterator[type[stripe.HTTPClient]]:
    for kind in base.__subclasses__():
        if kind.__module__ == base.__module__:
            yield kind
        yield from _own_clients(kind)


def _handed_to(client: SimulatorHTTPClient, name: str) -> Callable[..., Any]:
    def method(self: stripe.HTTPClient, *args: Any, **kwargs: Any) -> Any:
        return getattr(client, name)(*args, **kwargs)

    return method


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body
