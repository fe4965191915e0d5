"""Subscribers by their e-mail, where the project vouches for it. Stripe verifies none."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum
from typing import Any

from django.db import models
from django.db.models.functions import Lower
from djstripe.models import Customer
from djstripe.settings import djstripe_settings

from caixa_subscriptions.conf import settings


class Kind(Enum):
    VERIFIED = "verified"
    UNVERIFIED = "unverified"
    SEVERAL = "several"


@dataclass(frozen=True, slots=True)
class Match:
    """Whose e-mail it is; nobody's when several subscribers or customers have it."""

    kind: Kind
    subscriber_pk: Any = None


def match_emails(emails: Collection[str], *, livemode: bool) -> dict[str, Match]:
    """For each of these customers' e-mails that any subscriber has: who, and whether it is theirs.

    Upper and lower case are one mailbox. Only ASCII matches: "K" has a look-alike that
    becomes the same "k" (Unicode TR 36). `EMAIL_VERIFIED` is asked about each subscriber.
    """
    wanted = {email.lower() for email in emails if email and email.isascii()}
    is_verified = settings.email_verified
    subscribers = _subscribers(wanted)
    customers = _count_customers(set(subscribers), livemode=livemode)
    found = {}
    for email in emails:
        folded = email.lower() if email.isascii() else ""
        owners = subscribers.get(folded, [])
        if len(owners) > 1 or (owners and customers[folded] > 1):
            found[email] = Match(Kind.SEVERAL)
        elif owners:
            verified = is_verified is not None and is_verified(owners[0]) is True
            kind = Kind.VERIFIED if verified else Kind.UNVERIFIED
            found[email] = Match(kind, owners[0].pk)
    return found


def email_field() -> str:
    model = djstripe_settings.get_subscriber_model()
    get_name = getattr(model, "get_email_field_name", None)
    return get_name() if get_name else "email"


def _subscribers(wanted: set[str]) -> dict[str, list[models.Model]]:
    name = email_field()
    manager = djstripe_settings.get_subscriber_model()._default_manager
    found = defaultdict(list)
    for one in manager.annotate(caixa_email=Lower(name)).filter(caixa_email__in=wanted):
        # Databases fold more than they should: accents, or trailing spaces.
        if (email := getattr(one, name)).isascii() and email.lower() in wanted:
            found[email.lower()].append(one)
    return found


def _count_customers(wanted: set[str], *, livemode: bool) -> Counter[str]:
    rows = Customer.objects.filter(livemode=livemode, date_purged__isnull=True)
    same = rows.annotate(caixa_email=Lower("email")).filter(caixa_email__in=wanted)
    return Counter(
        email.lower() for email in same.values_list("email", flat=True) if email.isascii()
    )
