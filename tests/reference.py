"""The recordings of Stripe's test mode, which are no part of this project."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def folder() -> Path | None:
    """Named by STRIPE_REFERENCE_DIR."""
    named = os.environ.get("STRIPE_REFERENCE_DIR")
    return Path(named, "recorded") if named else None


def required_folder() -> Path:
    """Skips the test where there are no recordings, or fails it with REQUIRE_REFERENCE."""
    found = folder()
    if found is not None and any(found.glob("*.json")):
        return found
    message = "STRIPE_REFERENCE_DIR holds no recordings of Stripe's test mode"
    if os.environ.get("REQUIRE_REFERENCE"):
        pytest.fail(message)
    pytest.skip(message)
