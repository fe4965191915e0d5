"""A subscriber's second live subscription, which would charge twice: put right at Stripe.

The first one stays. The second one is canceled at once, without proration; what its invoices
collected is given back, and what is still open, such as a voucher, is void. Money that comes in all
the same is given back when its webhook comes. Each step may be repeated: a process that is killed
between two of them loses nothing.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from djstripe.models import Subscription

from caixa_subscriptions import stripe_gateway
from caixa_subscriptions.conf import settings
from caixa_subscriptions.exceptions import StripeMisconfigured, StripeRefused
from caixa_subscriptions.models import Remedy
from caixa_subscriptions.services.checkout_params import PRODUCT_KEY, SUBSCRIBER_KEY
from caixa_subscriptions.shapes import item_facts

if TYPE_CHECKING:
    import stripe

logger = logging.getLogger(__name__)

# The statuses in which somebody pays, or will when the trial is over.
PAYING = frozenset({"trialing", "active", "past_due"})
# At Stripe, in the cancellation's details: for people, and so that we know our own work again.
COMMENT = "A second subscription of the same subscriber: canceled and refunded."


def resolve_second_subscription(remedy: Remedy) -> bool:
    """Carry the remedy out. False when there is nothing (left) to put right.

    Stripe is asked first, since the webhook that told of the first one's end may be late. What was
    not sold through Checkout, in the dashboard say, is flagged and otherwise left to people.
    Raises StripeUnavailable, StripeRefused; to be tried again then.
    """
    second = stripe_gateway.retrieve_subscription(remedy.subscription_id)
    if not _was_canceled_by_us(second):
        kept = stripe_gateway.retrieve_subscription(remedy.kept_subscription_id)
        if kept.status not in PAYING:
            return False
        if second.status == "canceled":  # by its owner, who saw two charges
            twice = (second.canceled_at or 0) > kept.created
            ours = twice and _is_ours_to_settle(remedy, kept, second)
            return _settle(remedy, second) if ours else False
        if second.status not in PAYING:
            return False
        if not _is_ours_to_settle(remedy, kept, second):
            if remedy.policy != Remedy.Policy.FLAG:
                remedy.policy = Remedy.Policy.FLAG
                remedy.save(update_fields=["policy"])
            return True
        second = stripe_gateway.cancel_subscription(
            second.id,
            {
                "prorate": False,
                "invoice_now": False,
                "cancellation_details": {"comment": COMMENT},
            },
            scope=second.id,
        )
    _settle(remedy, second)
    with stripe_gateway.mapped_errors("dj-stripe's sync"):
        Subscription.sync_from_stripe_data(second, api_key=settings.secret_key)
    return True


def _was_canceled_by_us(subscription: stripe.Subscription) -> bool:
    details: Any = subscription.cancellation_details
    return subscription.status == "canceled" and bool(details) and details.comment == COMMENT


def _is_ours_to_settle(
    remedy: Remedy, kept: stripe.Subscription, second: stripe.Subscription
) -> bool:
    """Not when people are to decide: by the setting, when it was not sold through Checkout, and
    when it competes only since a change of plan."""
    return (
        remedy.policy != Remedy.Policy.FLAG
        and _is_as_sold(kept)
        and _is_as_sold(second)
        and _was_sold_by_checkout(second)
    )


def _is_as_sold(subscription: stripe.Subscription) -> bool:
    sold: Any = subscription.metadata or {}
    if PRODUCT_KEY not in sold:  # nobody knows
        return True
    products = {item.product_id for item in item_facts(subscription.to_dict())}
    return sold[PRODUCT_KEY] in products


def _settle(remedy: Remedy, second: stripe.Subscription) -> bool:
    """`_give_all_back`; what Stripe will never give back (a Boleto, a disputed charge) is flagged,
    for people to do it. Raises StripeUnavailable, StripeMisconfigured."""
    try:
        return _give_all_back(second)
    except StripeMisconfigured:
        raise
    except StripeRefused:
        remedy.policy = Remedy.Policy.FLAG
        remedy.save(update_fields=["policy"])
        return True


def _give_all_back(subscription: stripe.Subscription) -> bool:
    """Whether there was anything to give back. What is still owed is owed no more."""
    found = False
    for invoice in list(stripe_gateway.list_invoices(subscription=subscription.id)):
        if invoice.status == "open" and invoice.id:
            with suppress(StripeRefused):  # being paid: when it is, we hear of it
                stripe_gateway.void_invoice(invoice.id)
        found |= _give_back(invoice, subscription_id=subscription.id)
    return found


def _was_sold_by_checkout(subscription: stripe.Subscription) -> bool:
    if SUBSCRIBER_KEY in (subscription.metadata or {}):
        return True
    sessions = stripe_gateway.list_checkout_sessions(subscription=subscription.id)
    return any(True for _session in sessions)


def _give_back(invoice: stripe.Invoice, *, subscription_id: str) -> bool:
    """What is left of each payment. What was paid outside of Stripe is not ours to give back."""
    found = False
    if not invoice.id or not invoice.amount_paid:
        return found
    for paid in list(stripe_gateway.list_invoice_payments(invoice=invoice.id)):
        payment: Any = paid.payment
        if paid.status != "paid" or payment.type not in ("payment_intent", "charge"):
            continue
        refund: Any = {payment.type: _id(payment[payment.type]), "reason": "duplicate"}
        try:
            stripe_gateway.create_refund(refund, scope=subscription_id)
        except StripeRefused as error:
            if error.stripe_code != "charge_already_refunded":
                raise
        found = True
    return found


def _id(named: Any) -> str:
    return named if isinstance(named, str) else str(named.id)
