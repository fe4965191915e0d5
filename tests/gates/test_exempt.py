"""Where the URL settings lead is open, in every way they can be written."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.urls import Resolver404, clear_script_prefix, resolve, reverse_lazy, set_script_prefix
from django.utils.translation import override

from caixa_subscriptions import exempt
from tests.gates.clients import HTML

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.urls")]


def is_exempt(path: str, **meta: Any) -> bool:
    request: HttpRequest = RequestFactory().get(path, **meta)
    try:
        request.resolver_match = resolve(request.path_info)
    except Resolver404:
        request.resolver_match = resolve("/page/")
    return exempt.is_exempt(request, request.resolver_match.func)


@pytest.mark.parametrize(
    "target",
    [
        "pricing",
        "/pricing/",
        "/pricing/?from=gate",
        "/pricing/#plans",
        "http://testserver/pricing/",
    ],
)
def test_the_paywall_is_open_however_it_is_written(caixa: Any, target: str) -> None:
    caixa(PAYWALL_URL=target)
    assert is_exempt("/pricing/")
    assert not is_exempt("/page/")


@pytest.mark.urls("tests.gates.translated_urls")
def test_a_paywall_with_a_path_in_each_language_is_open_in_all_of_them(caixa: Any) -> None:
    caixa(PAYWALL_URL="translated-pricing")
    for language, path in (("en", "/plans/"), ("pt-br", "/planos/"), ("en", "/plans/")):
        with override(language):
            assert is_exempt(path)


@pytest.mark.urls("tests.gates.prefixed_urls")
def test_a_paywall_below_the_language_is_open_in_all_of_them(caixa: Any) -> None:
    caixa(PAYWALL_URL="prefixed-login")
    for language in ("en", "pt-br", "en"):
        with override(language):
            assert is_exempt(f"/{language}/login/")


@pytest.mark.urls("tests.gates.translated_urls")
def test_a_login_page_that_is_reversed_late_is_open_in_every_language(settings: Any) -> None:
    settings.LOGIN_URL = reverse_lazy("translated-pricing")
    for language, path in (("en", "/plans/"), ("pt-br", "/planos/"), ("en", "/plans/")):
        with override(language):
            assert is_exempt(path)
            assert not is_exempt("/page/")


def test_a_paywall_of_another_site_opens_nothing_here(caixa: Any) -> None:
    caixa(PAYWALL_URL="https://www.example.com/page/")
    assert not is_exempt("/page/")


@pytest.mark.parametrize(
    ("target", "begins"),
    [
        ("pricing", "/pricing/?reason="),
        ("/pricing/?from=gate", "/pricing/?from=gate&reason="),
        ("https://www.example.com/plans", "https://www.example.com/plans?reason="),
        ("/pricing/#plans", "/pricing/?reason="),
    ],
)
def test_the_redirect_keeps_what_the_paywall_has(
    caixa: Any, browser: Client, target: str, begins: str
) -> None:
    caixa(PAYWALL_URL=target)
    location = browser.get("/page/")["Location"]
    assert location.startswith(begins)
    assert location.endswith("#plans") == target.endswith("#plans")


def test_a_login_url_that_is_none_of_ours_is_no_trouble(settings: Any) -> None:
    settings.LOGIN_URL = "no-such-name"
    assert not is_exempt("/page/")
    assert not is_exempt("/")


def test_under_a_prefix() -> None:
    set_script_prefix("/app/")
    try:
        assert is_exempt("/pricing/", SCRIPT_NAME="/app")
        assert not is_exempt("/page/", SCRIPT_NAME="/app")
    finally:
        clear_script_prefix()
    assert is_exempt("/pricing/")  # the one place is not taken for the other


@pytest.mark.parametrize(
    ("rule", "path", "expected"),
    [
        ("/docs/", "/docs/", True),
        ("/docs/", "/docs/a/b", True),
        ("/docs/", "/docs", False),
        ("/docs/", "/Docs/", False),
        ("/docs/", "/docsandmore/", False),
        ("/docs", "/docs", True),
        ("/docs", "/docs/", False),
        ("/docs", "/docs/a", False),
        ("/", "/", True),
        ("/", "/page/", False),
        ("", "/page/", False),
    ],
)
def test_rules(caixa: Any, rule: str, path: str, expected: bool) -> None:
    caixa(EXEMPT_PATHS=[rule])
    assert is_exempt(path) is expected


def test_rules_are_compiled_once_and_follow_the_settings(caixa: Any) -> None:
    assert is_exempt("/open/")
    before = exempt._rules()
    assert is_exempt("/open/a/")
    assert exempt._rules() is before
    caixa(EXEMPT_PATHS=["/other/"])
    assert not is_exempt("/open/")
    assert is_exempt("/other/")


def test_the_next_page_is_named_whole(browser: Client) -> None:
    location = browser.get("/page/?a=1&b=%26", headers=HTML)["Location"]
    assert location.endswith("&next=%2Fpage%2F%3Fa%3D1%26b%3D%2526")
