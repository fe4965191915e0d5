"""What becomes of Stripe's errors."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from caixa_subscriptions import stripe_gateway
from caixa_subscriptions.conf import settings as caixa_settings
from caixa_subscriptions.exceptions import StripeRefused, StripeUnavailable, SubscriptionsError
from caixa_subscriptions.simulator.server import serve

Answer = Callable[[int, dict[str, Any]], None]


@pytest.fixture
def answering(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Answer]:
    """A server that gives every call the same answer."""
    monkeypatch.setattr(stripe_gateway, "MAX_NETWORK_RETRIES", 0)
    fixed: dict[str, Any] = {}

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response(f"{fixed['status']} -", [("Content-Type", "application/json")])
        return [json.dumps({"error": fixed["error"]}).encode()]

    def answer(status: int, error: dict[str, Any]) -> None:
        fixed.update(status=status, error=error)

    server = serve(application)
    settings.STRIPE_API_HOST = server.url
    yield answer
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("status", "error", "expected"),
    [
        (400, {"type": "invalid_request_error", "code": "x", "param": "y"}, StripeRefused),
        (401, {"type": "invalid_request_error"}, StripeRefused),
        (402, {"type": "card_error", "code": "card_declined"}, StripeRefused),
        (403, {"type": "invalid_request_error"}, StripeRefused),
        (409, {"type": "invalid_request_error"}, StripeUnavailable),
        (429, {"type": "rate_limit_error"}, StripeUnavailable),
        (429, {"type": "invalid_request_error", "code": "lock_timeout"}, StripeUnavailable),
        (500, {"type": "api_error"}, StripeUnavailable),
        (503, {"type": "api_error"}, StripeUnavailable),
    ],
)
def test_errors_are_mapped_and_their_text_stays_out_of_the_log(
    answering: Answer,
    caplog: pytest.LogCaptureFixture,
    status: int,
    error: dict[str, Any],
    expected: type[SubscriptionsError],
) -> None:
    answering(status, error | {"message": "No such person: ana@example.com"})
    with pytest.raises(expected) as caught:
        stripe_gateway.retrieve_checkout_session("cs_test_1")
    assert "ana@example.com" not in caplog.text + repr(caught.value) + str(caught.value)
    assert caught.value.__cause__ is None
    assert "checkout.sessions.retrieve" in caplog.text


def test_no_answer_at_all_is_unavailable(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.STRIPE_API_HOST = "http://127.0.0.1:9"
    monkeypatch.setattr(stripe_gateway, "MAX_NETWORK_RETRIES", 0)
    with pytest.raises(StripeUnavailable):
        stripe_gateway.retrieve_checkout_session("cs_test_1")


def test_the_key_version_and_host_are_those_of_the_settings(settings: Any) -> None:
    settings.STRIPE_LIVE_MODE = True
    settings.STRIPE_LIVE_SECRET_KEY = "rk_" + "live_" + "1" * 24
    assert caixa_settings.secret_key == settings.STRIPE_LIVE_SECRET_KEY
    del settings.STRIPE_API_HOST
    assert caixa_settings.api_host == "https://api.stripe.com"
    assert not caixa_settings.is_simulated
