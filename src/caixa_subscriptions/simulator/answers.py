"""Answers, and those kept for their idempotency key (Stripe docs: api/idempotent_requests)."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from caixa_subscriptions.simulator.errors import StripeError, invalid
from caixa_subscriptions.simulator.faults import MESSAGES
from caixa_subscriptions.simulator.store import Store

KEPT_SECONDS = 24 * 3600
MAX_KEY = 255


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP answer; `body` is the decoded JSON."""

    status: int
    headers: dict[str, str]
    body: dict[str, Any]


class InFlight:
    """Idempotency keys whose first call is still running."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._keys: set[str] = set()

    @contextmanager
    def claim(self, key: str | None) -> Iterator[StripeError | None]:
        """The 409 to answer, when another call has the key."""
        with self._lock:
            taken = key in self._keys
            if key and not taken:
                self._keys.add(key)
        if taken:
            message = MESSAGES["idempotency_key_in_use"].format(key=key)
            yield StripeError(409, message, code="idempotency_key_in_use")
            return
        try:
            yield None
        finally:
            with self._lock:
                self._keys.discard(key or "")


def fingerprint(method: str, path: str, params: Mapping[str, Any]) -> str:
    canonical = json.dumps([method, path, params], sort_keys=True, default=str)
    return hashlib.sha256(canonical.encode()).hexdigest()


def kept(store: Store, key: str, call: str, *, now: int) -> Response | None:
    """What was answered under this key within a day of `now`, Unix seconds; raises StripeError
    when it was for another `call`."""
    if len(key) > MAX_KEY:
        raise invalid(f"Idempotency keys can have at most {MAX_KEY} characters.")
    rows = store.execute(
        "select * from idempotency where key = ? and created > ?",
        (key, now - KEPT_SECONDS),
    )
    if not rows:
        return None
    if rows[0]["fingerprint"] != call:
        raise StripeError(
            400,
            "Keys for idempotent requests can only be used with the same parameters they "
            f"were first used with. Try using a key other than '{key}' if you meant to "
            "execute a different request.",
            type="idempotency_error",
        )
    headers = json.loads(rows[0]["headers"]) | {"Idempotent-Replayed": "true"}
    return Response(rows[0]["status"], headers, json.loads(rows[0]["body"]))


def keep(store: Store, key: str, call: str, response: Response, *, now: int) -> None:
    store.execute(
        "insert or replace into idempotency "
        "(key, created, fingerprint, status, headers, body) values (?, ?, ?, ?, ?, ?)",
        (
            key,
            now,
            call,
            response.status,
            json.dumps(response.headers),
            json.dumps(response.body),
        ),
    )
