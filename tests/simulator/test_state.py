"""The state file: whose it is, and what a full disk or a kill leaves of it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from caixa_subscriptions.simulator import Simulator
from caixa_subscriptions.simulator.__main__ import main
from caixa_subscriptions.simulator.store import COLUMNS, Store
from tests.simulator.tools import Calls, Wall


def test_main_leaves_files_that_are_no_state_alone(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    foreign, noise = tmp_path / "shop.sqlite3", tmp_path / "noise"
    database = sqlite3.connect(foreign)
    database.execute("create table auth_user (id integer)")
    database.close()
    noise.write_bytes(b"no database " * 1000)
    for path, why in (
        (foreign, "something else"),
        (noise, "not a database"),
        (tmp_path, "unable to open"),
    ):
        before = path.read_bytes() if path.is_file() else b""
        assert main(["--port", "0", "--state", str(path)]) == 1
        assert why in capsys.readouterr().err
        assert before == (path.read_bytes() if path.is_file() else b"")


def test_main_tells_of_a_port_there_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--port", "99999"]) == 1
    assert "Port 99999 cannot be used" in capsys.readouterr().err


def test_a_full_disk_undoes_one_call_and_no_more(tmp_path: Path, wall: Wall) -> None:
    simulator = Simulator(state=tmp_path / "stripe.sqlite3", now=wall, default_clock=True)
    call = Calls(simulator)
    pages = simulator._store.execute("pragma page_count")[0][0]
    simulator._store.execute(f"pragma max_page_count = {pages + 4}")

    def create_many() -> None:
        for number in range(1000):
            call("POST", "/v1/customers", name="x" * 400 + str(number))

    with pytest.raises(sqlite3.OperationalError, match="full"):
        create_many()
    simulator._store.execute("pragma max_page_count = 1000000")
    created = len(simulator.list_objects("customer", limit=1000))
    assert len(simulator.list_events(limit=1000, type="customer.created")) == created
    assert call("POST", "/v1/customers", name="Ana")["name"] == "Ana"
    simulator.close()


def test_a_kill_in_the_middle_of_an_upgrade(
    tmp_path: Path, wall: Wall, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = tmp_path / "stripe.sqlite3"
    first = Simulator(state=state, now=wall, default_clock=True)
    Calls(first).customer()
    first.close()
    database = sqlite3.connect(state)
    indexes = database.execute("select name from sqlite_master where type = 'index'").fetchall()
    for (name,) in indexes:
        if not name.startswith("sqlite_"):
            database.execute(f"drop index {name}")
    for name in COLUMNS[1:]:  # as the first version had it
        database.execute(f"alter table objects drop column {name}")
    database.close()

    def killed(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Store, "put", killed)
        with pytest.raises(KeyboardInterrupt):
            Simulator(state=state, now=wall)
    second = Simulator(state=state, now=wall, default_clock=True)
    clock = second.default_clock_id
    assert len(Calls(second)("GET", "/v1/customers", test_clock=clock)["data"]) == 1
    second.close()
