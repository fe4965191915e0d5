"""What follows when the project makes or deletes a subscriber, or changes an e-mail."""

from __future__ import annotations

import logging
from typing import Any

from django.db import models
from django.db.models.signals import post_save, pre_delete, pre_save

from caixa_subscriptions.after_commit import after_commit
from caixa_subscriptions.exceptions import CustomerNotFound, SubscriptionsError
from caixa_subscriptions.models import BillingAccount, subscriber_models
from caixa_subscriptions.services.closing import leave_accounts
from caixa_subscriptions.services.customers import push_email
from caixa_subscriptions.services.emails import email_field
from caixa_subscriptions.services.signup_trials import start_trial

logger = logging.getLogger(__name__)


def before_delete_of_subscriber(sender: type[models.Model], instance: Any, **kwargs: Any) -> None:
    leave_accounts(subscriber=instance)


def before_save_of_subscriber(
    sender: type[models.Model],
    instance: Any,
    raw: bool = False,
    update_fields: Any = None,
    **kwargs: Any,
) -> None:
    """An e-mail that changed here goes to Stripe after the commit; nothing else of a save does,
    so that what a person wrote in the customer portal stays."""
    name = email_field()
    if raw or instance.pk is None or name not in (update_fields or [name]):
        return
    before = sender._default_manager.filter(pk=instance.pk).values_list(name, flat=True).first()
    if not before or before == getattr(instance, name):
        return
    if BillingAccount.objects.filter(subscriber_id=instance.pk).exists():
        after_commit(_push_email, instance)


def after_save_of_subscriber(
    sender: type[models.Model], instance: Any, created: bool, raw: bool = False, **kwargs: Any
) -> None:
    """A fixture that is loaded is nobody who signs up."""
    if created and not raw:
        start_trial(subscriber=instance)


def _push_email(subscriber: models.Model) -> None:
    try:
        push_email(subscriber=subscriber)
    except CustomerNotFound:
        return
    except SubscriptionsError as error:
        logger.warning("The e-mail of %s was not told Stripe: %s", subscriber.pk, error.code)


for model in subscriber_models():
    pre_delete.connect(before_delete_of_subscriber, sender=model)
    post_save.connect(after_save_of_subscriber, sender=model)
    if any(field.name == email_field() for field in model._meta.fields):
        pre_save.connect(before_save_of_subscriber, sender=model)
