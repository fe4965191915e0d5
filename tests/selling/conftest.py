"""A simulated Stripe that is called in this process, with one price for sale."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection

from caixa_subscriptions import stripe_gateway
from caixa_subscriptions.simulator import Simulator
from tests.conftest import request


@pytest.fixture
def concurrent(db: None) -> None:
    """Only where several connections write at once: SQLite has one writer."""
    if connection.vendor == "sqlite":
        pytest.skip("TEST_DATABASE_URL is neither PostgreSQL nor MariaDB")


@pytest.fixture
def store() -> Iterator[Simulator]:
    simulator = Simulator(seed=1)
    with stripe_gateway.replaced_http_client(simulator.http_client()):
        product = request(simulator, "POST", "/v1/products", {"name": "Reports"})
        request(
            simulator,
            "POST",
            "/v1/prices",
            {
                "product": product["id"],
                "currency": "usd",
                "unit_amount": "900",
                "lookup_key": "reports_monthly",
                "recurring": {"interval": "month"},
            },
        )
        call_command("sync_stripe", only=["products", "prices"], stdout=StringIO())
        yield simulator
    simulator.close()
