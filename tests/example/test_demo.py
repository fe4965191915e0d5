"""The demo's parts; its whole is walked through in tests/e2e."""

from __future__ import annotations

import datetime as dt
import io
import os
import signal
import socket
import threading
from pathlib import Path
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from caixa_subscriptions.simulator import Simulator
from example_project import clock, simulator, wsgi
from example_project.reports.management.commands import demo


def test_the_demo_wants_its_own_settings() -> None:
    with pytest.raises(CommandError, match=r"example_project\.settings\.demo"):
        call_command("demo", port=8000)


def test_a_port_that_is_taken(settings: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings.DEMO_PORT = taken.getsockname()[1]
        with pytest.raises(CommandError, match=r"cannot be used.*PORT=8001 make demo"):
            call_command("demo", port=settings.DEMO_PORT)


def test_a_port_that_does_not_exist(settings: Any) -> None:
    settings.DEMO_PORT = 99999
    with pytest.raises(CommandError, match="Port 99999 cannot be used"):
        call_command("demo", port=99999)


def test_only_one_demo_runs_on_the_same_data(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with (
        demo._only_one_on(folder),
        pytest.raises(CommandError, match="Another demo is running"),
        demo._only_one_on(folder),
    ):
        pytest.fail("the second one got in")
    with demo._only_one_on(folder):
        pass


def test_a_reset_removes_the_demos_own_files_only(settings: Any, tmp_path: Path) -> None:
    settings.SIMULATOR_STATE = tmp_path / "simulator.sqlite3"
    for name in ("db.sqlite3", "db.sqlite3-wal", "simulator.sqlite3", "secret_key"):
        (tmp_path / name).touch()
    demo._remove_data(database=tmp_path / "db.sqlite3")
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]
    demo._remove_data(database=tmp_path / "db.sqlite3")
    with pytest.raises(CommandError, match="unset DATABASE_URL"):
        demo._remove_data(database="shop")


def test_seeding_twice_makes_one_of_each(stripe_api: Simulator) -> None:
    for _time in range(2):
        demo._seed_stripe()
    [product] = stripe_api.list_objects("product")
    prices = {price["lookup_key"]: price for price in stripe_api.list_objects("price")}
    assert product["name"] == "Reports"
    assert {name: price["unit_amount"] for name, price in prices.items()} == {
        "reports_monthly": 900,
        "reports_yearly": 9000,
    }
    assert {price["product"] for price in prices.values()} == {product["id"]}
    assert len(stripe_api.list_objects("price")) == 2


def test_seeding_completes_what_a_kill_left_half_done(
    stripe_api: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(demo, "PRICES", demo.PRICES[:1])
        demo._seed_stripe()
    demo._seed_stripe()
    assert len(stripe_api.list_objects("product")) == 1
    assert len(stripe_api.list_objects("price")) == 2


def test_an_endpoint_lost_by_a_kill_is_removed(stripe_api: Simulator) -> None:
    client = demo._client()
    kept = [
        client.v1.webhook_endpoints.create({"url": url, "enabled_events": ["*"]}).url
        for url in (
            "http://127.0.0.1:8000/stripe/webhook/11111111-aaaa/",
            "http://127.0.0.1:9000/of-somebody-else/",
        )
    ]
    client.v1.webhook_endpoints.create(
        {"url": "http://127.0.0.1:8001/stripe/webhook/22222222-bbbb/", "enabled_events": ["*"]}
    )
    demo._remove_lost_endpoints(kept[0])
    left = [endpoint["url"] for endpoint in stripe_api.list_objects("webhook_endpoint")]
    assert sorted(left) == sorted(kept)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_waits_until_it_is_told_to_end(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    timer = threading.Timer(0.05, os.kill, [os.getpid(), number])
    timer.start()
    demo._wait_for_the_end()
    timer.join()
    assert signal.getsignal(number) is before


@pytest.fixture
def simulated(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    settings.SIMULATOR_STATE = tmp_path / "simulator.sqlite3"
    monkeypatch.setattr(simulator, "_simulator", None)
    yield
    simulator.get_simulator().close()


def test_the_clock_is_the_simulators(simulated: Any) -> None:
    stripe = simulator.get_simulator()
    assert simulator.get_simulator() is stripe
    before = clock.now()
    assert before.utcoffset() == dt.timedelta(0)
    assert stripe.default_clock_id is not None
    stripe.advance_clock(stripe.default_clock_id, stripe.now() + 86400, wait=True)
    assert clock.now() - before == dt.timedelta(days=1)


def test_the_simulator_answers_beside_the_site(simulated: Any) -> None:
    def site(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [b"the site"]

    application = wsgi._with_simulator(site)

    def get(path: str) -> bytes:
        environ: dict[str, Any] = {"PATH_INFO": path, "wsgi.input": io.BytesIO()}
        setup_testing_defaults(environ)
        return b"".join(application(environ, lambda status, headers: None))

    assert get("/") == b"the site"
    assert get("/v1") == b"the site"
    assert get("/simulators/") == b"the site"
    assert b"Simulated Stripe" in get("/simulator/")
    assert b"invalid_request_error" in get("/v1/account")
    assert get("/simulator") == b""


def test_without_a_simulator_the_site_is_alone() -> None:
    assert wsgi.application.__class__.__name__ == "WSGIHandler"
