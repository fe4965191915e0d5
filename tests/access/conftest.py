from __future__ import annotations

import os
from collections import OrderedDict
from typing import Any

import pytest
from django.core.cache import caches

from caixa_subscriptions.access import cache

REDIS = os.environ.get("TEST_REDIS_URL")
NO_REDIS = "TEST_REDIS_URL is not set, for example redis://127.0.0.1:6379/15"


@pytest.fixture
def redis_cache(settings: Any, caixa: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Access is cached in a real Redis."""
    if not REDIS:
        pytest.skip(NO_REDIS)
    backend = "django.core.cache.backends.redis.RedisCache"
    return _use(settings, caixa, monkeypatch, {"BACKEND": backend, "LOCATION": REDIS})


@pytest.fixture
def memory_cache(settings: Any, caixa: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    backend = "django.core.cache.backends.locmem.LocMemCache"
    return _use(settings, caixa, monkeypatch, {"BACKEND": backend, "LOCATION": "access"})


@pytest.fixture(params=["memory", "redis"])
def cached(request: pytest.FixtureRequest) -> Any:
    """The cache of access, in memory and in Redis."""
    return request.getfixturevalue(f"{request.param}_cache")


def _use(
    settings: Any, caixa: Any, monkeypatch: pytest.MonkeyPatch, backend: dict[str, Any]
) -> Any:
    # Workers side by side share one Redis.
    prefix = os.environ.get("PYTEST_XDIST_WORKER", "alone")
    settings.CACHES = settings.CACHES | {"access": backend | {"KEY_PREFIX": prefix}}
    caixa(CACHE="access")
    monkeypatch.setattr(cache, "_resting_until", 0.0)
    monkeypatch.setattr(cache, "_kept", OrderedDict())
    monkeypatch.setattr(cache, "_trusted", {})
    caches["access"].clear() if backend["LOCATION"] == "access" else _forget(prefix)
    return caches["access"]


def _forget(prefix: str) -> None:
    """Only what this worker kept."""
    client = caches["access"]._cache.get_client(None, write=True)  # type: ignore[attr-defined]
    keys = list(client.scan_iter(f"{prefix}:*"))
    if keys:
        client.delete(*keys)
