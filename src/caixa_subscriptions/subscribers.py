"""From a request to the subscriber: the user, or what the project's callback says it is.

And from what a person typed: a key, a name, or one of Stripe's ids.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from asgiref.sync import sync_to_async
from django.core.exceptions import SynchronousOnlyOperation, ValidationError
from django.db import models
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject, empty
from django.utils.translation import gettext as _
from djstripe.models import Customer
from djstripe.settings import djstripe_settings

from caixa_subscriptions.conf import settings
from caixa_subscriptions.exceptions import SubscriberRequired


class SubscriberNotFound(LookupError):
    """Nobody is meant by it, or more than one. Its text is translated and names no person."""


def is_somebody(user: Any) -> bool:
    """Whether a request's user is known. REST framework can be told to have None for nobody."""
    return user is not None and bool(_itself(user).is_authenticated)


def get_subscriber(request: HttpRequest | Any) -> models.Model | None:
    """`DJSTRIPE_SUBSCRIBER_MODEL_REQUEST_CALLBACK` of the request; None for nobody.

    Takes Django's and REST framework's requests alike: the callback reads `request.user`.
    """
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return None
    subscriber = _itself(settings.subscriber_callback(request))
    if subscriber is None or subscriber.pk is None:
        return None
    return subscriber  # type: ignore[no-any-return]


def _itself(user: Any) -> Any:
    """What Django's lazy `request.user` stands for, once loaded: each attribute read through it
    costs as much as ten of its own, and gates read several at every request."""
    if type(user) is SimpleLazyObject:
        # Past the object's own way of reading attributes, which is what costs.
        loaded = object.__getattribute__(user, "_wrapped")
        if loaded is not empty:
            return loaded
    return user


def stored_subscriber(subscriber: Any) -> models.Model:
    """The row of what a stateless token stands for; any other subscriber is one already.

    Raises SubscriberRequired when it has been deleted.
    """
    model: type[models.Model] = djstripe_settings.get_subscriber_model()
    if isinstance(subscriber, model):
        return subscriber
    row: models.Model | None = model._default_manager.filter(pk=subscriber.pk).first()
    if row is None:
        raise SubscriberRequired
    return row


async def aget_subscriber(request: HttpRequest) -> models.Model | None:
    """`get_subscriber` for async code. Leaves the event loop only for a callback that has to."""
    await _load_user(request)
    try:
        return get_subscriber(request)
    except SynchronousOnlyOperation:  # raised before anything was done
        return await sync_to_async(get_subscriber)(request)


async def _load_user(request: Any) -> None:
    """Have `request.user` at hand, which async code cannot load by reading it."""
    user = getattr(request, "user", None)
    if not isinstance(user, SimpleLazyObject) or user._wrapped is not empty:
        return
    # Only for Django's own is auser() the same person: others set request.user alone.
    maker = user.__dict__["_setupfunc"].__module__
    if maker == "django.contrib.auth.middleware" and not hasattr(request, "_cached_user"):
        request.user = await request.auser()
    else:
        await sync_to_async(bool)(user)  # loads it


def find_subscriber(who: str) -> models.Model:
    """The subscriber with this primary key, user name or e-mail, or of this `cus_` or `sub_` id.

    Raises `SubscriberNotFound` for nobody, for a customer linked to nobody, and when it could
    mean several: a user whose name is another one's key, say.
    """
    if who.startswith("cus_"):
        return _of_customer(Customer.objects.filter(id=who))
    if who.startswith("sub_"):
        return _of_customer(Customer.objects.filter(subscriptions__id=who))
    found = {subscriber.pk: subscriber for subscriber in _named(who)}
    if len(found) > 1:
        raise SubscriberNotFound(_("More than one subscriber is called that."))
    if not found:
        raise SubscriberNotFound(_("There is no such subscriber."))
    return next(iter(found.values()))


def _of_customer(customers: models.QuerySet[Any]) -> models.Model:
    customer = customers.select_related("subscriber").first()
    if customer is None:
        raise SubscriberNotFound(_("The database has nothing of this id."))
    if customer.subscriber is None:
        raise SubscriberNotFound(
            _("Its customer is linked to no subscriber; see fix_customer_links.")
        )
    return customer.subscriber  # type: ignore[no-any-return]


def _named(who: str) -> Iterator[models.Model]:
    model = djstripe_settings.get_subscriber_model()
    names = {"pk", str(getattr(model, "USERNAME_FIELD", "pk"))}
    if hasattr(model, "get_email_field_name"):
        names.add(model.get_email_field_name())
    fields = {field.name for field in model._meta.get_fields()} | {"pk"}
    for name in names & fields:
        try:
            # Two are enough to know that it is not clear who is meant.
            yield from model._default_manager.filter(**{name: who})[:2]
        except (ValidationError, ValueError, TypeError):  # no key of this kind
            continue
