"""Numbers out of dj-stripe's `stripe_data`, on every database, and null for what is none."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Func


class Seconds(Func):
    """The Unix seconds at a top-level key."""

    output_field = models.FloatField()
    arity = 1

    template = (  # SQLite
        "CASE WHEN JSON_TYPE(%(expressions)s, '$.%(key)s') IN ('integer', 'real')"
        " THEN JSON_EXTRACT(%(expressions)s, '$.%(key)s') END"
    )
    postgresql = (
        "CASE WHEN JSONB_TYPEOF(%(expressions)s -> '%(key)s') = 'number'"
        " THEN (%(expressions)s ->> '%(key)s')::double precision END"
    )
    mysql = (
        "CASE WHEN JSON_TYPE(JSON_EXTRACT(%(expressions)s, '$.%(key)s'))"
        " IN ('INTEGER', 'DOUBLE') THEN JSON_VALUE(%(expressions)s, '$.%(key)s') + 0e0 END"
    )

    def __init__(self, key: str, **extra: Any) -> None:
        super().__init__("stripe_data", key=key, **extra)

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template=self.postgresql, **context)

    def as_mysql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template=self.mysql, **context)


class ItemSeconds(Seconds):
    """The earliest (MIN) or latest (MAX) of the items of a subscription that are still there."""

    template = (  # SQLite
        "(SELECT %(aggregate)s(JSON_EXTRACT(item.value, '$.%(key)s'))"
        " FROM JSON_EACH(%(expressions)s, '$.items.data') item"
        " WHERE JSON_TYPE(item.value, '$.%(key)s') IN ('integer', 'real')"
        " AND COALESCE(JSON_EXTRACT(item.value, '$.deleted'), 0) = 0)"
    )
    postgresql = (
        "(SELECT %(aggregate)s((item ->> '%(key)s')::double precision)"
        " FROM JSONB_PATH_QUERY(%(expressions)s, '$.items.data[*]') item"
        " WHERE JSONB_TYPEOF(item -> '%(key)s') = 'number'"
        " AND COALESCE(item ->> 'deleted', 'false') = 'false')"
    )
    mysql = (
        "(SELECT %(aggregate)s(item.seconds) FROM JSON_TABLE(%(expressions)s, '$.items.data[*]'"
        " COLUMNS (seconds DOUBLE PATH '$.%(key)s' NULL ON ERROR,"
        " deleted INT PATH '$.deleted' NULL ON ERROR)) item"
        " WHERE COALESCE(item.deleted, 0) = 0)"
    )

    def __init__(self, key: str, aggregate: str) -> None:
        super().__init__(key, aggregate=aggregate)
