from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import translation

from caixa_subscriptions.simulator import Simulator


@pytest.fixture(autouse=True)
def _no_throttle_of_earlier_tests() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    """A request leaves its language active in the thread, for the next test too."""
    with translation.override("en"):
        yield


@pytest.fixture
def visitor() -> Client:
    """A browser in which nobody is logged in."""
    return Client(headers={"accept": "text/html"})


@pytest.fixture
def browser(visitor: Client, user: Any) -> Client:
    """A browser in which `user` is logged in."""
    visitor.force_login(user)
    return visitor


def start_checkout(browser: Client, price: str = "monthly", **data: str) -> str:
    """The id of the session the pricing page's form leads to."""
    response = browser.post("/billing/checkout/", {"price": price} | data)
    assert response.status_code == 303, response.content
    return response.headers["Location"].rpartition("/")[2]


def subscribe(browser: Client, simulator: Simulator, price: str = "monthly", **card: str) -> str:
    """Go through Checkout and come back to the success page; the session's id."""
    session_id = start_checkout(browser, price)
    simulator.complete_checkout(session_id, **card)  # type: ignore[arg-type]
    assert browser.get("/billing/success/", {"session_id": session_id}).status_code == 200
    return session_id


def text(response: Any) -> str:
    """What the page says, with single spaces."""
    return " ".join(response.content.decode().replace("\N{NO-BREAK SPACE}", " ").split())
