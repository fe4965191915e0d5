"""The facts of a subscriber, kept in this process for as long as a shared cache says they are good.

What is kept are facts, never answers: what time changes is decided when it is read.

The shared cache holds a generation for each subscriber, and nothing else. Facts are good only
with the generation that was read before they were, so a reader who was overtaken by a write cannot
bring old facts back. While a write is under way the generation says so, and readers ask the
database until it is committed. Every process reads the facts once for each generation.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from django.core.cache import caches
from django.core.cache.backends.base import BaseCache
from django.db import models

from caixa_subscriptions.conf import settings
from caixa_subscriptions.shapes import SubscriptionFacts

logger = logging.getLogger(__name__)

_WRITING = "writing:"
# A write that was rolled back or killed is taken for under way this long.
_WRITE_SECONDS = 60
# After a failure readers leave the cache alone this long, so that a dead one is not waited for
# by every request. Writers always try.
_REST_SECONDS = 5
_resting_until = 0.0

# Some 2 KB each; those read from the database longest ago go first.
_MOST_KEPT = 10_000
_kept: OrderedDict[str, tuple[str, list[SubscriptionFacts]]] = OrderedDict()
_lock = threading.Lock()
_NOTHING: tuple[None, None] = (None, None)


@dataclass(frozen=True, slots=True)
class Read:
    """What the cache said: the facts, or the generation under which they may be kept."""

    key: str
    generation: str | None = None
    facts: list[SubscriptionFacts] | None = None


def read(subscriber: models.Model, *, livemode: bool) -> Read:
    """The facts that are kept, if they are good. With a cache that fails there are none."""
    key = _key(subscriber.pk, livemode)
    if time.monotonic() < _resting_until:
        return Read(key)
    try:
        generation = _cache().get(key)
        if generation is None:
            # Of several who find none the first one's stays, and all read what became of it.
            generation = _cache().get_or_set(key, _new, settings.cache_seconds)
    except Exception as error:
        _failed("read", error)
        return Read(key)
    if generation is None or generation.startswith(_WRITING):
        return Read(key)
    kept_under, facts = _kept.get(key, _NOTHING)
    return Read(key, generation, facts if kept_under == generation else None)


def keep(at: Read, facts: list[SubscriptionFacts]) -> None:
    """Keep the facts that were read from the database after `at`."""
    if at.generation is None:
        return
    with _lock:
        _kept[at.key] = at.generation, facts
        _kept.move_to_end(at.key)
        if len(_kept) > _MOST_KEPT:
            _kept.popitem(last=False)


def begin_write(subscriber_pk: Any, *, livemode: bool) -> str:
    """From now on nobody reads or keeps this subscriber's facts here. Gives the write's token."""
    token = _WRITING + _new()
    try:
        _cache().set(_key(subscriber_pk, livemode), token, _WRITE_SECONDS)
    except Exception as error:
        _failed("drop", error)
    return token


def end_write(subscriber_pk: Any, *, livemode: bool, token: str) -> None:
    """What was kept before is void; what is read from now on may be kept.

    Unless another write began meanwhile: that one's end decides.
    """
    key = _key(subscriber_pk, livemode)
    try:
        current = _cache().get(key)
        if current is None or current == token or not current.startswith(_WRITING):
            _cache().set(key, _new(), settings.cache_seconds)
    except Exception as error:
        _failed("drop", error)


def _cache() -> BaseCache:
    return caches[settings.cache or ""]  # callers have asked whether there is one


def _new() -> str:
    return secrets.token_hex(8)


def _key(subscriber_pk: Any, livemode: bool) -> str:
    return f"caixa_subscriptions:{'live' if livemode else 'test'}:{subscriber_pk}"


def _failed(verb: str, error: Exception) -> None:
    # Whatever a backend raises: the database still knows the answer.
    global _resting_until
    _resting_until = time.monotonic() + _REST_SECONDS
    logger.error("Access cache: could not %s: %s", verb, type(error).__name__)
