"""Whose an unlinked customer is, by what proves it.

In this order: the billing account that has it; our own record of a Checkout Session opened for it;
its metadata; and, only when that is asked for, a verified e-mail. What is contradictory, or names a
subscriber who has another customer, is for a person to decide.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
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


@dataclass(frozen=True, slots=True)
class Unlinked:
    """A customer dj-stripe links to nobody, and what our own tables have of it.

    `account_pk` is of the billing account that has it; None says that there is none.
    """

    id: str
    metadata: Mapping[str, Any] = field(repr=False)
    email: str = field(default="", repr=False)
    account_pk: Any = None
    has_checkout: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """`evidence` is what named the subscriber, if anything did."""

    customer_id: str
    outcome: str
    subscriber_pk: Any = None
    evidence: str | None = None


def read_unlinked(customers: models.QuerySet[Any]) -> Iterator[tuple[int, Unlinked]]:
    """These rows of dj-stripe's, with their keys there."""
    accounts = BillingAccount.objects.filter(customer_id=models.OuterRef("id"))
    attempts = CheckoutAttempt.objects.filter(
        customer_id=models.OuterRef("id"),
        livemode=models.OuterRef("livemode"),
        subscriber__isnull=False,
    )
    # Only what is looked at: the payload of a customer is large.
    rows = customers.values_list(
        "djstripe_id",
        "id",
        "metadata",
        "email",
        first_value(accounts, "pk"),
        first_value(attempts, "pk"),
    )
    for pk, id_, metadata, email, account_pk, attempt in rows:
        yield pk, Unlinked(id_, metadata or {}, email, account_pk, attempt is not None)


def first_value(rows: models.QuerySet[Any], name: str) -> models.Subquery:
    """A value of the first of them: one probe of an index for each row that asks. For `Exists`
    PostgreSQL may read the whole table, and at every page anew."""
    return models.Subquery(rows.values(name)[:1])


def judge(
    customers: Sequence[Unlinked],
    *,
    livemode: bool,
    by_email: bool = False,
) -> list[Outcome]:
    """Whose each one is. Reads only, with a few queries however many there are."""
    evidence = _Evidence(customers, livemode=livemode, by_email=by_email)
    found = [evidence.of(customer) for customer in customers]
    others = {one.subscriber_pk for one in found if one.outcome == LINKED} - evidence.known
    subscribers = djstripe_settings.get_subscriber_model()._base_manager.all()
    has_customer = _have_customers(subscribers, others, livemode=livemode)
    taken = evidence.taken | {pk for pk, has in has_customer.items() if has}
    outcomes = []
    for one in found:
        if one.outcome == LINKED and one.evidence != ACCOUNT:
            if one.subscriber_pk in taken:
                one = replace(one, outcome=CONFLICT)
            taken.add(one.subscriber_pk)  # of two the first
        outcomes.append(one)
    return outcomes


def _have_customers(
    subscribers: models.QuerySet[Any], pks: Collection[Any], *, livemode: bool
) -> dict[Any, bool]:
    """Those of `pks` who exist, and whether they have a customer already: by account, or by
    dj-stripe's link."""
    if not pks:
        return {}
    of_subscriber = {"subscriber": models.OuterRef("pk"), "livemode": livemode}
    accounts = BillingAccount.objects.filter(customer_id__isnull=False, **of_subscriber)
    customers = Customer.objects.filter(date_purged__isnull=True, **of_subscriber)
    found = subscribers.filter(pk__in=pks).values_list(
        "pk", first_value(accounts, "pk"), first_value(customers, "pk")
    )
    return {pk: account is not None or customer is not None for pk, account, customer in found}


class _Evidence:
    """What names the subscribers of these customers, looked up all at once.

    `known` are subscribers who exist, and of these `taken` have a customer already.
    """

    def __init__(
        self,
        customers: Sequence[Unlinked],
        *,
        livemode: bool,
        by_email: bool,
    ) -> None:
        # None when the subscriber was deleted.
        self.owners: dict[str | None, Any] = {}
        if having := [one.account_pk for one in customers if one.account_pk is not None]:
            self.owners = dict(
                BillingAccount.objects.filter(pk__in=having).values_list(
                    "customer_id", "subscriber_id"
                )
            )
        key = djstripe_settings.SUBSCRIBER_CUSTOMER_KEY
        self.named = {
            customer.id: str(customer.metadata[key])
            for customer in customers
            if customer.id not in self.owners and customer.metadata.get(key)
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
        if opened := [customer.id for customer in customers if customer.has_checkout]:
            for customer_id, pk in CheckoutAttempt.objects.filter(
                customer_id__in=opened, livemode=livemode, subscriber__isnull=False
            ).values_list("customer_id", "subscriber_id"):
                self.opened_for[customer_id].add(pk)
        self.emails: dict[str, Match] = {}
        if by_email:
            said = (self.owners, self.opened_for, self.named, self.references)
            rest = {one.email for one in customers if not any(one.id in of for of in said)}
            self.emails = match_emails(rest, livemode=livemode)

    def of(self, customer: Unlinked) -> Outcome:
        if customer.id in self.owners:
            owner = self.owners[customer.id]
            if owner is None:
                return Outcome(customer.id, OWNER_DELETED)
            return Outcome(customer.id, LINKED, owner, ACCOUNT)
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
    model = djstripe_settings.get_subscriber_model()
    key: models.Field[Any, Any] = model._meta.pk
    while key.remote_field:
        key = key.target_field  # type: ignore[attr-defined]
    pks = [pk for text in set(named) if (pk := _primary_key(key, text)) is not None]
    return _have_customers(model._default_manager.all(), pks, livemode=livemode)


def _primary_key(key: models.Field[Any, Any], text: str) -> Any | None:
    """None for what is no primary key written as Python writes it, such as " 1" and "01"."""
    try:
        pk = key.to_python(text)
        key.run_validators(pk)
    except (ValidationError, ValueError, TypeError, OverflowError):
        return None
    return pk if str(pk) == text and "\0" not in text else None
