"""What becomes of Stripe's errors."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import stripe

from caixa_subscriptions import stripe_gateway
from caixa_subscriptions.conf import settings as caixa_settings
from caixa_subscriptions.exceptions import (
    PaymentFailed,
    PortalNotConfigured,
    StripeMisconfigured,
    StripeRateLimited,
    StripeRefused,
    StripeUnavailable,
    SubscriptionsError,
)
from caixa_subscriptions.models import StripeRequest
from caixa_subscriptions.simulator.server import serve

Answer = Callable[[int, Any], None]


@pytest.fixture
def answering(settings: Any) -> Iterator[Answer]:
    """A server that gives every call the same answer."""
    fixed: dict[str, Any] = {}

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response(f"{fixed['status']} -", [("Content-Type", "application/json")])
        error = fixed["error"]
        return [(error if isinstance(error, str) else json.dumps({"error": error})).encode()]

    def answer(status: int, error: Any) -> None:
        fixed.update(status=status, error=error)

    server = serve(application)
    settings.STRIPE_API_HOST = server.url
    yield answer
    server.shutdown()
    server.server_close()


NO_PORTAL = (
    "No configuration provided and your live mode default configuration has not been created. "
    "Provide a configuration or create your default by saving your customer portal settings."
)
CANARIES = {
    "e-mail": "ana@example.com",
    "secret key": "sk_test_simulator000000000000000000",
    "session URL": "https://checkout.stripe.com/c/pay/cs_test_secret",
    "name": "Ana Canary",
    "tax id": "529.982.247-25",
}


@pytest.mark.parametrize(
    ("status", "error", "expected", "code"),
    [
        (400, {"code": "x", "param": "y"}, StripeRefused, "stripe_refused"),
        (400, {"code": "rate_limit"}, StripeRateLimited, "stripe_rate_limited"),
        (400, {"message": NO_PORTAL}, StripeRefused, "stripe_refused"),  # not of the portal's call
        (400, {"type": "idempotency_error"}, StripeRefused, "stripe_refused"),
        (401, {}, StripeMisconfigured, "stripe_misconfigured"),
        (402, {"type": "card_error", "code": "card_declined"}, PaymentFailed, "payment_failed"),
        (403, {}, StripeMisconfigured, "stripe_misconfigured"),
        (404, {"code": "resource_missing"}, StripeRefused, "stripe_refused"),
        (409, {}, StripeUnavailable, "stripe_unavailable"),
        (429, {"type": "rate_limit_error"}, StripeRateLimited, "stripe_rate_limited"),
        (429, {"code": "lock_timeout"}, StripeRateLimited, "stripe_rate_limited"),
        (500, {"type": "api_error"}, StripeUnavailable, "stripe_unavailable"),
        (503, {"type": "api_error"}, StripeUnavailable, "stripe_unavailable"),
    ],
)
def test_errors_are_mapped_and_their_text_stays_out_of_the_log(
    answering: Answer,
    caplog: pytest.LogCaptureFixture,
    status: int,
    error: dict[str, Any],
    expected: type[SubscriptionsError],
    code: str,
) -> None:
    message = error.get("message", "") + " No such person: " + ", ".join(CANARIES.values())
    answering(status, {"type": "invalid_request_error", **error, "message": message})
    with pytest.raises(expected) as caught:
        stripe_gateway.retrieve_checkout_session("cs_test_1")
    assert type(caught.value) is expected
    assert caught.value.code == code
    told = caplog.text + repr(caught.value) + str(caught.value) + str(vars(caught.value))
    for what, canary in CANARIES.items():
        assert canary not in told, what
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert "checkout.sessions.retrieve" in caplog.text


def test_a_portal_nobody_set_up_has_a_code_of_its_own(answering: Answer, db: None) -> None:
    answering(400, {"type": "invalid_request_error", "message": NO_PORTAL})
    with pytest.raises(PortalNotConfigured):
        stripe_gateway.create_portal_session({"customer": "cus_1"}, scope="cus_1")
    answering(400, {"type": "invalid_request_error", "message": "Something else"})
    with pytest.raises(StripeRefused) as caught:
        stripe_gateway.create_portal_session({"customer": "cus_1"}, scope="cus_1")
    assert type(caught.value) is StripeRefused


@pytest.mark.parametrize("status", [200, 400, 502])
def test_an_answer_that_is_no_json_is_mapped_too(
    status: int, answering: Answer, caplog: pytest.LogCaptureFixture, db: None
) -> None:
    answering(status, "<html>ana@example.com")
    expected = StripeRefused if status == 400 else StripeUnavailable
    with pytest.raises(expected) as caught:
        stripe_gateway.create_customer(
            {"email": "ana@example.com"}, scope="subscriber:1", record=lambda customer: None
        )
    assert "ana@example.com" not in caplog.text + repr(caught.value)
    # Only a refusal is known to have done nothing.
    assert StripeRequest.objects.exists() is (status != 400)


def test_a_decline_is_not_what_another_card_is_told(answering: Answer, db: None) -> None:
    """Stripe keeps it for its key, and the row would stay an hour because two asked at once."""

    def pay() -> None:
        stripe_gateway.update_subscription("sub_1", {"trial_end": "now"}, scope="sub_1")

    answering(503, {"type": "api_error"})
    with pytest.raises(StripeUnavailable):
        pay()
    StripeRequest.objects.update(is_shared=True)
    answering(402, {"type": "card_error", "code": "card_declined"})
    with pytest.raises(PaymentFailed):
        pay()
    assert not StripeRequest.objects.exists()


def test_calls_of_dj_stripe_are_mapped_too() -> None:
    with pytest.raises(StripeRefused) as caught, stripe_gateway.mapped_errors("dj-stripe's sync"):
        raise stripe.InvalidRequestError("ana@example.com", "email", code="x")
    assert caught.value.__context__ is caught.value.__cause__ is None
    assert (caught.value.stripe_code, caught.value.stripe_param) == ("x", "email")
    with pytest.raises(KeyError), stripe_gateway.mapped_errors("dj-stripe's sync"):
        raise KeyError("ours")


def test_no_answer_at_all_is_unavailable(settings: Any) -> None:
    settings.STRIPE_API_HOST = "http://127.0.0.1:9"
    with pytest.raises(StripeUnavailable):
        stripe_gateway.retrieve_checkout_session("cs_test_1")


def test_the_key_version_and_host_are_those_of_the_settings(settings: Any) -> None:
    settings.STRIPE_LIVE_MODE = True
    settings.STRIPE_LIVE_SECRET_KEY = "rk_" + "live_" + "1" * 24
    assert caixa_settings.secret_key == settings.STRIPE_LIVE_SECRET_KEY
    del settings.STRIPE_API_HOST
    assert caixa_settings.api_host == "https://api.stripe.com"
    assert not caixa_settings.is_simulated
