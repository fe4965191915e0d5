"""The demo on one's own machine: `make demo`.

Stripe is simulated unless STRIPE_TEST_SECRET_KEY is in the environment.
"""

from __future__ import annotations

import os
from pathlib import Path

from django.core.management.utils import get_random_secret_key

from example_project.settings import environment
from example_project.settings.base import *  # noqa: F403
from example_project.settings.base import CAIXA_SUBSCRIPTIONS, REPOSITORY_DIR, REST_FRAMEWORK

DEMO_DATA_DIR = Path(os.environ.get("DEMO_DATA_DIR") or REPOSITORY_DIR / ".demo").resolve()
DEMO_PORT = environment.number("PORT", default=8000)
DEMO_URL = f"http://127.0.0.1:{DEMO_PORT}"


def _secret_key(path: Path) -> str:
    """Made once and kept, so that a restart logs nobody out."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with path.open("x", encoding="utf-8") as file:
                path.chmod(0o600)
                file.write(get_random_secret_key())
        except FileExistsError:
            pass
        return path.read_text(encoding="utf-8")


SECRET_KEY = _secret_key(DEMO_DATA_DIR / "secret_key")
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "testserver"]

# Static files straight from their sources, as they are now: nothing to collect.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True

REST_FRAMEWORK = REST_FRAMEWORK | {
    "DEFAULT_THROTTLE_RATES": {"register": "1000/hour", "token": "1000/min"}
}

STRIPE_LIVE_MODE = False
SIMULATED = not os.environ.get("STRIPE_TEST_SECRET_KEY")

# What Stripe said and what the simulator said must not mix in one database.
DATABASES = {
    "default": environment.database(
        sqlite_path=DEMO_DATA_DIR / ("db.sqlite3" if SIMULATED else "stripe_test_db.sqlite3")
    )
}
SIMULATOR_STATE = DEMO_DATA_DIR / "simulator.sqlite3"
if SIMULATED:
    STRIPE_API_HOST = DEMO_URL
    SILENCED_SYSTEM_CHECKS = ["djstripe.W002"]  # about that very setting
    STRIPE_TEST_SECRET_KEY = "sk_test_simulator000000000000000000"  # noqa: S105  opens nothing
    STRIPE_TEST_PUBLIC_KEY = "pk_test_simulator000000000000000000"
    STRIPE_LIVE_SECRET_KEY = ""
    STRIPE_LIVE_PUBLIC_KEY = ""
    DJSTRIPE_WEBHOOK_SECRET = ""
    CAIXA_SUBSCRIPTIONS = CAIXA_SUBSCRIPTIONS | {"CLOCK": "example_project.clock.now"}
