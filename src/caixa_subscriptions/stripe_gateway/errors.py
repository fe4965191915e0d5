"""What Stripe's errors mean: whether to try again, what is known, and which of ours they become."""

from __future__ import annotations

import logging
from types import TracebackType

import stripe

from caixa_subscriptions.exceptions import (
    PaymentFailed,
    PortalNotConfigured,
    StripeMisconfigured,
    StripeRateLimited,
    StripeRefused,
    StripeUnavailable,
    SubscriptionsError,
)

logger = logging.getLogger(__name__)

# The SDK tells its log, from INFO on down, what is sent and answered: addresses, links to sessions,
# secrets of webhooks. A project that wants that sets the level of this logger.
_sdk_logger = logging.getLogger("stripe")
if _sdk_logger.level == logging.NOTSET:
    _sdk_logger.setLevel(logging.WARNING)

# How Stripe begins to say it; the error has no code (recorded).
NO_PORTAL_CONFIGURATION = "No configuration provided"
PORTAL_CALL = "billing_portal.sessions.create"
LONGEST_RETRY_AFTER_SECONDS = 3600


def is_rate_limit(error: stripe.StripeError) -> bool:
    """Asked to slow down, or another call holds the object (429 `lock_timeout`)."""
    return isinstance(error, stripe.RateLimitError)


def is_outage(error: stripe.StripeError) -> bool:
    """No answer, or an error of Stripe's own that is not just the repeated answer of an old one."""
    if isinstance(error, stripe.APIConnectionError):
        return True
    return (error.http_status or 0) >= 500 and not is_replayed(error.headers)


def is_replayed(headers: object) -> bool:
    """An answer that Stripe kept for the idempotency key (Stripe docs: idempotent requests)."""
    return _header(headers, "idempotent-replayed") == "true"


def is_worth_repeating(error: stripe.StripeError) -> bool:
    """Under the same key, in a moment. Stripe's own word comes first (`Stripe-Should-Retry`)."""
    advice = _header(error.headers, "stripe-should-retry")
    if advice in ("true", "false"):
        return advice == "true"
    if isinstance(error, stripe.APIConnectionError):
        return error.should_retry
    status = error.http_status or 0
    return is_rate_limit(error) or status == 409 or status >= 500


def is_outcome_unknown(error: stripe.StripeError) -> bool:
    """Nobody can say whether the call was, or will be, carried out."""
    status = error.http_status or 0
    return (
        isinstance(error, stripe.APIConnectionError)
        or is_rate_limit(error)
        or status == 409  # the same call is still under way
        or status >= 500
        or (type(error) is stripe.APIError and status < 400)  # an answer nobody can read
    )


def is_unauthorized(error: stripe.StripeError) -> bool:
    """The secret key was not accepted, so this tells nothing about earlier attempts."""
    return error.http_status in (401, 403)


def is_key_spent(error: stripe.StripeError) -> bool:
    """The key will never answer anything else: its call ended in a 500 that Stripe keeps for a
    day, or it was used with other parameters (Stripe docs: idempotent requests)."""
    if isinstance(error, stripe.IdempotencyError):
        return True
    status = error.http_status or 0
    kept = _header(error.headers, "stripe-should-retry") == "false"
    return status >= 500 and (kept or is_replayed(error.headers))


def retry_after(error: stripe.StripeError) -> int | None:
    """Seconds Stripe asks us to wait."""
    value = _header(error.headers, "retry-after")
    if value is None or not (value.isascii() and value.isdigit()):
        return None
    return min(int(value), LONGEST_RETRY_AFTER_SECONDS)


def _header(headers: object, name: str) -> str | None:
    # A mapping by names in any case, of whichever HTTP client.
    value = headers.get(name) if hasattr(headers, "get") else None
    return value if isinstance(value, str) else None


class mapped_errors:  # noqa: N801  (used as a function)
    """The SDK's errors as ours, of which none quotes what was sent; also for dj-stripe's calls.

    Raises StripeUnavailable, StripeRefused and their kinds. The SDK's own error is not even their
    context: its text and body may hold an e-mail address, and some loggers print all they find.
    `call` and `scope` are for the log.
    """

    def __init__(self, call: str, scope: str = "") -> None:
        self._call = call
        self._scope = scope

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not isinstance(exc, stripe.StripeError):
            return
        ours = self._ours(exc)
        try:
            raise ours from None
        finally:
            ours.__context__ = None

    def _ours(self, error: stripe.StripeError) -> SubscriptionsError:
        logger.warning(
            "Stripe call %s%s failed: %s, status %s, code %s, request %s",
            self._call,
            f" ({self._scope})" if self._scope else "",
            type(error).__name__,
            error.http_status,
            error.code,
            error.request_id,
        )
        if is_rate_limit(error):
            return StripeRateLimited(retry_after=retry_after(error))
        if is_outcome_unknown(error):
            return StripeUnavailable(retry_after=retry_after(error))
        kind = StripeRefused
        if is_unauthorized(error):
            kind = StripeMisconfigured
        elif isinstance(error, stripe.CardError):
            kind = PaymentFailed
        elif self._call == PORTAL_CALL and _says(error, NO_PORTAL_CONFIGURATION):
            kind = PortalNotConfigured
        return kind(stripe_code=error.code, stripe_param=getattr(error, "param", None))


def _says(error: stripe.StripeError, beginning: str) -> bool:
    return (error.user_message or "").startswith(beginning)
