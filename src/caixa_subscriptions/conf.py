"""The only reader of `settings.CAIXA_SUBSCRIPTIONS`, and of Stripe's settings.

One typed property per setting, read once and again when Django says that a setting changed, so that
`override_settings` just works.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from django.conf import settings as django_settings
from django.core.signals import setting_changed
from django.dispatch import receiver
from django.utils import timezone
from django.utils.module_loading import import_string
from djstripe.settings import djstripe_settings

# The API version this release was written for and is tested with.
SUPPORTED_STRIPE_API_VERSIONS = ("2026-08-26.dahlia",)
STRIPE_API_BASE = "https://api.stripe.com"

# How often checkout and portal may be asked for: by one user, and from one address.
THROTTLE_RATES = {"checkout": "10/min", "portal": "10/min", "address": "30/min"}

# What makes two e-mail addresses one, for the trial; "yahoo_minus" is known too.
EMAIL_RULES = ("case", "unicode", "plus", "gmail_dots", "googlemail")
OTHER_EMAIL_RULES = ("yahoo_minus",)

# When the trial begins: with a subscription at Stripe, or with the subscriber and without Stripe.
AT_CHECKOUT, AT_SIGNUP = "checkout", "signup"

SECOND_TRIAL_POLICIES = ("end_trial", "flag", "allow")

DEFAULTS: dict[str, Any] = {
    "PRICES": {},
    "TRIAL_DAYS": 7,
    "TRIAL_STARTS": AT_CHECKOUT,
    "TRIAL_PLAN": None,
    "TRIAL_WITHOUT_CARD": None,
    "TRIAL_PEPPERS": (),
    "TRIAL_EMAIL_RULES": EMAIL_RULES,
    "SECOND_TRIAL": "flag",
    "PLANS": {},
    "PAST_DUE_DAYS": 7,
    "ALLOW_INCOMPLETE": False,
    "STAFF_EXEMPT": False,
    "ON_SUBSCRIBER_DELETE": "cancel",
    "EMAIL_VERIFIED": None,
    "CACHE": None,
    "CACHE_SECONDS": 300,
    "PAYWALL_URL": "/",
    "CHECKOUT_SUCCESS_URL": "/",
    "CHECKOUT_CANCEL_URL": "/",
    "PORTAL_RETURN_URL": "/",
    "ALLOWED_REDIRECT_ORIGINS": (),
    "CHECKOUT_OPTIONS": {},
    "CHECKOUT_PARAMS": None,
    "ONE_SUBSCRIPTION_PER": "subscriber",
    "SECOND_SUBSCRIPTION": "cancel_and_refund",
    "EXEMPT_PATHS": (),
    "THROTTLE_RATES": {},
    "CLOCK": "django.utils.timezone.now",
}


def _of_mode(offer: Any, mode: str) -> Any:
    price_id = offer.get("price_id") if isinstance(offer, Mapping) else None
    if not isinstance(price_id, Mapping):
        return offer
    return {**offer, "price_id": price_id[mode]} if mode in price_id else None


class Settings:
    @cached_property
    def raw(self) -> Mapping[str, Any]:
        return getattr(django_settings, "CAIXA_SUBSCRIPTIONS", {})

    def _get(self, name: str) -> Any:
        return self.raw.get(name, DEFAULTS[name])

    @cached_property
    def prices(self) -> Mapping[str, Mapping[str, Any]]:
        """What is for sale in this mode: name -> {"lookup_key": ...} or {"price_id": ...}.

        Of a `price_id` for each mode only this one's is left; an offer without one is left out.
        """
        prices = self._get("PRICES")
        if not isinstance(prices, Mapping):
            return prices  # type: ignore[no-any-return]  # E002 says so
        mode = "live" if self.livemode else "test"
        of_mode = {name: _of_mode(offer, mode) for name, offer in prices.items()}
        return {name: offer for name, offer in of_mode.items() if offer is not None}

    @cached_property
    def plans(self) -> Mapping[str, Mapping[str, Any]]:
        """What prices give: name -> {"features": [...], "limits": {...}, "products": [...]}."""
        return self._get("PLANS")  # type: ignore[no-any-return]

    @cached_property
    def trial_days(self) -> int:
        return self._get("TRIAL_DAYS")  # type: ignore[no-any-return]

    @cached_property
    def starts_trial_at_signup(self) -> bool:
        """Whether a new subscriber has the trial at once, which Stripe knows nothing of."""
        return bool(self._get("TRIAL_STARTS") == AT_SIGNUP)

    @cached_property
    def trial_plan(self) -> str | None:
        """The plan in `PLANS` that a trial from sign-up gives; None for access alone."""
        return self._get("TRIAL_PLAN")  # type: ignore[no-any-return]

    @cached_property
    def trial_without_card(self) -> str | None:
        """What Stripe does when a trial ends without a card; None: always ask for one."""
        return self._get("TRIAL_WITHOUT_CARD")  # type: ignore[no-any-return]

    @cached_property
    def trial_peppers(self) -> tuple[str | bytes, ...]:
        """Keys of the identities of trials: the first one writes, all look up."""
        return tuple(self._get("TRIAL_PEPPERS"))

    @cached_property
    def trial_email_rules(self) -> frozenset[str]:
        return frozenset(self._get("TRIAL_EMAIL_RULES"))

    @cached_property
    def second_trial(self) -> str:
        """What to do about a second trial found by a card: "end_trial", "flag" or "allow"."""
        return self._get("SECOND_TRIAL")  # type: ignore[no-any-return]

    @cached_property
    def past_due_days(self) -> int:
        return self._get("PAST_DUE_DAYS")  # type: ignore[no-any-return]

    @cached_property
    def allow_incomplete(self) -> bool:
        """Whether there is access while the first payment is pending."""
        return self._get("ALLOW_INCOMPLETE")  # type: ignore[no-any-return]

    @cached_property
    def staff_exempt(self) -> bool:
        """Whether no gate asks users with `is_staff`."""
        return self._get("STAFF_EXEMPT")  # type: ignore[no-any-return]

    @cached_property
    def on_subscriber_delete(self) -> str:
        """What becomes of the subscriptions: "cancel", "cancel_at_period_end" or "keep"."""
        return self._get("ON_SUBSCRIBER_DELETE")  # type: ignore[no-any-return]

    @cached_property
    def email_verified(self) -> Callable[[Any], bool] | None:
        """Says of a subscriber whether their e-mail is verified; None when nobody can say."""
        path = self._get("EMAIL_VERIFIED")
        return import_string(path) if path else None

    @cached_property
    def cache(self) -> str | None:
        """The alias in `CACHES` that access is cached in; None for no cache."""
        return self._get("CACHE")  # type: ignore[no-any-return]

    @cached_property
    def cache_seconds(self) -> int:
        """How old cached facts may be."""
        return self._get("CACHE_SECONDS")  # type: ignore[no-any-return]

    @cached_property
    def paywall_url(self) -> str:
        return self._get("PAYWALL_URL")  # type: ignore[no-any-return]

    @cached_property
    def checkout_success_url(self) -> str:
        return self._get("CHECKOUT_SUCCESS_URL")  # type: ignore[no-any-return]

    @cached_property
    def checkout_cancel_url(self) -> str:
        return self._get("CHECKOUT_CANCEL_URL")  # type: ignore[no-any-return]

    @cached_property
    def portal_return_url(self) -> str:
        return self._get("PORTAL_RETURN_URL")  # type: ignore[no-any-return]

    @cached_property
    def allowed_redirect_origins(self) -> tuple[str, ...]:
        return tuple(self._get("ALLOWED_REDIRECT_ORIGINS"))

    @cached_property
    def checkout_options(self) -> Mapping[str, Any]:
        """Parameters of every Checkout Session, under Stripe's names."""
        return self._get("CHECKOUT_OPTIONS")  # type: ignore[no-any-return]

    @property
    def checkout_params(self) -> Callable[..., Any] | None:
        """The project's own: `f(subscriber=..., offer=...)` gives more parameters."""
        path = self._get("CHECKOUT_PARAMS")
        return None if path is None else import_string(path)

    @cached_property
    def one_subscription_per(self) -> str:
        """What there is one live subscription for: "subscriber" or "product"."""
        return self._get("ONE_SUBSCRIPTION_PER")  # type: ignore[no-any-return]

    @cached_property
    def second_subscription(self) -> str:
        """What becomes of a second one that was paid: one of `Remedy.Policy`."""
        return self._get("SECOND_SUBSCRIPTION")  # type: ignore[no-any-return]

    @cached_property
    def exempt_paths(self) -> tuple[str, ...]:
        return tuple(self._get("EXEMPT_PATHS"))

    @cached_property
    def throttle_rates(self) -> Mapping[str, str | None]:
        """REST framework's rates, such as "10/min", by "checkout", "portal" and "address"."""
        return THROTTLE_RATES | self._get("THROTTLE_RATES")  # type: ignore[no-any-return]

    @property
    def clock(self) -> Callable[[], dt.datetime]:
        # Looked up every time, so that tests may put another function in its place.
        return import_string(self._get("CLOCK"))  # type: ignore[no-any-return]

    @cached_property
    def follows_the_system(self) -> bool:
        """Whether the time is the system's, and not that of a simulation."""
        return "CLOCK" not in self.raw

    # Stripe's own settings keep the names dj-stripe gave them.

    @cached_property
    def livemode(self) -> bool:
        return bool(getattr(django_settings, "STRIPE_LIVE_MODE", False))

    @cached_property
    def subscriber_callback(self) -> Callable[[Any], Any]:
        """From a request to its subscriber: `DJSTRIPE_SUBSCRIBER_MODEL_REQUEST_CALLBACK`."""
        return djstripe_settings.subscriber_request_callback  # type: ignore[no-any-return]

    @cached_property
    def secret_key(self) -> str:
        name = "STRIPE_LIVE_SECRET_KEY" if self.livemode else "STRIPE_TEST_SECRET_KEY"
        return getattr(django_settings, name, "") or ""

    @cached_property
    def publishable_key(self) -> str:
        name = "STRIPE_LIVE_PUBLIC_KEY" if self.livemode else "STRIPE_TEST_PUBLIC_KEY"
        return getattr(django_settings, name, "") or ""

    @cached_property
    def api_version(self) -> str | None:
        return getattr(django_settings, "STRIPE_API_VERSION", None)

    @cached_property
    def api_host(self) -> str:
        return (getattr(django_settings, "STRIPE_API_HOST", "") or STRIPE_API_BASE).rstrip("/")

    @cached_property
    def is_simulated(self) -> bool:
        """Whether the API answering is a stand-in rather than Stripe itself."""
        return self.api_host != STRIPE_API_BASE

    @cached_property
    def webhook_secret(self) -> str:
        return getattr(django_settings, "DJSTRIPE_WEBHOOK_SECRET", "") or ""


settings = Settings()


@receiver(setting_changed)
def forget_settings(**kwargs: Any) -> None:
    """Read all of them again when they are asked for next."""
    settings.__dict__.clear()


def now() -> dt.datetime:
    """The time by which access is decided: aware, UTC unless `CLOCK` says otherwise."""
    return timezone.now() if settings.follows_the_system else settings.clock()
