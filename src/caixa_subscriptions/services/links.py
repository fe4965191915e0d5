"""Whose an unlinked customer is, by what proves it; and writing that down, many at a time.

In this order: the billing account that has it; our own record of a Checkout Session opened for it;
its metadata; and, only when that is asked for, a verified e-mail. What is contradictory, or names a
subscriber who has another customer, is for a person to decide.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from djstripe.models import Customer
from djstripe.settings import djstripe_settings

from caixa_subscriptions.models import BillingAccount, CheckoutAttempt
from caixa_subscriptions.services.emails import Kind, Match, match_emails

# In the metadata of customers we make: the reference of the account they were made for.
ACCOUNT_KEY = "caixa_account"

# What names a subscriber.
ACCOUNT, CHECKOUT, METADATA, EMAIL = "account", "checkout", "metadata", "email"
# What can become of a customer without a subscriber.
LINKED = "linked"
NO_EVIDENCE = "no_evidence"
NO_SUBSCRIBER = "no_such_subscriber"
OWNER_DELETED = "owner_deleted"
OTHER_ACCOUNT = "made_for_another_account"
DISAGREEMENT = "evidence_disagrees"
EMAIL_CONFLICT = "email_of_several"
EMAIL_UNVERIFIED = "email_not_verified"
CONFLICT = "subscriber_has_another_customer"
_OF_EMAIL = {
    Kind.VERIFIED: LINKED,
    Kind.UNVERIFIED: EMAIL_UNVERIFIED,
    Kind.SEVERAL: EMAIL_CONFLICT,
}


Among = Collection[str] | models.QuerySet[Any, Any]


@dataclass(frozen=True, slots=True)
class Unlinked:
    """A customer dj-stripe links to nobody."""

    id: str
    metadata: Mapping[str, Any] = field(repr=False)
    email: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """`evidence` is what named the subscriber, if anything did."""

    customer_id: str
    outcome: str
    subscriber_pk: Any = None
    evidence: str | None = None


def judge(
    customers: Sequence[Unlinked],
    *,
    livemode: bool,
    among: Among | None = None,
    by_checkout: bool = False,
    by_email: bool = False,
) -> list[Outcome]:
    """Whose each one is. Reads only, with a few queries however many there are.

    `among` is a query for the ids of the same customers, which is quicker than naming thousands.
    """
    evidence = _Evidence(
        customers, among=among, livemode=livemode, by_checkout=by_checkout, by_email=by_email
    )
    found = [evidence.of(customer) for customer in customers]
    taken = evidence.taken | _taken(
        {one.subscriber_pk for one in found if one.outcome == LINKED} - evidence.known,
        livemode=livemode,
    )
    outcomes = []
    for one in found:
        if one.outcome == LINKED and one.evidence != ACCOUNT:
            if one.subscriber_pk in taken:
                one = replace(one, outcome=CONFLICT)
            taken.add(one.subscriber_pk)  # of two the first
        outcomes.append(one)
    return outcomes


def claim(
    outcomes: Sequence[Outcome], *, livemode: bool, among: Among | None = None
) -> list[Outcome]:
    """Write into the billing accounts whose the linked ones are; dj-stripe's rows are left alone.

    Of two processes that claim one customer, or one subscriber, the constraints let one win; for
    the other it becomes a conflict.
    """
    new = [one for one in outcomes if one.outcome == LINKED and one.evidence != ACCOUNT]
    if not new:
        return list(outcomes)
    if among is None:
        among = [one.customer_id for one in new]
    BillingAccount.objects.bulk_create(
        [
            BillingAccount(
                subscriber_id=one.subscriber_pk, livemode=livemode, customer_id=one.customer_id
            )
            for one in new
        ],
        ignore_conflicts=True,
    )
    owners = _accounts_of(among)
    for one in new:
        if one.customer_id not in owners:  # there is an account already
            _claim_one(one, owners, livemode=livemode)
    return [
        replace(one, outcome=CONFLICT)
        if one.outcome == LINKED
        and one.evidence != ACCOUNT
        and owners.get(one.customer_id) != one.subscriber_pk
        else one
        for one in outcomes
    ]


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


def _accounts_of(customer_ids: Among) -> dict[str | None, Any]:
    return dict(
        BillingAccount.objects.filter(customer_id__in=customer_ids).values_list(
            "customer_id", "subscriber_id"
        )
    )


def _has_customer(*, livemode: bool) -> models.Q:
    """Of a subscriber: by account, or by dj-stripe's link."""
    of_subscriber = {"subscriber": models.OuterRef("pk"), "livemode": livemode}
    accounts = BillingAccount.objects.filter(customer_id__isnull=False, **of_subscriber)
    rows = Customer.objects.filter(date_purged__isnull=True, **of_subscriber)
    return models.Q(models.Exists(accounts)) | models.Q(models.Exists(rows))


def _taken(subscriber_pks: Collection[Any], *, livemode: bool) -> set[Any]:
    """Those who have a customer already."""
    if not subscriber_pks:
        return set()
    subscribers = djstripe_settings.get_subscriber_model()._base_manager
    having = subscribers.filter(_has_customer(livemode=livemode), pk__in=subscriber_pks)
    return set(having.values_list("pk", flat=True))


class _Evidence:
    """What names the subscribers of these customers, looked up all at once.

    `known` are subscribers who exist, and of these `taken` have a customer already.
    """

    def __init__(
        self,
        customers: Sequence[Unlinked],
        *,
        among: Among | None,
        livemode: bool,
        by_checkout: bool,
        by_email: bool,
    ) -> None:
        ids: Among = [customer.id for customer in customers] if among is None else among
        self.owners = _accounts_of(ids)
        self.named = {
            customer.id: str(customer.metadata[djstripe_settings.SUBSCRIBER_CUSTOMER_KEY])
            for customer in customers
            if customer.id not in self.owners
            and customer.metadata.get(djstripe_settings.SUBSCRIBER_CUSTOMER_KEY)
        }
        existing = _existing(self.named.values(), livemode=livemode)
        self.known, self.taken = set(existing), {pk for pk, has in existing.items() if has}
        self.subscribers = {str(pk): pk for pk in existing}
        self.references = {
            customer.id: str(customer.metadata[ACCOUNT_KEY])
            for customer in customers
            if customer.metadata.get(ACCOUNT_KEY)
        }
        self.accounts: dict[str, Any] = {}
        if self.references:
            self.accounts = dict(
                BillingAccount.objects.filter(
                    reference__in=self.references.values(), livemode=livemode
                ).values_list("reference", "subscriber_id")
            )
        self.opened_for: dict[str, set[Any]] = defaultdict(set)
        if by_checkout:
            for customer_id, pk in CheckoutAttempt.objects.filter(
                customer_id__in=ids, livemode=livemode, subscriber__isnull=False
            ).values_list("customer_id", "subscriber_id"):
                self.opened_for[customer_id].add(pk)
        self.emails: dict[str, Match] = {}
        if by_email:
            self.emails = match_emails({one.email for one in customers}, livemode=livemode)

    def of(self, customer: Unlinked) -> Outcome:
        if customer.id in self.owners:
            pk = self.owners[customer.id]
            if pk is None:
                return Outcome(customer.id, OWNER_DELETED)
            return Outcome(customer.id, LINKED, pk, ACCOUNT)
        named = self.named.get(customer.id)
        opened_for = self.opened_for.get(customer.id)
        if opened_for:
            if len({str(pk) for pk in opened_for} | ({named} if named else set())) > 1:
                return Outcome(customer.id, DISAGREEMENT, named, CHECKOUT)
            return Outcome(customer.id, LINKED, next(iter(opened_for)), CHECKOUT)
        if named or customer.id in self.references:
            return self._by_metadata(customer, named)
        if match := self.emails.get(customer.email):
            return Outcome(customer.id, _OF_EMAIL[match.kind], match.subscriber_pk, EMAIL)
        return Outcome(customer.id, NO_EVIDENCE)

    def _by_metadata(self, customer: Unlinked, named: str | None) -> Outcome:
        pk = self.subscribers.get(named or "")
        reference = self.references.get(customer.id)
        if named and pk is None:
            return Outcome(customer.id, NO_SUBSCRIBER, named, METADATA)
        if reference is not None and (pk is None or self.accounts.get(reference) != pk):
            # Made by us for somebody who had this primary key before, or in another database.
            return Outcome(customer.id, OTHER_ACCOUNT, pk, METADATA)
        return Outcome(customer.id, LINKED, pk, METADATA)


def _existing(named: Iterable[str], *, livemode: bool) -> dict[Any, bool]:
    """Of those whom metadata names, who exists, and whether they have a customer already."""
    keys = [pk for text in set(named) if (pk := _primary_key(text)) is not None]
    if not keys:
        return {}
    subscribers = djstripe_settings.get_subscriber_model()._default_manager.filter(pk__in=keys)
    has_customer = models.ExpressionWrapper(
        _has_customer(livemode=livemode), output_field=models.BooleanField()
    )
    found = subscribers.annotate(caixa_taken=has_customer).values_list("pk", "caixa_taken")
    return {pk: bool(taken) for pk, taken in found}


def _primary_key(text: str) -> Any | None:
    """None for what is no primary key written as Python writes it, such as " 1" and "01"."""
    key: models.Field[Any, Any] = djstripe_settings.get_subscriber_model()._meta.pk
    while key.remote_field:
        key = key.target_field  # type: ignore[attr-defined]
    try:
        pk = key.to_python(text)
        key.run_validators(pk)
    except (ValidationError, ValueError, TypeError, OverflowError):
        return None
    return pk if str(pk) == text and "\0" not in text else None
