"""Reading os.environ, with clear errors."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

_WORDS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False, "": False}


def flag(name: str, *, default: bool = False) -> bool:
    """Raises ImproperlyConfigured for anything but 1/0, true/false, yes/no."""
    value = os.environ.get(name)
    if value is None:
        return default
    try:
        return _WORDS[value.strip().lower()]
    except KeyError:
        raise ImproperlyConfigured(f"{name} must be true or false, not {value!r}.") from None


def number(name: str, *, default: int) -> int:
    """Raises ImproperlyConfigured for what is not a whole number, zero or more."""
    value = os.environ.get(name, "").strip()
    if not value:
        return default
    if not (value.isascii() and value.isdigit()):
        raise ImproperlyConfigured(f"{name} must be a whole number, not {value!r}.")
    return int(value)


def words(name: str) -> list[str]:
    """What stands between the commas."""
    return [part.strip() for part in os.environ.get(name, "").split(",") if part.strip()]


def required(name: str) -> str:
    """Raises ImproperlyConfigured when the variable is missing or empty."""
    value = os.environ.get(name, "").strip()
    if not value:
        raise ImproperlyConfigured(f"Set {name} in the environment.")
    return value


def database(*, sqlite_path: Path) -> dict[str, Any]:
    """DATABASE_URL, or an SQLite file."""
    url = os.environ.get("DATABASE_URL", "").strip()
    if not url:
        return sqlite(sqlite_path)
    config: dict[str, Any] = dict(
        dj_database_url.parse(url, conn_max_age=60, conn_health_checks=True)
    )
    if config["ENGINE"] == "django.db.backends.sqlite3":
        return sqlite(config["NAME"])
    return config


def sqlite(path: Path | str) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        "OPTIONS": {
            # A web request and a webhook write at the same time: the second waits its turn from
            # the start of its transaction, where SQLite can still wait, instead of failing later.
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL",
        },
    }
