"""What we ask of Stripe. All of it raises StripeUnavailable, StripeRefused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from caixa_subscriptions.stripe_gateway.attempts import read, read_all

if TYPE_CHECKING:
    import stripe


def retrieve_customer(customer_id: str) -> stripe.Customer:
    """One that was deleted has `deleted` true and little else."""
    return read("customers.retrieve", lambda v1: v1.customers.retrieve(customer_id))


def list_customers(*, email: str | None = None) -> Iterator[stripe.Customer]:
    """All of them, or those with exactly this address, case included."""
    params = {} if email is None else {"email": email}
    return read_all("customers.list", lambda v1, params: v1.customers.list(params), params)


def retrieve_checkout_session(session_id: str) -> stripe.checkout.Session:
    """The session with its subscription expanded."""
    params = {"expand": ["subscription"]}
    return read(
        "checkout.sessions.retrieve",
        lambda v1: v1.checkout.sessions.retrieve(session_id, params),
    )


def list_open_checkout_sessions(*, customer: str) -> Iterator[stripe.checkout.Session]:
    return read_all(
        "checkout.sessions.list",
        lambda v1, params: v1.checkout.sessions.list(params),
        {"customer": customer, "status": "open"},
    )


def list_checkout_sessions(*, subscription: str) -> Iterator[stripe.checkout.Session]:
    """The session a subscription was sold by; none when it was made in another way."""
    return read_all(
        "checkout.sessions.list",
        lambda v1, params: v1.checkout.sessions.list(params),
        {"subscription": subscription},
    )


def retrieve_subscription(subscription_id: str) -> stripe.Subscription:
    return read("subscriptions.retrieve", lambda v1: v1.subscriptions.retrieve(subscription_id))


def list_subscriptions(*, customer: str | None = None) -> Iterator[stripe.Subscription]:
    """Subscriptions of every status, of one customer or of all."""
    params: dict[str, Any] = {"status": "all"}
    if customer is not None:
        params["customer"] = customer
    return read_all("subscriptions.list", lambda v1, params: v1.subscriptions.list(params), params)


def retrieve_invoice(invoice_id: str) -> stripe.Invoice:
    return read("invoices.retrieve", lambda v1: v1.invoices.retrieve(invoice_id))


def list_invoices(*, subscription: str) -> Iterator[stripe.Invoice]:
    return read_all(
        "invoices.list",
        lambda v1, params: v1.invoices.list(params),
        {"subscription": subscription},
    )


def list_invoice_payments(*, invoice: str) -> Iterator[stripe.InvoicePayment]:
    """What was paid on an invoice; `payment` names the payment intent or the charge."""
    return read_all(
        "invoice_payments.list",
        lambda v1, params: v1.invoice_payments.list(params),
        {"invoice": invoice},
    )


def retrieve_payment_method(payment_method_id: str) -> stripe.PaymentMethod:
    return read(
        "payment_methods.retrieve", lambda v1: v1.payment_methods.retrieve(payment_method_id)
    )


def list_payment_methods(*, customer: str) -> Iterator[stripe.PaymentMethod]:
    return read_all(
        "payment_methods.list",
        lambda v1, params: v1.payment_methods.list(params),
        {"customer": customer},
    )


def list_refunds(
    *, payment_intent: str | None = None, charge: str | None = None
) -> Iterator[stripe.Refund]:
    """Of a payment intent or of a charge."""
    named = {"payment_intent": payment_intent, "charge": charge}
    params = {name: value for name, value in named.items() if value is not None}
    return read_all("refunds.list", lambda v1, params: v1.refunds.list(params), params)


def list_webhook_endpoints() -> Iterator[stripe.WebhookEndpoint]:
    return read_all(
        "webhook_endpoints.list", lambda v1, params: v1.webhook_endpoints.list(params), {}
    )


def list_products() -> Iterator[stripe.Product]:
    return read_all("products.list", lambda v1, params: v1.products.list(params), {})


def list_prices() -> Iterator[stripe.Price]:
    return read_all("prices.list", lambda v1, params: v1.prices.list(params), {})


def list_active_entitlements(*, customer: str) -> Iterator[stripe.entitlements.ActiveEntitlement]:
    return read_all(
        "entitlements.active_entitlements.list",
        lambda v1, params: v1.entitlements.active_entitlements.list(params),
        {"customer": customer},
    )


def has_features() -> bool:
    """Whether the account uses Stripe's entitlements at all."""
    features = read(
        "entitlements.features.list", lambda v1: v1.entitlements.features.list({"limit": 1})
    )
    return bool(features.data)
