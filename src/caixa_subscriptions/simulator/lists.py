"""Pages of stored objects, filtered and cut in SQL (Stripe docs: pagination).

A page of ten costs ten objects, however many there are.
"""

from __future__ import annotations

from typing import Any

from caixa_subscriptions.simulator.packing import unpack
from caixa_subscriptions.simulator.routes import Params, check_page, no_such_cursor
from caixa_subscriptions.simulator.store import COLUMNS, key_of
from caixa_subscriptions.simulator.world import World

# A condition of its own: SQL over a row of `objects`, and its values.
Condition = tuple[str, *tuple[Any, ...]]

_COMPARED = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


def stored_page(
    world: World, kind: str, params: Params, url: str, equal: str = "", *conditions: Condition
) -> dict[str, Any]:
    """One page of the objects of a kind, newest first.

    `equal` names parameters that must equal the object's own key, `payment.type` a nested one;
    `created` and the cursors are heeded always. Raises StripeError for a bad limit or cursor.
    """
    limit = check_page(params)
    wanted = [
        (f"kind = '{kind}'",),
        *_equal(params, equal),
        *_created(params.get("created")),
        *conditions,
    ]
    where = " and ".join(f"({sql})" for sql, *_ in wanted)
    values = [value for _, *some in wanted for value in some]
    order = "desc"
    if cursor := params.get("starting_after") or params.get("ending_before"):
        rows = world.store.execute(
            f"select seq from objects where id = ? and {where}",  # noqa: S608  of our own
            (key_of(kind, cursor), *values),
        )
        if not rows:
            raise no_such_cursor(params)
        order, beyond = ("desc", "<") if params.get("starting_after") else ("asc", ">")
        where += f" and seq {beyond} ?"
        values.append(rows[0]["seq"])
    rows = world.store.execute(
        f"select data from objects where {where} order by seq {order} limit ?",  # noqa: S608
        (*values, limit + 1),
    )
    data = [unpack(row["data"]) for row in rows[:limit]]
    if order == "asc":
        data.reverse()
    return {"object": "list", "data": data, "has_more": len(rows) > limit, "url": url}


def _equal(params: Params, names: str) -> list[Condition]:
    found: list[Condition] = []
    for name in names.split():
        value: Any = params
        for step in name.split("."):
            value = value.get(step) if value else None
        if value is not None:
            column = name if name in COLUMNS else f"json_extract(data, '$.{name}')"
            found.append((f"{column} = ?", value))
    return found


def _created(wanted: Any) -> list[Condition]:
    """`created=1` or `created[gte]=1`."""
    if wanted is None:
        return []
    if not isinstance(wanted, dict):
        return [("created = ?", wanted)]
    return [(f"created {_COMPARED[name]} ?", value) for name, value in wanted.items()]


def of_clock(world: World, params: Params) -> list[Condition]:
    """Unscoped lists hide objects of test clocks (Stripe docs: test clocks), but for the default
    clock, which stands for the simulator's own time."""
    if params.get("test_clock"):
        return [("test_clock = ?", params["test_clock"])]
    if params.get("customer") or params.get("subscription"):
        return []
    # The plus keeps SQLite from sorting what it finds by clock.
    return [("+test_clock is null or +test_clock = ?", world.default_clock_id)]


def one_of(column: str, values: list[Any]) -> Condition:
    return (f"{column} in ({', '.join('?' * len(values))})", *values)
