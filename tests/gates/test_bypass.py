"""Ways past the middleware that people try, as they come from a server, on WSGI and ASGI."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient, Client

from tests.factories import SubscriptionFactory
from tests.gates.clients import jwt

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.gates.bypass_urls")]

PATHS = [
    "/page/",
    "/page",
    "/PAGE/",
    "/Page/",
    "//page/",
    "///page/",
    "/./page/",
    "/%70age/",
    "/page//",
    "/page/.",
    "/page/..",
    "/page/;x=1",
    "/page/;/open/",
    "/page;/",
    "/;/page/",
    "/page%00/",
    "/page/%00",
    "/page/%0d%0a",
    "/page/%20",
    "/page%2f",
    "/page/#/open/",
    "/page/?next=/open/",
    "/page/?/open/",
    "/open/../page/",
    "/open/./../page/",
    "/open/%2e%2e/page/",
    "/open/%2E%2e/page/",
    "/open/%252e%252e/page/",
    "/open/%25%32%65%25%32%65/page/",
    "/open/..%2fpage/",
    "/open%2f..%2fpage/",
    "/open/..%252fpage/",
    "/open/..\\page/",
    "/open/..%5cpage/",
    "/open/..%255cpage/",
    "/open/..;/page/",
    "/open/..;x=1/page/",
    "/open/;/../page/",
    "/open;/../page/",
    "/open/%00/../../page/",
    "/open/.%00./page/",
    "/open//../../page/",
    "/open/..",
    "/open/%2e%2e",
    "/open/%E2%80%A4%E2%80%A4/page/",  # one dot leaders
    "/open/%EF%BC%8E%EF%BC%8E/page/",  # fullwidth full stops
    "/open/..%EF%BC%8Fpage/",  # a fullwidth solidus
    "/open/..%EF%BC%BCpage/",  # a fullwidth reverse solidus
    "/open/%E2%80%A5/page/",  # a two dot leader
    "/open/%C0%AE%C0%AE/page/",  # an overlong encoding
    "/%EF%BD%90age/",  # a fullwidth p
    "/p%D0%B0ge/",  # a Cyrillic a
    "/OPEN/../page/",
    "/login/../page/",
    "/login/page/",
    "/login//page/",
    "/pricing/../page/",
    "/pricing/page/",
    "/pricing/%2e%2e/page/",
    "/admin/../page/",
    "/api/subscriptions/../../page/",
    "/stripe/webhook/../../page/",
]
METHODS = ["HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "get", "X"]
HEADERS = [
    {"X-Original-URL": "/open/"},
    {"X-Rewrite-URL": "/open/"},
    {"X-Original-URI": "/open/"},
    {"X-Forwarded-Path": "/open/"},
    {"X-Forwarded-Prefix": "/open"},
    {"X-Script-Name": "/open"},
    {"Script-Name": "/open"},
    {"Path-Info": "/open/"},
    {"X-HTTP-Method-Override": "OPTIONS"},
    {"X-Method-Override": "HEAD"},
    {"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"},
    {"X-Requested-With": "XMLHttpRequest"},
    {"HX-Request": "true"},
    {"HX-Request": "true", "HX-Current-URL": "/open/"},
    {"Accept": "text/html"},
    {"Accept": "text/html", "Authorization": ""},
    {"Referer": "http://testserver/open/"},
    {"Authorization": "Bearer nonsense"},
    {"X-Forwarded-User": "admin", "Remote-User": "admin"},
]
ATTEMPTS = [
    *(("GET", path, {}) for path in PATHS),
    *((method, path, {}) for method in METHODS for path in ("/page/", "/api/")),
    *(("GET", path, headers) for headers in HEADERS for path in ("/page/", "/api/")),
]


def wsgi(client: Client, method: str, target: str, headers: dict[str, str]) -> Any:
    path, _, query = target.partition("?")
    return client.request(
        REQUEST_METHOD=method,
        PATH_INFO=unquote_to_bytes(path).decode("latin-1"),
        QUERY_STRING=query,
        **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()},
    )


def asgi(client: Client, method: str, target: str, headers: dict[str, str]) -> Any:
    path, _, query = target.partition("?")
    async_client = AsyncClient()
    async_client.cookies = client.cookies
    return async_to_sync(async_client.request)(
        method=method,
        path=unquote_to_bytes(path).decode("utf-8", "replace"),
        query_string=query.encode(),
        headers=[(name.lower().encode(), value.encode()) for name, value in headers.items()],
    )


SERVERS = pytest.mark.parametrize("ask", [wsgi, asgi])


@pytest.fixture
def client(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture(autouse=True)
def by_session(settings: Any) -> None:
    settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | {
        "DEFAULT_AUTHENTICATION_CLASSES": [
            "rest_framework_simplejwt.authentication.JWTAuthentication",
            "rest_framework.authentication.SessionAuthentication",
        ]
    }


def passes(response: Any) -> bool:
    return "X-Protected" in response.headers


@SERVERS
@pytest.mark.parametrize(("method", "target", "headers"), ATTEMPTS)
def test_nothing_gets_past(
    client: Client, ask: Any, method: str, target: str, headers: dict[str, str]
) -> None:
    assert not passes(ask(client, method, target, headers))


@SERVERS
@pytest.mark.parametrize("method", ["GET", *METHODS])
def test_nor_with_a_token(user: Any, ask: Any, method: str) -> None:
    assert not passes(ask(Client(), method, "/api/", jwt(user)))


@SERVERS
@pytest.mark.parametrize("target", ["/page/", "/open/../page/", "/open/%252e%252e/page/", "/api/"])
def test_the_attempts_would_be_seen_to_pass(
    client: Client, ask: Any, user: Any, target: str
) -> None:
    SubscriptionFactory(customer__subscriber=user)
    assert passes(ask(client, "GET", target, {}))


@SERVERS
@pytest.mark.parametrize("target", ["/open/", "/open/a/b.txt", "/open/caf%C3%A9/", "/pricing/"])
def test_what_is_exempt_is_open(client: Client, ask: Any, target: str) -> None:
    response = ask(client, "GET", target, {})
    assert response.status_code == 200
    assert not passes(response)
