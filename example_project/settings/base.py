"""What every environment shares. Secrets and addresses come from the environment."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.utils.translation import gettext_lazy as _

from example_project.settings import environment

PROJECT_DIR = Path(__file__).resolve().parent.parent
REPOSITORY_DIR = PROJECT_DIR.parent

SECRET_KEY = os.environ.get("SECRET_KEY", "")
DEBUG = False
ALLOWED_HOSTS: list[str] = environment.words("ALLOWED_HOSTS")

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "djstripe",
    "rest_framework",
    "caixa_subscriptions",
    "example_project.accounts",
    "example_project.reports",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "caixa_subscriptions.middleware.SubscriptionMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "example_project.urls"
WSGI_APPLICATION = "example_project.wsgi.application"
ASGI_APPLICATION = "example_project.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [PROJECT_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "example_project.reports.context_processors.demo",
            ],
        },
    },
]

DATABASES: dict[str, Any] = {
    "default": environment.database(sqlite_path=REPOSITORY_DIR / "db.sqlite3")
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "accounts.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "dashboard"
LOGOUT_REDIRECT_URL = "home"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("pt-br", _("Brazilian Portuguese"))]
LOCALE_PATHS = [PROJECT_DIR / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "/static/"
STATICFILES_DIRS = [PROJECT_DIR / "static"]

REST_FRAMEWORK: dict[str, Any] = {
    # The first one words the 401: a JWT is what an API client should send.
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework_simplejwt.authentication.JWTAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "EXCEPTION_HANDLER": "caixa_subscriptions.api.exceptions.exception_handler",
    "DEFAULT_THROTTLE_RATES": {"register": "60/hour", "token": "60/min"},
    # How many proxies stand in front: by them the throttles know one client from another.
    "NUM_PROXIES": environment.number("NUM_PROXIES", default=0),
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=15),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=7),
}

# Whether the simulator of caixa-subscriptions stands in for Stripe, inside this process.
SIMULATED = False
SIMULATOR_STATE = REPOSITORY_DIR / "simulator.sqlite3"

if os.environ.get("STRIPE_API_HOST"):
    STRIPE_API_HOST = os.environ["STRIPE_API_HOST"]  # a simulator; absent, Stripe itself
STRIPE_API_VERSION = "2026-08-26.dahlia"
STRIPE_LIVE_MODE = environment.flag("STRIPE_LIVE_MODE")
STRIPE_TEST_SECRET_KEY = os.environ.get("STRIPE_TEST_SECRET_KEY", "")
STRIPE_LIVE_SECRET_KEY = os.environ.get("STRIPE_LIVE_SECRET_KEY", "")
STRIPE_TEST_PUBLIC_KEY = os.environ.get("STRIPE_TEST_PUBLIC_KEY", "")
STRIPE_LIVE_PUBLIC_KEY = os.environ.get("STRIPE_LIVE_PUBLIC_KEY", "")
DJSTRIPE_WEBHOOK_SECRET = os.environ.get("DJSTRIPE_WEBHOOK_SECRET", "")
DJSTRIPE_FOREIGN_KEY_TO_FIELD = "id"

CAIXA_SUBSCRIPTIONS: dict[str, Any] = {
    # The first one writes; to replace it, see "Trials" in the documentation.
    "TRIAL_PEPPERS": os.environ.get("TRIAL_PEPPERS", "").split(),
    "PRICES": {
        "monthly": {"lookup_key": "reports_monthly"},
        "yearly": {"lookup_key": "reports_yearly"},
    },
    "TRIAL_DAYS": 7,
    "PAYWALL_URL": "pricing",
    "CHECKOUT_SUCCESS_URL": "checkout_success",
    "CHECKOUT_CANCEL_URL": "pricing",
    "PORTAL_RETURN_URL": "billing",
    "EXEMPT_PATHS": [
        "/",
        "/accounts/",
        "/api/register/",
        "/api/token/",
        "/billing/",
        "/i18n/",
        "/pricing/",
    ],
}
