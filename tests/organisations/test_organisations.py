"""Teams pay instead of users. Django reads settings once, so they have a process of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

CASES = Path(__file__).parent / "cases.py"


def test_organisations_get_through_every_gate_and_endpoint() -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"),
            *("--ds", "tests.organisations.project.settings", str(CASES)),
        ],
        cwd=CASES.parents[2],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
