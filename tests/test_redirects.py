from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpRequest
from django.test import RequestFactory

from caixa_subscriptions.exceptions import RedirectNotAllowed
from caixa_subscriptions.redirects import absolute_redirect_url, default_redirect_url


@pytest.fixture
def request_(settings: Any, caixa: Any) -> HttpRequest:
    settings.ALLOWED_HOSTS = ["shop.example"]
    caixa(ALLOWED_REDIRECT_ORIGINS=["https://app.example:8443"])
    return RequestFactory().get("/", headers={"Host": "shop.example"})


@pytest.mark.parametrize(
    ("url", "absolute"),
    [
        ("/done/?a=1", "http://shop.example/done/?a=1"),
        ("http://shop.example/done/", "http://shop.example/done/"),
        ("https://app.example:8443/done#x", "https://app.example:8443/done#x"),
        ("/done/{CHECKOUT_SESSION_ID}/", "http://shop.example/done/{CHECKOUT_SESSION_ID}/"),
    ],
)
def test_this_site_and_the_listed_origins_are_allowed(
    request_: HttpRequest, url: str, absolute: str
) -> None:
    assert absolute_redirect_url(url, request=request_) == absolute


@pytest.mark.parametrize(
    "url",
    [
        "",
        " ",
        "done/",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "http:evil.example",
        "http:/evil.example",
        "http:///evil.example",
        "https://evil.example/",
        "https://shop.example/",  # the scheme is not ours
        "HTTP://shop.example/",
        "http://shop.example:8000/",
        "http://shop.example.evil.example/",
        "http://evil-shop.example/",
        "http://shop.example@evil.example/",
        "http://user:pass@shop.example/",
        "http://evil.example\\@shop.example/",
        "http://evil.example#@shop.example/",
        "http://evil.example?@shop.example/",
        "https://app.example/",  # the port is not the listed one
        "http://app.example:8443/",
        "HTTP://evil.example/",
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "ftp://shop.example/",
        "http://ѕhop.example/",  # noqa: RUF001  a Cyrillic letter
        "http://shop%2eexample/",
        "http://shop.example%00.evil.example/",
        "http://[::1/",
        "http://shop.example\r\nSet-Cookie: a=b",
        "http://shop.example\t/",
        "/done\n/",
        "\x00/done",
        "/done\x7f",
        "http://",
        "://shop.example",
        "mailto:a@shop.example",
    ],
)
def test_everything_else_is_refused(request_: HttpRequest, url: str) -> None:
    with pytest.raises(RedirectNotAllowed):
        absolute_redirect_url(url, request=request_)


@pytest.mark.parametrize(
    ("target", "absolute"),
    [
        ("pricing", "http://shop.example/pricing/"),
        ("/done/", "http://shop.example/done/"),
        ("https://app.example/done", "https://app.example/done"),
    ],
)
@pytest.mark.urls("tests.urls")
def test_the_settings_name_a_url_a_path_or_another_site(
    request_: HttpRequest, target: str, absolute: str
) -> None:
    assert default_redirect_url(target, request=request_) == absolute
