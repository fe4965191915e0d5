from __future__ import annotations

from typing import Any

import pytest
from django.core import checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from caixa_subscriptions.checks import AUTHENTICATION_MIDDLEWARE, MIDDLEWARE
from caixa_subscriptions.conf import STRIPE_API_BASE

LIVE_KEY = "sk_" + "live_" + "0" * 24


@pytest.fixture(autouse=True)
def talks_to_stripe(settings: Any) -> None:
    """The test settings point to a simulator; a project points nowhere else than to Stripe."""
    del settings.STRIPE_API_HOST


def found(*, deploy: bool = False) -> list[str]:
    messages = checks.run_checks(tags=["caixa_subscriptions"], include_deployment_checks=deploy)
    for message in messages:
        assert message.hint
    return [str(message.id).removeprefix("caixa_subscriptions.") for message in messages]


def test_the_example_projects_settings_pass() -> None:
    assert found(deploy=True) == []


def test_the_check_command_runs_ours(settings: Any) -> None:
    del settings.STRIPE_API_VERSION
    with pytest.raises(SystemCheckError, match="E010"):
        call_command("check", tags=["caixa_subscriptions"])


@pytest.mark.parametrize(
    ("changes", "ids"),
    [
        ({"TRAIL_DAYS": 7}, ["E001"]),
        ({"PRICES": {}}, ["W001"]),
        ({"PRICES": ["monthly"]}, ["E002"]),
        ({"PRICES": {"monthly": "price_1"}}, ["E002"]),
        ({"PRICES": {"monthly": {}}}, ["E002"]),
        ({"PRICES": {"monthly": {"lookup_key": "a", "price_id": "b"}}}, ["E002"]),
        ({"PRICES": {"monthly": {"product": "prod_1"}}}, ["E002"]),
        ({"PRICES": {"monthly": {"lookup_key": None}}}, ["E002"]),
        ({"PRICES": {"monthly": {"price_id": "price_1"}}}, []),
        ({"PRICES": {"monthly": {"price_id": "price_1", "plan": "pro"}}}, ["E009"]),
        ({"PRICES": {"monthly": {"price_id": {"test": "price_1", "live": "price_2"}}}}, []),
        ({"PRICES": {"monthly": {"price_id": {"live": "price_2"}}}}, []),
        ({"PRICES": {"monthly": {"price_id": {"prod": "price_1"}}}}, ["E002"]),
        ({"PRICES": {"monthly": {"price_id": {}}}}, ["E002"]),
        ({"PRICES": {"monthly": {"price_id": {"test": None}}}}, ["E002"]),
        ({"PRICES": {"seats": {"lookup_key": "a", "quantity": {"min": 2, "max": 50}}}}, []),
        ({"PRICES": {"seats": {"lookup_key": "a", "quantity": 5}}}, ["E040"]),
        ({"PRICES": {"seats": {"lookup_key": "a", "quantity": {"min": 3, "max": 2}}}}, ["E040"]),
        ({"PRICES": {"seats": {"lookup_key": "a", "quantity": {"max": 10**6}}}}, ["E040"]),
        ({"PRICES": {"seats": {"lookup_key": "a", "quantity": {"max": True}}}}, ["E040"]),
        ({"PRICES": {"seats": {"lookup_key": "a", "quantity": {"most": 2}}}}, ["E040"]),
        ({"PRICES": {"monthly": {"plan": "pro"}}, "PLANS": {"pro": {}}}, ["E002"]),
        ({"PLANS": {"pro": {}}}, []),
        (
            {
                "PLANS": {
                    "pro": {
                        "features": ["reports"],
                        "limits": {"seats": 5, "reports": None},
                        "products": ["prod_1"],
                    }
                }
            },
            [],
        ),
        ({"PLANS": ["pro"]}, ["E008"]),
        ({"PLANS": {"pro": ["reports"]}}, ["E008"]),
        ({"PLANS": {"pro": {"feature": ["reports"]}}}, ["E008"]),
        ({"PLANS": {"pro": {"features": "reports"}}}, ["E008"]),
        ({"PLANS": {"pro": {"features": [1]}}}, ["E008"]),
        ({"PLANS": {"pro": {"limits": ["seats"]}}}, ["E008"]),
        ({"PLANS": {"pro": {"limits": {"seats": -1}}}}, ["E008"]),
        ({"PLANS": {"pro": {"limits": {"seats": True}}}}, ["E008"]),
        ({"ALLOW_INCOMPLETE": "no"}, ["E019"]),
        ({"STAFF_EXEMPT": 1}, ["E019"]),
        ({"THROTTLE_RATES": {"checkout": "5/hour", "address": None}}, []),
        ({"THROTTLE_RATES": {"checkout": "often"}}, ["E030"]),
        ({"THROTTLE_RATES": {"check_out": "5/hour"}}, ["E030"]),
        ({"THROTTLE_RATES": "5/hour"}, ["E030"]),
        ({"CACHE": "nowhere"}, ["E023"]),
        ({"CACHE": "default"}, ["W003"]),
        ({"CACHE_SECONDS": 0}, ["E022"]),
        ({"CACHE_SECONDS": True}, ["E022"]),
        ({"TRIAL_DAYS": 0}, []),
        ({"TRIAL_DAYS": -1}, ["E003"]),
        ({"TRIAL_DAYS": 731}, ["E003"]),
        ({"TRIAL_DAYS": "7"}, ["E003"]),
        ({"TRIAL_DAYS": True}, ["E003"]),
        ({"PAST_DUE_DAYS": 366}, ["E003"]),
        ({"PAYWALL_URL": "no-such-name"}, ["E004"]),
        ({"CHECKOUT_SUCCESS_URL": "https://app.example.com/done"}, []),
        ({"ALLOWED_REDIRECT_ORIGINS": ["https://app.example.com"]}, []),
        ({"ALLOWED_REDIRECT_ORIGINS": ["https://app.example.com/path"]}, ["E005"]),
        ({"ALLOWED_REDIRECT_ORIGINS": ["app.example.com"]}, ["E005"]),
        ({"ALLOWED_REDIRECT_ORIGINS": ["https://"]}, ["E005"]),
        ({"ALLOWED_REDIRECT_ORIGINS": None}, ["E007"]),
        ({"ALLOWED_REDIRECT_ORIGINS": [1]}, ["E007"]),
        ({"ALLOWED_REDIRECT_ORIGINS": ["http://[::1"]}, ["E005"]),
        ({"ALLOWED_REDIRECT_ORIGINS": ["javascript://x"]}, ["E005"]),
        ({"EXEMPT_PATHS": "/docs/"}, ["E007"]),
        ({"PAYWALL_URL": None}, ["E004"]),
        ({"CHECKOUT_OPTIONS": {"locale": "pt-BR", "tax_id_collection": {"enabled": True}}}, []),
        ({"CHECKOUT_OPTIONS": {"automatic_tax": True}}, ["E041"]),
        ({"CHECKOUT_OPTIONS": {"customer": "cus_1"}}, ["E041"]),
        ({"CHECKOUT_OPTIONS": ["locale"]}, ["E041"]),
        ({"CHECKOUT_PARAMS": "django.utils.timezone.now"}, []),
        ({"CHECKOUT_PARAMS": "nowhere.at_all"}, ["E042"]),
        ({"CHECKOUT_PARAMS": 1}, ["E042"]),
        ({"ONE_SUBSCRIPTION_PER": "product", "SECOND_SUBSCRIPTION": "flag"}, []),
        ({"ONE_SUBSCRIPTION_PER": "user"}, ["E043"]),
        ({"SECOND_SUBSCRIPTION": "end_trial"}, ["E043"]),
        ({"CLOCK": "nowhere.at_all"}, ["E006"]),
        ({"CLOCK": "django.utils.timezone.utc_is_no_callable"}, ["E006"]),
        ({"CLOCK": None}, ["E006"]),
    ],
)
def test_settings(caixa: Any, changes: dict[str, Any], ids: list[str]) -> None:
    caixa(**changes)
    assert found() == ids


def test_the_settings_must_be_a_dict(settings: Any) -> None:
    settings.CAIXA_SUBSCRIPTIONS = ["PRICES"]
    assert found() == ["E001"]


@pytest.mark.parametrize(
    ("changes", "ids"),
    [
        ({"STRIPE_API_VERSION": None}, ["E010"]),
        ({"STRIPE_API_VERSION": "2020-08-27"}, ["W002"]),
        ({"STRIPE_TEST_SECRET_KEY": ""}, ["E011"]),
        ({"STRIPE_TEST_SECRET_KEY": LIVE_KEY}, ["E012"]),
        ({"STRIPE_LIVE_MODE": True}, ["E011"]),
        ({"STRIPE_LIVE_MODE": True, "STRIPE_LIVE_SECRET_KEY": LIVE_KEY}, []),
        ({"STRIPE_API_HOST": "http://127.0.0.1:8000"}, []),
        ({"STRIPE_API_HOST": "http://stripe.example"}, ["E016"]),
        ({"STRIPE_API_HOST": None}, []),
        ({"STRIPE_LIVE_MODE": "False", "STRIPE_LIVE_SECRET_KEY": LIVE_KEY}, ["E017"]),
        ({"STRIPE_TEST_PUBLIC_KEY": "sk_test_simulator000000000000000000"}, ["E018"]),
        (
            {
                "STRIPE_API_HOST": "http://127.0.0.1:8000",
                "STRIPE_LIVE_MODE": True,
                "STRIPE_LIVE_SECRET_KEY": LIVE_KEY,
            },
            ["E013", "E014"],
        ),
        (
            {"STRIPE_API_HOST": "http://127.0.0.1:8000", "STRIPE_LIVE_SECRET_KEY": LIVE_KEY},
            ["E014"],
        ),
        ({"STRIPE_API_HOST": STRIPE_API_BASE, "STRIPE_LIVE_SECRET_KEY": LIVE_KEY}, []),
    ],
)
def test_stripe(settings: Any, changes: dict[str, Any], ids: list[str]) -> None:
    for name, value in changes.items():
        setattr(settings, name, value)
    assert found() == ids


@pytest.mark.parametrize(
    ("changes", "ids"),
    [
        ({"TRIAL_PEPPERS": "one-secret-that-is-no-list-of-secrets"}, ["E050"]),
        ({"TRIAL_PEPPERS": ["short"]}, ["E050"]),
        ({"TRIAL_EMAIL_RULES": ["minus"]}, ["E051"]),
        ({"TRIAL_EMAIL_RULES": "plus"}, ["E051"]),
        ({"TRIAL_EMAIL_RULES": []}, []),
        ({"SECOND_TRIAL": "refuse"}, ["E052"]),
        ({"TRIAL_WITHOUT_CARD": True}, ["E052"]),
        ({"TRIAL_WITHOUT_CARD": "pause"}, []),
        ({"TRIAL_STARTS": "login"}, ["E052"]),
        ({"TRIAL_STARTS": "signup"}, []),
        ({"TRIAL_PLAN": "pro"}, ["E053"]),
        ({"TRIAL_PLAN": "pro", "PLANS": {"pro": {}}}, []),
        ({"TRIAL_PEPPERS": ()}, ["W004"]),
        ({"TRIAL_PEPPERS": (), "TRIAL_DAYS": 0}, []),
    ],
)
def test_trials(caixa: Any, changes: dict[str, Any], ids: list[str]) -> None:
    caixa(**changes)
    assert found(deploy=True) == ids


def test_a_simulator_cannot_be_deployed(settings: Any) -> None:
    settings.STRIPE_API_HOST = "http://127.0.0.1:8000"
    assert found(deploy=True) == ["E015"]


def test_the_apps_it_stands_on_must_be_installed(settings: Any) -> None:
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != "rest_framework"]
    assert found() == ["E020"]


@pytest.mark.parametrize(
    ("middleware", "ids"),
    [
        ([MIDDLEWARE, AUTHENTICATION_MIDDLEWARE], ["E021"]),
        ([MIDDLEWARE], ["E021"]),
        ([AUTHENTICATION_MIDDLEWARE, MIDDLEWARE], []),
        ([], []),
    ],
)
def test_the_order_of_middleware(settings: Any, middleware: list[str], ids: list[str]) -> None:
    settings.MIDDLEWARE = middleware
    assert found() == ids


def test_a_cache_that_all_processes_share_is_fine(settings: Any, caixa: Any) -> None:
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:6379/0",
        }
    }
    caixa(CACHE="default")
    assert found() == []
