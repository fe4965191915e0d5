"""The only room that calls the Stripe SDK on our own account (dj-stripe makes its own calls).

Pinned API version, the key of the current mode, one deadline for all calls of a request, bounded
attempts, a breaker, idempotency keys that are stored before they are used, and errors turned into
ours without their text, which may quote what was sent.
"""

from caixa_subscriptions.stripe_gateway.changing import (
    cancel_subscription,
    create_checkout_session,
    create_customer,
    create_portal_session,
    create_refund,
    create_webhook_endpoint,
    delete_customer,
    expire_checkout_session,
    update_customer,
    update_subscription,
    update_webhook_endpoint,
)
from caixa_subscriptions.stripe_gateway.errors import mapped_errors
from caixa_subscriptions.stripe_gateway.reading import (
    has_features,
    list_active_entitlements,
    list_checkout_sessions,
    list_customers,
    list_invoice_payments,
    list_invoices,
    list_open_checkout_sessions,
    list_payment_methods,
    list_prices,
    list_products,
    list_refunds,
    list_subscriptions,
    list_webhook_endpoints,
    retrieve_checkout_session,
    retrieve_customer,
    retrieve_invoice,
    retrieve_payment_method,
    retrieve_subscription,
)
from caixa_subscriptions.stripe_gateway.runtime import (
    Clock,
    SkippingClock,
    attempt_seconds,
    replaced_clock,
    replaced_http_client,
    within,
)

__all__ = [
    "Clock",
    "SkippingClock",
    "attempt_seconds",
    "cancel_subscription",
    "create_checkout_session",
    "create_customer",
    "create_portal_session",
    "create_refund",
    "create_webhook_endpoint",
    "delete_customer",
    "expire_checkout_session",
    "has_features",
    "list_active_entitlements",
    "list_checkout_sessions",
    "list_customers",
    "list_invoice_payments",
    "list_invoices",
    "list_open_checkout_sessions",
    "list_payment_methods",
    "list_prices",
    "list_products",
    "list_refunds",
    "list_subscriptions",
    "list_webhook_endpoints",
    "mapped_errors",
    "replaced_clock",
    "replaced_http_client",
    "retrieve_checkout_session",
    "retrieve_customer",
    "retrieve_invoice",
    "retrieve_payment_method",
    "retrieve_subscription",
    "update_customer",
    "update_subscription",
    "update_webhook_endpoint",
    "within",
]
