"""The example project's settings, with a database for tests and no real Stripe in sight."""

import os

import dj_database_url

from example_project.settings.base import *  # noqa: F403

SECRET_KEY = "not-a-secret-used-by-tests-only-0123456789abcdef"
DEBUG = False
ALLOWED_HOSTS = ["testserver", "127.0.0.1", "localhost"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

DATABASES = {
    "default": dj_database_url.parse(os.environ.get("TEST_DATABASE_URL", "sqlite://:memory:"))
}

# Nothing listens there: a test that talks to Stripe takes the `stripe_api` fixture.
STRIPE_API_HOST = "http://127.0.0.1:9"
STRIPE_LIVE_MODE = False
STRIPE_TEST_SECRET_KEY = "sk_test_simulator000000000000000000"
STRIPE_TEST_PUBLIC_KEY = "pk_test_simulator000000000000000000"
STRIPE_LIVE_SECRET_KEY = ""
STRIPE_LIVE_PUBLIC_KEY = ""
DJSTRIPE_WEBHOOK_SECRET = ""

STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

# The tests of the throttles turn them on.
CAIXA_SUBSCRIPTIONS |= {  # noqa: F405
    "THROTTLE_RATES": {"checkout": None, "portal": None, "address": None},
    "TRIAL_PEPPERS": ["not-a-secret-used-by-tests-only-0123456789abcdef"],
}
