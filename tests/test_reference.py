"""Whether the recordings may be missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.reference import required_folder


@pytest.mark.parametrize("named", [True, False])
def test_a_missing_folder_skips_or_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, named: bool
) -> None:
    monkeypatch.delenv("STRIPE_REFERENCE_DIR", raising=False)
    if named:  # an empty one is as good as none
        monkeypatch.setenv("STRIPE_REFERENCE_DIR", str(tmp_path))
    monkeypatch.delenv("REQUIRE_REFERENCE", raising=False)
    with pytest.raises(pytest.skip.Exception):
        required_folder()
    monkeypatch.setenv("REQUIRE_REFERENCE", "1")
    with pytest.raises(pytest.fail.Exception):
        required_folder()


def test_a_folder_with_recordings_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "recorded").mkdir()
    (tmp_path / "recorded" / "one.json").write_text("[]")
    monkeypatch.setenv("STRIPE_REFERENCE_DIR", str(tmp_path))
    assert required_folder() == tmp_path / "recorded"
