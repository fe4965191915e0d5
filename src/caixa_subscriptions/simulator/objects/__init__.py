"""The full shape of every object, as API version 2026-08-26.dahlia answers it.

One builder per object: every key Stripe always sends is here, with its value when nothing was
said. Keys starting with an underscore are the simulator's own and never leave it.
"""

from caixa_subscriptions.simulator.objects.accounts import account
from caixa_subscriptions.simulator.objects.catalogue import plan, price, product, tax_rate
from caixa_subscriptions.simulator.objects.checkout import (
    checkout_line_item,
    checkout_session,
    customer_details,
)
from caixa_subscriptions.simulator.objects.common import (
    ACCOUNT_ID,
    API_VERSION,
    DAY,
    EMPTY_ADDRESS,
    HOUR,
    PORTAL_CONFIGURATION_ID,
    page,
)
from caixa_subscriptions.simulator.objects.customers import (
    customer,
    customer_balance_transaction,
)
from caixa_subscriptions.simulator.objects.discounts import coupon, discount, promotion_code
from caixa_subscriptions.simulator.objects.disputes import EVIDENCE_TEXTS, dispute
from caixa_subscriptions.simulator.objects.early_fraud_warnings import early_fraud_warning
from caixa_subscriptions.simulator.objects.entitlements import (
    active_entitlement,
    entitlement_summary,
    feature,
    product_feature,
)
from caixa_subscriptions.simulator.objects.events import event, test_clock, webhook_endpoint
from caixa_subscriptions.simulator.objects.invoice_items import (
    invoice_item,
    invoice_item_line,
    proration_item,
)
from caixa_subscriptions.simulator.objects.invoices import (
    invoice,
    invoice_payment,
    invoice_totals,
    line_item,
)
from caixa_subscriptions.simulator.objects.payment_methods import (
    card_payment_method,
    voucher_payment_method,
)
from caixa_subscriptions.simulator.objects.payments import (
    CARD_OPTIONS,
    authentication,
    balance_transaction,
    card_fee,
    charge,
    invoice_intent,
    payment_intent,
    setup_intent,
)
from caixa_subscriptions.simulator.objects.portal import portal_configuration, portal_session
from caixa_subscriptions.simulator.objects.refunds import refund
from caixa_subscriptions.simulator.objects.subscriptions import (
    billing_mode,
    subscription,
    subscription_item,
)

__all__ = [
    "ACCOUNT_ID",
    "API_VERSION",
    "CARD_OPTIONS",
    "DAY",
    "EMPTY_ADDRESS",
    "EVIDENCE_TEXTS",
    "HOUR",
    "PORTAL_CONFIGURATION_ID",
    "account",
    "active_entitlement",
    "authentication",
    "balance_transaction",
    "billing_mode",
    "card_fee",
    "card_payment_method",
    "charge",
    "checkout_line_item",
    "checkout_session",
    "coupon",
    "customer",
    "customer_balance_transaction",
    "customer_details",
    "discount",
    "dispute",
    "early_fraud_warning",
    "entitlement_summary",
    "event",
    "feature",
    "invoice",
    "invoice_intent",
    "invoice_item",
    "invoice_item_line",
    "invoice_payment",
    "invoice_totals",
    "line_item",
    "page",
    "payment_intent",
    "plan",
    "portal_configuration",
    "portal_session",
    "price",
    "product",
    "product_feature",
    "promotion_code",
    "proration_item",
    "refund",
    "setup_intent",
    "subscription",
    "subscription_item",
    "tax_rate",
    "test_clock",
    "voucher_payment_method",
    "webhook_endpoint",
]
