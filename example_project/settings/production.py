"""Behind HTTPS, everything from the environment."""

from __future__ import annotations

import os

from example_project.settings import environment
from example_project.settings.base import *  # noqa: F403
from example_project.settings.base import REPOSITORY_DIR

SECRET_KEY = environment.required("SECRET_KEY")
environment.required("ALLOWED_HOSTS")
ALLOWED_HOSTS = environment.words("ALLOWED_HOSTS")
environment.required("DATABASE_URL")
CSRF_TRUSTED_ORIGINS = environment.words("CSRF_TRUSTED_ORIGINS")

SECURE_SSL_REDIRECT = environment.flag("SECURE_SSL_REDIRECT", default=True)
SECURE_HSTS_SECONDS = environment.number("SECURE_HSTS_SECONDS", default=365 * 86400)
# These two bind every subdomain, for a long time: switch them on when all of them speak HTTPS.
SECURE_HSTS_INCLUDE_SUBDOMAINS = environment.flag("SECURE_HSTS_INCLUDE_SUBDOMAINS")
SECURE_HSTS_PRELOAD = environment.flag("SECURE_HSTS_PRELOAD")
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
if environment.flag("TRUST_X_FORWARDED_PROTO"):
    # Only behind a proxy that always sets the header itself: anyone can send it otherwise.
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

STATIC_ROOT = os.environ.get("STATIC_ROOT") or REPOSITORY_DIR / "staticfiles"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {
        "stdout": {
            "class": "logging.StreamHandler",
            "stream": "ext://sys.stdout",
            "formatter": "line",
        }
    },
    "root": {"handlers": ["stdout"], "level": os.environ.get("LOG_LEVEL", "INFO").upper()},
}
