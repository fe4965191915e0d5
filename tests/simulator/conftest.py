from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from caixa_subscriptions.simulator import Simulator
from caixa_subscriptions.simulator.server import ThreadingWSGIServer, serve
from caixa_subscriptions.simulator.wsgi import SimulatorApplication
from tests.simulator.served import Watch, watching
from tests.simulator.tools import GOOD, KEY, Calls, Inbox, Wall


@pytest.fixture(scope="package", autouse=True)
def watched() -> Iterator[Watch]:
    with watching() as watch:
        yield watch


@pytest.fixture(autouse=True)
def everything_served_fits(watched: Watch) -> Iterator[None]:
    """Every answer and every event of every test here, as the SDK's annotations have them."""
    yield
    assert watched.told() == []


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def simulator(wall: Wall, inbox: Inbox) -> Iterator[Simulator]:
    simulator = Simulator(seed=1, now=wall, default_clock=True, transport=inbox)
    yield simulator
    simulator.close()


@pytest.fixture
def call(simulator: Simulator) -> Calls:
    return Calls(simulator)


@pytest.fixture
def server(simulator: Simulator) -> Iterator[ThreadingWSGIServer]:
    server = serve(SimulatorApplication(simulator))
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def client(server: ThreadingWSGIServer) -> Iterator[stripe.StripeClient]:
    http_client = stripe.RequestsClient()
    yield stripe.StripeClient(
        KEY, base_addresses={"api": server.url}, http_client=http_client, max_network_retries=0
    )
    http_client.close()  # type: ignore[no-untyped-call]


@pytest.fixture
def sold(call: Calls) -> dict[str, Any]:
    """A subscription just paid."""
    return dict(call.subscribe(call.customer(GOOD), call.price()))
