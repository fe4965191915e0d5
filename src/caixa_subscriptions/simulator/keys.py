"""Who may call: any test key, no live one."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping

from caixa_subscriptions.simulator.errors import StripeError

_KEY = re.compile(r"(sk|rk)_test_[A-Za-z0-9_]{8,}")


def authenticate(headers: Mapping[str, str]) -> None:
    """Raises Stripe's 401; header names in lower case."""
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    key = credentials.strip()
    if scheme.lower() == "basic":
        key = _basic_user(key)
    if not key:
        raise StripeError(
            401,
            "You did not provide an API key. You need to provide your API key in the "
            "Authorization header, using Bearer auth (e.g. 'Authorization: Bearer "
            "YOUR_SECRET_KEY').",
        )
    if "_live_" in key:
        raise StripeError(
            401, "This is a simulator: it refuses live keys. Use an invented test key."
        )
    if not _KEY.fullmatch(key):
        raise StripeError(401, f"Invalid API Key provided: {key[:8]}***{key[-4:]}")


def _basic_user(credentials: str) -> str:
    try:
        return base64.b64decode(credentials, validate=True).decode().split(":")[0]
    except ValueError:
        return ""
