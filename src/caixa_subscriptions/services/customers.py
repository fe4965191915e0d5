"""Stripe customers, each linked to the right subscriber."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, models, transaction
from django.utils import timezone
from djstripe.models import Customer
from djstripe.settings import djstripe_settings

from caixa_subscriptions import stripe_gateway
from caixa_subscriptions.conf import settings
from caixa_subscriptions.exceptions import CustomerConflict, CustomerNotFound, StripeRefused
from caixa_subscriptions.models import BillingAccount
from caixa_subscriptions.services.accounts import billing_lock
from caixa_subscriptions.services.emails import email_field
from caixa_subscriptions.services.links import ACCOUNT_KEY

if TYPE_CHECKING:
    import stripe
    from stripe.params import CustomerCreateParams, CustomerUpdateParams


def list_customers(*, subscriber: models.Model) -> list[Customer]:
    """The subscriber's customers in the current mode, usually one.

    The one of the billing account comes first. Of several without (made by hand in the dashboard)
    one with a subscription comes first, then the oldest, so that every caller picks the same.
    """
    of_account = BillingAccount.objects.filter(
        subscriber=subscriber.pk, customer_id=models.OuterRef("id")
    )
    return list(
        Customer.objects.filter(
            subscriber=subscriber, livemode=settings.livemode, date_purged__isnull=True
        )
        .annotate(
            of_account=models.Exists(of_account),
            subscription_count=models.Count("subscriptions"),
        )
        .order_by("-of_account", "-subscription_count", "created", "djstripe_id")
    )


def get_customer(*, subscriber: models.Model) -> Customer:
    """The first of `list_customers`. Raises CustomerNotFound."""
    customers = list_customers(subscriber=subscriber)
    if not customers:
        raise CustomerNotFound
    return customers[0]


def get_or_create_customer(*, subscriber: models.Model) -> Customer:
    """The subscriber's customer, created at Stripe and linked here when there is none.

    An existing customer at Stripe is never adopted by its e-mail: Stripe does not verify it.
    Of many calls at once one creates it and the others wait. Raises Busy, StripeUnavailable,
    StripeRefused, and RuntimeError inside a transaction (see `billing_lock`).
    """
    try:
        return get_customer(subscriber=subscriber)
    except CustomerNotFound:
        with billing_lock(subscriber=subscriber) as account:
            return get_or_create_customer_locked(account=account)


def get_or_create_customer_locked(*, account: BillingAccount) -> Customer:
    """`get_or_create_customer` for whoever holds the `billing_lock` of the account already."""
    customer = _customer_of(account)
    if customer is None:
        created = stripe_gateway.create_customer(
            _customer_params(account),
            scope=f"account:{account.reference}",
            record=lambda new: _claim(account, new.id),
        )
        customer = _store(account, created)
    return customer


def _customer_of(account: BillingAccount) -> Customer | None:
    """What the account says or, in a project older than it, dj-stripe's link; None for nobody."""
    if account.customer_id is not None:
        customer = Customer.objects.filter(id=account.customer_id).first()
        if customer is None:  # killed before it was stored here, or the row was lost
            customer = _fetch(account, account.customer_id)
        owners = (None, account.subscriber_id)
        if customer and customer.date_purged is None and customer.subscriber_id in owners:
            return _link(account, customer)
        # Deleted at Stripe, or given to somebody else by the project.
        BillingAccount.objects.filter(pk=account.pk).update(customer_id=None)
        account.customer_id = None
    for customer in list_customers(subscriber=account.subscriber):  # type: ignore[arg-type]
        # The link is what counts: an account that still names it has lost it.
        stale = BillingAccount.objects.filter(customer_id=customer.id).exclude(pk=account.pk)
        with transaction.atomic():
            stale.filter(subscriber=None).delete()
            stale.update(customer_id=None)
            _claim(account, customer.id)
        return customer
    return None


def _fetch(account: BillingAccount, customer_id: str) -> Customer | None:
    found = stripe_gateway.retrieve_customer(customer_id)
    return None if getattr(found, "deleted", False) else _store(account, found)


def _claim(account: BillingAccount, customer_id: str) -> None:
    """Write down that the customer is the account's. Raises CustomerConflict: of two who claim
    one, or of two that are claimed by one, the constraint lets the first win."""
    claimable = BillingAccount.objects.filter(
        models.Q(customer_id=None) | models.Q(customer_id=customer_id), pk=account.pk
    )
    try:
        with transaction.atomic():
            claimed = claimable.update(customer_id=customer_id)
    except IntegrityError:
        claimed = 0
    if not claimed:
        raise CustomerConflict
    account.customer_id = customer_id


def _store(account: BillingAccount, stripe_customer: stripe.Customer) -> Customer:
    with stripe_gateway.mapped_errors("dj-stripe's sync"):
        customer = Customer.sync_from_stripe_data(stripe_customer, api_key=settings.secret_key)
    return _link(account, customer)


def _link(account: BillingAccount, customer: Customer) -> Customer:
    """Have dj-stripe's row say whose it is. Raises CustomerConflict when it says otherwise."""
    with transaction.atomic():
        row = Customer.objects.select_for_update().get(pk=customer.pk)
        if row.subscriber_id not in (None, account.subscriber_id):
            raise CustomerConflict
        if row.subscriber_id is None:
            row.subscriber = account.subscriber
            row.save(update_fields=["subscriber"])
    return row


def _customer_params(account: BillingAccount) -> CustomerCreateParams:
    params: CustomerCreateParams = {
        "metadata": {
            djstripe_settings.SUBSCRIBER_CUSTOMER_KEY: str(account.subscriber_id),
            ACCOUNT_KEY: account.reference,
        },
    }
    if email := _email(account.subscriber):
        params["email"] = email
    if name := _name(account.subscriber):
        params["name"] = name
    return params


def _email(subscriber: Any) -> str:
    return getattr(subscriber, email_field(), "") or ""


def _name(subscriber: Any) -> str:
    get_full_name = getattr(subscriber, "get_full_name", None)
    return get_full_name() if callable(get_full_name) else ""


def push_email(*, subscriber: models.Model) -> None:
    """Tell Stripe the subscriber's e-mail and name as they are stored here.

    Under the lock, so that of two changes the later one stays. Raises CustomerNotFound, Busy,
    StripeUnavailable, StripeRefused.
    """
    with billing_lock(subscriber=subscriber):
        stored = type(subscriber)._default_manager.get(pk=subscriber.pk)
        customer = get_customer(subscriber=stored)
        params: CustomerUpdateParams = {}
        if email := _email(stored):
            params["email"] = email
        if name := _name(stored):
            params["name"] = name
        if params:
            stripe_gateway.update_customer(customer.id, params, scope=customer.id)


def is_customer_missing(error: StripeRefused) -> bool:
    """Whether Stripe says that the customer we named is not there: deleted, or of an account that
    our key does not open."""
    return error.stripe_code == "resource_missing" and error.stripe_param == "customer"


def is_deleted_at_stripe(*, customer_id: str) -> bool:
    """Whether Stripe knows that the customer was deleted (Stripe API: retrieve a customer).

    One that Stripe does not know at all is another account's: the key is wrong, and nothing about
    the customer has changed. Raises StripeUnavailable.
    """
    try:
        found = stripe_gateway.retrieve_customer(customer_id)
    except StripeRefused:
        return False
    return bool(getattr(found, "deleted", False))


def forget_deleted_customers(*, subscriber: models.Model) -> bool:
    """Ask Stripe about each of the subscriber's customers; whether any had been deleted there."""
    gone = [
        customer
        for customer in list_customers(subscriber=subscriber)
        if is_deleted_at_stripe(customer_id=customer.id)
    ]
    for customer in gone:
        forget_customer(customer=customer)
    return bool(gone)


def forget_customer(*, customer: Customer) -> None:
    """What dj-stripe does on `customer.deleted`, for a deletion whose webhook never came."""
    with transaction.atomic():
        release_customer(customer_id=customer.id)
        customer.subscriber = None
        customer.date_purged = timezone.now()
        customer.save(update_fields=["subscriber", "date_purged"])


def release_customer(*, customer_id: str) -> None:
    """The customer is gone at Stripe: its account may have another one. Safe to repeat."""
    accounts = BillingAccount.objects.filter(customer_id=customer_id)
    accounts.filter(subscriber=None).delete()
    accounts.update(customer_id=None)
