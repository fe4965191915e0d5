from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient, Client
from django.urls import clear_script_prefix, set_script_prefix
from rest_framework.test import APIClient

from tests.factories import SubscriptionFactory, UserFactory, in_days
from tests.gates.clients import HTML, jwt

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.urls")]


def test_a_subscriber_gets_in_and_the_view_sees_the_access(
    browser: Client, subscribed: Any
) -> None:
    response = browser.get("/page/")
    assert response.status_code == 200
    assert response.content == b"page, active"


def test_a_person_without_is_sent_to_the_paywall(browser: Client) -> None:
    response = browser.get("/page/?tab=2")
    assert response.status_code == 302
    target = urlsplit(response["Location"])
    assert target.path == "/pricing/"
    assert parse_qs(target.query) == {
        "reason": ["subscription_required"],
        "next": ["/page/?tab=2"],
    }


@pytest.mark.parametrize(
    "headers",
    [
        {"Accept": "application/json"},
        {"Accept": "*/*"},
        {"Accept": ""},
        HTML | {"HX-Request": "true"},
        HTML | {"Authorization": "Bearer nonsense"},
    ],
)
def test_a_program_gets_402_with_the_reason(user: Any, headers: dict[str, str]) -> None:
    client = Client(headers=headers)
    client.force_login(user)
    response = client.get("/page/")
    assert response.status_code == 402
    assert response.json() == {
        "detail": "An active subscription is needed for this.",
        "code": "subscription_required",
        "reason": "You do not have a subscription yet.",
        "trial_eligible": True,
        "checkout_url": "http://testserver/api/subscriptions/checkout/",
        "portal_url": "http://testserver/api/subscriptions/portal/",
    }
    assert "Authorization" in response["Vary"]


def test_the_402_says_that_the_trial_is_spent(user: Any) -> None:
    SubscriptionFactory(customer__subscriber=user, payload={"status": "canceled"})
    client = Client()
    client.force_login(user)
    body = client.get("/page/").json()
    assert body["code"] == "subscription_canceled"
    assert body["trial_eligible"] is False


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "head", "options"])
def test_every_method_is_gated(browser: Client, method: str) -> None:
    assert getattr(browser, method)("/page/").status_code in (302, 402)


@pytest.mark.parametrize("path", ["/open/page/", "/pricing/", "/api/subscriptions/status/"])
def test_exempt_paths_stay_open(browser: Client, path: str) -> None:
    assert browser.get(path).status_code == 200


def test_the_admin_is_exempt(settings: Any) -> None:
    client = Client()
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    assert client.get("/admin/").status_code == 200


def test_the_webhook_is_exempt(browser: Client) -> None:
    url = "/stripe/webhook/00000000-0000-4000-8000-000000000000/"
    assert browser.post(url, headers={"Stripe-Signature": "t=1"}).status_code == 404


@pytest.mark.parametrize(
    "path", ["/PAGE/", "/page", "//page/", "/open/../page/", "/open/%2e%2e/page/", "/page/."]
)
def test_no_spelling_of_the_path_opens_the_gate(browser: Client, path: str) -> None:
    assert browser.get(path).status_code == (301 if path == "/page" else 404)


def test_nobody_is_the_views_business(db: None) -> None:
    assert Client().get("/api/gated/").status_code == 401
    assert Client().get("/page/").content == b"page, none"


def test_a_jwt_user_counts(user: Any) -> None:
    response = Client().get("/api/only-middleware/", headers=jwt(user))
    assert response.status_code == 402
    assert response.json()["code"] == "subscription_required"


def test_a_subscribed_jwt_user_gets_in_and_is_no_session(user: Any, subscribed: Any) -> None:
    # SessionAuthentication comes first on this view: taken for a session, a POST would need CSRF.
    client = Client(enforce_csrf_checks=True)
    response = client.post("/api/only-middleware/", headers=jwt(user))
    assert response.status_code == 200
    assert response.json() == {"user": user.pk}


def test_bad_credentials_are_the_views_to_refuse(db: None) -> None:
    # 403, since its first authenticator, the session, has no challenge to offer.
    headers = {"Authorization": "Bearer nonsense"}
    assert Client().get("/api/only-middleware/", headers=headers).status_code == 403


def test_a_jwt_beside_a_session_is_judged_as_the_view_sees_it(user: Any) -> None:
    subscriber = UserFactory()
    SubscriptionFactory(customer__subscriber=subscriber)
    for session, token, status in ((user, subscriber, 200), (subscriber, user, 402)):
        client = Client()
        client.force_login(session)
        response = client.get("/api/jwt-only/", headers=jwt(token))
        assert response.status_code == status


@pytest.mark.parametrize("content_type", ["application/json", "application/x-www-form-urlencoded"])
def test_an_authenticator_that_reads_the_body_is_asked_too(user: Any, content_type: str) -> None:
    form = f"key={user.pk}" if "form" in content_type else json.dumps({"key": user.pk})
    url = "/api/body-auth/1/"
    assert Client().post(url, form, content_type=content_type).status_code == 402
    SubscriptionFactory(customer__subscriber=user)
    response = Client().post(url, form, content_type=content_type)
    assert response.status_code == 200
    assert str(response.json()["key"]) == str(user.pk)


def test_an_upload_is_left_unread(user: Any, subscribed: Any, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    client = Client()
    url = "/api/only-middleware/"
    body = json.dumps({"long": "x" * 100})
    response = client.post(url, body, content_type="application/json", headers=jwt(user))
    assert response.status_code == 200


@pytest.mark.parametrize("path", ["/api/actions/", "/api/function/"])
def test_view_sets_and_functions_are_gated(user: Any, path: str) -> None:
    assert Client().get(path, headers=jwt(user)).status_code == 402
    SubscriptionFactory(customer__subscriber=user)
    assert Client().get(path, headers=jwt(user)).status_code == 200


def test_the_paywall_is_open_under_a_prefix(browser: Client) -> None:
    set_script_prefix("/app/")  # the WSGI handler's part, which the test client leaves out
    try:
        assert browser.get("/pricing/", SCRIPT_NAME="/app").status_code == 200
        response = browser.get("/page/", SCRIPT_NAME="/app")
        assert response["Location"].startswith("/app/pricing/?")
    finally:
        clear_script_prefix()


def test_a_public_api_view_stays_public(db: None) -> None:
    assert Client().get("/api/public/").status_code == 200


def test_a_cancellation_reached_closes_the_gate_before_any_webhook(
    browser: Client, user: Any
) -> None:
    SubscriptionFactory(customer__subscriber=user, payload={"cancel_at": in_days(-0.001)})
    assert browser.get("/page/").status_code == 302


def test_the_access_is_lazy(
    browser: Client, subscribed: Any, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(0):
        Client().get("/api/public/")
    with django_assert_num_queries(3):  # session, user, and the one of the gate
        browser.get("/async-page/")


def test_the_subscriber_callback_decides_who_pays(
    browser: Client, subscribed: Any, settings: Any
) -> None:
    settings.DJSTRIPE_SUBSCRIBER_MODEL_REQUEST_CALLBACK = lambda request: None
    assert browser.get("/page/").status_code == 302


@pytest.mark.django_db(transaction=True)
def test_asgi_refuses_and_admits(user: Any) -> None:
    client = AsyncClient()
    client.force_login(user)
    assert async_to_sync(client.get)("/async-page/").status_code == 402
    SubscriptionFactory(customer__subscriber=user)
    assert async_to_sync(client.get)("/async-page/").content == b"async page"


class TestPermission:
    @pytest.fixture(autouse=True)
    def no_gate_in_front(self, caixa: Any) -> None:
        caixa(EXEMPT_PATHS=["/api/"])

    def test_lets_a_subscriber_in(self, api: APIClient, subscribed: Any) -> None:
        assert api.get("/api/gated/").status_code == 200

    @pytest.mark.parametrize("path", ["/api/gated/", "/api/gated-only/"])
    def test_answers_402_with_the_reason(self, api: APIClient, path: str) -> None:
        response = api.get(path)
        assert response.status_code == 402
        body = json.loads(response.content)
        assert body["code"] == "subscription_required"
        assert body["trial_eligible"] is True
        assert body["checkout_url"] == "http://testserver/api/subscriptions/checkout/"

    @pytest.mark.parametrize("path", ["/api/gated/", "/api/gated-only/"])
    def test_answers_401_to_nobody(self, db: None, path: str) -> None:
        assert APIClient().get(path).status_code == 401

    def test_402_does_not_depend_on_the_projects_exception_handler(
        self, api: APIClient, settings: Any
    ) -> None:
        settings.REST_FRAMEWORK = {
            key: value
            for key, value in settings.REST_FRAMEWORK.items()
            if key != "EXCEPTION_HANDLER"
        }
        body = json.loads(api.get("/api/gated/").content)
        assert body["code"] == "subscription_required"
        assert body["trial_eligible"] is True


@pytest.mark.urls("tests.urls_without_ours")
def test_a_project_without_our_endpoints_gets_no_urls(user: Any) -> None:
    client = Client()
    client.force_login(user)
    body = client.get("/page/").json()
    assert body["checkout_url"] is None
    assert body["portal_url"] is None
