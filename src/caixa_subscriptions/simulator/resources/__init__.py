"""One module per family of resources; importing this package fills the table of routes."""

from caixa_subscriptions.simulator.resources import (
    account,
    billing_portal,
    catalogue,
    checkout,
    clocks,
    customers,
    empty,
    events,
    invoices,
    payment_methods,
    payments,
    subscriptions,
    webhook_endpoints,
)

__all__ = [
    "account",
    "billing_portal",
    "catalogue",
    "checkout",
    "clocks",
    "customers",
    "empty",
    "events",
    "invoices",
    "payment_methods",
    "payments",
    "subscriptions",
    "webhook_endpoints",
]
