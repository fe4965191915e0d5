"""The examples of the simulator's page run as they stand there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from caixa_subscriptions.simulator import Simulator
from caixa_subscriptions.simulator.control_http import VERBS
from tests.simulator.tools import Calls, Inbox

PAGE = Path(__file__).parent.parent.parent / "docs" / "simulator.md"


@pytest.fixture
def simulator() -> Any:
    simulator = Simulator(seed=1, default_clock=True, transport=Inbox())
    yield simulator
    simulator.close()


def example(section: str, number: int = 0) -> str:
    """A block of Python under a heading."""
    text = PAGE.read_text(encoding="utf-8").split(f"\n## {section}\n")[1].split("\n## ")[0]
    blocks: list[str] = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    return blocks[number]


def test_faults_of_api_calls(simulator: Simulator) -> None:
    found: dict[str, Any] = {"simulator": simulator}
    exec(example("When things go wrong"), found)
    assert found["fault"].id == 4
    assert simulator.control.faults() == []
    Calls(simulator)("GET", "/v1/customers")


def test_mishaps_of_webhooks(simulator: Simulator) -> None:
    call = Calls(simulator)
    call(
        "POST",
        "/v1/webhook_endpoints",
        url="https://shop.example/hook",
        enabled_events=["*"],
    )
    call.customer()
    exec(example("When things go wrong", 1), {"simulator": simulator})
    assert simulator.control.webhooks.mishaps() == []
    assert {one.status for one in simulator.list_deliveries()} == {"delivered"}


def test_every_verb_of_the_control_is_documented() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert {verb for verb in VERBS if f"`{verb.split('/')[-1]}`" not in text} == set()
