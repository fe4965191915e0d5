"""The demo as its user runs it: one process, started by its own command."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

ROOT = Path(__file__).parent.parent.parent
START_SECONDS = 300  # of which nearly all are for migrations, on a busy machine


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Demo:
    """`manage.py demo` on a free port, with its data in a folder of its own."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        # Nothing but what a newcomer has: no variable that configures anything.
        environment = {
            name: value
            for name, value in os.environ.items()
            if not re.match(r"STRIPE_|DJSTRIPE_|DJANGO_|DATABASE_URL|SECRET_KEY|PYTEST|COV_", name)
        }
        environment |= {"DEMO_DATA_DIR": str(self.data), "PORT": str(self.port)}
        self.log = (self.data / "demo.log").open("a")
        self.process = subprocess.Popen(
            [sys.executable, "example_project/manage.py", "demo", "--port", str(self.port)],
            cwd=ROOT,
            env=environment,
            stdout=self.log,
            stderr=subprocess.STDOUT,
            text=True,
        )
        deadline = time.monotonic() + START_SECONDS
        while not self._is_up():
            assert self.process.poll() is None, (self.data / "demo.log").read_text()
            assert time.monotonic() < deadline, (self.data / "demo.log").read_text()
            time.sleep(0.2)

    def _is_up(self) -> bool:
        # The demo answers as soon as its socket is open and is ready once the prices are there.
        try:
            config = requests.get(f"{self.url}/api/subscriptions/config/", timeout=5)
        except requests.ConnectionError:
            return False
        return config.status_code == 200 and len(config.json()["prices"]) == 2

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(30)
            self.process = None
            self.log.close()


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    demo = Demo(tmp_path_factory.mktemp("demo"))
    try:
        demo.start()
        yield demo
    finally:
        demo.stop()


class Person:
    """Somebody with an account, by API alone."""

    counter = 0

    def __init__(self, demo: Demo) -> None:
        type(self).counter += 1
        self.demo = demo
        self.email = f"person{os.getpid()}-{self.counter}@example.com"
        self.password = "correct horse battery"
        self.http = requests.Session()

    def sign_up(self) -> None:
        answer = self.post("/api/register/", self.credentials)
        assert answer.status_code == 201, answer.text
        answer = self.post("/api/token/", self.credentials)
        assert set(answer.json()) == {"access", "refresh"}
        self.http.headers["Authorization"] = f"Bearer {answer.json()['access']}"

    @property
    def credentials(self) -> dict[str, str]:
        return {"email": self.email, "password": self.password}

    def get(self, path: str) -> requests.Response:
        return self.http.get(self.demo.url + path, timeout=30)

    def post(self, path: str, data: dict[str, Any] | None = None) -> requests.Response:
        return self.http.post(self.demo.url + path, json=data or {}, timeout=30)

    def check_out(self, price: str = "monthly") -> dict[str, Any]:
        answer = self.post("/api/subscriptions/checkout/", {"price": price})
        assert answer.status_code == 201, answer.text
        return answer.json()  # type: ignore[no-any-return]

    def status(self) -> dict[str, Any]:
        return self.get("/api/subscriptions/status/").json()  # type: ignore[no-any-return]

    def wait_for_status(self, status: str, *, seconds: float) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        while (found := self.status())["status"] != status:
            assert time.monotonic() < deadline, found
            time.sleep(0.05)
        return found


@pytest.fixture
def person(demo: Demo) -> Iterator[Person]:
    person = Person(demo)
    person.sign_up()
    yield person
    person.http.close()


API = {"Authorization": "Bearer sk_test_simulator000000000000000000"}


def stripe(demo: Demo, method: str, path: str, **data: Any) -> dict[str, Any]:
    answer = requests.request(method, demo.url + path, data=data, headers=API, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.json()  # type: ignore[no-any-return]


def advance(demo: Demo, *, hours: float) -> None:
    """By API, as any test of Stripe's clocks: advance, then wait until it is ready."""
    (clock,) = stripe(demo, "GET", "/v1/test_helpers/test_clocks")["data"]
    path = f"/v1/test_helpers/test_clocks/{clock['id']}"
    target = clock["frozen_time"] + int(hours * 3600)
    assert stripe(demo, "POST", f"{path}/advance", frozen_time=target)["status"] == "advancing"
    deadline = time.monotonic() + 30
    while stripe(demo, "GET", path)["status"] != "ready":
        assert time.monotonic() < deadline
        time.sleep(0.05)


FORM = re.compile(r"<form\b[^>]*>.*?</form>", re.DOTALL)
ATTRIBUTE = re.compile(r'([\w-]+)="([^"]*)"')


def submit(page: requests.Response, button: str, **fields: str) -> requests.Response:
    """Submit the form with this button, as a program that only reads HTML."""
    form = next(form for form in FORM.findall(page.text) if button in form)
    attributes = dict(ATTRIBUTE.findall(form.split(">", 1)[0]))
    data = {}
    for tag in re.findall(r"<(?:input|button)\b[^>]*>", form):
        values = dict(ATTRIBUTE.findall(tag))
        if "name" in values:
            data[values["name"]] = values.get("value", "")
    target = requests.compat.urljoin(page.url, attributes.get("action") or page.url)
    return requests.post(target, data=data | fields, allow_redirects=False, timeout=60)
