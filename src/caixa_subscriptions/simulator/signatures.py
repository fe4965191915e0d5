"""`Stripe-Signature`, and the secrets it is made with (Stripe docs: webhooks/signature)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Any

MAX_OVERLAP = 24 * 3600  # seconds for which an old secret can go on signing
_DECOY = "what test mode signs `v0` with is nobody's secret"


def sign(body: bytes, secrets: Sequence[str], timestamp: int) -> str:
    """One `v1` for each secret, HMAC-SHA256 of `timestamp.body`, and the `v0` that events of test
    mode carry, which proves nothing."""
    signed = f"{timestamp}.".encode() + body
    schemes = [("v1", secret) for secret in secrets] + [("v0", _DECOY)]
    signatures = [
        f"{scheme}={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"
        for scheme, secret in schemes
    ]
    return ",".join([f"t={timestamp}", *signatures])


def secrets_of(endpoint: Mapping[str, Any], now: float) -> list[str]:
    """Those that sign at the moment, the newest first; `now` in Unix seconds."""
    old = endpoint.get("_old_secrets", [])
    return [endpoint["_secret"], *(one["secret"] for one in old if one["until"] > now)]


def rolled(endpoint: Mapping[str, Any], secret: str, *, now: float, overlap: int) -> dict[str, Any]:
    """What changes of an endpoint that gets a new secret. Raises ValueError for an `overlap` over
    24 hours."""
    if not 0 <= overlap <= MAX_OVERLAP:
        raise ValueError(f"an old secret expires after 0 to {MAX_OVERLAP} seconds")
    old = [{"secret": endpoint["_secret"], "until": now + overlap}] if overlap else []
    return {"_secret": secret, "_old_secrets": old}
