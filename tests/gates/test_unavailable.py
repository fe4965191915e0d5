"""A database that fails closes every gate, with a 503 that says to come back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import InterfaceError, OperationalError, connection
from django.template import Context, Template
from django.test import AsyncClient, Client, RequestFactory

from caixa_subscriptions.exceptions import AccessUnavailable
from tests.factories import UserFactory
from tests.gates.clients import HTML, jwt

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.gates.page_urls")]

SUBSCRIPTIONS = "djstripe_subscription"
USERS = "accounts_user"
SESSIONS = "django_session"
TRIALS = "caixa_subscriptions_trialusagetracking"

BODY = {
    "detail": "This is not available right now. Please try again in a moment.",
    "code": "unavailable",
}


@contextmanager
def failing(table: str, error: type[Exception] = OperationalError) -> Iterator[list[str]]:
    """Every query on this table fails."""
    failed: list[str] = []

    def fail(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if table in sql:
            failed.append(sql)
            raise error("server closed the connection unexpectedly")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(fail):
        yield failed


@pytest.fixture
def client(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def aget(user: Any) -> Any:
    client = AsyncClient()
    client.force_login(user)
    return async_to_sync(client.get)


def is_unavailable(response: Any) -> bool:
    return (
        response.status_code == 503
        and response["Retry-After"] == "5"
        and json.loads(response.content) == BODY
    )


GATED = ["/plain/", "/aplain/", "/required/bare/", "/required/async-class/", "/reports/class/"]


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
@pytest.mark.parametrize("table", [SESSIONS, USERS, SUBSCRIPTIONS])
@pytest.mark.parametrize("path", GATED)
def test_views(
    client: Client, subscribed: Any, path: str, table: str, error: type[Exception]
) -> None:
    with failing(table, error) as failed:
        assert is_unavailable(client.get(path))
    assert failed


@pytest.mark.parametrize("table", [SESSIONS, USERS, SUBSCRIPTIONS])
@pytest.mark.parametrize("path", GATED)
def test_views_on_asgi(aget: Any, subscribed: Any, path: str, table: str) -> None:
    with failing(table) as failed:
        assert is_unavailable(aget(path))
    assert failed


@pytest.mark.parametrize("table", [SESSIONS, USERS, SUBSCRIPTIONS])
@pytest.mark.parametrize("path", [path for path in GATED if "plain" not in path])
def test_gates_without_the_middleware(
    client: Client, subscribed: Any, path: str, table: str, settings: Any
) -> None:
    settings.MIDDLEWARE = [one for one in settings.MIDDLEWARE if "Subscription" not in one]
    with failing(table):
        assert is_unavailable(client.get(path))


DRF = [f"/drf/{name}/" for name in ("class", "function", "lazy", "decorated", "reports")]


@pytest.mark.parametrize("table", [USERS, SUBSCRIPTIONS])
@pytest.mark.parametrize("path", DRF)
def test_rest_framework_views(user: Any, subscribed: Any, path: str, table: str) -> None:
    headers = jwt(user)
    with failing(table) as failed:
        assert is_unavailable(Client().get(path, headers=headers))
    assert failed


@pytest.mark.parametrize("table", [USERS, SUBSCRIPTIONS])
def test_rest_framework_views_on_asgi(user: Any, subscribed: Any, table: str) -> None:
    headers = jwt(user)
    with failing(table):
        assert is_unavailable(async_to_sync(AsyncClient().get)("/drf/class/", headers=headers))


def test_rest_frameworks_own_exception_handler(user: Any, subscribed: Any, settings: Any) -> None:
    settings.REST_FRAMEWORK = {
        key: value for key, value in settings.REST_FRAMEWORK.items() if key != "EXCEPTION_HANDLER"
    }
    headers = jwt(user)
    with failing(SUBSCRIPTIONS):
        assert is_unavailable(Client().get("/drf/class/", headers=headers))


@pytest.mark.parametrize("path", ["/reports/api/", "/team/api/", "/audit/api-function/"])
def test_permissions_without_the_middleware(
    client: Client, subscribed: Any, settings: Any, path: str
) -> None:
    settings.MIDDLEWARE = [one for one in settings.MIDDLEWARE if "Subscription" not in one]
    with failing(SUBSCRIPTIONS):
        assert is_unavailable(client.get(path))


def test_the_status_endpoint(client: Client, subscribed: Any) -> None:
    with failing(SUBSCRIPTIONS):
        assert is_unavailable(client.get("/api/subscriptions/status/"))


def test_within_a_transaction_of_the_view(
    user: Any, subscribed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    headers = jwt(user)
    with failing(SUBSCRIPTIONS):
        assert is_unavailable(Client().get("/drf/class/", headers=headers))


@pytest.mark.parametrize("path", ["/plain/", "/required/async/"])
def test_failing_only_when_the_402_is_written(client: Client, path: str) -> None:
    with failing(TRIALS) as failed:
        assert is_unavailable(client.get(path))
    assert failed


def test_and_in_rest_framework_views(user: Any) -> None:
    headers = jwt(user)
    with failing(TRIALS) as failed:
        assert is_unavailable(Client().get("/drf/class/", headers=headers))
    assert failed


def test_people_get_a_page(user: Any) -> None:
    client = Client(headers=HTML)
    client.force_login(user)
    with failing(SUBSCRIPTIONS):
        response = client.get("/plain/", headers={"accept-language": "pt-BR"})
    assert response.status_code == 503
    assert response["Retry-After"] == "5"
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    expected = "Isto não está disponível agora. Tente novamente em instantes."
    assert response.content.decode() == expected


def test_a_view_that_reads_the_access_itself(client: Client, subscribed: Any) -> None:
    with failing(SUBSCRIPTIONS):
        assert is_unavailable(client.get("/exempt/async/"))


def test_a_template_says_no(user: Any, pro: None) -> None:
    request = RequestFactory().get("/")
    request.user = user
    context = Context({"request": request})
    with failing(SUBSCRIPTIONS):
        text = '{% load subscriptions %}{% if request|has_feature:"reports" %}yes{% endif %}'
        with pytest.raises(AccessUnavailable):
            Template(text).render(context)


def test_errors_of_the_view_are_its_own(client: Client, subscribed: Any) -> None:
    """Not every database error is the gate's: behind it, it is a 500 as ever."""
    client.raise_request_exception = False
    with failing(TRIALS):
        assert client.get("/api/subscriptions/status/").status_code == 500


def test_the_cached_answer_does_not_need_the_database(
    user: Any, subscribed: Any, access_cache: Any
) -> None:
    client = Client()
    client.force_login(user)
    assert client.get("/plain/").status_code == 200
    with failing(SUBSCRIPTIONS):
        assert client.get("/plain/").status_code == 200


def test_staff_waits_like_everybody(caixa: Any) -> None:
    caixa(STAFF_EXEMPT=True)
    client = Client()
    client.force_login(UserFactory(is_staff=True))
    with failing(SUBSCRIPTIONS):
        assert is_unavailable(client.get("/plain/"))
