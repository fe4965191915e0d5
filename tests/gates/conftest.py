"""A small host project behind the middleware, at the time the factories' rows are about."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.core.cache import caches
from django.test import Client

from caixa_subscriptions.access import cache
from tests.factories import SubscriptionFactory
from tests.gates.clients import HTML


@pytest.fixture(autouse=True)
def host_project(settings: Any, caixa: Any, frozen: dt.datetime) -> None:
    settings.LOGIN_URL = "/login/"
    # The example's error pages link to URLs that this project does not have.
    settings.TEMPLATES = [settings.TEMPLATES[0] | {"DIRS": []}]
    caixa(
        PAYWALL_URL="pricing",
        EXEMPT_PATHS=["/open/"],
        CHECKOUT_SUCCESS_URL="/",
        CHECKOUT_CANCEL_URL="/",
        PORTAL_RETURN_URL="/",
    )


@pytest.fixture
def browser(user: Any) -> Client:
    client = Client(headers=HTML)
    client.force_login(user)
    return client


@pytest.fixture
def subscribed(user: Any) -> Any:
    return SubscriptionFactory(customer__subscriber=user)


@pytest.fixture
def pro(subscribed: Any, caixa: Any) -> None:
    """What `subscribed` pays for: a plan with features and limits."""
    plan = {"features": ["reports", "export"], "limits": {"seats": 5, "projects": None}}
    caixa(
        PRICES={"monthly": {"price_id": "price_1", "plan": "pro"}},
        PLANS={"pro": plan, "team": {"features": ["audit"]}},
    )


@pytest.fixture
def access_cache(settings: Any, caixa: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    backend = "django.core.cache.backends.locmem.LocMemCache"
    settings.CACHES = settings.CACHES | {"access": {"BACKEND": backend, "LOCATION": "gates"}}
    caixa(CACHE="access")
    monkeypatch.setattr(cache, "_resting_until", 0.0)
    caches["access"].clear()
    return caches["access"]
