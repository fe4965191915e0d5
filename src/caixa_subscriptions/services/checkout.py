"""Selling through Stripe Checkout."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import models
from djstripe.models import Customer

from caixa_subscriptions import stripe_gateway
from caixa_subscriptions.access import Access, get_access, has_live_subscription
from caixa_subscriptions.conf import settings
from caixa_subscriptions.exceptions import (
    AlreadySubscribed,
    CheckoutSessionNotFound,
    StripeRefused,
)
from caixa_subscriptions.prices import get_offered_price
from caixa_subscriptions.services.customers import (
    forget_customer,
    get_or_create_customer,
    is_customer_missing,
    list_customers,
)
from caixa_subscriptions.services.subscriptions import refresh_subscriptions, sync_subscription
from caixa_subscriptions.services.trials import is_trial_eligible

if TYPE_CHECKING:
    from stripe.params.checkout import SessionCreateParams

SESSION_ID_TEMPLATE = "{CHECKOUT_SESSION_ID}"
_SESSION_ID = re.compile(r"cs_(test|live)_[A-Za-z0-9]{1,200}")


@dataclass(frozen=True, slots=True)
class CheckoutSession:
    """An open session at Stripe: send the customer to `url`. `trial_days` is 0 without a trial."""

    session_id: str
    url: str
    trial_days: int


def create_checkout_session(
    *, subscriber: models.Model, price: str, success_url: str, cancel_url: str
) -> CheckoutSession:
    """Open a Checkout Session for one of the offered prices, with the trial if still unused.

    `price` is a name, lookup key or Stripe id of the allowlist; the URLs are absolute and already
    checked. Earlier sessions still open are expired. Raises PriceNotOffered, AlreadySubscribed,
    StripeUnavailable, StripeRefused.
    """
    offer = get_offered_price(price)
    params: SessionCreateParams = {
        "mode": "subscription",
        "client_reference_id": str(subscriber.pk),
        "line_items": [{"price": offer.price_id, "quantity": 1}],
        "payment_method_collection": "always",
        "success_url": _with_session_id(success_url),
        "cancel_url": cancel_url,
    }
    customer = get_or_create_customer(subscriber=subscriber)
    try:
        return _open_session(subscriber, customer, params)
    except StripeRefused as error:
        if not is_customer_missing(error):
            raise
    # Deleted at Stripe, and its webhook never came.
    forget_customer(customer=customer)
    customer = get_or_create_customer(subscriber=subscriber)
    return _open_session(subscriber, customer, params)


def _open_session(
    subscriber: models.Model, customer: Customer, params: SessionCreateParams
) -> CheckoutSession:
    # A webhook may be late or lost: Stripe itself has the last word on a second charge.
    customers = list_customers(subscriber=subscriber)
    _require_none_live(subscriber, customers)
    for one in customers:
        # An earlier tab must not be able to pay a second time.
        for earlier in list(stripe_gateway.list_open_checkout_sessions(customer=one.id)):
            try:
                stripe_gateway.expire_checkout_session(earlier.id)
            except StripeRefused:  # no longer open: it may have been paid this moment
                _require_none_live(subscriber, [one])
    trial_days = settings.trial_days if is_trial_eligible(subscriber=subscriber) else 0
    params = {**params, "customer": customer.id}
    if trial_days:
        params["subscription_data"] = {"trial_period_days": trial_days}
    session = stripe_gateway.create_checkout_session(params)
    return CheckoutSession(session_id=session.id, url=session.url or "", trial_days=trial_days)


def _require_none_live(subscriber: models.Model, customers: list[Customer]) -> None:
    for customer in customers:
        refresh_subscriptions(customer=customer)
    if has_live_subscription(subscriber):
        raise AlreadySubscribed


def complete_checkout(*, subscriber: models.Model, session_id: str) -> Access:
    """What the success page does: sync the session's subscription without waiting for a webhook.

    A session id is no credential: one that is not of the subscriber's own customer raises
    CheckoutSessionNotFound, exactly as one that does not exist, and nothing is stored. A session
    that is not complete changes nothing. Raises StripeUnavailable when Stripe cannot be asked.
    """
    if not _SESSION_ID.fullmatch(session_id):
        raise CheckoutSessionNotFound
    try:
        session = stripe_gateway.retrieve_checkout_session(session_id)
    except StripeRefused as error:
        if error.stripe_code == "resource_missing":
            raise CheckoutSessionNotFound from None
        raise
    owned = Customer.objects.filter(
        id=session.customer or "", subscriber=subscriber, livemode=settings.livemode
    )
    if session.mode != "subscription" or not owned.exists():
        raise CheckoutSessionNotFound
    if session.status == "complete" and session.subscription is not None:
        sync_subscription(stripe_subscription=session.subscription)  # type: ignore[arg-type]
    return get_access(subscriber)


def _with_session_id(url: str) -> str:
    """Stripe fills the template in; its braces must stay as they are (Stripe docs: Checkout,
    customise the success page)."""
    if SESSION_ID_TEMPLATE in url:
        return url
    base, hash_mark, fragment = url.partition("#")
    separator = "&" if "?" in base else "?"
    return f"{base}{separator}session_id={SESSION_ID_TEMPLATE}{hash_mark}{fragment}"
