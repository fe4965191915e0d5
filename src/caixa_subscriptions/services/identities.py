"""What somebody is known again by: keyed HMACs of their key, e-mail address and cards.

The key ("pepper") is not in the database, so whoever has only that cannot try addresses out.
"""

from __future__ import annotations

import hashlib
import hmac
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.conf import settings as django_settings
from django.db import models
from djstripe.models import PaymentMethod, Subscription
from djstripe.settings import djstripe_settings

from caixa_subscriptions.conf import EMAIL_RULES, settings
from caixa_subscriptions.models import TrialIdentity
from caixa_subscriptions.services.emails import email_field

Kind = TrialIdentity.Kind

GMAIL = ("gmail.com", "googlemail.com")
# Letters that look like ASCII and that neither NFKC nor casefolding turns into it.
_LOOK_ALIKES = str.maketrans({"\u0131": "i", "\u0237": "j", "\u0307": ""})


@dataclass(frozen=True, slots=True)
class Identity:
    """One of a subscriber's identities: the digest that is written, and all that are looked up."""

    kind: Kind
    digest: str
    known_as: frozenset[str]


def normalised_email(address: str, rules: Collection[str] = EMAIL_RULES) -> str:
    """The address as all its spellings have it in common; "" for what is no address.

    `rules` are those of `TRIAL_EMAIL_RULES`. Doing it twice changes nothing.
    """
    before = None
    while address != before:  # one rule's result may be another's case
        before, address = address, _normalised_once(address, rules)
    return address


def _normalised_once(address: str, rules: Collection[str]) -> str:
    if "unicode" in rules:
        address = unicodedata.normalize("NFKC", address)
    local, at, domain = address.strip().rpartition("@")
    if not at or not local or not domain:
        return ""
    # Domains have neither case nor one spelling (RFC 4343, RFC 5891).
    domain = _ascii_domain(domain)
    if "unicode" in rules:
        local = unicodedata.normalize("NFKC", local).translate(_LOOK_ALIKES)
        local = "".join(one for one in local if unicodedata.category(one) != "Cf")
    if "case" in rules:
        local = unicodedata.normalize("NFC", local.casefold())
    if "googlemail" in rules and domain in GMAIL:
        domain = GMAIL[0]
    if "plus" in rules:
        local = local.partition("+")[0] or local
    if "gmail_dots" in rules and domain in GMAIL:
        local = local.replace(".", "") or local
    if "yahoo_minus" in rules and domain.partition(".")[0] in ("yahoo", "ymail", "rocketmail"):
        local = local.partition("-")[0] or local
    return f"{local}@{domain}" if local else ""


def _ascii_domain(domain: str) -> str:
    domain = unicodedata.normalize("NFKC", domain).casefold().strip().rstrip(".")
    try:
        return domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return domain


def identities_of(subscriber: models.Model) -> list[Identity]:
    """The subscriber's key and, where it has one, its e-mail address in the current mode."""
    return identities(subscriber=subscriber, livemode=settings.livemode)


def identities(
    *, subscriber: models.Model, livemode: bool, fingerprints: Iterable[str] = ()
) -> list[Identity]:
    """All of them, in the one order in which they are claimed."""
    model = djstripe_settings.get_subscriber_model()
    if not isinstance(subscriber, model):
        # What a stateless token stands for knows no address, which must not pass for having none.
        subscriber = model._default_manager.filter(pk=subscriber.pk).first() or subscriber
    email = normalised_email(
        getattr(subscriber, email_field(), "") or "", settings.trial_email_rules
    )
    found = [_identity(Kind.SUBSCRIBER, str(subscriber.pk), livemode)]
    if email:
        found.append(_identity(Kind.EMAIL, email, livemode))
    found += [_identity(Kind.CARD, one, livemode) for one in set(fingerprints)]
    return sorted(found, key=lambda identity: (identity.kind, identity.digest))


def card_fingerprints(subscriptions: Collection[Subscription]) -> dict[Any, set[str]]:
    """By the subscriptions' primary keys: of all cards of each, and of its customer, that are in
    dj-stripe's tables.

    The same card has the same fingerprint at every customer of an account (Stripe API: the
    PaymentMethod object, `card.fingerprint`). Asks nobody.
    """
    if not subscriptions:
        return {}
    default_of = {one.pk: _default_payment_method(one) for one in subscriptions}
    customers = {one.customer_id for one in subscriptions} - {None}
    rows = PaymentMethod.objects.filter(
        models.Q(customer__in=customers) | models.Q(id__in=set(default_of.values()) - {None})
    ).values_list("id", "customer_id", "livemode", "stripe_data")
    of_customer: dict[Any, set[str]] = defaultdict(set)
    of_method: dict[Any, set[str]] = defaultdict(set)
    for id_, customer_id, livemode, payload in rows:
        card = (payload or {}).get("card")
        fingerprint = card.get("fingerprint") if isinstance(card, dict) else None
        if isinstance(fingerprint, str) and fingerprint:
            of_method[id_, livemode].add(fingerprint)
            if customer_id is not None:  # else it is nobody's
                of_customer[customer_id, livemode].add(fingerprint)
    return {
        one.pk: of_customer[one.customer_id, one.livemode]
        | of_method[default_of[one.pk], one.livemode]
        for one in subscriptions
    }


def _default_payment_method(subscription: Subscription) -> str | None:
    default = subscription.stripe_data.get("default_payment_method")
    found: str | None = default.get("id") if isinstance(default, dict) else default
    return found


def _identity(kind: Kind, value: str, livemode: bool) -> Identity:
    # The context is part of what is signed: nothing found as one kind can pass as another.
    message = "\0".join((kind.value, "live" if livemode else "test", value)).encode()
    digests = [hmac.new(key, message, hashlib.sha256).hexdigest() for key in peppers()]
    return Identity(kind, digests[0], frozenset(digests))


def peppers() -> tuple[bytes, ...]:
    """The first one writes, all look up. Those of `SECRET_KEY` come last, so that who begins with
    them and sets `TRIAL_PEPPERS` later loses nobody."""
    fallbacks = tuple(django_settings.SECRET_KEY_FALLBACKS)
    return (
        *(_key("own", pepper) for pepper in settings.trial_peppers),
        *(_key("derived", key) for key in (django_settings.SECRET_KEY, *fallbacks)),
    )


@lru_cache(maxsize=32)
def _key(origin: str, secret: str | bytes) -> bytes:
    secret = secret if isinstance(secret, bytes) else secret.encode()
    return hmac.new(f"caixa_subscriptions.trials.{origin}".encode(), secret, "sha256").digest()
