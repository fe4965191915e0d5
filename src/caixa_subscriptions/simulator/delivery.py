"""Signed webhooks from a persisted outbox (Stripe docs: webhooks)."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from caixa_subscriptions.simulator.expand import public
from caixa_subscriptions.simulator.store import Store
from caixa_subscriptions.simulator.versions import shaped_event

Transport = Callable[[str, Mapping[str, str], bytes], int]

TIMEOUT_SECONDS = 30.0
# Seconds until the next attempt; Stripe's own are longer and go on for three days.
BACKOFF = (1, 2, 5, 15, 60, 300, 1800, 3600, 3600, 7200, 14400, 28800)

# What people ask of deliveries, in SQL. A pending one that failed once is failing too.
OUTCOMES = {
    "failing": "status = 'failed' or (status = 'pending' and attempts > 0)",
    "pending": "status = 'pending'",
    "delivered": "status = 'delivered'",
}


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event on its way to one endpoint. Times are Unix seconds of the wall clock."""

    id: int
    event_id: str
    event_type: str
    object_id: str
    url: str
    status: str
    attempts: int
    response_status: int | None
    last_error: str
    created: int
    next_attempt_at: float


def sign(body: bytes, secret: str, timestamp: int) -> str:
    """`Stripe-Signature`, version 1: HMAC-SHA256 of `timestamp.body`."""
    signed = f"{timestamp}.".encode() + body
    return f"t={timestamp},v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"


def post(url: str, headers: Mapping[str, str], body: bytes) -> int:
    """The status an endpoint answers; raises OSError or HTTPException when it does not,
    ValueError for what is no URL."""
    parts = urlsplit(url)
    connection_class = (
        http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    )
    connection = connection_class(parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS)
    try:
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", target or "/", body=body, headers=dict(headers))
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()


class Outbox:
    """Delivers what is due, in order, at least once. Never holds the store while it waits."""

    def __init__(self, store: Store, transport: Transport) -> None:
        self.store = store
        self.transport = transport
        self._delivering = threading.Lock()
        self._changed = threading.Condition()

    def deliver_due(self, stopped: Callable[[], bool] = lambda: False) -> int:
        """Attempt everything due now, or until `stopped`; how many attempts were made."""
        attempts = 0
        with self._delivering:
            while not stopped() and (row := self._next()) is not None:
                self._attempt(row)
                attempts += 1
        return attempts

    def _next(self) -> dict[str, Any] | None:
        with self.store.transaction():
            rows = self.store.execute(
                "select * from deliveries where status = 'pending' and next_attempt_at <= ? "
                "order by id limit 1",
                (time.time(),),
            )
            if not rows:
                return None
            row = dict(rows[0])
            row["event"] = self.store.get(row["event_id"])
            row["endpoint"] = self.store.get(row["endpoint_id"])
            return row

    def _attempt(self, row: dict[str, Any]) -> None:
        status, error = None, ""
        endpoint = row["endpoint"]
        if endpoint is None or endpoint["status"] != "enabled" or row["event"] is None:
            self._record(row, "failed", None, "the endpoint is gone")
            return
        body = self._body(row["event"], endpoint["api_version"])
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Stripe/1.0 (simulated)",
            # Wall time, whatever the clock of the event: receivers refuse old signatures.
            "Stripe-Signature": sign(body, endpoint["_secret"], int(time.time())),
        }
        try:
            status = self.transport(endpoint["url"], headers, body)
        except (OSError, ValueError, http.client.HTTPException) as exception:
            error = type(exception).__name__
        except Exception as exception:  # of an injected transport: an error of whose it is
            self._record(row, "pending", None, type(exception).__name__)
            raise
        delivered = status is not None and 200 <= status < 300
        gives_up = row["attempts"] + 1 >= len(BACKOFF)
        self._record(
            row, "delivered" if delivered else "failed" if gives_up else "pending", status, error
        )

    def _body(self, event: dict[str, Any], version: str) -> bytes:
        with self.store.transaction():
            return json.dumps(
                shaped_event(public(event), version, self.store.get), indent=2
            ).encode()

    def _record(
        self, row: dict[str, Any], outcome: str, response_status: int | None, error: str
    ) -> None:
        delay = BACKOFF[min(row["attempts"], len(BACKOFF) - 1)]
        with self.store.transaction():
            self.store.execute(
                "update deliveries set status = ?, attempts = attempts + 1, response_status = ?, "
                "last_error = ?, next_attempt_at = ? where id = ?",
                (outcome, response_status, error, time.time() + delay, row["id"]),
            )
            event = self.store.get(row["event_id"])
            if event and outcome == "delivered":
                event["pending_webhooks"] = max(event["pending_webhooks"] - 1, 0)
                self.store.put(event)
        with self._changed:
            self._changed.notify_all()

    def next_due(self) -> float | None:
        """When the next attempt is due, by the wall clock."""
        with self.store.transaction():
            rows = self.store.execute(
                "select min(next_attempt_at) as due from deliveries where status = 'pending'"
            )
        due: float | None = rows[0]["due"]
        return due

    def resend(self, delivery_id: int) -> None:
        with self.store.transaction():
            self.store.execute(
                "update deliveries set status = 'pending', attempts = 0, next_attempt_at = 0 "
                "where id = ?",
                (delivery_id,),
            )

    def latest(
        self,
        *,
        limit: int,
        before: int | None = None,
        outcome: str | None = None,
        event: str | None = None,
    ) -> list[Delivery]:
        """Newest first: older than the delivery `before`, of one of `OUTCOMES`, of one event."""
        where: list[str] = ["1"]
        values: list[Any] = []
        if before is not None:
            where.append("id < ?")
            values.append(before)
        if outcome:
            where.append(f"({OUTCOMES[outcome]})")
        if event:
            where.append("event_id = ?")
            values.append(event)
        with self.store.transaction():
            rows = self.store.execute(
                f"select * from deliveries where {' and '.join(where)} order by id desc limit ?",  # noqa: S608  of our own making
                (*values, limit),
            )
            urls = {
                endpoint["id"]: endpoint["url"] for endpoint in self.store.all("webhook_endpoint")
            }
        return [
            Delivery(
                id=row["id"],
                event_id=row["event_id"],
                event_type=row["event_type"],
                object_id=row["object_id"],
                url=urls.get(row["endpoint_id"], ""),
                status=row["status"],
                attempts=row["attempts"],
                response_status=row["response_status"],
                last_error=row["last_error"],
                created=row["created"],
                next_attempt_at=row["next_attempt_at"],
            )
            for row in rows
        ]

    def counts(self) -> dict[str, int]:
        sums = ", ".join(f"sum({test}) as {name}" for name, test in OUTCOMES.items())
        with self.store.transaction():
            rows = self.store.execute(f"select {sums} from deliveries")  # noqa: S608  of our own making
        return {name: rows[0][name] or 0 for name in OUTCOMES}

    def wait_for(self, event_type: str, object_id: str, *, timeout: float) -> bool:
        """Until every endpoint that wants the event has answered 2xx; whether they did."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                statuses = self._statuses(event_type, object_id)
                if statuses <= {"delivered"}:
                    return True
                left = deadline - time.monotonic()
                if left <= 0 or "pending" not in statuses:
                    return False
                self._changed.wait(min(left, 0.5))

    def _statuses(self, event_type: str, object_id: str) -> set[str]:
        with self.store.transaction():
            rows = self.store.execute(
                "select distinct status from deliveries where event_type = ? and object_id = ?",
                (event_type, object_id),
            )
        return {row["status"] for row in rows}
