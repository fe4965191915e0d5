"""Reading for people: pages of objects, what comes next, what happened to an object.

Every query is bounded in SQL, so that a page stays quick among thousands of objects. Use it inside
a transaction of the store.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from caixa_subscriptions.simulator.expand import public
from caixa_subscriptions.simulator.packing import unpack
from caixa_subscriptions.simulator.store import COLUMNS, Store, key_of

Found = list[dict[str, Any]]

LAST = "\U0010ffff"  # sorts after every other character
# Where people look for the words they have in hand.
SEARCHED = (("customer", "email"), ("customer", "name"), ("invoice", "number"))


@dataclass(frozen=True, slots=True)
class Upcoming:
    """What falls due by itself; `due` in Unix seconds of `clock`, "" for the wall clock."""

    object_id: str
    action: str
    due: int
    clock: str


def objects(
    store: Store,
    kind: str,
    *,
    limit: int,
    before: str | None = None,
    after: str | None = None,
    **filters: object,
) -> Found:
    """Newest first; older than the object `before`, or the nearest that are newer than `after`.
    `filters` compare keys, None with null; two underscores lead into a hash."""
    where = ["kind = ?"]
    values: list[Any] = [kind]
    for name, value in filters.items():
        if name in COLUMNS and value is not None:
            where.append(f"{name} = ?")
            values.append(value)
        else:
            where.append("json_extract(unpacked(data), ?) is ?")
            path = ".".join(f'"{key}"' for key in name.split("__"))
            values += [f"$.{path}", value]
    before, after = (key_of(kind, one) if one else None for one in (before, after))
    return _page(store, where, values, limit=limit, before=before, after=after)


def events(
    store: Store,
    *,
    limit: int,
    before: str | None = None,
    after: str | None = None,
    type: str | None = None,  # noqa: A002  Stripe's own name
    about: Sequence[str] | None = None,
    customer: str | None = None,
) -> Found:
    """Newest first. `type` may end in an asterisk, `about` are the ids of the events' objects,
    `customer` owns the object or is it."""
    where = ["kind = 'event'"]
    values: list[Any] = []
    if type:
        start = type.removesuffix("*")
        where.append("type between ? and ?")
        values += [start, start + LAST if start != type else type]
    if about is not None:
        where.append(f"about in ({_marks(about)})")
        values += about
    if customer is not None:
        where.append("customer = ?")
        values.append(customer)
    return _page(store, where, values, limit=limit, before=before, after=after)


def _page(
    store: Store,
    where: list[str],
    values: list[Any],
    *,
    limit: int,
    before: str | None,
    after: str | None,
) -> Found:
    order = "desc"
    if before or after:
        order, beyond = ("desc", "<") if before else ("asc", ">")
        where.append(f"seq {beyond} (select seq from objects where id = ?)")  # noqa: S608
        values.append(before or after)
    rows = store.execute(
        f"select data from objects where {' and '.join(where)} order by seq {order} limit ?",  # noqa: S608  of our own making
        (*values, limit),
    )
    found = [public(unpack(row["data"])) for row in rows]
    return found if order == "desc" else found[::-1]


def counts(store: Store) -> dict[str, int]:
    """How many objects there are of each kind."""
    rows = store.execute("select kind, count(*) as n from objects group by kind order by kind")
    return {row["kind"]: row["n"] for row in rows}


def statuses(store: Store, kind: str) -> dict[str, int]:
    """How many objects of a kind are in each status."""
    rows = store.execute(
        "select status, count(*) as n from objects where kind = ? group by 1 order by 1",
        (kind,),
    )
    return {str(row["status"] or ""): row["n"] for row in rows}


def upcoming(
    store: Store, *, clock: str | None = None, ids: Sequence[str] | None = None, limit: int
) -> list[Upcoming]:
    """What falls due next, of a clock or of some objects; the next comes first."""
    where, values = ["error is null"], []
    if clock is not None:
        where.append("clock = ?")
        values.append(clock)
    if ids is not None:
        where.append(f"object_id in ({_marks(ids)})")
        values += ids
    rows = store.execute(
        "select object_id, action, due, clock from tasks "  # noqa: S608  of our own making
        f"where {' and '.join(where)} order by due, rank, rowid limit ?",
        (*values, limit),
    )
    return [Upcoming(**dict(row)) for row in rows]


def count_due(store: Store, clock: str, until: int) -> int:
    """How many things fall due on a clock up to a moment, as planned now."""
    rows = store.execute(
        "select count(*) as n from tasks where clock = ? and due <= ? and error is null",
        (clock, until),
    )
    return int(rows[0]["n"])


def search(store: Store, text: str, *, limit: int) -> Found:
    """By the start of an id, or by part of an e-mail address, name or invoice number."""
    found: Found = []
    for start in (text, key_of("coupon", text)):
        rows = store.execute(
            "select data from objects where id >= ? and id < ? order by id limit ?",
            (start, start + LAST, limit),
        )
        found += [public(unpack(row["data"])) for row in rows]
    pattern = "%" + text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    for kind, key in SEARCHED:
        rows = store.execute(
            "select data from objects where kind = ? and json_extract(data, ?) like ? escape '\\' "
            "order by seq desc limit ?",
            (kind, f"$.{key}", pattern, limit),
        )
        found += [public(unpack(row["data"])) for row in rows]
    return list({(one["object"], one["id"]): one for one in found}.values())[:limit]


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))
