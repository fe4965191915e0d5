"""The facts access depends on, in one SQL over dj-stripe's tables. No Stripe, no writes."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any

from django.db import models
from django.db.models import Case, Exists, Min, OuterRef, Subquery, When
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce
from djstripe.models import Invoice, Subscription

from caixa_subscriptions.shapes import SUBSCRIPTION_KEYS, SubscriptionFacts

_PATHS = tuple(f"stripe_data__{key}" for key in SUBSCRIPTION_KEYS)


def subscription_facts(subscriber: models.Model, *, livemode: bool) -> list[SubscriptionFacts]:
    """Every subscription of every customer of the subscriber in this mode. One SQL."""
    return [facts for _pk, facts in _rows(livemode, customer__subscriber=subscriber.pk)]


def facts_of_many(
    subscriber_pks: Collection[Any], *, livemode: bool
) -> dict[Any, list[SubscriptionFacts]]:
    """The same of many subscribers, by primary key. One SQL."""
    found: dict[Any, list[SubscriptionFacts]] = defaultdict(list)
    for pk, facts in _rows(livemode, customer__subscriber__in=subscriber_pks):
        found[pk].append(facts)
    return found


def _rows(livemode: bool, **whose: Any) -> list[tuple[Any, SubscriptionFacts]]:
    rows = (
        Subscription.objects.filter(**whose, livemode=livemode)
        .annotate(past_due_since=past_due_since())
        .values_list(
            "customer__subscriber",
            "livemode",
            "customer__date_purged",
            "customer__caixa_entitlements__lookup_keys",
            "past_due_since",
            *_PATHS,
        )
    )
    return [(row[0], _facts(*row[1:5], payload=row[5:])) for row in rows]


def _facts(
    livemode: bool,
    date_purged: dt.datetime | None,
    entitlements: list[str] | None,
    since: dt.datetime | None,
    *,
    payload: Sequence[Any],
) -> SubscriptionFacts:
    return SubscriptionFacts.from_stripe(
        dict(zip(SUBSCRIPTION_KEYS, payload, strict=True)),
        livemode=livemode,
        customer_deleted=date_purged is not None,
        entitlements=entitlements or (),
        past_due_since=since,
    )


def past_due_since() -> Case:
    """When the first payment failed that no later one made good; null unless `past_due`.

    Stripe tells no such moment, and a period begins anew while the subscription stays past due:
    it is when the first open invoice was made of those after the last that was paid.
    """
    invoices = Invoice.objects.annotate(of_subscription=_subscription_id()).order_by()
    paid_later = invoices.filter(
        customer_id=OuterRef("customer_id"),
        of_subscription=OuterRef("of_subscription"),
        stripe_data__status="paid",
        created__gte=OuterRef("created"),
    )
    unpaid = (
        invoices.filter(
            ~Exists(paid_later),
            customer_id=OuterRef("customer_id"),
            of_subscription=OuterRef("id"),
            stripe_data__status="open",
        )
        .values("of_subscription")
        .annotate(first=Min("created"))
        .values("first")
    )
    return Case(When(stripe_data__status="past_due", then=Subquery(unpaid)))


def _subscription_id() -> Coalesce:
    """The subscription of an invoice, where Stripe keeps it since basil, and where before."""
    parent = KeyTextTransform("subscription_details", KeyTextTransform("parent", "stripe_data"))
    return Coalesce(
        KeyTextTransform("subscription", parent), KeyTextTransform("subscription", "stripe_data")
    )
