"""Signed webhooks from a persisted outbox (Stripe docs: webhooks)."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from sqlite3 import Row
from typing import Any

from caixa_subscriptions.simulator.errors import invalid
from caixa_subscriptions.simulator.expand import coupon_of, public
from caixa_subscriptions.simulator.mishaps import Mishaps
from caixa_subscriptions.simulator.objects import DAY, HOUR
from caixa_subscriptions.simulator.objects.events import KEPT_DAYS
from caixa_subscriptions.simulator.options import kept_option
from caixa_subscriptions.simulator.signatures import secrets_of, sign
from caixa_subscriptions.simulator.store import Store
from caixa_subscriptions.simulator.transport import Transport
from caixa_subscriptions.simulator.versions import shaped_event

# Seconds from one attempt to the next, by the option `webhook_retries`. Stripe tells no figures but
# the three days of live mode and the three attempts of a sandbox, within a few hours.
BACKOFF: dict[str, tuple[int, ...]] = {
    "quick": (1, 2, 5, 15, 60, 300, 1800, 3600, 3600, 7200, 14400),
    "test": (HOUR, 2 * HOUR),
    "live": tuple(
        minutes * 60 for minutes in (5, 15, 30, 60, 120, 240, 480, 720, 720, 720, 720, 480)
    ),
}
RESEND_DAYS = 15  # from the dashboard

# What people ask of deliveries, in SQL. A pending one that failed once is failing too; a held one
# waits for a test to release it.
OUTCOMES = {
    "failing": "status = 'failed' or (status = 'pending' and attempts > 0)",
    "pending": "status in ('pending', 'held')",
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


class Outbox:
    """Delivers what is due, in order, at least once. Never holds the store while it waits."""

    def __init__(self, store: Store, transport: Transport) -> None:
        self.store = store
        self.transport = transport
        self.mishaps = Mishaps()
        self._delivering = threading.Lock()
        self._changed = threading.Condition()

    def deliver_due(self, stopped: Callable[[], bool] = lambda: False) -> int:
        """Attempt everything due now, or until `stopped`; how many attempts were made."""
        attempts = 0
        with self._delivering:
            while not stopped() and (row := self._next()) is not None:
                attempts += self._attempt(row)
        return attempts

    def release(self, delivery_ids: Sequence[int]) -> int:
        """Attempt held deliveries now, in the order given; how many attempts were made."""
        attempts = 0
        with self._delivering:
            for delivery_id in delivery_ids:
                with self.store.transaction():
                    rows = self.store.execute(
                        "select * from deliveries where id = ? and status = 'held'", (delivery_id,)
                    )
                    row = self._complete(rows[0]) if rows else None
                if row:
                    attempts += self._attempt(row, disturbed=False)
        return attempts

    def _next(self) -> dict[str, Any] | None:
        due = "status = 'pending' and next_attempt_at <= ?"
        with self.store.transaction():
            if self.mishaps.shuffled is None:
                rows = self.store.execute(
                    f"select * from deliveries where {due} order by id limit 1",  # noqa: S608
                    (time.time(),),
                )
            else:
                ids = self.store.execute(
                    f"select id from deliveries where {due}",  # noqa: S608
                    (time.time(),),
                )
                first = min((row["id"] for row in ids), key=self.mishaps.place, default=None)
                rows = self.store.execute("select * from deliveries where id = ?", (first,))
            return self._complete(rows[0]) if rows else None

    def _complete(self, found: Row) -> dict[str, Any]:
        row = dict(found)
        row["event"] = self.store.get(row["event_id"])
        row["endpoint"] = self.store.get(row["endpoint_id"])
        return row

    def _attempt(self, row: dict[str, Any], *, disturbed: bool = True) -> int:
        """How many attempts it was."""
        endpoint = row["endpoint"]
        if endpoint is None or endpoint["status"] != "enabled" or row["event"] is None:
            self._record(row, "failed", None, "the endpoint is gone")
            return 1
        mishap = self.mishaps.take(row, endpoint) if disturbed else None
        if mishap and mishap.kind in ("hold", "delay"):
            held = mishap.kind == "hold"
            self._put_off(row, "held" if held else "pending", time.time() + mishap.seconds)
            return 0
        if mishap and mishap.kind == "drop":
            self._record(row, "failed", None, "lost by the control")
            return 1
        if mishap and mishap.kind == "fail":
            self._judge(row, mishap.status, "" if mishap.status else "ConnectionRefusedError")
            return 1
        sent = 1 + (mishap.copies if mishap else 0)
        for _ in range(sent):
            status, error = self._send(row, endpoint)
        self._judge(row, status, error)
        return sent

    def _send(self, row: dict[str, Any], endpoint: dict[str, Any]) -> tuple[int | None, str]:
        body = self._body(row["event"], endpoint["api_version"])
        # Wall time, whatever the clock of the event: receivers refuse old signatures.
        now = time.time()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Stripe/1.0 (simulated)",
            "Stripe-Signature": sign(body, secrets_of(endpoint, now), int(now)),
        }
        try:
            return self.transport(endpoint["url"], headers, body), ""
        except (OSError, ValueError, http.client.HTTPException) as exception:
            return None, type(exception).__name__
        except Exception as exception:  # of an injected transport: an error of whose it is
            self._record(row, "pending", None, type(exception).__name__)
            raise

    def _body(self, event: dict[str, Any], version: str) -> bytes:
        with self.store.transaction():
            coupon = partial(coupon_of, self.store)
            return json.dumps(shaped_event(public(event), version, coupon), indent=2).encode()

    def _judge(self, row: dict[str, Any], status: int | None, error: str) -> None:
        delivered = status is not None and 200 <= status < 300
        gives_up = row["attempts"] >= len(self._backoff())
        outcome = "delivered" if delivered else "failed" if gives_up else "pending"
        self._record(row, outcome, status, error)

    def _backoff(self) -> tuple[int, ...]:
        with self.store.transaction():
            return BACKOFF[str(kept_option(self.store, "webhook_retries"))]

    def _put_off(self, row: dict[str, Any], status: str, until: float) -> None:
        with self.store.transaction():
            self.store.execute(
                "update deliveries set status = ?, next_attempt_at = ? where id = ?",
                (status, until, row["id"]),
            )
        with self._changed:
            self._changed.notify_all()

    def _record(
        self, row: dict[str, Any], outcome: str, response_status: int | None, error: str
    ) -> None:
        pauses = self._backoff()
        delay = pauses[min(row["attempts"], len(pauses) - 1)]
        with self.store.transaction():
            self.store.execute(
                "update deliveries set status = ?, attempts = attempts + 1, response_status = ?, "
                "last_error = ?, next_attempt_at = ? where id = ?",
                (outcome, response_status, error, time.time() + delay, row["id"]),
            )
            event = self.store.get(row["event_id"])
            if event and outcome == "delivered":
                left = self.store.execute(
                    "select count(*) as n from deliveries "
                    "where event_id = ? and status != 'delivered'",
                    (event["id"],),
                )
                event["pending_webhooks"] = left[0]["n"]
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

    def resend(self, delivery_id: int, *, now: int) -> None:
        """As from the dashboard. Raises StripeError 400 after 15 days; `now` by the wall clock."""
        with self.store.transaction():
            rows = self.store.execute("select * from deliveries where id = ?", (delivery_id,))
            if rows and rows[0]["created"] < now - RESEND_DAYS * DAY:
                raise invalid(f"Events can be resent for {RESEND_DAYS} days.")
            self._again("id = ?", delivery_id)

    def resend_event(self, event: Mapping[str, Any], endpoint_id: str | None, *, now: int) -> None:
        """To all endpoints that had it, or to one, even if it never had it. Raises StripeError 400
        after 30 days; `now` by the wall clock."""
        with self.store.transaction():
            if event.get("_stored", event["created"]) < now - KEPT_DAYS * DAY:
                raise invalid(f"Events can be resent for {KEPT_DAYS} days.")
            if endpoint_id is None:
                self._again("event_id = ?", event["id"])
            elif not self._again("event_id = ? and endpoint_id = ?", event["id"], endpoint_id):
                self.store.queue(event, endpoint_id, created=now)

    def retry_now(self) -> None:
        """What failed and waits for its next attempt waits no more."""
        with self.store.transaction():
            self.store.execute("update deliveries set next_attempt_at = 0 where status = 'pending'")

    def _again(self, which: str, *values: object) -> bool:
        """Whether there were such deliveries."""
        found = self.store.execute(f"select id from deliveries where {which}", values)  # noqa: S608
        self.store.execute(
            "update deliveries set status = 'pending', attempts = 0, next_attempt_at = 0 "  # noqa: S608
            f"where {which}",
            values,
        )
        return bool(found)

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
            urls = self._urls()
        return [_delivery(row, urls) for row in rows]

    def held(self) -> list[Delivery]:
        """The oldest first."""
        with self.store.transaction():
            rows = self.store.execute("select * from deliveries where status = 'held' order by id")
            urls = self._urls()
        return [_delivery(row, urls) for row in rows]

    def _urls(self) -> dict[str, str]:
        return {endpoint["id"]: endpoint["url"] for endpoint in self.store.all("webhook_endpoint")}

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


def _delivery(row: Row, urls: Mapping[str, str]) -> Delivery:
    return Delivery(
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
