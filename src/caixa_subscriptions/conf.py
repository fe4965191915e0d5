"""The only reader of `settings.CAIXA_SUBSCRIPTIONS`, and of Stripe's settings.

One typed property per setting, read at every access, so that `override_settings` just works.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings as django_settings
from django.utils.module_loading import import_string

# The API version this release was written for and is tested with.
SUPPORTED_STRIPE_API_VERSIONS = ("2026-08-26.dahlia",)
STRIPE_API_BASE = "https://api.stripe.com"

DEFAULTS: dict[str, Any] = {
    "PRICES": {},
    "TRIAL_DAYS": 7,
    "PLANS": {},
    "PAST_DUE_DAYS": 7,
    "ALLOW_INCOMPLETE": False,
    "STAFF_EXEMPT": False,
    "CACHE": None,
    "CACHE_SECONDS": 300,
    "PAYWALL_URL": "/",
    "CHECKOUT_SUCCESS_URL": "/",
    "CHECKOUT_CANCEL_URL": "/",
    "PORTAL_RETURN_URL": "/",
    "ALLOWED_REDIRECT_ORIGINS": (),
    "EXEMPT_PATHS": (),
    "CLOCK": "django.utils.timezone.now",
}


class Settings:
    @property
    def raw(self) -> Mapping[str, Any]:
        return getattr(django_settings, "CAIXA_SUBSCRIPTIONS", {})

    def _get(self, name: str) -> Any:
        return self.raw.get(name, DEFAULTS[name])

    @property
    def prices(self) -> Mapping[str, Mapping[str, str]]:
        """What is for sale: name -> {"lookup_key": ...} or {"price_id": ...}."""
        return self._get("PRICES")  # type: ignore[no-any-return]

    @property
    def plans(self) -> Mapping[str, Mapping[str, Any]]:
        """What prices give: name -> {"features": [...], "limits": {...}, "products": [...]}."""
        return self._get("PLANS")  # type: ignore[no-any-return]

    @property
    def trial_days(self) -> int:
        return self._get("TRIAL_DAYS")  # type: ignore[no-any-return]

    @property
    def past_due_days(self) -> int:
        return self._get("PAST_DUE_DAYS")  # type: ignore[no-any-return]

    @property
    def allow_incomplete(self) -> bool:
        """Whether there is access while the first payment is pending."""
        return self._get("ALLOW_INCOMPLETE")  # type: ignore[no-any-return]

    @property
    def staff_exempt(self) -> bool:
        """Whether no gate asks users with `is_staff`."""
        return self._get("STAFF_EXEMPT")  # type: ignore[no-any-return]

    @property
    def cache(self) -> str | None:
        """The alias in `CACHES` that access is cached in; None for no cache."""
        return self._get("CACHE")  # type: ignore[no-any-return]

    @property
    def cache_seconds(self) -> int:
        """How old cached facts may be."""
        return self._get("CACHE_SECONDS")  # type: ignore[no-any-return]

    @property
    def paywall_url(self) -> str:
        return self._get("PAYWALL_URL")  # type: ignore[no-any-return]

    @property
    def checkout_success_url(self) -> str:
        return self._get("CHECKOUT_SUCCESS_URL")  # type: ignore[no-any-return]

    @property
    def checkout_cancel_url(self) -> str:
        return self._get("CHECKOUT_CANCEL_URL")  # type: ignore[no-any-return]

    @property
    def portal_return_url(self) -> str:
        return self._get("PORTAL_RETURN_URL")  # type: ignore[no-any-return]

    @property
    def allowed_redirect_origins(self) -> tuple[str, ...]:
        return tuple(self._get("ALLOWED_REDIRECT_ORIGINS"))

    @property
    def exempt_paths(self) -> tuple[str, ...]:
        return tuple(self._get("EXEMPT_PATHS"))

    @property
    def clock(self) -> Callable[[], dt.datetime]:
        return import_string(self._get("CLOCK"))  # type: ignore[no-any-return]

    # Stripe's own settings keep the names dj-stripe gave them.

    @property
    def livemode(self) -> bool:
        return bool(getattr(django_settings, "STRIPE_LIVE_MODE", False))

    @property
    def secret_key(self) -> str:
        name = "STRIPE_LIVE_SECRET_KEY" if self.livemode else "STRIPE_TEST_SECRET_KEY"
        return getattr(django_settings, name, "") or ""

    @property
    def publishable_key(self) -> str:
        name = "STRIPE_LIVE_PUBLIC_KEY" if self.livemode else "STRIPE_TEST_PUBLIC_KEY"
        return getattr(django_settings, name, "") or ""

    @property
    def api_version(self) -> str | None:
        return getattr(django_settings, "STRIPE_API_VERSION", None)

    @property
    def api_host(self) -> str:
        return (getattr(django_settings, "STRIPE_API_HOST", "") or STRIPE_API_BASE).rstrip("/")

    @property
    def is_simulated(self) -> bool:
        """Whether the API answering is a stand-in rather than Stripe itself."""
        return self.api_host != STRIPE_API_BASE

    @property
    def webhook_secret(self) -> str:
        return getattr(django_settings, "DJSTRIPE_WEBHOOK_SECRET", "") or ""


settings = Settings()


def now() -> dt.datetime:
    """The time by which access is decided: aware, UTC unless `CLOCK` says otherwise."""
    return settings.clock()
