"""What Stripe is asked for when a Checkout Session is opened: ours, the settings', the project's.

The project may add what it likes, and cannot change who pays, for what, how often, or where people
are sent back to.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from django.db import models
from django.utils.crypto import salted_hmac
from djstripe.settings import djstripe_settings

from caixa_subscriptions.conf import settings
from caixa_subscriptions.exceptions import CheckoutParamsRefused
from caixa_subscriptions.prices import OfferedPrice

logger = logging.getLogger(__name__)

SESSION_ID_TEMPLATE = "{CHECKOUT_SESSION_ID}"
# In the metadata of a session: what it was opened with, as a keyed digest.
DIGEST_KEY = "caixa_checkout"
# In the metadata of a subscription: whom we sold it to. Nobody is linked by it.
SUBSCRIBER_KEY = "caixa_subscriber"
# And which product we sold, which a change of plan does not change.
PRODUCT_KEY = "caixa_product"
OUR_PREFIX = "caixa_"

# What `CHECKOUT_PARAMS` cannot say. `expires_at` would make every session another one, and Stripe
# sends the link of a recovered session (`after_expiration`) to whoever has subscribed meanwhile.
GUARDED = frozenset(
    {
        "after_expiration",
        "cancel_url",
        "client_reference_id",
        "customer",
        "customer_account",
        "customer_creation",
        "customer_email",
        "expires_at",
        "line_items",
        "mode",
        "optional_items",
        "payment_method_collection",
        "redirect_on_completion",
        "return_url",
        "success_url",
        "ui_mode",
    }
)
GUARDED_SUBSCRIPTION_DATA = frozenset({"trial_end", "trial_period_days", "trial_settings"})


def checkout_params(
    *,
    subscriber: models.Model,
    offer: OfferedPrice,
    quantity: int,
    success_url: str,
    cancel_url: str,
) -> dict[str, Any]:
    """All but the customer and the trial. Raises CheckoutParamsRefused."""
    added = _of_project(subscriber, offer)
    params = {
        **settings.checkout_options,
        **added,
        "mode": "subscription",
        "client_reference_id": str(subscriber.pk),
        "line_items": [{"price": offer.price_id, "quantity": quantity}],
        "success_url": with_session_id(success_url),
        "cancel_url": cancel_url,
    }
    data = dict(params.get("subscription_data", {}))
    data["metadata"] = {
        **data.get("metadata", {}),
        SUBSCRIBER_KEY: str(subscriber.pk),
        PRODUCT_KEY: offer.product_id,
    }
    params["subscription_data"] = data
    if update := {**_customer_update(params), **params.get("customer_update", {})}:
        params["customer_update"] = update
    return params


def marked(params: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """The params with their digest in the session's metadata, and the digest."""
    digest = digest_of(params)
    return {**params, "metadata": {**params.get("metadata", {}), DIGEST_KEY: digest}}, digest


def digest_of(params: Mapping[str, Any]) -> str:
    """The same params have the same one. Keyed: addresses may be among what the project adds."""
    canonical = json.dumps([settings.livemode, params], sort_keys=True, default=str)
    return salted_hmac(__name__, canonical, algorithm="sha256").hexdigest()


def with_session_id(url: str) -> str:
    """Stripe fills the template in; its braces must stay as they are (Stripe docs: Checkout,
    customise the success page)."""
    if SESSION_ID_TEMPLATE in url:
        return url
    base, hash_mark, fragment = url.partition("#")
    separator = "&" if "?" in base else "?"
    return f"{base}{separator}session_id={SESSION_ID_TEMPLATE}{hash_mark}{fragment}"


def _of_project(subscriber: models.Model, offer: OfferedPrice) -> dict[str, Any]:
    if settings.checkout_params is None:
        return {}
    added = settings.checkout_params(subscriber=subscriber, offer=offer)
    wrong = guarded_fields(added)
    if wrong:
        logger.error("CHECKOUT_PARAMS may not give %s", ", ".join(wrong))
        raise CheckoutParamsRefused(fields=tuple(wrong))
    return dict(added)


def guarded_fields(added: Any) -> list[str]:
    """Which of the params are not the project's to give, in Stripe's notation; the params
    themselves as `(params)` when they are no mapping."""
    if not isinstance(added, Mapping):
        return ["(params)"]
    wrong = sorted(str(name) for name in added.keys() & GUARDED) + _flat_names(added)
    wrong += _guarded_metadata(added, "metadata")
    data = added.get("subscription_data", {})
    if not isinstance(data, Mapping):
        return [*wrong, "subscription_data"]
    wrong += sorted(
        f"subscription_data[{name}]" for name in data.keys() & GUARDED_SUBSCRIPTION_DATA
    )
    wrong += _guarded_metadata(data, "subscription_data[metadata]")
    if not isinstance(added.get("customer_update", {}), Mapping):
        wrong.append("customer_update")
    return wrong


def _flat_names(added: Any) -> list[str]:
    """Names such as `metadata[key]`, which Stripe takes for what is nested, at any depth."""
    if isinstance(added, Mapping):
        own = [str(name) for name in added if not isinstance(name, str) or "[" in name]
        return own + [name for value in added.values() for name in _flat_names(value)]
    if isinstance(added, list | tuple):
        return [name for value in added for name in _flat_names(value)]
    return []


def _guarded_metadata(params: Mapping[str, Any], name: str) -> list[str]:
    """dj-stripe links a customer to whoever its own key names, in a session's metadata too."""
    metadata = params.get("metadata", {})
    if not isinstance(metadata, Mapping):
        return [name]
    ours = {str(key) for key in metadata if str(key).startswith(OUR_PREFIX)}
    ours |= {djstripe_settings.SUBSCRIBER_CUSTOMER_KEY} & metadata.keys()
    return sorted(f"{name}[{key}]" for key in ours)


def _customer_update(params: Mapping[str, Any]) -> dict[str, str]:
    """What Stripe wants where the customer is known already (Stripe docs: Checkout, tax ids;
    Stripe Tax on Checkout)."""
    update = {}
    if _is_enabled(params, "tax_id_collection"):
        update["name"] = "auto"
    if _is_enabled(params, "automatic_tax"):
        update["address"] = "auto"
    return update


def _is_enabled(params: Mapping[str, Any], name: str) -> bool:
    value = params.get(name)
    return isinstance(value, Mapping) and bool(value.get("enabled"))
