"""State in one SQLite database: a file, or memory. One API call is one transaction."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from caixa_subscriptions.simulator.packing import pack, unpack, unpacked

# What objects are looked for by, kept beside their JSON; `about` is the id of an event's object.
COLUMNS = (
    "customer",
    "subscription",
    "invoice",
    "status",
    "type",
    "created",
    "test_clock",
    "about",
)
_TABLES = """
create table if not exists objects (
    seq integer primary key autoincrement,
    id text not null unique,
    kind text not null,
    customer text,
    subscription text,
    invoice text,
    status text,
    type text,
    created integer,
    test_clock text,
    about text,
    data text not null
);
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
create table if not exists tasks (
    object_id text not null,
    action text not null,
    due integer not null,
    rank integer not null,
    clock text not null,
    error text,
    primary key (object_id, action)
);
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
_INDEXES = """
drop index if exists objects_event_type;
drop index if exists objects_event_about;
drop index if exists objects_event_customer;
create index if not exists objects_kind on objects (kind, customer, seq);
create index if not exists objects_newest on objects (kind, seq);
create index if not exists objects_status on objects (kind, status, seq);
create index if not exists objects_type on objects (kind, type, seq) where type is not null;
create index if not exists objects_clock on objects (kind, test_clock, seq)
    where test_clock is not null;
create index if not exists objects_subscription on objects (subscription, kind, seq)
    where subscription is not null;
create index if not exists objects_invoice on objects (invoice, kind, seq)
    where invoice is not null;
create index if not exists objects_about on objects (about, seq) where about is not null;
create index if not exists objects_email on objects (json_extract(data, '$.email'), seq)
    where kind = 'customer';
create index if not exists deliveries_event on deliveries (event_id);
create index if not exists deliveries_status on deliveries (status, endpoint_id, id);
create index if not exists tasks_due on tasks (clock, due, rank);
"""


_PUT = (
    f"insert into objects (id, kind, {', '.join(COLUMNS)}, data) "  # noqa: S608  names of our own
    f"values (?, ?, {', '.join('?' * len(COLUMNS))}, ?) on conflict (id) do update set "
    + ", ".join(f"{name} = excluded.{name}" for name in (*COLUMNS, "data"))
)


def key_of(kind: str, object_id: str) -> str:
    """What an object is kept under. The shop chooses the ids of its coupons and of its products,
    and may choose the same ones."""
    return f"coupon:{object_id}" if kind == "coupon" else object_id


def _beside(obj: dict[str, Any]) -> dict[str, Any]:
    """The values of `COLUMNS`. What an event is about counts as its customer too, as customers
    have none."""
    found = {name: obj.get(name) for name in COLUMNS}
    if obj["object"] == "event":
        about = obj["data"]["object"]
        whose = about.get("customer") or about.get("id")
        return found | {"about": about.get("id"), "customer": whose}
    if obj["object"] == "invoiceitem":
        found["created"] = obj["date"]
    details = (obj.get("parent") or {}).get("subscription_details") or {}
    found["subscription"] = found["subscription"] or details.get("subscription")
    texts = (str, int)  # of what is expanded in the object itself, nothing is kept
    return {name: value if isinstance(value, texts) else None for name, value in found.items()}


class StateError(ValueError):
    """The file holds something else than a simulator's state, or cannot be read or written."""


class Store:
    """Every object is a row of JSON, as `packing` has it. Use it inside `transaction()` only.

    Raises StateError for a file that is not its own, and leaves it as it is.
    """

    def __init__(self, path: str | os.PathLike[str] | None) -> None:
        self._lock = threading.RLock()
        self._depth = 0
        self.in_file = bool(path)
        try:
            self._open(path)
        except sqlite3.DatabaseError as error:
            raise StateError(f"{path} cannot be used as state: {error}") from error

    def _open(self, path: str | os.PathLike[str] | None) -> None:
        self._db = sqlite3.connect(
            path or ":memory:", check_same_thread=False, isolation_level=None, timeout=30
        )
        self._db.row_factory = sqlite3.Row
        if path:
            self._check_owner(path)
            self._db.execute("pragma journal_mode = wal")
        else:
            # Each commit in memory looks at every page there is: the fewer, the better.
            self._db.execute("pragma page_size = 16384")
        # A commit must survive SIGKILL, not a power cut.
        self._db.execute("pragma synchronous = normal")
        self._db.create_function("unpacked", 1, unpacked, deterministic=True)
        self._db.executescript(_TABLES)
        self._give_coupons_keys()  # before anything is stored anew
        self._add_columns()
        self._db.executescript(_INDEXES)

    def _check_owner(self, path: str | os.PathLike[str]) -> None:
        tables = {row["name"] for row in self._db.execute("select name from sqlite_master")}
        ours = {row["name"] for row in self._db.execute("pragma table_info(objects)")}
        if tables and not {"seq", "id", "kind", "data"} <= ours:
            raise StateError(f"{path} is a database of something else, not of the simulator")

    def _add_columns(self) -> None:
        """To a file from before they were kept."""
        there = {row["name"] for row in self._db.execute("pragma table_info(objects)")}
        if "error" not in {row["name"] for row in self._db.execute("pragma table_info(tasks)")}:
            self._db.execute("alter table tasks add column error text")
        missing = [name for name in COLUMNS if name not in there]
        if missing:
            with self.transaction():  # a kill must not leave them empty
                for name in missing:
                    self._db.execute(f"alter table objects add column {name}")
                for row in self._db.execute("select customer, data from objects").fetchall():
                    self.put(unpack(row["data"]), customer=row["customer"])

    def _give_coupons_keys(self) -> None:
        """In a file from before they had keys of their own."""
        if self._db.execute("pragma user_version").fetchone()[0] == 0:
            with self.transaction():  # a kill must not leave them to be given twice
                self._db.execute("update objects set id = 'coupon:' || id where kind = 'coupon'")
                self._db.execute("pragma user_version = 1")

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
                self._db.execute("commit")
            except BaseException:
                if self._db.in_transaction:  # of a full disk SQLite has undone it already
                    self._db.execute("rollback")
                raise
            finally:
                self._depth = 0

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """All or nothing of a part of a transaction."""
        self._db.execute("savepoint part")
        try:
            yield
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("rollback to part")
            raise
        finally:
            self.release("part")

    def release(self, savepoint: str) -> None:
        """End it; it is gone already where SQLite has undone everything, on a full disk."""
        if self._db.in_transaction:
            self._db.execute(f"release {savepoint}")

    def get(self, object_id: str, kind: str = "") -> dict[str, Any] | None:
        """Where the kind is not known, a coupon is found when nothing else has its id."""
        for key in [key_of(kind, object_id)] if kind else [object_id, key_of("coupon", object_id)]:
            row = self._db.execute("select data from objects where id = ?", [key]).fetchone()
            if row:
                return unpack(row["data"])
        return None

    def put(self, obj: dict[str, Any], *, customer: str | None = None) -> None:
        """`customer` for an object that belongs to one without naming it."""
        beside = _beside(obj)
        if customer:
            beside["customer"] = customer
        self._db.execute(
            _PUT,
            [key_of(obj["object"], obj["id"]), obj["object"], *beside.values(), pack(obj)],
        )

    def delete(self, object_id: str, kind: str = "") -> None:
        self._db.execute("delete from objects where id = ?", [key_of(kind, object_id)])

    def all(self, kind: str, **columns: str | None) -> list[dict[str, Any]]:
        """Newest first; `columns` are some of `COLUMNS` with the value wanted, None for any."""
        wanted = {name: value for name, value in columns.items() if value is not None}
        where = " and ".join(["kind = ?", *(f"{name} = ?" for name in wanted)])
        rows = self._db.execute(
            f"select data from objects where {where} order by seq desc",  # noqa: S608  of our own
            [kind, *wanted.values()],
        )
        return [unpack(row["data"]) for row in rows]

    def queue(self, event: Mapping[str, Any], endpoint_id: str, *, created: int) -> None:
        """An event on its way to an endpoint; `created` by the wall clock."""
        about = event["data"]["object"].get("id", "")  # an entitlement summary has none
        self._db.execute(
            "insert into deliveries (event_id, event_type, object_id, endpoint_id, created) "
            "values (?, ?, ?, ?, ?)",
            (event["id"], event["type"], about, endpoint_id, created),
        )

    def execute(self, query: str, values: tuple[Any, ...] = ()) -> list[sqlite3.Row]:
        return self._db.execute(query, values).fetchall()

    def get_meta(self, name: str) -> str | None:
        rows = self.execute("select value from meta where name = ?", (name,))
        return str(rows[0]["value"]) if rows else None

    def set_meta(self, name: str, value: str) -> None:
        self.execute("insert or replace into meta values (?, ?)", (name, value))

    def size(self) -> int:
        """Bytes the database takes."""
        pages, page = ("pragma page_count", "pragma page_size")
        return int(self.execute(pages)[0][0]) * int(self.execute(page)[0][0])

    def clear(self) -> None:
        for table in ("objects", "deliveries", "tasks", "idempotency", "meta"):
            self.execute(f"delete from {table}")  # noqa: S608  names of our own

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def __del__(self) -> None:
        """Python 3.13 warns of a connection that nobody closed; a forgotten simulator is no
        mistake."""
        if hasattr(self, "_db"):  # or its file could not be opened
            self._db.close()
