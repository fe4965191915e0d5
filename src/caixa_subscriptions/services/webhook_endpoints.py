"""The webhook endpoint: dj-stripe's row with its uuid and secret, and Stripe's own record."""

from __future__ import annotations

import uuid as uuid_module
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.urls import reverse
from djstripe.models import WebhookEndpoint

from caixa_subscriptions import stripe_gateway
from caixa_subscriptions.conf import settings
from caixa_subscriptions.exceptions import InvalidBaseUrl, WebhookSecretUnknown

if TYPE_CHECKING:
    import stripe

# What the app and dj-stripe need to keep every table true: the six critical events of the brief,
# and those that change a row access or checkout reads.
ENABLED_EVENTS = [
    "checkout.session.completed",
    "checkout.session.expired",
    "customer.created",
    "customer.deleted",
    "customer.subscription.created",
    "customer.subscription.deleted",
    "customer.subscription.paused",
    "customer.subscription.resumed",
    "customer.subscription.trial_will_end",
    "customer.subscription.updated",
    "customer.updated",
    "entitlements.active_entitlement_summary.updated",
    "invoice.marked_uncollectible",
    "invoice.paid",
    "invoice.payment_failed",
    "invoice.payment_succeeded",
    "invoice.voided",
    "payment_method.attached",
    "payment_method.automatically_updated",
    "payment_method.updated",
    "price.created",
    "price.updated",
    "product.created",
    "product.updated",
]


def set_up_webhook_endpoint(*, base_url: str, register: bool) -> WebhookEndpoint:
    """The endpoint of the current mode at `base_url`, made or brought up to date.

    Without `register` only the row here is written, with the secret of
    `DJSTRIPE_WEBHOOK_SECRET`: register the printed URL at Stripe, put the secret it shows into
    that setting and run this again. With `register` Stripe is asked to create the endpoint when
    it has none, and its secret is stored. Raises InvalidBaseUrl, WebhookSecretUnknown,
    StripeUnavailable, StripeRefused.
    """
    _check_base_url(base_url)
    row = WebhookEndpoint.objects.filter(livemode=settings.livemode).order_by("djstripe_id").last()
    uuid = row.djstripe_uuid if row else uuid_module.uuid4()
    url = base_url.rstrip("/") + reverse("djstripe:djstripe_webhook_by_uuid", args=[uuid])
    if row is None:
        # Stripe's id is not known before the endpoint is registered there.
        row = WebhookEndpoint(id=f"we_{uuid.hex}", djstripe_uuid=uuid, livemode=settings.livemode)
    elif register:
        return _register(row, url=url)
    row.url = url
    row.status = "enabled"
    row.enabled_events = ENABLED_EVENTS
    row.secret = settings.webhook_secret or row.secret
    row.save()
    # The uuid is on record before Stripe hears it: after a failure the same endpoint is meant.
    return _register(row, url=url) if register else row


def _check_base_url(base_url: str) -> None:
    try:
        parts = urlsplit(base_url)
    except ValueError:
        raise InvalidBaseUrl from None
    plain = not any(char.isspace() for char in base_url) and "@" not in parts.netloc
    if parts.scheme not in ("http", "https") or not parts.hostname or not plain:
        raise InvalidBaseUrl
    if parts.query or parts.fragment:
        raise InvalidBaseUrl


def _register(row: WebhookEndpoint, *, url: str) -> WebhookEndpoint:
    uuid = row.djstripe_uuid
    known = _find_at_stripe(uuid)
    if known is None:
        endpoint = stripe_gateway.create_webhook_endpoint(
            {
                "url": url,
                "enabled_events": ENABLED_EVENTS,  # type: ignore[typeddict-item]
                "api_version": settings.api_version,  # type: ignore[typeddict-item]
                "metadata": {"djstripe_uuid": str(uuid)},
            },
            scope=str(uuid),
        )
        secret = getattr(endpoint, "secret", "")  # gone, when the answer was lost
    else:
        endpoint = known
        secret = settings.webhook_secret or row.secret
    if not secret:
        raise WebhookSecretUnknown
    if known is not None and (known.url, known.status, set(known.enabled_events)) != (
        url,
        "enabled",
        set(ENABLED_EVENTS),
    ):
        endpoint = stripe_gateway.update_webhook_endpoint(
            known.id,
            {
                "url": url,
                "enabled_events": ENABLED_EVENTS,  # type: ignore[typeddict-item]
                "disabled": False,
            },
            scope=str(uuid),
        )
    if row.id != endpoint.id:
        WebhookEndpoint.objects.filter(pk=row.pk).update(id=endpoint.id)
    row = WebhookEndpoint.sync_from_stripe_data(endpoint, api_key=settings.secret_key)
    row.djstripe_uuid = uuid
    row.secret = secret
    row.save()
    return row


def _find_at_stripe(uuid: uuid_module.UUID) -> stripe.WebhookEndpoint | None:
    """Ours is the endpoint whose URL carries our uuid."""
    for endpoint in stripe_gateway.list_webhook_endpoints():
        if str(uuid) in endpoint.url:
            return endpoint
    return None
