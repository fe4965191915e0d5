"""The only room that calls the Stripe SDK on our own account (dj-stripe makes its own calls).

Pinned API version, the key of the current mode, a deadline, the SDK's retries with one
idempotency key per call, and errors turned into ours without their text, which may quote what
was sent.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import stripe

from caixa_subscriptions.conf import settings
from caixa_subscriptions.exceptions import StripeRefused, StripeUnavailable

if TYPE_CHECKING:
    from stripe.params import (
        CustomerCreateParams,
        WebhookEndpointCreateParams,
        WebhookEndpointUpdateParams,
    )
    from stripe.params.billing_portal import SessionCreateParams as PortalSessionCreateParams
    from stripe.params.checkout import SessionCreateParams as CheckoutSessionCreateParams

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 15.0
MAX_NETWORK_RETRIES = 2
PAGE_SIZE = 100


_replacement: stripe.HTTPClient | None = None


@contextmanager
def replaced_http_client(client: stripe.HTTPClient) -> Iterator[None]:
    """Our calls and dj-stripe's go through `client`, in all threads, until the end. For tests."""
    global _replacement
    before = (_replacement, stripe.default_http_client)
    _replacement = stripe.default_http_client = client
    try:
        yield
    finally:
        _replacement, stripe.default_http_client = before
        _client.cache_clear()


@lru_cache(maxsize=8)
def _client(
    api_key: str, api_version: str | None, api_host: str, http_client: stripe.HTTPClient | None
) -> stripe.StripeClient:
    return stripe.StripeClient(
        api_key,
        stripe_version=api_version,
        base_addresses={"api": api_host},
        max_network_retries=MAX_NETWORK_RETRIES,
        http_client=http_client or stripe.RequestsClient(timeout=TIMEOUT_SECONDS),
    )


def _v1() -> Any:
    return _client(settings.secret_key, settings.api_version, settings.api_host, _replacement).v1


@contextmanager
def mapped_errors(call: str) -> Iterator[None]:
    """The SDK's errors as StripeUnavailable or StripeRefused; also for calls dj-stripe makes."""
    try:
        yield
    except (stripe.APIConnectionError, stripe.RateLimitError) as error:
        logger.warning("Stripe call %s failed: %s", call, type(error).__name__)
        raise StripeUnavailable from None
    except stripe.StripeError as error:
        status = error.http_status or 0
        logger.warning(
            "Stripe call %s failed: %s, status %s, code %s, request %s",
            call,
            type(error).__name__,
            status,
            error.code,
            error.request_id,
        )
        if status >= 500 or status in (409, 429):
            raise StripeUnavailable from None
        raise StripeRefused(
            stripe_code=error.code, stripe_param=getattr(error, "param", None)
        ) from None


def create_customer(params: CustomerCreateParams, *, idempotency_key: str) -> stripe.Customer:
    with mapped_errors("customers.create"):
        return _v1().customers.create(params, {"idempotency_key": idempotency_key})  # type: ignore[no-any-return]


def create_checkout_session(params: CheckoutSessionCreateParams) -> stripe.checkout.Session:
    with mapped_errors("checkout.sessions.create"):
        return _v1().checkout.sessions.create(params)  # type: ignore[no-any-return]


def retrieve_checkout_session(session_id: str) -> stripe.checkout.Session:
    """The session with its subscription expanded."""
    with mapped_errors("checkout.sessions.retrieve"):
        return _v1().checkout.sessions.retrieve(session_id, {"expand": ["subscription"]})  # type: ignore[no-any-return]


def list_open_checkout_sessions(*, customer: str) -> Iterator[stripe.checkout.Session]:
    params = {"customer": customer, "status": "open", "limit": PAGE_SIZE}
    with mapped_errors("checkout.sessions.list"):
        yield from _v1().checkout.sessions.list(params).auto_paging_iter()


def expire_checkout_session(session_id: str) -> None:
    with mapped_errors("checkout.sessions.expire"):
        _v1().checkout.sessions.expire(session_id)


def create_portal_session(params: PortalSessionCreateParams) -> stripe.billing_portal.Session:
    with mapped_errors("billing_portal.sessions.create"):
        return _v1().billing_portal.sessions.create(params)  # type: ignore[no-any-return]


def list_webhook_endpoints() -> Iterator[stripe.WebhookEndpoint]:
    with mapped_errors("webhook_endpoints.list"):
        yield from _v1().webhook_endpoints.list({"limit": PAGE_SIZE}).auto_paging_iter()


def create_webhook_endpoint(params: WebhookEndpointCreateParams) -> stripe.WebhookEndpoint:
    """The answer is the only one that carries the endpoint's secret."""
    with mapped_errors("webhook_endpoints.create"):
        return _v1().webhook_endpoints.create(params)  # type: ignore[no-any-return]


def update_webhook_endpoint(
    endpoint_id: str, params: WebhookEndpointUpdateParams
) -> stripe.WebhookEndpoint:
    with mapped_errors("webhook_endpoints.update"):
        return _v1().webhook_endpoints.update(endpoint_id, params)  # type: ignore[no-any-return]


def list_products() -> Iterator[stripe.Product]:
    with mapped_errors("products.list"):
        yield from _v1().products.list({"limit": PAGE_SIZE}).auto_paging_iter()


def list_prices() -> Iterator[stripe.Price]:
    with mapped_errors("prices.list"):
        yield from _v1().prices.list({"limit": PAGE_SIZE}).auto_paging_iter()


def list_customers() -> Iterator[stripe.Customer]:
    with mapped_errors("customers.list"):
        yield from _v1().customers.list({"limit": PAGE_SIZE}).auto_paging_iter()


def list_subscriptions(*, customer: str | None = None) -> Iterator[stripe.Subscription]:
    """Subscriptions of every status, of one customer or of all."""
    params: dict[str, Any] = {"limit": PAGE_SIZE, "status": "all"}
    if customer is not None:
        params["customer"] = customer
    with mapped_errors("subscriptions.list"):
        yield from _v1().subscriptions.list(params).auto_paging_iter()


def list_active_entitlements(*, customer: str) -> Iterator[stripe.entitlements.ActiveEntitlement]:
    with mapped_errors("entitlements.active_entitlements.list"):
        params = {"customer": customer, "limit": PAGE_SIZE}
        yield from _v1().entitlements.active_entitlements.list(params).auto_paging_iter()


def has_features() -> bool:
    """Whether the account uses Stripe's entitlements at all."""
    with mapped_errors("entitlements.features.list"):
        return bool(_v1().entitlements.features.list({"limit": 1}).data)
