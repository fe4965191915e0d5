"""System checks. Every id is explained in the docs, on the page "Settings and checks"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import apps
from django.conf import settings as django_settings
from django.core import checks
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch
from django.utils.module_loading import import_string

from caixa_subscriptions.conf import (
    DEFAULTS,
    SUPPORTED_STRIPE_API_VERSIONS,
    THROTTLE_RATES,
    settings,
)

MIDDLEWARE = "caixa_subscriptions.middleware.SubscriptionMiddleware"
AUTHENTICATION_MIDDLEWARE = "django.contrib.auth.middleware.AuthenticationMiddleware"
MAX_QUANTITY = 999_999
ON_SUBSCRIBER_DELETE = ("cancel", "cancel_at_period_end", "keep")
URL_SETTINGS = ("PAYWALL_URL", "CHECKOUT_SUCCESS_URL", "CHECKOUT_CANCEL_URL", "PORTAL_RETURN_URL")


@checks.register("caixa_subscriptions")
def check_settings(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    raw = settings.raw
    if not isinstance(raw, Mapping):
        return [error("E001", "CAIXA_SUBSCRIPTIONS must be a dict.", "Write it as {...}.")]
    found = [
        error(
            "E001",
            f"CAIXA_SUBSCRIPTIONS has an unknown setting {name!r}.",
            f"Known are: {', '.join(sorted(DEFAULTS))}.",
        )
        for name in raw
        if name not in DEFAULTS
    ]
    return [
        *found,
        *_check_prices(),
        *_check_days(),
        *_check_urls(),
        *_check_clock(),
        *_check_throttle_rates(),
    ]


def _check_throttle_rates() -> Iterator[checks.CheckMessage]:
    rates = settings.raw.get("THROTTLE_RATES", {})
    if isinstance(rates, Mapping) and all(
        name in THROTTLE_RATES and (rate is None or _is_rate(rate)) for name, rate in rates.items()
    ):
        return
    yield error(
        "E030",
        "THROTTLE_RATES is malformed.",
        f'Write rates such as "10/min", or None, for {", ".join(THROTTLE_RATES)}.',
    )


def _is_rate(rate: Any) -> bool:
    return isinstance(rate, str) and re.fullmatch(r"[1-9]\d*/[smhd]\w*", rate) is not None


def _check_prices() -> Iterator[checks.CheckMessage]:
    hint = 'Write {"monthly": {"lookup_key": "pro_monthly"}}, or "price_id" with an id of Stripe.'
    prices = settings.raw.get("PRICES", DEFAULTS["PRICES"])
    if not isinstance(prices, Mapping):
        yield error("E002", "PRICES must be a dict.", hint)
        return
    for name, offer in prices.items():
        if not _is_offer(offer):
            yield error("E002", f"PRICES[{name!r}] must name one lookup_key or price_id.", hint)
        elif not is_quantity(offer.get("quantity", {})):
            yield error(
                "E040",
                f"The quantity of PRICES[{name!r}] is malformed.",
                'Write {"min": 1, "max": 50}: whole numbers from 1, at most 999999.',
            )
    if not prices:
        yield checks.Warning(
            "PRICES is empty: nothing is for sale.", hint=hint, id="caixa_subscriptions.W001"
        )


def _is_offer(offer: Any) -> bool:
    """One of the two keys that find a price, and perhaps its plan and quantity."""
    if not isinstance(offer, Mapping):
        return False
    if offer.keys() - {"plan", "quantity"} not in ({"lookup_key"}, {"price_id"}):
        return False
    found = offer.get("price_id")
    ids = found if isinstance(found, Mapping) and found.keys() <= {"test", "live"} else {"": found}
    named = [*(ids.values() if "price_id" in offer else [offer["lookup_key"]])]
    named += [offer["plan"]] if "plan" in offer else []
    return bool(named) and all(isinstance(value, str) for value in named)


def is_quantity(bounds: Any) -> bool:
    """Stripe takes up to 999,999 of a price in one Checkout Session (the SDK's text)."""
    if not isinstance(bounds, Mapping) or bounds.keys() - {"min", "max"}:
        return False
    low, high = bounds.get("min", 1), bounds.get("max", bounds.get("min", 1))
    return all(type(one) is int for one in (low, high)) and 1 <= low <= high <= MAX_QUANTITY


def _check_days() -> Iterator[checks.CheckMessage]:
    # Stripe: a trial is at most 730 days.
    for name, value, most in (
        ("TRIAL_DAYS", settings.trial_days, 730),
        ("PAST_DUE_DAYS", settings.past_due_days, 365),
    ):
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
            yield error("E003", f"{name} must be a whole number from 0 to {most}.", "Count days.")


def _check_urls() -> Iterator[checks.CheckMessage]:
    for name in URL_SETTINGS:
        target = settings.raw.get(name, DEFAULTS[name])
        try:
            resolved = resolve_url(target) if isinstance(target, str) else ""
        except NoReverseMatch:
            resolved = ""
        if not resolved.startswith(("/", "https://", "http://")):
            yield error(
                "E004",
                f"{name} = {target!r} is neither a URL name, a path, nor an absolute URL.",
                "Name a URL of this project, or write a path that starts with a slash.",
            )
    for name in ("ALLOWED_REDIRECT_ORIGINS", "EXEMPT_PATHS"):
        value = settings.raw.get(name, DEFAULTS[name])
        if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
            yield error("E007", f"{name} must be a list of strings.", 'Write ["..."].')
            return
    for origin in settings.allowed_redirect_origins:
        if not _is_origin(origin):
            yield error(
                "E005",
                f"ALLOWED_REDIRECT_ORIGINS has {origin!r}, which is not an origin.",
                "Write scheme, host and port only, such as https://app.example.com.",
            )


def _is_origin(origin: str) -> bool:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return (
        parts.scheme in ("http", "https")
        and bool(parts.hostname)
        and f"{parts.scheme}://{parts.netloc}" == origin.rstrip("/")
    )


def _check_clock() -> Iterator[checks.CheckMessage]:
    path = settings.raw.get("CLOCK", DEFAULTS["CLOCK"])
    try:
        good = callable(import_string(path))
    except (ImportError, TypeError, AttributeError):
        good = False
    if not good:
        yield error("E006", f"CLOCK = {path!r} is not the path of a callable.", "Remove it.")


@checks.register("caixa_subscriptions")
def check_customers(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    if not isinstance(settings.raw, Mapping):
        return []  # E001 says so
    found: list[checks.CheckMessage] = []
    if settings.on_subscriber_delete not in ON_SUBSCRIBER_DELETE:
        found.append(
            error(
                "E031",
                f"ON_SUBSCRIBER_DELETE must be one of {', '.join(ON_SUBSCRIBER_DELETE)}.",
                "It says what becomes of the subscriptions of a subscriber who is deleted.",
            )
        )
    try:
        good = settings.email_verified is None or callable(settings.email_verified)
    except (ImportError, TypeError, AttributeError):
        good = False
    if not good:
        found.append(
            error("E032", "EMAIL_VERIFIED is not the path of a callable.", "It takes a subscriber.")
        )
    return found


@checks.register("caixa_subscriptions")
def check_stripe(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    return [*_check_api_version(), *_check_keys(), *_check_simulator()]


def _check_api_version() -> Iterator[checks.CheckMessage]:
    supported = ", ".join(SUPPORTED_STRIPE_API_VERSIONS)
    if not settings.api_version:
        yield error(
            "E010",
            "STRIPE_API_VERSION is not set: dj-stripe would follow whatever SDK is installed.",
            f'Set STRIPE_API_VERSION = "{SUPPORTED_STRIPE_API_VERSIONS[-1]}".',
        )
    elif settings.api_version not in SUPPORTED_STRIPE_API_VERSIONS:
        yield checks.Warning(
            f"STRIPE_API_VERSION = {settings.api_version!r} is not tested with this release.",
            hint=f"Tested: {supported}.",
            id="caixa_subscriptions.W002",
        )


def _check_keys() -> Iterator[checks.CheckMessage]:
    if not isinstance(getattr(django_settings, "STRIPE_LIVE_MODE", False), bool):
        yield error(
            "E017",
            "STRIPE_LIVE_MODE must be True or False.",
            'From the environment: os.environ.get("STRIPE_LIVE_MODE", "").lower() == "true".',
        )
    mode = "live" if settings.livemode else "test"
    name = f"STRIPE_{mode.upper()}_SECRET_KEY"
    if not settings.secret_key:
        yield error(
            "E011",
            f"{name} is not set, and STRIPE_LIVE_MODE is {settings.livemode}.",
            "Copy the key from the Stripe dashboard into the environment.",
        )
    elif not settings.secret_key.startswith((f"sk_{mode}_", f"rk_{mode}_")):
        yield error(
            "E012",
            f"{name} does not hold a {mode} key.",
            f"{mode.capitalize()} keys start with sk_{mode}_ or rk_{mode}_.",
        )
    if settings.publishable_key and not settings.publishable_key.startswith(f"pk_{mode}_"):
        yield error(
            "E018",
            f"STRIPE_{mode.upper()}_PUBLIC_KEY does not hold a {mode} publishable key.",
            f"It is shown to everybody, and starts with pk_{mode}_.",
        )


def _check_simulator() -> Iterator[checks.CheckMessage]:
    host = urlsplit(settings.api_host)
    if host.scheme != "https" and host.hostname not in ("127.0.0.1", "localhost", "::1"):
        yield error(
            "E016",
            "STRIPE_API_HOST is neither https nor on this machine: keys would travel in clear.",
            "A simulator runs on this machine; for Stripe itself remove the setting.",
        )
    if settings.is_simulated and settings.livemode:
        yield error(
            "E013",
            "STRIPE_LIVE_MODE is on while STRIPE_API_HOST points to a simulator.",
            "Remove STRIPE_API_HOST to talk to Stripe, or switch the live mode off.",
        )
    if settings.is_simulated and any(
        str(getattr(django_settings, name, "")).startswith(("sk_live_", "rk_live_"))
        for name in ("STRIPE_LIVE_SECRET_KEY", "STRIPE_TEST_SECRET_KEY", "STRIPE_SECRET_KEY")
    ):
        yield error(
            "E014",
            "A live key is configured while STRIPE_API_HOST points to a simulator.",
            "Keep live keys out of an environment that is simulated.",
        )


@checks.register("caixa_subscriptions", deploy=True)
def check_deploy(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    if not settings.is_simulated:
        return []
    return [
        error(
            "E015",
            "STRIPE_API_HOST points to a simulator: no real money can be taken.",
            "Remove STRIPE_API_HOST.",
        )
    ]


@checks.register("caixa_subscriptions")
def check_installation(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    found: list[checks.CheckMessage] = []
    for app in ("djstripe", "rest_framework"):
        if not apps.is_installed(app):
            found.append(error("E020", f"{app!r} is not in INSTALLED_APPS.", "Add it."))
    middleware: Sequence[str] = django_settings.MIDDLEWARE
    if (
        MIDDLEWARE in middleware
        and AUTHENTICATION_MIDDLEWARE not in middleware[: middleware.index(MIDDLEWARE)]
    ):
        found.append(
            error(
                "E021",
                "SubscriptionMiddleware must come after AuthenticationMiddleware.",
                "Move it down in MIDDLEWARE: it needs request.user.",
            )
        )
    return found


def error(number: str, message: str, hint: str) -> checks.Error:
    return checks.Error(message, hint=hint, id=f"caixa_subscriptions.{number}")
