"""The facts of a subscriber in a shared cache, dropped by every write that matters.

The cache holds facts, never answers: what time changes is decided when it is read.

Beside the facts each subscriber has a generation. Facts are good only with the generation that was
read before they were, so a reader who was overtaken by a write cannot bring old facts back. While
a write is under way the generation says so, and readers ask the database until it is committed.
"""

from __future__ import annotations

import logging
import secrets
import time
from dataclasses import dataclass
from typing import Any

from django.core.cache import caches
from django.core.cache.backends.base import BaseCache
from django.db import models

from caixa_subscriptions.conf import settings
from caixa_subscriptions.shapes import SubscriptionFacts

logger = logging.getLogger(__name__)

# Changes when SubscriptionFacts does: an older release's facts are not read.
_VERSION = 1
_WRITING = "writing:"
# A write that was rolled back or killed is taken for under way this long.
_WRITE_SECONDS = 60
# After a failure readers leave the cache alone this long, so that a dead one is not waited for
# by every request. Writers always try.
_REST_SECONDS = 5
_resting_until = 0.0


@dataclass(frozen=True, slots=True)
class Read:
    """What the cache said: the facts, or the generation under which they may be kept."""

    key: str
    generation: str | None = None
    facts: list[SubscriptionFacts] | None = None


def read(subscriber: models.Model, *, livemode: bool) -> Read:
    """The cached facts, if they are current. A cache that fails has none."""
    key = _key(subscriber.pk, livemode)
    if time.monotonic() < _resting_until:
        return Read(key)
    try:
        found = _cache().get_many([_generation(key), key])
        generation = found.get(_generation(key))
        if generation is None:
            # Of several who find none the first one's stays, and all read what became of it.
            generation = _cache().get_or_set(_generation(key), _new, 2 * settings.cache_seconds)
    except Exception as error:
        _failed("read", error)
        return Read(key)
    if generation is None or generation.startswith(_WRITING):
        return Read(key)
    kept_under, facts = found.get(key) or (None, None)
    return Read(key, generation, facts if kept_under == generation else None)


def keep(at: Read, facts: list[SubscriptionFacts]) -> None:
    """Keep the facts that were read from the database after `at`."""
    if at.generation is None:
        return
    try:
        _cache().set(at.key, (at.generation, facts), settings.cache_seconds)
    except Exception as error:
        _failed("write", error)


def begin_write(subscriber_pk: Any, *, livemode: bool) -> str:
    """From now on nobody reads or keeps this subscriber's facts here. Gives the write's token."""
    token = _WRITING + _new()
    try:
        _cache().set(_generation(_key(subscriber_pk, livemode)), token, _WRITE_SECONDS)
    except Exception as error:
        _failed("drop", error)
    return token


def end_write(subscriber_pk: Any, *, livemode: bool, token: str) -> None:
    """What was kept before is void; what is read from now on may be kept.

    Unless another write began meanwhile: that one's end decides.
    """
    generation = _generation(_key(subscriber_pk, livemode))
    try:
        current = _cache().get(generation)
        if current is None or current == token or not current.startswith(_WRITING):
            _cache().set(generation, _new(), 2 * settings.cache_seconds)
    except Exception as error:
        _failed("drop", error)


def _cache() -> BaseCache:
    return caches[settings.cache or ""]  # callers have asked whether there is one


def _new() -> str:
    return secrets.token_hex(8)


def _key(subscriber_pk: Any, livemode: bool) -> str:
    return f"caixa_subscriptions:{_VERSION}:{'live' if livemode else 'test'}:{subscriber_pk}"


def _generation(key: str) -> str:
    return f"{key}:generation"


def _failed(verb: str, error: Exception) -> None:
    # Whatever a backend raises: the database still knows the answer.
    global _resting_until
    _resting_until = time.monotonic() + _REST_SECONDS
    logger.error("Access cache: could not %s: %s", verb, type(error).__name__)
