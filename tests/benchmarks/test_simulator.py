"""The benchmark of the simulator runs and prints its table; how fast is not tested here."""

from __future__ import annotations

import pytest

from benchmarks.simulator import main


def test_a_quick_run_prints_every_figure(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--quick"])
    lines = capsys.readouterr().out.splitlines()
    assert [line[:50].strip() for line in lines] == [
        "",
        "bare json.dumps and json.loads of the answers",
        "calls by simulator.request",
        "calls by the official SDK",
        "a month of 10 subscriptions",
        "a month of 20 subscriptions",
        "a customer with a card and a paid subscription",
    ]
    assert not [line for line in lines if "MISSED" in line]
