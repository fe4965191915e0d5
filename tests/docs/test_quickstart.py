"""The quickstart, word for word: every block of the page is carried out in an empty folder."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import requests

from tests.e2e.conftest import free_port, submit

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "docs" / "quickstart.md"
BLOCK = re.compile(
    r"^```(?:\{code-block\} )?(?P<language>\w+)\n(?::caption: (?P<caption>[^\n]+)\n\n)?"
    r"(?P<text>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)

pytestmark = pytest.mark.packaging


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", folder, ROOT],
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("*.whl")
    return built


def commands(text: str) -> list[str]:
    return [line.removeprefix("$ ") for line in text.splitlines() if line.startswith("$ ")]


class Reader:
    """Somebody who follows the page: types what it says, keeps terminals open."""

    def __init__(self, folder: Path, wheel: Path, terminals: ExitStack) -> None:
        self.folder = folder
        self.terminals = terminals
        # As found by `pip install caixa-subscriptions` once it is released.
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if name in ("HOME", "LANG", "PATH", "TMPDIR") or name.startswith("PIP_")
        } | {"PIP_FIND_LINKS": str(wheel.parent), "PYTHONUNBUFFERED": "1"}
        # The page's own ports may be taken on this machine.
        self.ports = {"12111": str(free_port()), "8000": str(free_port())}

    def adapt(self, text: str) -> str:
        for written, free in self.ports.items():
            text = re.sub(rf"(?<=127\.0\.0\.1:){written}|(?<=--port ){written}", free, text)
        return text.replace("python3 -m venv", f"{sys.executable} -m venv")

    def write(self, caption: str, text: str) -> None:
        name, _, where = caption.partition(", ")
        path = self.folder / name
        if where == "at the end":
            text = path.read_text() + text
        path.write_text(self.adapt(text))

    def type(self, lines: list[str]) -> list[str]:
        """In one terminal, so that an activated environment stays so; the output of each line."""
        outputs = []
        for line in lines:
            active = ". venv/bin/activate; " if (self.folder / "venv").exists() else ""
            done = subprocess.run(
                ["bash", "-ec", active + self.adapt(line)],
                cwd=self.folder,
                env=self.environment,
                capture_output=True,
                text=True,
                timeout=300,
            )
            assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
            outputs.append(done.stdout)
        return outputs

    def open_terminal(self, lines: list[str], port: str) -> None:
        self.terminals.enter_context(self._terminal("; ".join(lines)))
        deadline = time.monotonic() + 60
        while True:
            try:
                requests.get(f"http://127.0.0.1:{self.ports[port]}/", timeout=5)
            except requests.ConnectionError:
                assert time.monotonic() < deadline, "nothing answers"
                time.sleep(0.1)
            else:
                return

    @contextmanager
    def _terminal(self, script: str) -> Iterator[None]:
        process = subprocess.Popen(
            ["bash", "-ec", self.adapt(script)],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)


def test_the_quickstart_works_word_for_word(wheel: Path, tmp_path: Path) -> None:
    blocks = [match.groupdict() for match in BLOCK.finditer(PAGE.read_text())]
    shown = [json.loads(block["text"]) for block in blocks if block["language"] == "json"]
    outputs: list[str] = []
    with ExitStack() as terminals:
        reader = Reader(tmp_path, wheel, terminals)
        for block in blocks:
            caption, lines = block["caption"], commands(block["text"])
            if block["language"] == "python":
                reader.write(caption, block["text"])
            elif caption == "second terminal":
                reader.open_terminal(lines, "12111")
            elif caption == "third terminal":
                reader.open_terminal(lines, "8000")
            elif block["language"] == "console":
                outputs += reader.type(lines)
                if "/checkout/" in lines[0]:
                    # "open the url it answers in a browser, and start the trial with the card"
                    page = requests.get(json.loads(outputs[-1])["url"], timeout=30)
                    card = "4242 4242 4242 4242"
                    assert submit(page, "Start trial", card_number=card).status_code == 303

    refused, session, report, status = (json.loads(output) for output in outputs[-4:])
    (promised,) = shown
    assert refused == json.loads(reader.adapt(json.dumps(promised)))
    assert session["trial_days"] == 7
    assert report == {"answer": 42}
    assert status["status"] == "trialing"
