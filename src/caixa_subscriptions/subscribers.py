"""From a request to the subscriber: the user, or what the project's callback says it is."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.http import HttpRequest
from djstripe.settings import djstripe_settings


def get_subscriber(request: HttpRequest | Any) -> models.Model | None:
    """`DJSTRIPE_SUBSCRIBER_MODEL_REQUEST_CALLBACK` of the request; None for nobody.

    Takes Django's and REST framework's requests alike: the callback reads `request.user`.
    """
    if not request.user.is_authenticated:
        return None
    subscriber = djstripe_settings.subscriber_request_callback(request)
    if subscriber is None or subscriber.pk is None:
        return None
    return subscriber  # type: ignore[no-any-return]
