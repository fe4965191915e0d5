"""What access reads out of dj-stripe's `stripe_data`, on every database, in one expression each.

Django's own expressions, one for every key, are built and compiled anew at every request, which
costs several times the database's work.

Seconds are what `shapes.from_timestamp` and `shapes.subscription_items` read: a number of seconds
that is a date, of items that are objects in a list and not deleted. No payload makes them fail.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from typing import Any

from django.db import models
from django.db.models import Func
from djstripe.models import Invoice

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


class _Json(Func):
    """An expression with a template for each database."""

    template: str  # SQLite's
    postgresql: str
    mysql: str

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template=self.postgresql, **context)

    def as_mysql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template=self.mysql, **context)


class Values(_Json):
    """The values at these top-level keys as one text; null for what is no object.

    `payload` reads it: PostgreSQL gives an object, the others a list in the order of the keys.
    """

    output_field = models.TextField()
    arity = 1

    template = (
        "CASE JSON_TYPE(%(expressions)s) WHEN 'object'"
        " THEN JSON_EXTRACT(%(expressions)s, %(paths)s) END"
    )
    # One look at the row's JSON, which may have to be decompressed, for all the keys.
    postgresql = (
        "CASE JSONB_TYPEOF(%(expressions)s) WHEN 'object' THEN"
        " (SELECT ROW_TO_JSON(payload)::text"
        " FROM JSONB_TO_RECORD(%(expressions)s) AS payload(%(types)s)) END"
    )
    mysql = "CASE JSON_TYPE(%(expressions)s) WHEN 'OBJECT' THEN JSON_ARRAY(%(values)s) END"

    def __init__(self, keys: Sequence[str]) -> None:
        super().__init__(
            "stripe_data",
            paths=", ".join(f"'$.{key}'" for key in keys),
            types=", ".join(f'"{key}" jsonb' for key in keys),
        )
        self.keys = keys

    def as_mysql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        of, _params = compiler.compile(self.get_source_expressions()[0])
        values = ", ".join(f"JSON_EXTRACT({of}, '$.{key}')" for key in self.keys)
        return super().as_mysql(compiler, connection, values=values, **context)


def payload(values: str | None, keys: Sequence[str]) -> dict[str, Any]:
    """What `Values` gave, by key; empty for what was no object."""
    found: Any = {}
    if values:
        try:
            found = json.loads(values)
        except ValueError:  # a whole number of more digits than Python reads
            found = json.loads(values, parse_int=float)
    return found if isinstance(found, dict) else dict(zip(keys, found, strict=True))


class Seconds(_Json):
    """The Unix seconds at a top-level key."""

    output_field = models.FloatField()
    arity = 1

    template = _SQLITE.format(at="%(expressions)s, '$.%(key)s'")
    postgresql = _POSTGRESQL.format(of="%(expressions)s")
    mysql = _MARIADB.format(of="%(expressions)s")

    def __init__(self, key: str, **extra: Any) -> None:
        super().__init__("stripe_data", key=key, **extra)


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


class _OfSubscription(Func):
    """Something about a subscription's invoices; `parts` fills in the template's own words."""

    def __init__(self) -> None:
        super().__init__("stripe_data", "customer_id", "id")

    def parts(self, vendor: str) -> dict[str, str]:
        raise NotImplementedError

    def as_sql(self, compiler: Any, connection: Any, *args: Any, **context: Any) -> Any:
        data, customer, subscription = (
            compiler.compile(expression)[0] for expression in self.get_source_expressions()
        )
        sql = self.template.format(
            table=connection.ops.quote_name(Invoice._meta.db_table),
            customer=customer,
            subscription=subscription,
            status=_text_on(connection.vendor)(data, "status"),
            **self.parts(connection.vendor),
        )
        return sql, ()


class OwedInvoices(_OfSubscription):
    """Of a subscription that is `past_due`: its invoices, each as open, paid, and when it was made.

    The text of one list, or null. `past_due_since` reads it. What `PastDueSince` does is planned by
    PostgreSQL at every request, at twice the cost of all the rest.
    """

    output_field = models.TextField()
    template = (
        "CASE WHEN {status} = 'past_due' THEN (SELECT {rows}"
        " FROM {table} invoice WHERE invoice.customer_id = {customer}"
        " AND {invoice_subscription} = {subscription}) END"
    )
    _ROWS = {
        "sqlite": "JSON_GROUP_ARRAY(JSON_ARRAY({0} = 'open', {0} = 'paid', {1}))",
        "postgresql": "JSON_AGG(JSON_BUILD_ARRAY({0} = 'open', {0} = 'paid', {1}))::text",
        "mysql": "JSON_ARRAYAGG(JSON_ARRAY({0} = 'open', {0} = 'paid', {1}))",
    }

    def parts(self, vendor: str) -> dict[str, str]:
        status = _text_on(vendor)("invoice.stripe_data", "status")
        made = _EPOCH[vendor].format("invoice.created")
        return {
            "rows": self._ROWS[vendor].format(status, made),
            "invoice_subscription": _subscription_of("invoice", vendor),
        }


class PastDueSince(_OfSubscription):
    """The Unix seconds when the first invoice still open was made, after the last that was paid.

    Null unless the subscription is `past_due`.
    """

    output_field = models.FloatField()
    template = (
        "CASE WHEN {status} = 'past_due' THEN (SELECT {seconds} FROM {table} unpaid"
        " WHERE unpaid.customer_id = {customer} AND {unpaid_status} = 'open'"
        " AND {unpaid_subscription} = {subscription} AND NOT EXISTS ("
        "SELECT 1 FROM {table} paid WHERE paid.customer_id = {customer} AND {paid_status} = 'paid'"
        " AND {paid_subscription} = {subscription} AND paid.created >= unpaid.created)) END"
    )

    def parts(self, vendor: str) -> dict[str, str]:
        text = _text_on(vendor)
        return {
            "seconds": _EPOCH[vendor].format("MIN(unpaid.created)"),
            "unpaid_status": text("unpaid.stripe_data", "status"),
            "unpaid_subscription": _subscription_of("unpaid", vendor),
            "paid_status": text("paid.stripe_data", "status"),
            "paid_subscription": _subscription_of("paid", vendor),
        }


def past_due_since(owed: str | None) -> float | None:
    """What `PastDueSince` says, of what `OwedInvoices` gave."""
    invoices = json.loads(owed) if owed else None
    if not invoices:
        return None
    made_known = [invoice for invoice in invoices if invoice[2] is not None]
    last_paid = max((made for _open, paid, made in made_known if paid), default=-math.inf)
    return min(
        (made for still_open, _paid, made in made_known if still_open and made > last_paid),
        default=None,
    )


def _subscription_of(invoice: str, vendor: str) -> str:
    """The subscription an invoice is for, where Stripe names it since basil, or where before."""
    text = _text_on(vendor)
    now = text(f"{invoice}.stripe_data", "parent", "subscription_details", "subscription")
    return f"COALESCE({now}, {text(f'{invoice}.stripe_data', 'subscription')})"


# Whole seconds since 1970 of a column that Django keeps in UTC.
_EPOCH = {
    # Cut off, for SQLite would round .9995 up to the next second.
    "sqlite": "CAST(STRFTIME('%%s', SUBSTR({}, 1, 19)) AS REAL)",
    "postgresql": "FLOOR(EXTRACT(EPOCH FROM {}))::double precision",
    "mysql": "TIMESTAMPDIFF(SECOND, '1970-01-01', {}) + 0e0",
}


class EpochSeconds(Func):
    """A datetime column as Unix seconds, whole ones."""

    output_field = models.FloatField()
    arity = 1

    def as_sql(self, compiler: Any, connection: Any, *args: Any, **context: Any) -> Any:
        column, params = compiler.compile(self.get_source_expressions()[0])
        return _EPOCH[connection.vendor].format(column), params


def _text_on(vendor: str) -> Callable[..., str]:
    """How a database gives the text at a path within JSON."""
    if vendor == "postgresql":
        return lambda of, *path: (
            f"({of} #>> '{{{','.join(path)}}}')" if path[1:] else f"({of} ->> '{path[0]}')"
        )
    function = "JSON_EXTRACT" if vendor == "sqlite" else "JSON_VALUE"
    return lambda of, *path: f"{function}({of}, '$.{'.'.join(path)}')"
