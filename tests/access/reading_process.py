"""A second process for the race: reads access until it is told to stop, and tells what was stale.

Started by `test_cache_race`, which puts into Redis which version it committed, and when.
"""

from __future__ import annotations

import json
import os
import sys
import time

import django
import redis
from django.conf import settings
from django.db import connection

TRUSTED = 1.0  # seconds another process may go on with a yes (docs/access.md)


def main(user_pk: str, database: str, prefix: str) -> None:
    settings.DATABASES["default"]["NAME"] = database
    url = os.environ["TEST_REDIS_URL"]
    backend = "django.core.cache.backends.redis.RedisCache"
    settings.CACHES = {"access": {"BACKEND": backend, "LOCATION": url, "KEY_PREFIX": prefix}}
    settings.CAIXA_SUBSCRIPTIONS = settings.CAIXA_SUBSCRIPTIONS | {
        "CACHE": "access",
        "CLOCK": "tests.conftest.frozen_now",
    }
    django.setup()
    from django.contrib.auth import get_user_model

    from caixa_subscriptions.access import get_access
    from tests.factories import NOW

    user = get_user_model().objects.get(pk=user_pk)
    told = redis.Redis.from_url(url, decode_responses=True)
    reads, late, stale = 0, 0, []
    told.set(f"{prefix}:ready", 1)
    while not told.exists(f"{prefix}:stop"):
        asked_at = time.monotonic()
        access = get_access(user)
        assert access.current_period_end is not None
        seen = int((access.current_period_end - NOW).total_seconds()) - 86_400
        reads += 1
        # Of what was committed before it asked, the newest.
        log = [json.loads(entry) for entry in told.lrange(f"{prefix}:commits", -200, -1)]
        newer = [(version, at) for version, at in log if version > seen and at < asked_at]
        if newer and not access.allowed:
            stale.append((seen, newer[0][0]))
        late += bool(newer)
        if newer and newer[0][1] + TRUSTED < asked_at:
            stale.append((seen, newer[0][0]))
        time.sleep(0.001)
    connection.close()
    sys.stdout.write(json.dumps({"reads": reads, "late": late, "stale": stale[:5]}))


if __name__ == "__main__":
    main(*sys.argv[1:])
