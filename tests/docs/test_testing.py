"""The page on testing, word for word: its blocks are carried out in the quickstart's project."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.docs.test_quickstart import BLOCK, PAGE, Reader, commands, wheel

__all__ = ["wheel"]

pytestmark = pytest.mark.packaging


def test_the_page_on_testing_works_word_for_word(wheel: Path, tmp_path: Path) -> None:
    pages = [PAGE.read_text().partition("Start the simulator")[0]]
    pages.append(PAGE.with_name("testing.md").read_text())
    outputs: list[str] = []
    with ExitStack() as terminals:
        reader = Reader(tmp_path, wheel, terminals)
        for match in BLOCK.finditer("".join(pages)):
            if match["language"] == "console":
                outputs += reader.type(commands(match["text"]))
            else:
                reader.write(match["caption"], match["text"])
    assert "5 passed" in outputs[-1]
