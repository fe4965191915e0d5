"""Linking customers to the subscribers their own metadata names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db import transaction
from djstripe.models import Customer
from djstripe.settings import djstripe_settings

from caixa_subscriptions.conf import settings
from caixa_subscriptions.services.trials import record_subscription

# What can become of a customer without a subscriber.
LINKED = "linked"
NO_METADATA = "no_metadata"
NO_SUBSCRIBER = "no_such_subscriber"
CONFLICT = "subscriber_has_another_customer"


@dataclass(frozen=True, slots=True)
class Outcome:
    customer_id: str
    outcome: str
    subscriber_pk: str | None


def fix_customer_links(*, dry_run: bool, report: Callable[[Outcome], None]) -> Counter[str]:
    """Link every unlinked customer of the current mode by its metadata; counts per outcome.

    Never by e-mail: Stripe does not verify it, so it proves nothing. A subscriber who has a
    customer already is a conflict for a person to decide. Running it again changes nothing.
    """
    counts: Counter[str] = Counter()
    for outcome in _fix(dry_run=dry_run):
        counts[outcome.outcome] += 1
        report(outcome)
    return counts


def _fix(*, dry_run: bool) -> Iterator[Outcome]:
    subscriber_model = djstripe_settings.get_subscriber_model()
    subscriber_key = djstripe_settings.SUBSCRIBER_CUSTOMER_KEY
    mode = Customer.objects.filter(livemode=settings.livemode, date_purged__isnull=True)
    taken: set[str] = set()
    for customer in mode.filter(subscriber__isnull=True).order_by("djstripe_id").iterator():
        named = (customer.metadata or {}).get(subscriber_key)
        if not named:
            yield Outcome(customer.id, NO_METADATA, None)
            continue
        try:
            subscriber = subscriber_model._default_manager.filter(pk=named).first()
            if subscriber is not None and str(subscriber.pk) != str(named):
                subscriber = None  # such as " 1", which the database takes for 1
        except (ValidationError, ValueError, TypeError):  # a UUID's field raises the first
            subscriber = None
        if subscriber is None:
            yield Outcome(customer.id, NO_SUBSCRIBER, str(named))
            continue
        pk = str(subscriber.pk)
        if pk in taken or mode.filter(subscriber=subscriber).exists():
            yield Outcome(customer.id, CONFLICT, pk)
            continue
        taken.add(pk)
        if not dry_run:
            with transaction.atomic():
                customer.subscriber = subscriber
                customer.save(update_fields=["subscriber"])
                for subscription in customer.subscriptions.all():
                    record_subscription(subscription=subscription)
        yield Outcome(customer.id, LINKED, pk)
