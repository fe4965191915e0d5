"""How often checkout and portal may be asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from rest_framework.test import APIClient

from caixa_subscriptions.api import throttling
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

CHECKOUT = "/api/subscriptions/checkout/"
PORTAL = "/api/subscriptions/portal/"


@pytest.fixture(autouse=True)
def no_requests_so_far() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def client_of(user: Any, address: str = "192.0.2.1") -> APIClient:
    client = APIClient(REMOTE_ADDR=address)
    client.force_authenticate(user)
    return client


def statuses(client: APIClient, path: str, times: int) -> list[int]:
    return [client.post(path, {}, format="json").status_code for _ in range(times)]


@pytest.mark.parametrize(("path", "answer"), [(CHECKOUT, 400), (PORTAL, 404)])
def test_a_user_may_ask_ten_times_a_minute(caixa: Any, path: str, answer: int) -> None:
    caixa(THROTTLE_RATES={})
    client = client_of(UserFactory())
    assert statuses(client, path, 10) == [answer] * 10
    response = client.post(path, {}, format="json")
    assert response.status_code == 429
    assert 1 <= int(response["Retry-After"]) <= 60
    assert response.json()["code"] == "throttled"
    assert statuses(client_of(UserFactory()), path, 1) == [answer]


def test_checkout_and_portal_are_counted_apart(caixa: Any) -> None:
    caixa(THROTTLE_RATES={"checkout": "1/min"})
    client = client_of(UserFactory())
    assert statuses(client, CHECKOUT, 2) == [400, 429]
    assert statuses(client, PORTAL, 1) == [404]


def test_an_address_may_ask_thirty_times_a_minute_whoever_is_logged_in(caixa: Any) -> None:
    caixa(THROTTLE_RATES={})
    asked = [
        status for _ in range(3) for status in statuses(client_of(UserFactory()), CHECKOUT, 10)
    ]
    assert asked == [400] * 30
    assert statuses(client_of(UserFactory()), CHECKOUT, 1) == [429]
    assert statuses(client_of(UserFactory(), address="192.0.2.2"), CHECKOUT, 1) == [400]


def test_a_limit_can_be_taken_off(caixa: Any) -> None:
    caixa(THROTTLE_RATES={"checkout": None, "address": None})
    assert statuses(client_of(UserFactory()), CHECKOUT, 40) == [400] * 40


def test_status_and_config_are_not_counted(caixa: Any) -> None:
    caixa(THROTTLE_RATES={"checkout": "1/min", "portal": "1/min", "address": "1/min"})
    client = client_of(UserFactory())
    for name in ("status", "config"):
        asked = [client.get(f"/api/subscriptions/{name}/").status_code for _ in range(5)]
        assert asked == [200] * 5


class BrokenCache:
    def get(self, *args: Any, **kwargs: Any) -> Any:
        raise ConnectionError("redis://person@example.com is gone")


def test_a_cache_out_of_reach_closes_no_shop(
    caixa: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caixa(THROTTLE_RATES={"checkout": "1/min"})
    monkeypatch.setattr(throttling.UserThrottle, "cache", BrokenCache())
    assert statuses(client_of(UserFactory()), CHECKOUT, 2) == [400, 400]
    assert "Requests are not counted: ConnectionError" in caplog.text
    assert "person@example.com" not in caplog.text
