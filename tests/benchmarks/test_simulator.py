"""The benchmark of the simulator runs and prints its table; how fast is not tested here."""

from __future__ import annotations

import pytest

from benchmarks import simulator
from benchmarks.simulator import Row, main


def test_a_quick_run_prints_every_figure(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--quick"]) == 0
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


@pytest.mark.parametrize(("met", "status"), [(True, 0), (False, 1)])
def test_a_missed_target_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], met: bool, status: int
) -> None:
    rows = [Row("bare", "1 /s"), Row("calls", "499 /s", target=">= 500 /s", met=met)]
    monkeypatch.setattr(simulator, "measure", lambda quick: iter(rows))
    assert main([]) == status
    assert ("MISSED" in capsys.readouterr().out) is not met
