from __future__ import annotations

import datetime as dt
import gc
from collections.abc import Iterator, Mapping
from io import StringIO
from typing import Any
from urllib.parse import urlsplit

import pytest
import stripe
from django.conf import settings as django_settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.test import Client
from django.utils import translation
from rest_framework.test import APIClient

from caixa_subscriptions import stripe_gateway
from caixa_subscriptions.conf import forget_settings
from caixa_subscriptions.services.webhook_endpoints import set_up_webhook_endpoint
from caixa_subscriptions.simulator import Simulator
from caixa_subscriptions.simulator.server import serve
from caixa_subscriptions.simulator.wsgi import SimulatorApplication
from tests.canaries import CPF, NAME, Trap, trapped
from tests.factories import NOW, UserFactory

# Where the package is installed its entry point has loaded it already.
pytest_plugins = ["caixa_subscriptions.pytest_plugin"]


def pytest_collection_finish() -> None:
    """What is imported by now stays, and need not be looked at whenever garbage is collected."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    """A request in Portuguese leaves its language behind in the thread; no test inherits it."""
    with translation.override("en"):
        yield


@pytest.fixture(autouse=True)
def canaries(monkeypatch: pytest.MonkeyPatch) -> Iterator[Trap]:
    """No test makes anything tell a person's data, a secret or the URL of a session.

    Every user has a name with a CPF in it, which goes to Stripe with each customer.
    """
    named = f"{NAME} {CPF}"
    monkeypatch.setattr(get_user_model(), "get_full_name", lambda user: named, raising=False)
    trap = Trap()
    with trapped(trap):
        yield trap
    assert trap.found == []


@pytest.fixture(autouse=True)
def settings_read_anew() -> Iterator[None]:
    """Django tells nobody of a setting that a test deletes."""
    yield
    forget_settings()


@pytest.fixture(autouse=True)
def stripe_clock() -> Iterator[stripe_gateway.SkippingClock]:
    """No test waits between attempts, and none inherits an open breaker."""
    clock = stripe_gateway.SkippingClock()
    with stripe_gateway.replaced_clock(clock):
        yield clock


@pytest.fixture
def user(db: None) -> Any:
    return UserFactory()


@pytest.fixture
def api(user: Any) -> APIClient:
    """An API client on which `user` is logged in."""
    client = APIClient()
    client.force_authenticate(user)
    return client


@pytest.fixture
def frozen(settings: Any) -> dt.datetime:
    """Access is decided at `NOW`, the time the factories' rows are about."""
    settings.CAIXA_SUBSCRIPTIONS = settings.CAIXA_SUBSCRIPTIONS | {
        "CLOCK": "tests.conftest.frozen_now"
    }
    return NOW


def frozen_now() -> dt.datetime:
    return NOW


@pytest.fixture
def caixa(settings: Any) -> Any:
    """Change some of the app's settings for one test: `caixa(TRIAL_DAYS=0)`."""

    def change(**changes: Any) -> None:
        settings.CAIXA_SUBSCRIPTIONS = settings.CAIXA_SUBSCRIPTIONS | changes

    return change


def post_with_django(url: str, headers: Mapping[str, str], body: bytes) -> int:
    """Delivers webhooks in process, so that they share the test's transaction."""
    response = Client(raise_request_exception=False).post(
        urlsplit(url).path, data=body, content_type="application/json", headers=dict(headers)
    )
    return response.status_code


@pytest.fixture(scope="session")
def stripe_server() -> Iterator[tuple[Simulator, str]]:
    simulator = Simulator(seed=1, default_clock=True, transport=post_with_django)
    server = serve(SimulatorApplication(simulator))
    yield simulator, server.url
    server.shutdown()
    server.server_close()
    simulator.close()


@pytest.fixture
def stripe_api(
    stripe_server: tuple[Simulator, str], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> Simulator:
    """An empty simulated Stripe that the SDK and dj-stripe talk to over HTTP."""
    simulator, url = stripe_server
    simulator.reset()
    settings.STRIPE_API_HOST = url
    monkeypatch.setattr(stripe, "api_base", url)
    return simulator


@pytest.fixture
def shop(stripe_api: Simulator, db: None) -> Simulator:
    """A simulated Stripe with the example's two prices and our webhook endpoint, all synced."""
    product = request(stripe_api, "POST", "/v1/products", {"name": "Reports"})
    for lookup_key, amount, interval in (
        ("reports_monthly", "900", "month"),
        ("reports_yearly", "9000", "year"),
    ):
        request(
            stripe_api,
            "POST",
            "/v1/prices",
            {
                "product": product["id"],
                "currency": "usd",
                "unit_amount": amount,
                "lookup_key": lookup_key,
                "recurring": {"interval": interval},
            },
        )
    call_command("sync_stripe", only=["products", "prices"], stdout=StringIO())
    set_up_webhook_endpoint(base_url="http://testserver", register=True)
    return stripe_api


def request(
    simulator: Simulator, method: str, path: str, params: dict[str, Any] | None = None
) -> dict[str, Any]:
    """An API call that must succeed."""
    headers = {"Authorization": f"Bearer {django_settings.STRIPE_TEST_SECRET_KEY}"}
    response = simulator.request(method, path, params, headers=headers)
    assert response.status == 200, response.body
    return response.body


def advance(simulator: Simulator, **delta: float) -> None:
    """Move the default clock on and deliver what happened meanwhile."""
    clock = simulator.default_clock_id
    assert clock is not None
    target = simulator.now() + int(dt.timedelta(**delta).total_seconds())
    simulator.advance_clock(clock, target, wait=True)
    simulator.deliver_pending()
