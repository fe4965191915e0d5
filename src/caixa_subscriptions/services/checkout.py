"""Selling through Stripe Checkout.

One request at a time sells to one subscriber, and has one session open. All that is needed to go on
after a kill is committed, or stands at Stripe, before the next step begins.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from django.db import models
from django.utils import timezone
from djstripe.models import Customer

from caixa_subscriptions import stripe_gateway
from caixa_subscriptions.access import Access, get_access
from caixa_subscriptions.conf import now, settings
from caixa_subscriptions.exceptions import (
    AlreadySubscribed,
    CheckoutSessionNotFound,
    StripeRefused,
)
from caixa_subscriptions.models import BillingAccount, CheckoutAttempt
from caixa_subscriptions.prices import OfferedPrice, get_offered_price
from caixa_subscriptions.services.accounts import billing_lock
from caixa_subscriptions.services.checkout_params import (
    DIGEST_KEY,
    checkout_params,
    digest_of,
    marked,
)
from caixa_subscriptions.services.customers import (
    forget_deleted_customers,
    get_or_create_customer_locked,
    is_customer_missing,
    list_customers,
)
from caixa_subscriptions.services.one_subscription import has_competing_subscription
from caixa_subscriptions.services.signup_trials import rest_of_signup_trial
from caixa_subscriptions.services.subscriptions import refresh_subscriptions, sync_subscription
from caixa_subscriptions.services.trials import (
    SESSION_LIFETIME,
    await_subscription,
    hold_trial,
    release_trial,
    reserve_trial,
    trial_params,
)
from caixa_subscriptions.shapes import from_timestamp

if TYPE_CHECKING:
    import stripe

_SESSION_ID = re.compile(r"cs_(test|live)_[A-Za-z0-9]{1,200}")
# Nobody is sent to a session that is over before they have typed in their card.
LEAST_LEFT = dt.timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class CheckoutSession:
    """An open session at Stripe: send the customer to `url`.

    `trial_days` is 0 without a trial, and what is left of one that began at sign-up.
    """

    session_id: str
    url: str = field(repr=False)
    trial_days: int


@stripe_gateway.within()
def create_checkout_session(
    *,
    subscriber: models.Model,
    price: str,
    success_url: str,
    cancel_url: str,
    quantity: int | None = None,
) -> CheckoutSession:
    """The subscriber's one open Checkout Session, for one of the offered prices, with the trial if
    still unused.

    `price` is a name, lookup key or Stripe id of the allowlist; the URLs are absolute and already
    checked; `quantity` is the least of the offer's unless given. The session that is open already
    is answered again if it was opened for the same, and expired if not. Raises PriceNotOffered,
    QuantityNotOffered, CheckoutParamsRefused, AlreadySubscribed, CustomerConflict, Busy,
    StripeUnavailable, StripeRefused, and RuntimeError inside a transaction (see `billing_lock`).
    """
    offer = get_offered_price(price, quantity=quantity)
    params = checkout_params(
        subscriber=subscriber,
        offer=offer,
        quantity=quantity or offer.min_quantity,
        success_url=success_url,
        cancel_url=cancel_url,
    )
    asked = digest_of(params)
    begun = timezone.now()
    with billing_lock(subscriber=subscriber) as account:
        answered = _answered_meanwhile(account, asked, since=begun)
        if answered is None:
            return _sell_to(account, offer, params, asked)
    session = _still_open(answered)
    if session is not None:
        return session
    with billing_lock(subscriber=subscriber) as account:
        return _sell_to(account, offer, params, asked)


def _sell_to(
    account: BillingAccount, offer: OfferedPrice, params: dict[str, Any], asked: str
) -> CheckoutSession:
    customer = get_or_create_customer_locked(account=account)
    try:
        return _sell(account, customer, offer, params, asked)
    except StripeRefused as error:
        subscriber = cast("models.Model", account.subscriber)
        if not is_customer_missing(error) or not forget_deleted_customers(subscriber=subscriber):
            raise
    # Deleted at Stripe, and its webhook never came.
    customer = get_or_create_customer_locked(account=account)
    return _sell(account, customer, offer, params, asked)


def _answered_meanwhile(
    account: BillingAccount, asked: str, *, since: dt.datetime
) -> CheckoutAttempt | None:
    """The session that another request, who asked for the same and came first, was answered while
    this one waited: fifty clicks at once are looked into once, and not one after the other."""
    return CheckoutAttempt.objects.filter(
        subscriber=account.subscriber_id,
        livemode=account.livemode,
        params_digest=asked,
        status=CheckoutAttempt.Status.OPEN,
        updated__gte=since,
    ).first()


def _still_open(attempt: CheckoutAttempt) -> CheckoutSession | None:
    session = stripe_gateway.retrieve_checkout_session(attempt.session_id)
    if session.status != "open" or not session.url:
        return None
    return CheckoutSession(session_id=session.id, url=session.url, trial_days=attempt.trial_days)


def _sell(
    account: BillingAccount,
    customer: Customer,
    offer: OfferedPrice,
    params: dict[str, Any],
    asked: str,
) -> CheckoutSession:
    subscriber = cast("models.Model", account.subscriber)
    # A webhook may be late or lost: Stripe itself has the last word on a second charge.
    customers = _require_none_live(subscriber, offer, customer)
    has_trial = reserve_trial(subscriber=subscriber)
    rest = None if has_trial else rest_of_signup_trial(subscriber=subscriber)
    wanted = {**params, "customer": customer.id, "payment_method_collection": "always"}
    wanted, digest = marked(_with_trial(wanted, rest) if has_trial or rest else wanted)
    session, others = None, []
    for one in customers:
        for found in list(stripe_gateway.list_open_checkout_sessions(customer=one.id)):
            if session is None and one == customer and _is_as_good(found, digest):
                session = found
            else:
                others.append(found)
    if others:
        if has_trial:  # it is no longer the others', whoever hears first that they are over
            hold_trial(subscriber=subscriber, session_id="", expires_at=now() + SESSION_LIFETIME)
        _expire(others, subscriber, offer, customer)
    if session is None:
        session = stripe_gateway.create_checkout_session(cast("Any", wanted), scope=customer.id)
    trial_days = settings.trial_days if has_trial else _days_until(rest)
    expires_at = from_timestamp(session.expires_at) or now() + SESSION_LIFETIME
    _remember(account, customer, offer, session, asked, trial_days, expires_at)
    if has_trial:
        hold_trial(subscriber=subscriber, session_id=session.id, expires_at=expires_at)
    return CheckoutSession(session_id=session.id, url=session.url or "", trial_days=trial_days)


def _days_until(end: dt.datetime | None) -> int:
    """Whole days, the last one begun."""
    return math.ceil((end - now()) / dt.timedelta(days=1)) if end else 0


def _with_trial(params: dict[str, Any], until: dt.datetime | None) -> dict[str, Any]:
    trial = trial_params(until=until)
    data = {**params["subscription_data"], **trial.get("subscription_data", {})}
    return {**params, **trial, "subscription_data": data}


def _is_as_good(session: stripe.checkout.Session, digest: str) -> bool:
    """Whether it was opened with the same params, and there is time to pay."""
    metadata: Any = session.metadata or {}
    if DIGEST_KEY not in metadata or metadata[DIGEST_KEY] != digest:
        return False
    expires_at = from_timestamp(session.expires_at)
    return bool(session.url) and (expires_at is None or expires_at > now() + LEAST_LEFT)


def _expire(
    sessions: list[stripe.checkout.Session],
    subscriber: models.Model,
    offer: OfferedPrice,
    customer: Customer,
) -> None:
    """An earlier tab must not be able to pay a second time. Raises AlreadySubscribed."""
    for session in sessions:
        try:
            stripe_gateway.expire_checkout_session(session.id)
        except StripeRefused:  # no longer open: it may have been paid this moment
            _require_none_live(subscriber, offer, customer)
        else:
            close_attempt(session_id=session.id, status=CheckoutAttempt.Status.EXPIRED)


def _remember(
    account: BillingAccount,
    customer: Customer,
    offer: OfferedPrice,
    session: stripe.checkout.Session,
    asked: str,
    trial_days: int,
    expires_at: dt.datetime,
) -> None:
    CheckoutAttempt.objects.update_or_create(
        session_id=session.id,
        defaults={
            "subscriber_id": account.subscriber_id,
            "livemode": account.livemode,
            "customer_id": customer.id,
            "price_id": offer.price_id,
            "params_digest": asked,
            "trial_days": trial_days,
            "expires_at": expires_at,
        },
    )


def _require_none_live(
    subscriber: models.Model, offer: OfferedPrice, own: Customer
) -> list[Customer]:
    """All of the subscriber's customers that Stripe has. Raises AlreadySubscribed."""
    found = []
    for customer in list_customers(subscriber=subscriber):
        try:
            refresh_subscriptions(customer=customer)
        except StripeRefused as error:
            if customer == own or not is_customer_missing(error):
                raise
        else:  # the others are of another Stripe account, where nobody pays us
            found.append(customer)
    if has_competing_subscription(subscriber=subscriber, product_id=offer.product_id):
        raise AlreadySubscribed
    return found


def close_attempt(*, session_id: str, status: CheckoutAttempt.Status) -> None:
    """The session is complete or expired, and the trial of an expired one free again. Safe to
    repeat; the trial of a session we opened in place of it stays reserved."""
    CheckoutAttempt.objects.filter(
        session_id=session_id, status=CheckoutAttempt.Status.OPEN
    ).update(status=status, updated=now())
    if status == CheckoutAttempt.Status.EXPIRED:
        release_trial(session_id=session_id)
    elif status == CheckoutAttempt.Status.COMPLETE:
        await_subscription(session_id=session_id)


@stripe_gateway.within()
def complete_checkout(*, subscriber: models.Model, session_id: str) -> Access:
    """What the success page does: sync the session's subscription without waiting for a webhook.

    A session id is no credential: one that is not of the subscriber's own customer, or was opened
    for somebody else, raises CheckoutSessionNotFound, exactly as one that does not exist, and
    nothing is stored. A session that is not complete changes nothing. Safe to repeat. Raises
    StripeUnavailable when Stripe cannot be asked.
    """
    if not _SESSION_ID.fullmatch(session_id):
        raise CheckoutSessionNotFound
    try:
        session = stripe_gateway.retrieve_checkout_session(session_id)
    except StripeRefused as error:
        if error.stripe_code == "resource_missing":
            raise CheckoutSessionNotFound from None
        raise
    if session.mode != "subscription" or not _is_owned(session, subscriber):
        raise CheckoutSessionNotFound
    if session.status == "complete" and session.subscription is not None:
        sync_subscription(stripe_subscription=session.subscription)  # type: ignore[arg-type]
        close_attempt(session_id=session.id, status=CheckoutAttempt.Status.COMPLETE)
    return get_access(subscriber)


def _is_owned(session: stripe.checkout.Session, subscriber: models.Model) -> bool:
    """By its customer; and by our record, where there is one: a kill may have come before it."""
    owned = Customer.objects.filter(
        id=session.customer or "", subscriber=subscriber, livemode=settings.livemode
    )
    of_others = CheckoutAttempt.objects.filter(session_id=session.id).exclude(
        subscriber=subscriber.pk
    )
    return owned.exists() and not of_others.exists()
