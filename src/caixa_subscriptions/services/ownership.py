"""A customer keeps its owner, whatever dj-stripe reads in metadata.

dj-stripe links a customer to whoever the metadata names: that of the customer, whenever it is
synced, and that of a Checkout Session, which it also writes to Stripe. Metadata may be old, of
another database, or somebody else's words, so the three places that do it are replaced here; each
of them is asked by webhooks and by syncs alike. `customer.subscriber = ...; customer.save()` in
project code is not one of them, and goes on working.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models.signals import post_save
from django.dispatch import receiver
from djstripe import event_handlers
from djstripe.models import Customer, Session
from djstripe.models.base import StripeModel

from caixa_subscriptions.models import BillingAccount
from caixa_subscriptions.services.claiming import claim
from caixa_subscriptions.services.links import LINKED, Unlinked, judge
from caixa_subscriptions.services.trial_usage import record_subscription

_NEWLY_LINKED = "_caixa_newly_linked"


def attach_owner(
    self: Customer, cls: Any, data: Any, current_ids: Any = None, api_key: Any = None
) -> None:
    """In place of `Customer._attach_objects_hook`, just before a synced customer is saved.

    The link is read again, since dj-stripe loaded the row before it asked Stripe for things. One
    that nobody owns is linked to whom its own metadata names, if nothing speaks against it.
    """
    linked = Customer.objects.filter(id=self.id).values_list("subscriber_id", flat=True).first()
    if linked is None and self.date_purged is None and not self.deleted:
        linked = _link_by_metadata(self)
    self.subscriber_id = linked


def _link_by_metadata(customer: Customer) -> Any | None:
    account = BillingAccount.objects.filter(customer_id=customer.id)
    unlinked = Unlinked(
        customer.id,
        customer.metadata or {},
        account_pk=account.values_list("pk", flat=True).first(),
    )
    livemode = bool(customer.livemode)
    with transaction.atomic():
        (outcome,) = claim(judge([unlinked], livemode=livemode), livemode=livemode)
    if outcome.outcome != LINKED:
        return None
    setattr(customer, _NEWLY_LINKED, True)
    return outcome.subscriber_pk


def leave_alone(metadata: Any, customer_id: Any, subscriber_key: Any) -> None:
    """In place of `event_handlers.update_customer_helper`: the sync that follows decides."""


def replace_djstripes_links() -> None:
    """Raises AttributeError for a dj-stripe that links elsewhere than this was written for."""
    for holder, name, ours in (
        (Customer, "_attach_objects_hook", attach_owner),
        # What it does for every other object; a session says nothing about whose a customer is.
        (Session, "_attach_objects_post_save_hook", StripeModel._attach_objects_post_save_hook),
        (event_handlers, "update_customer_helper", leave_alone),
    ):
        if name not in vars(holder):
            raise AttributeError(f"dj-stripe has no {name} of its own there any more")
        setattr(holder, name, ours)


replace_djstripes_links()


@receiver(post_save, sender=Customer)
def after_save_of_customer(
    sender: type[Customer],
    instance: Customer,
    raw: bool = False,
    update_fields: Any = None,
    **kwargs: Any,
) -> None:
    if raw or not {"subscriber", "subscriber_id"} & set(update_fields or ["subscriber"]):
        return
    # The link is what counts, and project code may give a customer to somebody else: an account
    # that still has it loses it. One of a deleted subscriber keeps it in mind.
    BillingAccount.objects.filter(customer_id=instance.id, subscriber__isnull=False).exclude(
        subscriber_id=instance.subscriber_id
    ).update(customer_id=None)
    if instance.__dict__.pop(_NEWLY_LINKED, False):
        for subscription in instance.subscriptions.all():
            record_subscription(subscription=subscription)
