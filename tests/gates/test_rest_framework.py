"""In REST framework views the view's own authenticators say who is asking, and say it once."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import AsyncClient, Client
from django.test.utils import CaptureQueriesContext
from rest_framework.exceptions import APIException
from rest_framework.response import Response
from rest_framework.test import APIClient

from tests.factories import SubscriptionFactory, UserFactory
from tests.gates.api_urls import CountingThrottle
from tests.gates.clients import HTML, jwt

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.gates.api_urls")]

VIEWS = ["class", "lazy", "browsable", "throttled", "decorated", "after-logout", "function"]
PATHS = [f"/drf/{name}/" for name in [*VIEWS, "stateless", "reports", "reports/7"]]


def basic(user: Any) -> dict[str, str]:
    pair = base64.b64encode(f"{user.email}:correct horse".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


@pytest.mark.parametrize("path", PATHS)
def test_a_jwt_user_counts(user: Any, path: str) -> None:
    refused = Client().get(path, headers=jwt(user) | {"Accept": "application/json"})
    assert refused.status_code == 402
    assert json.loads(refused.content)["code"] == "subscription_required"
    SubscriptionFactory(customer__subscriber=user)
    assert Client().get(path, headers=jwt(user)).status_code == 200


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["/drf/class/", "/drf/function/", "/drf/reports/"])
def test_a_jwt_user_counts_on_asgi(user: Any, path: str) -> None:
    get = async_to_sync(AsyncClient().get)
    assert get(path, headers=jwt(user)).status_code == 402
    SubscriptionFactory(customer__subscriber=user)
    assert get(path, headers=jwt(user)).status_code == 200


def test_the_view_sees_what_it_would_see_without_the_gate(user: Any, subscribed: Any) -> None:
    expected = {
        "user": user.pk,
        "django_user": user.pk,
        "authenticator": "JWTAuthentication",
        "token": "AccessToken",
        "subscription": "active",
        "request": "WSGIRequest",
    }
    assert Client().get("/drf/class/", headers=jwt(user)).json() == expected


def test_other_credentials_count_too(user: Any) -> None:
    assert Client().get("/drf/basic/", headers=basic(user)).status_code == 402
    SubscriptionFactory(customer__subscriber=user)
    answer = Client().get("/drf/basic/", headers=basic(user)).json()
    assert (answer["authenticator"], answer["subscription"]) == ("BasicAuthentication", "active")


def test_what_the_view_takes_for_nobody_is_nobody(user: Any) -> None:
    client = Client()
    client.force_login(user)  # whom this view's authenticators do not know
    assert client.get("/drf/class/").status_code == 401
    assert client.get("/drf/lazy/?nobody").status_code == 200


def test_bad_credentials_are_the_views_to_refuse(user: Any) -> None:
    answer = Client().get("/drf/class/", headers={"Authorization": "Bearer nonsense"})
    assert answer.status_code == 401


def test_a_user_assigned_by_the_view_itself_counts(user: Any) -> None:
    headers = {"X-User": str(user.pk)}
    assert Client().get("/drf/assigning/", headers=headers).status_code == 402
    SubscriptionFactory(customer__subscriber=user)
    assert Client().get("/drf/assigning/", headers=headers).status_code == 200


def test_a_login_is_not_gated_but_what_comes_after_it(user: Any) -> None:
    client = Client()
    answer = client.post("/drf/login/", {"pk": user.pk})
    assert (answer.status_code, answer.json()) == (200, {"user": user.pk})
    assert client.get("/page/").status_code == 402


def test_a_login_is_not_gated_by_a_middleware_that_is_listed_twice(
    user: Any, settings: Any
) -> None:
    settings.MIDDLEWARE = [
        *settings.MIDDLEWARE,
        "caixa_subscriptions.middleware.SubscriptionMiddleware",
    ]
    assert Client().post("/drf/login/", {"pk": user.pk}).status_code == 200


def test_a_view_that_takes_the_refused_for_nobody_sees_nobody(user: Any, subscribed: Any) -> None:
    other = UserFactory()
    assert Client().get("/drf/optional/", headers=jwt(user)).json() == {"user": user.pk}
    assert Client().get("/drf/optional/", headers=jwt(other)).json() == {"user": None}


def test_the_refused_are_not_throttled(user: Any) -> None:
    CountingThrottle.calls.clear()
    assert Client().get("/drf/throttled/", headers=jwt(user)).status_code == 402
    assert CountingThrottle.calls == []
    SubscriptionFactory(customer__subscriber=user)
    assert Client().get("/drf/throttled/", headers=jwt(user)).status_code == 200
    assert CountingThrottle.calls == [user.pk]


def test_an_upload_arrives_whole(user: Any, subscribed: Any) -> None:
    file = SimpleUploadedFile("big.bin", b"x" * 3_000_000)
    answer = Client().post("/drf/upload/", {"file": file}, headers=jwt(user))
    assert answer.json() == {"size": 3_000_000}


def test_the_browsable_api_shows_the_402(user: Any) -> None:
    client = Client()
    answer = client.get("/drf/browsable/", headers=HTML | jwt(user))
    assert answer.status_code == 402
    assert "text/html" in answer["Content-Type"]
    assert "subscription_required" in answer.content.decode()


@pytest.mark.parametrize("raise_request_exception", [True, False])
def test_the_projects_exception_handler_sees_the_refusal(
    user: Any, settings: Any, raise_request_exception: bool
) -> None:
    settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | {
        "EXCEPTION_HANDLER": "tests.gates.test_rest_framework.teapot"
    }
    client = Client(raise_request_exception=raise_request_exception)
    answer = client.get("/drf/class/", headers=jwt(user))
    assert (answer.status_code, answer.json()) == (418, {"was": 402})


def teapot(exc: APIException, context: Any) -> Response:
    return Response({"was": exc.status_code}, status=418)


def test_an_exception_handler_that_knows_no_answer_opens_nothing(user: Any, settings: Any) -> None:
    settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | {
        "EXCEPTION_HANDLER": "tests.gates.test_rest_framework.no_answer"
    }
    answer = Client().get("/drf/class/", headers=jwt(user))
    assert answer.status_code == 402
    assert answer.json()["code"] == "subscription_required"


def no_answer(exc: Exception, context: Any) -> None:
    return None


def test_refused_in_a_transaction(user: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    assert Client().get("/drf/class/", headers=jwt(user)).status_code == 402
    SubscriptionFactory(customer__subscriber=user)
    assert Client().get("/drf/class/", headers=jwt(user)).status_code == 200


def test_the_test_clients_forced_user_counts(api: APIClient, user: Any) -> None:
    assert api.get("/drf/class/").status_code == 402
    SubscriptionFactory(customer__subscriber=user)
    assert api.get("/drf/class/").status_code == 200


def test_the_organisation_may_be_in_the_token(user: Any, settings: Any) -> None:
    team = UserFactory()  # stands in for an organisation
    SubscriptionFactory(customer__subscriber=team)

    def by_claims(request: Any) -> Any:
        return type(user).objects.filter(pk=request.auth["team"]).first()

    settings.DJSTRIPE_SUBSCRIBER_MODEL_REQUEST_CALLBACK = by_claims
    headers = {"X-User": str(user.pk)}
    for claimed, status in ((team.pk, 200), (user.pk, 402)):
        headers["X-Team"] = str(claimed)
        assert Client().get("/drf/claims/", headers=headers).status_code == status


def test_a_callback_may_fall_back_where_there_is_no_token_yet(user: Any, settings: Any) -> None:
    team = UserFactory()
    SubscriptionFactory(customer__subscriber=user)

    def claims_or_user(request: Any) -> Any:
        claims = getattr(request, "auth", None)
        return team if claims else request.user

    settings.DJSTRIPE_SUBSCRIBER_MODEL_REQUEST_CALLBACK = claims_or_user
    headers = {"X-User": str(user.pk), "X-Team": str(team.pk)}
    # Allowed as oneself, but it is the team that asks.
    assert Client().get("/drf/claims/", headers=headers).status_code == 402


class TestQueries:
    def test_cold_the_user_once_and_the_access_once(self, user: Any, subscribed: Any) -> None:
        headers = jwt(user)
        with CaptureQueriesContext(connection) as queries:
            assert Client().get("/drf/class/", headers=headers).status_code == 200
        assert len(queries) == 2

    def test_warm_the_user_alone(self, user: Any, subscribed: Any, access_cache: Any) -> None:
        headers = jwt(user)
        assert Client().get("/drf/class/", headers=headers).status_code == 200
        with CaptureQueriesContext(connection) as queries:
            assert Client().get("/drf/class/", headers=headers).status_code == 200
        assert len(queries) == 1
        assert "accounts_user" in queries[0]["sql"]

    def test_a_permission_behind_the_middleware_asks_nothing_more(
        self, user: Any, subscribed: Any
    ) -> None:
        headers = jwt(user)
        with CaptureQueriesContext(connection) as queries:
            assert Client().get("/api/gated/", headers=headers).status_code == 200
        assert len(queries) == 2
