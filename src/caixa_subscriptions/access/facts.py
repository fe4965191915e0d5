"""The facts access depends on, in one SQL over dj-stripe's tables. No Stripe, no writes."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection
from functools import lru_cache
from typing import Any

from django.db import connections, models, router
from django.db.models import DateTimeField, FloatField, OuterRef, Subquery, TextField
from django.db.models.expressions import RawSQL
from django.db.models.functions import Cast
from djstripe.models import Customer, Subscription

from caixa_subscriptions.access.json import (
    EpochSeconds,
    OwedInvoices,
    Values,
    past_due_since,
    payload,
)
from caixa_subscriptions.conf import settings
from caixa_subscriptions.models import CustomerEntitlements, TrialUsageTracking
from caixa_subscriptions.shapes import SUBSCRIPTION_KEYS, SubscriptionFacts, from_timestamp

_ENTITLEMENTS = CustomerEntitlements.objects.filter(
    customer=OuterRef("customer__djstripe_id")
).values_list(Cast("lookup_keys", TextField()))
_SUBSCRIBER = Customer._meta.get_field("subscriber")


def subscription_facts(subscriber: models.Model, *, livemode: bool) -> list[SubscriptionFacts]:
    """Every subscription of every customer of the subscriber in this mode, and the trial from
    sign-up. One SQL."""
    connection = connections[router.db_for_read(Subscription)]
    pk = _SUBSCRIBER.get_db_prep_value(subscriber.pk, connection)
    sql, params = _sql_of_one(connection.alias, settings.starts_trial_at_signup)
    with connection.cursor() as cursor:
        cursor.execute(sql, [pk] * params)
        rows = cursor.fetchall()
    return [_facts(*row[1:]) for row in rows if row[1] is not None and bool(row[1]) == livemode]


def facts_of_many(
    subscriber_pks: Collection[Any], *, livemode: bool
) -> dict[Any, list[SubscriptionFacts]]:
    """The same of many subscribers, by primary key. One SQL."""
    found: dict[Any, list[SubscriptionFacts]] = defaultdict(list)
    rows = _rows().filter(customer__subscriber__in=subscriber_pks, livemode=livemode)
    if settings.starts_trial_at_signup:
        rows = _rows(_null(FloatField())).filter(
            customer__subscriber__in=subscriber_pks, livemode=livemode
        )
        trials = _signup_trials().filter(subscriber__in=subscriber_pks, livemode=livemode)
        rows = rows.union(trials, all=True)
    for row in rows:
        found[row[0]].append(_facts(*row[1:]))
    return found


@lru_cache
def _sql_of_one(using: str, signup_trials: bool) -> tuple[str, int]:
    """The SQL for one subscriber, and how often it takes the subscriber's key.

    Compiled once: at every request it would cost several times the query itself.
    """
    key = RawSQL("%s", [None])
    if connections[using].vendor == "postgresql":
        sql, taken = _apart(using, signup_trials), 1
    else:
        more = [_null(FloatField())] if signup_trials else []
        sql, taken = _compiled(_rows(*more).filter(customer__subscriber=key), using)
    if signup_trials:
        trials, of_trials = _compiled(_signup_trials().filter(subscriber=key), using)
        sql, taken = f"{sql} UNION ALL {trials}", taken + of_trials
    return sql, taken


def _apart(using: str, signup_trials: bool) -> str:
    """`_rows` of one subscriber for PostgreSQL, which plans a join at a sixth of a cold check.

    So the subscriptions are read for each customer; OFFSET 0 keeps PostgreSQL from making it a
    join again.
    """
    quoted = connections[using].ops.quote_name
    named = quoted(Subscription._meta.get_field("customer").target_field.column)
    subscriptions, _no_params = _compiled(
        Subscription.objects.order_by()
        .filter(customer=RawSQL(f"customer.{named}", []))  # noqa: S611
        .annotate(owed_invoices=OwedInvoices(), payload=Values(SUBSCRIPTION_KEYS))
        .values("livemode", "owed_invoices", "payload"),
        using,
    )
    entitlements = quoted(CustomerEntitlements._meta.db_table)
    return f"""
        SELECT customer.{quoted(_SUBSCRIBER.column)},
               subscription.livemode,
               customer.date_purged,
               (SELECT its.lookup_keys::text FROM {entitlements} its
                WHERE its.customer_id = customer.djstripe_id),
               subscription.owed_invoices,
               subscription.payload
               {", NULL::double precision" if signup_trials else ""}
        FROM {quoted(Customer._meta.db_table)} customer
        CROSS JOIN LATERAL ({subscriptions} OFFSET 0) subscription
        WHERE customer.{quoted(_SUBSCRIBER.column)} = %s
    """  # noqa: S608  (no word here comes from outside)


def _compiled(rows: models.QuerySet[Any, Any], using: str) -> tuple[str, int]:
    sql, params = rows.query.get_compiler(using).as_sql()
    return str(sql), len(params)


def _signup_trials() -> models.QuerySet[Any, tuple[Any, ...]]:
    """The trials that Stripe knows nothing of, in the columns of `_rows` with one more."""
    nothing = [_null(DateTimeField()), *(_null(TextField()) for _ in range(3))]
    trials: models.QuerySet[Any, tuple[Any, ...]] = (
        TrialUsageTracking.objects.order_by()
        .filter(trial_end__isnull=False)
        .values_list("subscriber", "livemode", *nothing, EpochSeconds("trial_end"))
    )
    return trials


def _null(of: models.Field[Any, Any]) -> Cast:
    return Cast(RawSQL("NULL", []), of)


def _rows(*more: Cast) -> models.QuerySet[Any, tuple[Any, ...]]:
    """Whose, and what `_facts` takes: values that every database gives alike."""
    rows: models.QuerySet[Any, tuple[Any, ...]] = Subscription.objects.order_by().values_list(
        "customer__subscriber",
        "livemode",
        "customer__date_purged",
        # As a subselect: PostgreSQL plans one more join at three times its cost.
        Subquery(_ENTITLEMENTS),
        OwedInvoices(),
        Values(SUBSCRIPTION_KEYS),
        *more,
    )
    return rows


def _facts(
    livemode: bool,
    date_purged: object,
    entitlements: str | None,
    owed_invoices: str | None,
    values: str | None,
    signup_trial_end: float | None = None,
) -> SubscriptionFacts:
    trial_end = from_timestamp(signup_trial_end)
    if trial_end is not None:
        return SubscriptionFacts.of_signup_trial(trial_end=trial_end, livemode=bool(livemode))
    return SubscriptionFacts.from_stripe(
        payload(values, SUBSCRIPTION_KEYS),
        livemode=bool(livemode),
        customer_deleted=date_purged is not None,
        entitlements=json.loads(entitlements) if entitlements else (),
        past_due_since=from_timestamp(past_due_since(owed_invoices)),
    )
