"""On ASGI the middleware stays on the event loop as long as what it needs is at hand."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import SyncToAsync, async_to_sync
from django.contrib.auth import get_user_model
from django.core.exceptions import SynchronousOnlyOperation
from django.db import connection
from django.test import AsyncClient, Client
from django.test.utils import CaptureQueriesContext
from django.utils.functional import SimpleLazyObject

from tests.factories import SubscriptionFactory, UserFactory
from tests.gates import foreign
from tests.gates.clients import HTML

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.gates.page_urls")]

OURS = "caixa_subscriptions.middleware.SubscriptionMiddleware"


@pytest.fixture
def get(user: Any) -> Any:
    client = AsyncClient()
    client.force_login(user)
    return async_to_sync(client.get)


@pytest.fixture
def hops(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is sent to a thread, in the order it is."""
    sent: list[str] = []
    call = SyncToAsync.__call__

    async def counting(self: SyncToAsync[Any, Any], *args: Any, **kwargs: Any) -> Any:
        sent.append(getattr(self.func, "__qualname__", type(self.func).__name__))
        return await call(self, *args, **kwargs)

    monkeypatch.setattr(SyncToAsync, "__call__", counting)
    return sent


@pytest.fixture
def says(settings: Any, user: Any) -> Any:
    """A middleware of another package says who is asking; see `foreign`."""

    def use(name: str) -> None:
        settings.MIDDLEWARE = [
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            f"tests.gates.foreign.{name}",
            OURS,
        ]

    foreign.users[str(user.pk)] = user
    return use


def without_ours(settings: Any) -> None:
    settings.MIDDLEWARE = [one for one in settings.MIDDLEWARE if one != OURS]


def test_refuses_and_admits(get: Any, user: Any) -> None:
    assert get("/aplain/").status_code == 402
    assert get("/aplain/", headers=HTML).status_code == 302
    SubscriptionFactory(customer__subscriber=user)
    assert get("/aplain/").content == f"{user.pk} active".encode()


@pytest.mark.parametrize("path", ["/plain/", "/required/class/", "/required/bare/"])
def test_sync_views_too(get: Any, user: Any, path: str) -> None:
    assert get(path).status_code == 402
    SubscriptionFactory(customer__subscriber=user)
    assert get(path).status_code == 200


def test_nobody_passes(db: None) -> None:
    assert async_to_sync(AsyncClient().get)("/aplain/").content == b"None none"


def test_where_no_gate_has_asked_the_view_can(get: Any, subscribed: Any) -> None:
    assert get("/exempt/async/").content == b"active"


def test_queries(get: Any, subscribed: Any, access_cache: Any) -> None:
    with CaptureQueriesContext(connection) as cold:
        get("/required/async/")
    with CaptureQueriesContext(connection) as warm:
        get("/required/async/")
    assert (len(cold), len(warm)) == (3, 2)  # session, user, and access


def test_warm_no_thread_is_added(
    says: Any, user: Any, subscribed: Any, access_cache: Any, hops: list[str], settings: Any
) -> None:
    says("loaded")
    headers = {"X-User": str(user.pk)}

    def ask() -> list[str]:
        hops.clear()
        response = async_to_sync(AsyncClient().get)("/abare/", headers=headers)
        assert response.content == b"bare"
        return sorted(hops)

    cold, warm = ask(), ask()
    without_ours(settings)
    assert warm == ask()
    assert cold == sorted([*warm, "get_access"])  # the one thing that needs a thread


def test_with_a_session_only_the_threads_that_django_takes_for_a_user(
    user: Any, subscribed: Any, access_cache: Any, hops: list[str], settings: Any
) -> None:
    client = AsyncClient()
    client.force_login(user)

    def ask() -> list[str]:
        hops.clear()
        assert async_to_sync(client.get)("/auser/").content == str(user.pk).encode()
        return sorted(hops)

    ask()
    warm = ask()
    without_ours(settings)
    client.handler._middleware_chain = None  # which the client keeps
    assert warm == ask()


class TestWhoIsAsking:
    """Django's own `auser()` is not the last word on ASGI, either."""

    @pytest.mark.parametrize("name", ["loaded", "lazy"])
    def test_another_middleware_says(self, says: Any, name: str, user: Any) -> None:
        says(name)
        headers = {"X-User": str(user.pk)}
        get = async_to_sync(AsyncClient().get)
        assert get("/required/async/", headers=headers).status_code == 402
        assert get("/plain/", headers=headers).status_code == 402
        SubscriptionFactory(customer__subscriber=user)
        assert get("/required/async/", headers=headers).content == b"active"

    @pytest.mark.parametrize("name", ["loaded", "lazy"])
    def test_and_not_the_session(self, says: Any, name: str, user: Any, get: Any) -> None:
        says(name)
        other = UserFactory()
        foreign.users[str(other.pk)] = other
        SubscriptionFactory(customer__subscriber=user)
        assert get("/plain/").status_code == 200
        assert get("/plain/", headers={"X-User": str(other.pk)}).status_code == 402

    def test_a_callback_that_asks_the_database(
        self, get: Any, user: Any, settings: Any, subscribed: Any
    ) -> None:
        def callback(request: Any) -> Any:
            return get_user_model().objects.get(pk=request.user.pk)

        settings.DJSTRIPE_SUBSCRIBER_MODEL_REQUEST_CALLBACK = callback
        assert get("/required/async/").content == b"active"


def test_a_test_that_would_see_a_query_on_the_event_loop(user: Any) -> None:
    async def query() -> None:
        str(SimpleLazyObject(lambda: get_user_model().objects.get(pk=user.pk)))

    with pytest.raises(SynchronousOnlyOperation):
        async_to_sync(query)()


def test_wsgi_with_async_views(user: Any) -> None:
    client = Client()
    client.force_login(user)
    assert client.get("/required/async/").status_code == 402
    SubscriptionFactory(customer__subscriber=user)
    assert client.get("/required/async/").content == b"active"
