"""Signing a webhook as Stripe does (Stripe docs: webhooks, verify manually)."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from typing import Any


def signed(event: dict[str, Any], *, secret: str) -> dict[str, Any]:
    """Keyword arguments for `Client.post`."""
    body = json.dumps(event)
    timestamp = int(time.time())
    digest = hmac.new(secret.encode(), f"{timestamp}.{body}".encode(), hashlib.sha256).hexdigest()
    return {
        "data": body,
        "content_type": "application/json",
        "headers": {"Stripe-Signature": f"t={timestamp},v1={digest}"},
    }
