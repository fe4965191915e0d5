"""What customers are entitled to at Stripe: dj-stripe hears of it and keeps none of it."""

from __future__ import annotations

from django.db import transaction
from djstripe.models import Customer

from caixa_subscriptions import stripe_gateway
from caixa_subscriptions.models import CustomerEntitlements


def sync_entitlements(*, customer: Customer) -> CustomerEntitlements:
    """Replace what is known by what Stripe says now.

    Stripe is asked after the customer's row is locked: of two webhooks at once the later one to
    ask is the later one to write. Raises StripeUnavailable, StripeRefused.
    """
    with transaction.atomic():
        Customer.objects.select_for_update().get(pk=customer.pk)
        active = stripe_gateway.list_active_entitlements(customer=customer.id)
        lookup_keys = sorted(entitlement.lookup_key for entitlement in active)
        entitlements, _created = CustomerEntitlements.objects.update_or_create(
            customer=customer, defaults={"lookup_keys": lookup_keys}
        )
    return entitlements
