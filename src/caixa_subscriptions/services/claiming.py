"""Writing down whose customers are, many at a time; the database decides who was first."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from django.db import IntegrityError, connection, transaction

from caixa_subscriptions.models import BillingAccount, new_reference
from caixa_subscriptions.services.links import ACCOUNT, CONFLICT, LINKED, Outcome


def claim(outcomes: Sequence[Outcome], *, livemode: bool) -> list[Outcome]:
    """Write into the billing accounts whose the linked ones are; dj-stripe's rows are left alone.

    Of two processes that claim one customer, or one subscriber, the constraints let one win; for
    the other it becomes a conflict.
    """
    new = [one for one in outcomes if one.outcome == LINKED and one.evidence != ACCOUNT]
    lost: set[str] = set()
    if new:
        try:
            with transaction.atomic():
                _create_accounts(new, livemode=livemode)
        except IntegrityError:  # some have an account, with a customer or none
            lost = _claim_what_is_free(new, livemode=livemode)
    claimed = (
        replace(one, outcome=CONFLICT) if one.customer_id in lost else one for one in outcomes
    )
    return _with_accounts_of_others(list(claimed))


def _with_accounts_of_others(outcomes: list[Outcome]) -> list[Outcome]:
    """What looked like a conflict, and is the same claim written by another process meanwhile."""
    conflicts = [one.customer_id for one in outcomes if one.outcome == CONFLICT]
    if not conflicts:
        return outcomes
    owners = _owners(conflicts)
    return [
        replace(one, outcome=LINKED, evidence=ACCOUNT)
        if one.outcome == CONFLICT and owners.get(one.customer_id) == one.subscriber_pk
        else one
        for one in outcomes
    ]


def _owners(customer_ids: Collection[str]) -> dict[str | None, Any]:
    accounts = BillingAccount.objects.filter(customer_id__in=customer_ids)
    return dict(accounts.values_list("customer_id", "subscriber_id"))


def _create_accounts(new: Sequence[Outcome], *, livemode: bool) -> None:
    """Raises IntegrityError, with nothing written, if any of them has one already."""
    if connection.vendor == "postgresql":
        _insert_accounts(new, livemode=livemode)
    else:
        BillingAccount.objects.bulk_create(_accounts(new, livemode=livemode))


def _accounts(new: Iterable[Outcome], *, livemode: bool) -> Iterator[BillingAccount]:
    return (
        BillingAccount(
            subscriber_id=one.subscriber_pk, livemode=livemode, customer_id=one.customer_id
        )
        for one in new
    )


def _insert_accounts(new: Sequence[Outcome], *, livemode: bool) -> None:
    """What `bulk_create` does with the same rows, at a third of its time: most of that goes into
    preparing nine values a row of which six are the same in all."""
    varying: dict[str, list[Any]] = {
        "subscriber": [one.subscriber_pk for one in new],
        "customer_id": [one.customer_id for one in new],
        "reference": [new_reference() for _ in new],
    }
    database = transaction.get_connection()  # itself, which is quicker to ask than its proxy
    alike = BillingAccount(livemode=livemode)
    columns, values, params = [], [], []
    for field in BillingAccount._meta.concrete_fields:
        if field.primary_key:
            continue
        columns.append(database.ops.quote_name(str(field.column)))
        kind = field.db_type(database)
        if field.name in varying:
            values.append(f"UNNEST(%s::{kind}[])")
            params.append([field.get_db_prep_save(one, database) for one in varying[field.name]])
        else:
            values.append(f"%s::{kind}")
            params.append(field.get_db_prep_save(field.pre_save(alike, True), database))
    table = database.ops.quote_name(BillingAccount._meta.db_table)
    with database.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(values)}",
            params,
        )


def _claim_what_is_free(new: Sequence[Outcome], *, livemode: bool) -> set[str]:
    """The ids of those that are not their subscribers' afterwards."""
    BillingAccount.objects.bulk_create(_accounts(new, livemode=livemode), ignore_conflicts=True)
    owners = _owners([one.customer_id for one in new])
    for one in new:
        if one.customer_id not in owners:  # there is an account already
            _claim_one(one, owners, livemode=livemode)
    return {one.customer_id for one in new if owners.get(one.customer_id) != one.subscriber_pk}


def _claim_one(one: Outcome, owners: dict[str | None, Any], *, livemode: bool) -> None:
    try:
        with transaction.atomic():
            claimed = BillingAccount.objects.filter(
                subscriber_id=one.subscriber_pk, livemode=livemode, customer_id=None
            ).update(customer_id=one.customer_id)
    except IntegrityError:  # another account has it
        return
    if claimed:
        owners[one.customer_id] = one.subscriber_pk
