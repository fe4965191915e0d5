"""State in one SQLite database: a file, or memory. One API call is one transaction."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_SCHEMA = """
create table if not exists objects (
    seq integer primary key autoincrement,
    id text not null unique,
    kind text not null,
    customer text,
    data text not null
);
create index if not exists objects_kind on objects (kind, customer, seq);
create index if not exists objects_newest on objects (kind, seq);
create index if not exists objects_event_type on objects
    (json_extract(data, '$.type'), seq) where kind = 'event';
create index if not exists objects_event_about on objects
    (json_extract(data, '$.data.object.id'), seq) where kind = 'event';
create index if not exists objects_event_customer on objects
    (coalesce(json_extract(data, '$.data.object.customer'),
        json_extract(data, '$.data.object.id')), seq) where kind = 'event';
create table if not exists deliveries (
    id integer primary key autoincrement,
    event_id text not null,
    event_type text not null,
    object_id text not null,
    endpoint_id text not null,
    status text not null default 'pending',
    attempts integer not null default 0,
    response_status integer,
    last_error text not null default '',
    created integer not null,
    next_attempt_at real not null default 0
);
create index if not exists deliveries_event on deliveries (event_id);
create index if not exists deliveries_status on deliveries (status, endpoint_id, id);
create table if not exists tasks (
    object_id text not null,
    action text not null,
    due integer not null,
    rank integer not null,
    clock text not null,
    primary key (object_id, action)
);
create index if not exists tasks_due on tasks (clock, due, rank);
create table if not exists idempotency (
    key text primary key,
    created integer not null,
    fingerprint text not null,
    status integer not null,
    headers text not null,
    body text not null
);
create table if not exists meta (name text primary key, value text not null);
"""


class Store:
    """Every object is a row of JSON. Use it inside `transaction()` only."""

    def __init__(self, path: str | os.PathLike[str] | None) -> None:
        self._lock = threading.RLock()
        self._depth = 0
        self._db = sqlite3.connect(
            path or ":memory:", check_same_thread=False, isolation_level=None, timeout=30
        )
        self._db.row_factory = sqlite3.Row
        if path:
            self._db.execute("pragma journal_mode = wal")
        # A commit must survive SIGKILL, not a power cut.
        self._db.execute("pragma synchronous = normal")
        self._db.executescript(_SCHEMA)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; nested ones are part of the outer one."""
        with self._lock:
            if self._depth:
                yield
                return
            self._db.execute("begin immediate")
            self._depth = 1
            try:
                yield
            except BaseException:
                self._db.execute("rollback")
                raise
            else:
                self._db.execute("commit")
            finally:
                self._depth = 0

    def get(self, object_id: str) -> dict[str, Any] | None:
        row = self._db.execute("select data from objects where id = ?", [object_id]).fetchone()
        return json.loads(row["data"]) if row else None

    def put(self, obj: dict[str, Any], *, customer: str | None = None) -> None:
        """`customer` for an object that belongs to one without naming it."""
        customer = customer or obj.get("customer")
        self._db.execute(
            "insert into objects (id, kind, customer, data) values (?, ?, ?, ?) "
            "on conflict (id) do update set customer = excluded.customer, data = excluded.data",
            [
                obj["id"],
                obj["object"],
                customer if isinstance(customer, str) else None,
                json.dumps(obj, separators=(",", ":")),
            ],
        )

    def delete(self, object_id: str) -> None:
        self._db.execute("delete from objects where id = ?", [object_id])

    def all(self, kind: str, *, customer: str | None = None) -> list[dict[str, Any]]:
        """Newest first."""
        query, values = "select data from objects where kind = ?", [kind]
        if customer is not None:
            query, values = query + " and customer = ?", [*values, customer]
        rows = self._db.execute(query + " order by seq desc", values)
        return [json.loads(row["data"]) for row in rows]

    def execute(self, query: str, values: tuple[Any, ...] = ()) -> list[sqlite3.Row]:
        return self._db.execute(query, values).fetchall()

    def get_meta(self, name: str) -> str | None:
        rows = self.execute("select value from meta where name = ?", (name,))
        return str(rows[0]["value"]) if rows else None

    def set_meta(self, name: str, value: str) -> None:
        self.execute("insert or replace into meta values (?, ?)", (name, value))

    def clear(self) -> None:
        for table in ("objects", "deliveries", "tasks", "idempotency", "meta"):
            self.execute(f"delete from {table}")  # noqa: S608  names of our own

    def close(self) -> None:
        with self._lock:
            self._db.close()
