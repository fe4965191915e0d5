"""Stripe's official SDKs take the HTTP server for Stripe: one scripted life, in each of them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from caixa_subscriptions.simulator import Simulator
from caixa_subscriptions.simulator.server import serve
from caixa_subscriptions.simulator.wsgi import SimulatorApplication

HERE = Path(__file__).parent
STEPS = [
    "clock",
    "customer",
    "card",
    "product",
    "price",
    "checkout",
    "declined on the page",
    "paid on the page",
    "trial",
    "to the trial's end",
    "first payment",
    "to the renewal",
    "renewal",
    "to a decline",
    "decline",
    "declined again",
    "recovery",
    "to mid-period",
    "plan change",
    "to the dearer renewal",
    "dearer renewal",
    "cancel",
    "events",
    "clean up",
]

pytestmark = pytest.mark.e2e


@contextmanager
def simulated() -> Iterator[str]:
    """The URL of a fresh simulator."""
    with Simulator(seed=1) as simulator:
        server = serve(SimulatorApplication(simulator))
        yield server.url
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def node_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the script and the SDK."""
    missing = [program for program in ("node", "npm") if shutil.which(program) is None]
    if missing:
        message = f"not on this machine: {', '.join(missing)} (apt-get install nodejs npm)"
        if os.environ.get("REQUIRE_NODE"):
            pytest.fail(message)
        pytest.skip(message)
    folder = tmp_path_factory.mktemp("node")
    for name in (".npmrc", "lifecycle.mjs", "package-lock.json", "package.json"):
        shutil.copy(HERE / name, folder)
    run(["npm", "ci", "--no-audit", "--no-fund"], folder)
    return folder


def run(command: list[str], folder: Path) -> list[str]:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout.splitlines()


def in_python() -> list[str]:
    with simulated() as url:
        return run([sys.executable, "lifecycle.py", url], HERE)


def test_the_python_sdk_lives_through_it() -> None:
    assert [line.partition(":")[0] for line in in_python()] == STEPS


def test_the_node_sdk_sees_the_same(node_project: Path) -> None:
    with simulated() as url:
        in_node = run(["node", "lifecycle.mjs", url], node_project)
    assert in_node == in_python()
