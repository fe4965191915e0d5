"""Async views of REST framework, by the package adrf."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient, Client

from tests.factories import SubscriptionFactory
from tests.gates.clients import jwt

pytest.importorskip("adrf", reason="adrf is not installed")

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.gates.adrf_urls")]


@pytest.mark.parametrize("path", ["/behind/", "/gated/"])
@pytest.mark.parametrize("server", ["wsgi", "asgi"])
def test_async_views_are_gated_alike(user: Any, path: str, server: str) -> None:
    get = Client().get if server == "wsgi" else async_to_sync(AsyncClient().get)
    assert get(path).status_code == 401
    assert get(path, headers=jwt(user)).status_code == 402
    SubscriptionFactory(customer__subscriber=user)
    assert get(path, headers=jwt(user)).json() == {"user": user.pk}
