"""What we change at Stripe: each change happens once, however often it is tried.

After StripeUnavailable the outcome is unknown; the same call, now or days later, in this process or
in another, finds out or finishes it. That goes by the operation, the `scope` (what it is about,
such as the customer's id) and the params, so these must be the same again. `scope` stands in logs
and in a table: an id, never an e-mail address.

None of them may be called inside a transaction: what is under way must be on record before Stripe
is asked.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import stripe

from caixa_subscriptions.stripe_gateway.attempts import PAGE_SIZE, listed, repeat
from caixa_subscriptions.stripe_gateway.errors import mapped_errors
from caixa_subscriptions.stripe_gateway.runtime import within
from caixa_subscriptions.stripe_gateway.writing import MARK, Write, is_marked_with

if TYPE_CHECKING:
    from stripe.params import (
        CustomerCreateParams,
        CustomerUpdateParams,
        RefundCreateParams,
        SubscriptionCancelParams,
        SubscriptionUpdateParams,
        WebhookEndpointCreateParams,
        WebhookEndpointUpdateParams,
    )
    from stripe.params.billing_portal import SessionCreateParams as PortalSessionCreateParams
    from stripe.params.checkout import SessionCreateParams as CheckoutSessionCreateParams

# A link to the portal that nobody opens dies after five minutes (Stripe docs: customer portal).
PORTAL_SESSION_LIFETIME = dt.timedelta(minutes=1)


def create_customer(
    params: CustomerCreateParams, *, scope: str, record: Callable[[stripe.Customer], None]
) -> stripe.Customer:
    """`scope` is what it is made for, as `account:<reference>`. `record` writes down whose it is,
    before it is forgotten here that there is one; it may be called again.

    Whatever is sent: somebody whose name or address has changed since a first try gets the
    customer of the first try, if that made one.
    """

    def find(key: str) -> Any:
        # Searching does not find yet what was made this minute (Stripe docs: search).
        newest = repeat(lambda v1: v1.customers.list({"limit": PAGE_SIZE})).data
        query = {"query": f"metadata['{MARK}']:'{key}'"}
        return _first(newest, key) or _first(
            repeat(lambda v1: v1.customers.search(query)).data, key
        )

    return Write(
        "customers.create",
        scope,
        params,
        lambda v1, params, options: v1.customers.create(params, options),
        find=find,
        current=_unless_deleted,
        record=record,
        same_by={},
    ).carry_out()


def update_customer(
    customer_id: str, params: CustomerUpdateParams, *, scope: str
) -> stripe.Customer:
    return Write(
        "customers.update",
        scope,
        params,
        lambda v1, params, options: v1.customers.update(customer_id, params, options),
        current=_as_asked(params, lambda v1, its_id: v1.customers.retrieve(its_id)),
        same_by={**params, "customer": customer_id},
    ).carry_out()


def delete_customer(customer_id: str, *, scope: str) -> None:
    """Its subscriptions end with it. One that is deleted already is no error."""
    with mapped_errors("customers.delete", scope), within():
        try:
            repeat(lambda v1: v1.customers.delete(customer_id))
        except stripe.InvalidRequestError as error:
            if error.code != "resource_missing":
                raise


def create_checkout_session(
    params: CheckoutSessionCreateParams, *, scope: str
) -> stripe.checkout.Session:
    """An open session. `scope` is the customer's id, which stands in `params` too.

    One that an earlier try made and that is complete or expired by now is not answered but
    replaced: look whether the customer has subscribed before.
    """

    def find(key: str) -> Any:
        wanted = {"customer": params["customer"], "status": "open"}
        return _first(listed(lambda v1, params: v1.checkout.sessions.list(params), wanted), key)

    def current(session: Any) -> Any:
        now = repeat(lambda v1: v1.checkout.sessions.retrieve(session.id))
        return now if now.status == "open" else None

    return Write(
        "checkout.sessions.create",
        scope,
        params,
        lambda v1, params, options: v1.checkout.sessions.create(params, options),
        find=find if "customer" in params else _nowhere,
        current=current,
    ).carry_out()


def expire_checkout_session(session_id: str) -> None:
    """One that is expired already is no error; one that is complete raises StripeRefused."""
    with mapped_errors("checkout.sessions.expire", session_id), within():
        try:
            repeat(lambda v1: v1.checkout.sessions.expire(session_id))
        except stripe.InvalidRequestError:
            session = repeat(lambda v1: v1.checkout.sessions.retrieve(session_id))
            if session.status != "expired":
                raise


def create_portal_session(
    params: PortalSessionCreateParams, *, scope: str
) -> stripe.billing_portal.Session:
    """`scope` is the customer's id.

    A link nobody has seen is worth nothing and does no harm, so one that was lost is not looked
    for. Raises PortalNotConfigured as well.
    """
    return Write(
        "billing_portal.sessions.create",
        scope,
        params,
        lambda v1, params, options: v1.billing_portal.sessions.create(params, options),
        lifetime=PORTAL_SESSION_LIFETIME,
    ).carry_out()


def update_subscription(
    subscription_id: str,
    params: SubscriptionUpdateParams,
    *,
    scope: str,
    same_by: Mapping[str, Any] | None = None,
) -> stripe.Subscription:
    """`same_by` is what makes a later call the same one, where that is not the params."""

    def find(key: str) -> Any:
        subscription = repeat(lambda v1: v1.subscriptions.retrieve(subscription_id))
        return subscription if is_marked_with(key, subscription) else None

    return Write(
        "subscriptions.update",
        scope,
        params,
        lambda v1, params, options: v1.subscriptions.update(subscription_id, params, options),
        find=find,
        current=_as_asked(params, lambda v1, its_id: v1.subscriptions.retrieve(its_id)),
        same_by={**(params if same_by is None else same_by), "subscription": subscription_id},
    ).carry_out()


def cancel_subscription(
    subscription_id: str, params: SubscriptionCancelParams, *, scope: str
) -> stripe.Subscription:
    """At once. One that has ended already is answered as it is: Stripe cancels a subscription once,
    so this takes no idempotency key (Stripe docs: idempotent requests)."""
    with mapped_errors("subscriptions.cancel", scope), within():
        try:
            return repeat(lambda v1: v1.subscriptions.cancel(subscription_id, params))
        except stripe.InvalidRequestError:
            subscription = repeat(lambda v1: v1.subscriptions.retrieve(subscription_id))
            if subscription.status not in ("canceled", "incomplete_expired"):
                raise
            return subscription


def void_invoice(invoice_id: str) -> None:
    """Nobody is to pay it any more. One that is void already is no error; one that is paid, or is
    being paid, raises StripeRefused."""
    with mapped_errors("invoices.void", invoice_id), within():
        try:
            repeat(lambda v1: v1.invoices.void_invoice(invoice_id))
        except stripe.InvalidRequestError:
            invoice = repeat(lambda v1: v1.invoices.retrieve(invoice_id))
            if invoice.status != "void":
                raise


def create_refund(params: RefundCreateParams, *, scope: str) -> stripe.Refund:
    """`scope` is what it is for, such as the subscription's id; `params` name the payment intent
    or the charge."""
    paid: Mapping[str, Any] = params
    named = {name: paid[name] for name in ("payment_intent", "charge") if name in paid}

    def find(key: str) -> Any:
        return _first(listed(lambda v1, params: v1.refunds.list(params), named), key)

    return Write(
        "refunds.create",
        scope,
        params,
        lambda v1, params, options: v1.refunds.create(params, options),
        find=find,
        current=lambda refund: repeat(lambda v1: v1.refunds.retrieve(refund.id)),
    ).carry_out()


def create_webhook_endpoint(
    params: WebhookEndpointCreateParams, *, scope: str
) -> stripe.WebhookEndpoint:
    """`scope` is its uuid. The first answer alone carries the endpoint's secret: one that was lost
    with Stripe's own error is made by an endpoint without `secret`."""

    def find(key: str) -> Any:
        return _first(listed(lambda v1, params: v1.webhook_endpoints.list(params), {}), key)

    def current(endpoint: Any) -> Any:
        try:
            repeat(lambda v1: v1.webhook_endpoints.retrieve(endpoint.id))
        except stripe.InvalidRequestError:  # deleted since
            return None
        return endpoint  # with its secret

    return Write(
        "webhook_endpoints.create",
        scope,
        params,
        lambda v1, params, options: v1.webhook_endpoints.create(params, options),
        find=find,
        current=current,
    ).carry_out()


def update_webhook_endpoint(
    endpoint_id: str, params: WebhookEndpointUpdateParams, *, scope: str
) -> stripe.WebhookEndpoint:
    return Write(
        "webhook_endpoints.update",
        scope,
        params,
        lambda v1, params, options: v1.webhook_endpoints.update(endpoint_id, params, options),
        current=_as_asked(params, lambda v1, its_id: v1.webhook_endpoints.retrieve(its_id)),
        same_by={**params, "endpoint": endpoint_id},
    ).carry_out()


def _nowhere(key: str) -> None:
    """There is no list to look in."""


def _first(found: Iterable[Any], key: str) -> Any:
    return next((one for one in found if is_marked_with(key, one)), None)


def _unless_deleted(customer: Any) -> Any:
    now = repeat(lambda v1: v1.customers.retrieve(customer.id))
    return None if getattr(now, "deleted", False) else now


def _as_asked(params: Any, retrieve: Callable[[Any, str], Any]) -> Callable[[Any], Any]:
    """The object, unless what was changed then has been changed again since."""

    def current(answer: Any) -> Any:
        now = repeat(lambda v1: retrieve(v1, answer.id))
        names = set(params) - {"metadata", "expand"}
        same = all(getattr(now, name, None) == getattr(answer, name, None) for name in names)
        return now if same else None

    return current
