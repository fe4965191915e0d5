"""Stripe's error answers (Stripe docs: api/errors)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_LABELS = {
    "charge": "charge",
    "checkout_session": "checkout session",
    "customer": "customer",
    "invoice": "invoice",
    "payment_intent": "payment_intent",
    "payment_method": "PaymentMethod",
    "price": "price",
    "product": "product",
    "promotion_code": "promotion code",
    "setup_intent": "setupintent",
    "subscription": "subscription",
    "subscription_item": "subscription_item",
}


class StripeError(Exception):
    """An error answer: `status` is HTTP's, the rest stands in the body.

    `executed` is for what fails after validation: Stripe keeps such an answer for its idempotency
    key and says not to retry (recorded).
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        type: str = "invalid_request_error",  # noqa: A002  Stripe's own name
        code: str | None = None,
        param: str | None = None,
        executed: bool = False,
        headers: Mapping[str, str] | None = None,
        **details: Any,
    ) -> None:
        super().__init__(message)
        self.executed = executed
        self.headers = dict(headers or {})
        self.status = status
        self.message = message
        self.type = type
        self.code = code
        self.param = param
        self.details = details

    @property
    def decline_code(self) -> str | None:
        return self.details.get("decline_code")

    def body(self, request_id: str) -> dict[str, Any]:
        error: dict[str, Any] = {"message": self.message, "type": self.type}
        if self.code:
            error["code"] = self.code
            error["doc_url"] = f"https://stripe.com/docs/error-codes/{self.code.replace('_', '-')}"
        if self.param is not None:
            error["param"] = self.param
        error |= self.details
        error["request_log_url"] = f"https://dashboard.stripe.com/test/logs/{request_id}"
        return {"error": dict(sorted(error.items()))}


class CardError(StripeError):
    """A declined card: HTTP 402."""

    def __init__(self, decline: dict[str, Any], **details: Any) -> None:
        super().__init__(402, type="card_error", param="", executed=True, **(decline | details))


class ExecutedCardError(CardError):
    """A decline whose traces (charge, events) stay: the call is not undone."""


def missing(kind: str, object_id: str, *, param: str | None = None) -> StripeError:
    """404 for the object of the path, 400 for one that a parameter names."""
    return StripeError(
        400 if param else 404,
        f"No such {_LABELS.get(kind, kind)}: '{object_id}'",
        code="resource_missing",
        param=param or "id",
    )


def missing_param(param: str) -> StripeError:
    return StripeError(
        400, f"Missing required param: {param}.", code="parameter_missing", param=param
    )


def not_simulated(param: str) -> StripeError:
    return StripeError(
        501,
        f"The simulator does not do this yet: {param}. Stripe itself would.",
        code="not_simulated",
        param=param,
    )


def invalid(message: str, param: str | None = None, code: str | None = None) -> StripeError:
    return StripeError(400, message, param=param, code=code)
