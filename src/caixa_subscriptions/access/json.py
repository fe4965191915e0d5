"""Numbers out of dj-stripe's `stripe_data`, on every database, and null for what is none.

They read what `shapes.from_timestamp` and `shapes.subscription_items` read: a number of seconds
that is a date, of items that are objects in a list and not deleted. No payload makes them fail.
"""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Func

# The first and the last second that a datetime can tell.
_DATES = "BETWEEN -62135596800 AND 253402300799"

_SQLITE = (
    "CASE WHEN JSON_TYPE({at}) IN ('integer', 'real')"
    f" AND JSON_EXTRACT({{at}}) {_DATES} THEN JSON_EXTRACT({{at}}) END"
)
# Only CASE promises an order; a cast that came first would fail on text, or on a number too large.
_POSTGRESQL = (
    "CASE JSONB_TYPEOF({of} -> '%(key)s') WHEN 'number' THEN"
    f" CASE WHEN ({{of}} ->> '%(key)s')::numeric {_DATES}"
    " THEN ({of} ->> '%(key)s')::double precision END END"
)
_MARIADB = (
    "CASE WHEN JSON_TYPE(JSON_EXTRACT({of}, '$.%(key)s')) IN ('INTEGER', 'DOUBLE')"
    f" AND JSON_VALUE({{of}}, '$.%(key)s') + 0e0 {_DATES}"
    " THEN JSON_VALUE({of}, '$.%(key)s') + 0e0 END"
)


class Seconds(Func):
    """The Unix seconds at a top-level key."""

    output_field = models.FloatField()
    arity = 1

    template = _SQLITE.format(at="%(expressions)s, '$.%(key)s'")
    postgresql = _POSTGRESQL.format(of="%(expressions)s")
    mysql = _MARIADB.format(of="%(expressions)s")

    def __init__(self, key: str, **extra: Any) -> None:
        super().__init__("stripe_data", key=key, **extra)

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template=self.postgresql, **context)

    def as_mysql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template=self.mysql, **context)


class ItemSeconds(Seconds):
    """The earliest (MIN) or latest (MAX) of the items of a subscription that are still there."""

    template = (
        "(SELECT %(aggregate)s("  # noqa: S608 (no word here comes from outside)
        + _SQLITE.format(at="%(expressions)s, item.fullkey || '.%(key)s'")
        + ")"
        " FROM JSON_EACH(%(expressions)s, '$.items.data') item"
        " WHERE JSON_TYPE(%(expressions)s, '$.items.data') = 'array'"
        " AND JSON_TYPE(%(expressions)s, item.fullkey || '.deleted') IS NOT 'true')"
    )
    postgresql = (
        f"(SELECT %(aggregate)s({_POSTGRESQL.format(of='item')})"  # noqa: S608
        # Strict, or an object would do for a list; silent, or it would raise at one.
        " FROM JSONB_PATH_QUERY(%(expressions)s, 'strict $.items.data[*]', '{}', true) item"
        " WHERE item -> 'deleted' IS DISTINCT FROM 'true'::jsonb)"
    )
    mysql = (
        f"(SELECT %(aggregate)s({_MARIADB.format(of='item.value')})"  # noqa: S608
        " FROM JSON_TABLE(%(expressions)s, '$.items.data[*]'"
        " COLUMNS (value JSON PATH '$')) item"
        " WHERE JSON_TYPE(JSON_EXTRACT(%(expressions)s, '$.items.data')) = 'ARRAY'"
        " AND COALESCE(JSON_EXTRACT(item.value, '$.deleted'), '') <> 'true')"
    )

    def __init__(self, key: str, aggregate: str) -> None:
        super().__init__(key, aggregate=aggregate)
