from __future__ import annotations

from collections.abc import Iterator

import pytest

from caixa_subscriptions.simulator import Simulator
from caixa_subscriptions.simulator.wsgi import SimulatorApplication
from tests.simulator.pages.browsing import START, Browser


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    simulator = Simulator(
        seed=7, default_clock=True, now=lambda: START, transport=lambda url, headers, body: 200
    )
    yield simulator
    simulator.close()


@pytest.fixture
def browser(simulator: Simulator) -> Browser:
    return Browser(SimulatorApplication(simulator))
