"""The facts of a subscriber, kept in this process for as long as a shared cache says they are good.

What is kept are facts, never answers: what time changes is decided when it is read.

The shared cache holds a generation for each subscriber, and nothing else. Facts are good only
with the generation that was read before they were, so a reader who was overtaken by a write cannot
bring old facts back. While a write is under way the generation says so, and readers ask the
database until it is committed. Every process reads the facts once for each generation.

A yes is trusted for a second without asking the shared cache again, since a page is seldom one
request. This process's own writes end that at once, another's within the second; a no is asked
for every time, so that whoever has paid is let in at once.
"""

from __future__ import annotations

import datetime as dt
import logging
import math
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.core.cache import caches
from django.core.cache.backends.base import BaseCache
from django.core.signals import setting_changed
from django.db import models
from django.dispatch import receiver

from caixa_subscriptions.access.answer import Access
from caixa_subscriptions.conf import now, settings
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

# Answers that allow, and until when they are trusted: by the clock that only runs, by the system's,
# which may be set, and by the project's own `CLOCK`. By the key as text, since who is known by a
# token alone may have it so.
_TRUST_SECONDS = 1.0
_trusted: dict[str, tuple[Access, float, float, dt.datetime | None]] = {}
_writes = 0  # begun or ended in this process
_NOTHING: tuple[None, None] = (None, None)


@dataclass(frozen=True, slots=True)
class Read:
    """What the cache said: the facts, or the generation under which they may be kept."""

    key: str
    generation: str | None = None
    facts: list[SubscriptionFacts] | None = None
    at: float = 0.0
    writes: int = 0


def read(subscriber: models.Model, *, livemode: bool) -> Read:
    """The facts that are kept, if they are good. With a cache that fails there are none."""
    key = _key(subscriber.pk, livemode)
    at, writes = time.monotonic(), _writes
    if at < _resting_until:
        return Read(key)
    try:
        # Of several who find none the first one's stays, and all read what became of it.
        generation = _cache().get_or_set(key, _new, settings.cache_seconds)
    except Exception as error:
        _failed("read", error)
        return Read(key)
    if generation is None or generation.startswith(_WRITING):
        return Read(key)
    kept_under, facts = _kept.get(key, _NOTHING)
    return Read(key, generation, facts if kept_under == generation else None, at, writes)


def trusted(subscriber_pk: Any) -> Access | None:
    """A yes given within the last second, if neither time nor a write here has changed it."""
    known = _trusted.get(str(subscriber_pk))
    if known is None:
        return None
    access, until, changes, changes_at = known
    # Two numbers, which are compared quicker than dates.
    if time.monotonic() >= until or time.time() >= changes:
        return None
    return access if changes_at is None or now() < changes_at else None


def trust(subscriber_pk: Any, access: Access, read: Read) -> None:
    """From now on, for a second, this is the answer: `access`, of the facts of `read`."""
    if not access.allowed or read.generation is None:
        return
    changes, changes_at = math.inf, access.changes_at
    if changes_at is not None and settings.follows_the_system:
        changes, changes_at = changes_at.timestamp(), None
    with _lock:
        if read.writes != _writes:
            return  # overtaken, and the write may have been about this subscriber
        if len(_trusted) >= _MOST_KEPT:
            _trusted.clear()
        until = read.at + _TRUST_SECONDS
        _trusted[str(subscriber_pk)] = access, until, changes, changes_at


@receiver(setting_changed)
def _distrust_all(**kwargs: Any) -> None:
    """Answers are those of the settings they were given under: of a mode, and with a cache."""
    global _writes
    with _lock:
        _writes += 1  # for who is finding one out
        _trusted.clear()


def _distrust(subscriber_pk: Any) -> None:
    global _writes
    with _lock:
        _writes += 1
        _trusted.pop(str(subscriber_pk), None)


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
    _distrust(subscriber_pk)
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
    _distrust(subscriber_pk)
    try:
        current = _cache().get(key)
        if current is None or current == token or not current.startswith(_WRITING):
            _cache().set(key, _new(), settings.cache_seconds)
    except Exception as error:
        _failed("drop", error)


def begin_writes(subscriber_pks: Collection[Any], *, livemode: bool) -> str:
    """`begin_write` for many subscribers, with one call to the cache."""
    token = _WRITING + _new()
    for pk in subscriber_pks:
        _distrust(pk)
    try:
        _cache().set_many({_key(pk, livemode): token for pk in subscriber_pks}, _WRITE_SECONDS)
    except Exception as error:
        _failed("drop", error)
    return token


def end_writes(subscriber_pks: Collection[Any], *, livemode: bool, token: str) -> None:
    """`end_write` for many subscribers, with two calls to the cache."""
    keys = [_key(pk, livemode) for pk in subscriber_pks]
    for pk in subscriber_pks:
        _distrust(pk)
    try:
        current = _cache().get_many(keys)
        others = {key for key, one in current.items() if one != token and one.startswith(_WRITING)}
        new = {key: _new() for key in keys if key not in others}
        _cache().set_many(new, settings.cache_seconds)
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
