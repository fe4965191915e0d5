from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from example_project.settings import environment

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize(
    ("value", "expected"), [("1", True), ("Yes", True), (" true ", True), ("0", False), ("", False)]
)
def test_a_flag(monkeypatch: pytest.MonkeyPatch, value: str, expected: bool) -> None:
    monkeypatch.setenv("A_FLAG", value)
    assert environment.flag("A_FLAG") is expected


def test_a_flag_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_FLAG", "maybe")
    with pytest.raises(ImproperlyConfigured, match="A_FLAG must be true or false, not 'maybe'"):
        environment.flag("A_FLAG")
    monkeypatch.delenv("A_FLAG")
    assert environment.flag("A_FLAG", default=True) is True


def test_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    assert environment.number("A_NUMBER", default=3) == 3
    monkeypatch.setenv("A_NUMBER", " 42 ")
    assert environment.number("A_NUMBER", default=3) == 42
    for wrong in ("4.2", "-1", "²", "many"):
        monkeypatch.setenv("A_NUMBER", wrong)
        with pytest.raises(ImproperlyConfigured, match="A_NUMBER must be a whole number"):
            environment.number("A_NUMBER", default=3)


def test_words_and_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME", "a.example, b.example,,")
    assert environment.words("SOME") == ["a.example", "b.example"]
    assert environment.words("NONE_OF_THESE") == []
    assert environment.required("SOME") == "a.example, b.example,,"
    with pytest.raises(ImproperlyConfigured, match="Set NONE_OF_THESE in the environment"):
        environment.required("NONE_OF_THESE")


def test_the_database(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    file = environment.database(sqlite_path=tmp_path / "db.sqlite3")
    assert file["NAME"] == tmp_path / "db.sqlite3"
    assert file["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    monkeypatch.setenv("DATABASE_URL", "sqlite:////data/other.sqlite3")
    assert environment.database(sqlite_path=tmp_path) == file | {"NAME": "/data/other.sqlite3"}
    monkeypatch.setenv("DATABASE_URL", "postgres://me:secret@db.example:5433/shop")
    server = environment.database(sqlite_path=tmp_path)
    assert server["ENGINE"] == "django.db.backends.postgresql"
    assert (server["HOST"], server["PORT"], server["NAME"]) == ("db.example", 5433, "shop")
    assert server["CONN_HEALTH_CHECKS"] is True


def run_check(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """`manage.py check` with nothing in the environment but these variables."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    return subprocess.run(
        [sys.executable, "example_project/manage.py", "check", *arguments],
        cwd=ROOT,
        env=kept | variables,
        capture_output=True,
        text=True,
        timeout=120,
    )


PRODUCTION = {
    "SECURE_HSTS_INCLUDE_SUBDOMAINS": "true",
    "SECURE_HSTS_PRELOAD": "true",
    "DJANGO_SETTINGS_MODULE": "example_project.settings.production",
    "SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz" * 2,
    "TRIAL_PEPPERS": "fedcba9876543210" * 3,
    "ALLOWED_HOSTS": "reports.example",
    "CSRF_TRUSTED_ORIGINS": "https://reports.example",
    "STRIPE_LIVE_MODE": "true",
    "STRIPE_LIVE_SECRET_KEY": "sk_" + "live_" + "a" * 30,
    "STRIPE_LIVE_PUBLIC_KEY": "pk_" + "live_" + "a" * 30,
}


def test_production_is_ready_to_be_deployed(tmp_path: Path) -> None:
    database = {"DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3"}
    result = run_check("--deploy", "--fail-level", "WARNING", **PRODUCTION, **database)
    assert result.returncode == 0, result.stderr
    assert "no issues" in result.stdout


@pytest.mark.parametrize("missing", ["SECRET_KEY", "ALLOWED_HOSTS", "DATABASE_URL"])
def test_production_says_what_is_missing(tmp_path: Path, missing: str) -> None:
    variables = PRODUCTION | {"DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3"}
    del variables[missing]
    result = run_check(**variables)
    assert result.returncode != 0
    assert f"Set {missing} in the environment." in result.stderr


def test_the_demo_needs_nothing_in_the_environment(tmp_path: Path) -> None:
    result = run_check(DEMO_DATA_DIR=str(tmp_path))
    assert result.returncode == 0, result.stderr
    key = (tmp_path / "secret_key").read_text()
    assert len(key) >= 50
    assert run_check(DEMO_DATA_DIR=str(tmp_path)).returncode == 0
    assert (tmp_path / "secret_key").read_text() == key
