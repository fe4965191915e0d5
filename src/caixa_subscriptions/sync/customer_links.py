"""Linking customers nobody owns to the subscribers that evidence names, however many there are."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from django.db import transaction
from django.db.models import OuterRef, QuerySet
from djstripe.models import Customer, Subscription

from caixa_subscriptions.access.invalidation import drop_cached_access_of_many
from caixa_subscriptions.conf import settings
from caixa_subscriptions.exceptions import CustomerNotFound
from caixa_subscriptions.models import BillingAccount
from caixa_subscriptions.services.claiming import claim
from caixa_subscriptions.services.links import (
    CONFLICT,
    LINKED,
    Outcome,
    Unlinked,
    first_value,
    judge,
    read_unlinked,
)
from caixa_subscriptions.services.trial_usage import record_subscriptions

# Customers that are read, decided and written at once: what bounds memory.
PAGE_SIZE = 10_000
SUBSCRIPTIONS_AT_ONCE = 200  # their payloads are read whole


def fix_customer_links(
    *,
    dry_run: bool,
    report: Callable[[Outcome], None],
    by_email: bool = False,
    after: str | None = None,
    reached: Callable[[str, int], None] = lambda customer_id, count: None,
) -> Counter[str]:
    """Look at every unlinked customer of the current mode; counts per outcome.

    By our own accounts and Checkout Sessions and by the customer's metadata; with `by_email` also
    by an e-mail that `EMAIL_VERIFIED` vouches for and that one customer and one subscriber have.
    What is contradictory is reported and left alone. Running it again changes nothing.

    Each page is committed by itself, and then `reached` is told the last customer of it and how
    many were looked at; `after` goes on behind a customer. Raises CustomerNotFound when that one
    is unknown.
    """
    counts: Counter[str] = Counter()
    seen = 0
    with closing(_Taken()) as taken:
        for page in _pages(after):
            outcomes = (
                taken.first_only(page.judge(by_email=by_email))
                if dry_run
                else _link(page, by_email=by_email)
            )
            for outcome in outcomes:
                counts[outcome.outcome] += 1
                report(outcome)
            seen += len(page.customers)
            reached(page.customers[-1].id, seen)
    return counts


def count_unlinked() -> int:
    return _unlinked().count()


def _unlinked() -> QuerySet[Any]:
    rows: QuerySet[Any] = Customer.objects.filter(
        livemode=settings.livemode, date_purged__isnull=True, subscriber__isnull=True
    )
    return rows


@dataclass(frozen=True, slots=True)
class _Page:
    customers: list[Unlinked]
    rows: QuerySet[Any]  # the same ones, as a query

    def judge(self, *, by_email: bool) -> list[Outcome]:
        return judge(self.customers, livemode=settings.livemode, by_email=by_email)


def _pages(after: str | None) -> Iterator[_Page]:
    last = 0
    if after is not None:
        found = Customer.objects.filter(id=after).values_list("djstripe_id", flat=True).first()
        if found is None:
            raise CustomerNotFound
        last = found
    while True:
        found_rows = list(
            read_unlinked(
                _unlinked().filter(djstripe_id__gt=last).order_by("djstripe_id")[:PAGE_SIZE]
            )
        )
        if not found_rows:
            return
        first, last = found_rows[0][0], found_rows[-1][0]
        yield _Page(
            [customer for _, customer in found_rows],
            _unlinked().filter(djstripe_id__gte=first, djstripe_id__lte=last),
        )


def _link(page: _Page, *, by_email: bool) -> list[Outcome]:
    livemode = settings.livemode
    found = page.judge(by_email=by_email)
    with transaction.atomic():
        outcomes = claim(found, livemode=livemode)
        linked = {one.customer_id: one.subscriber_pk for one in outcomes if one.outcome == LINKED}
        if linked:
            drop_cached_access_of_many(list(linked.values()), livemode=livemode)
            subscriptions = Subscription.objects.filter(customer__in=page.rows.values("id"))
            of_linked = [
                pk
                for pk, customer_id in subscriptions.values_list("pk", "customer_id")
                if customer_id in linked
            ]
            # Whom the accounts name, in one statement.
            account = BillingAccount.objects.filter(customer_id=OuterRef("id"))
            rows = page.rows
            if len(linked) < len(page.customers):
                rows = rows.filter(id__in=linked)
            rows.update(subscriber=first_value(account, "subscriber_id"))
            _record_subscriptions(of_linked)
    return outcomes


def _record_subscriptions(pks: Sequence[int]) -> None:
    """Their trials are used from now on, as if each webhook had come for a linked customer."""
    subscriptions = Subscription.objects.select_related("customer__subscriber")
    for start in range(0, len(pks), SUBSCRIPTIONS_AT_ONCE):
        some = subscriptions.filter(pk__in=pks[start : start + SUBSCRIPTIONS_AT_ONCE])
        record_subscriptions(subscriptions=list(some.defer("customer__stripe_data")))


class _Taken:
    """Which subscribers a dry run would have linked already: on disk, since they may be many."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("")  # a temporary file, gone when it is closed
        self._database.execute("CREATE TABLE taken (pk TEXT PRIMARY KEY) WITHOUT ROWID")

    def first_only(self, outcomes: Sequence[Outcome]) -> Iterator[Outcome]:
        for one in outcomes:
            if one.outcome == LINKED and not self._take(str(one.subscriber_pk)):
                one = replace(one, outcome=CONFLICT)
            yield one

    def _take(self, pk: str) -> bool:
        return bool(
            self._database.execute("INSERT OR IGNORE INTO taken VALUES (?)", (pk,)).rowcount
        )

    def close(self) -> None:
        self._database.close()
