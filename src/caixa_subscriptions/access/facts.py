"""The facts access depends on, in one SQL over dj-stripe's tables. No Stripe, no writes."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection
from functools import lru_cache
from typing import Any

from django.db import connections, models, router
from django.db.models import OuterRef, Subquery, TextField
from django.db.models.expressions import RawSQL
from django.db.models.functions import Cast
from djstripe.models import Customer, Subscription

from caixa_subscriptions.access.json import OwedInvoices, Values, past_due_since, payload
from caixa_subscriptions.models import CustomerEntitlements
from caixa_subscriptions.shapes import SUBSCRIPTION_KEYS, SubscriptionFacts, from_timestamp

_ENTITLEMENTS = CustomerEntitlements.objects.filter(
    customer=OuterRef("customer__djstripe_id")
).values_list(Cast("lookup_keys", TextField()))
_SUBSCRIBER = Customer._meta.get_field("subscriber")


def subscription_facts(subscriber: models.Model, *, livemode: bool) -> list[SubscriptionFacts]:
    """Every subscription of every customer of the subscriber in this mode. One SQL."""
    connection = connections[router.db_for_read(Subscription)]
    pk = _SUBSCRIBER.get_db_prep_value(subscriber.pk, connection)
    with connection.cursor() as cursor:
        cursor.execute(_sql_of_one(connection.alias), [pk])
        rows = cursor.fetchall()
    return [_facts(*row[1:]) for row in rows if row[1] is not None and bool(row[1]) == livemode]


def facts_of_many(
    subscriber_pks: Collection[Any], *, livemode: bool
) -> dict[Any, list[SubscriptionFacts]]:
    """The same of many subscribers, by primary key. One SQL."""
    found: dict[Any, list[SubscriptionFacts]] = defaultdict(list)
    for row in _rows().filter(customer__subscriber__in=subscriber_pks, livemode=livemode):
        found[row[0]].append(_facts(*row[1:]))
    return found


@lru_cache
def _sql_of_one(using: str) -> str:
    """The SQL for one subscriber, whose key is its parameter.

    Compiled once: at every request it would cost several times the query itself.
    """
    of_one = _rows().filter(customer__subscriber=RawSQL("%s", [None]))
    sql, _params = of_one.query.get_compiler(using).as_sql()
    return str(sql)


def _rows() -> models.QuerySet[Any, tuple[Any, ...]]:
    """Whose, and what `_facts` takes: values that every database gives alike."""
    rows: models.QuerySet[Any, tuple[Any, ...]] = Subscription.objects.order_by().values_list(
        "customer__subscriber",
        "livemode",
        "customer__date_purged",
        # As a subselect: PostgreSQL plans one more join at three times its cost.
        Subquery(_ENTITLEMENTS),
        OwedInvoices(),
        Values(SUBSCRIPTION_KEYS),
    )
    return rows


def _facts(
    livemode: bool,
    date_purged: object,
    entitlements: str | None,
    owed_invoices: str | None,
    values: str | None,
) -> SubscriptionFacts:
    return SubscriptionFacts.from_stripe(
        payload(values, SUBSCRIPTION_KEYS),
        livemode=bool(livemode),
        customer_deleted=date_purged is not None,
        entitlements=json.loads(entitlements) if entitlements else (),
        past_due_since=from_timestamp(past_due_since(owed_invoices)),
    )
