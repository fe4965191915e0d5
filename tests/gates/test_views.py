"""Gates on single views, and views that the middleware lets through."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.template import Context, Template
from django.test import Client, RequestFactory

from caixa_subscriptions.decorators import subscription_exempt, subscription_required
from caixa_subscriptions.gate import access_of
from tests.factories import SubscriptionFactory, UserFactory
from tests.gates.clients import HTML
from tests.gates.page_urls import plain

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.gates.page_urls")]

REQUIRED = [
    f"/required/{name}/" for name in ("bare", "called", "async", "class", "async-class", "twice")
]
GIVEN = [f"/reports/{name}" for name in ("", "both/", "async/", "class/", "api/", "plan/")]
LACKING = {
    "/audit/": "feature_required",
    "/audit/async/": "feature_required",
    "/audit/class/": "feature_required",
    "/audit/api/": "feature_required",
    "/audit/api-function/": "feature_required",
    "/team/": "plan_required",
    "/team/class/": "plan_required",
    "/team/api/": "plan_required",
}


@pytest.fixture
def no_middleware(settings: Any) -> None:
    settings.MIDDLEWARE = [one for one in settings.MIDDLEWARE if "Subscription" not in one]


@pytest.fixture
def client(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.usefixtures("no_middleware")
class TestWithoutTheMiddleware:
    @pytest.mark.parametrize("path", REQUIRED)
    def test_subscribers_only(self, client: Client, user: Any, path: str) -> None:
        assert client.get(path).status_code == 402
        SubscriptionFactory(customer__subscriber=user)
        assert client.get(path).status_code == 200

    @pytest.mark.parametrize("path", [*REQUIRED, "/reports/", "/team/class/"])
    def test_people_go_to_the_paywall(self, browser: Client, path: str) -> None:
        response = browser.get(path)
        assert response.status_code == 302
        assert urlsplit(response["Location"]).path == "/pricing/"
        assert parse_qs(urlsplit(response["Location"]).query)["next"] == [path]

    @pytest.mark.parametrize("path", REQUIRED)
    def test_nobody_is_asked_to_log_in(self, path: str) -> None:
        response = Client(headers=HTML).get(path)
        assert response["Location"] == f"/login/?next={path}"
        response = Client().get(path)
        assert response.status_code == 401
        assert response.json()["code"] == "not_authenticated"

    @pytest.mark.parametrize("path", ["/reports/api/", "/team/api/"])
    def test_nobody_gets_401_of_a_permission(self, path: str) -> None:
        assert Client().get(path).status_code == 401


@pytest.mark.usefixtures("pro")
class TestFeaturesAndPlans:
    @pytest.mark.parametrize("path", GIVEN)
    def test_what_the_plan_gives(self, client: Client, path: str) -> None:
        assert client.get(path).status_code == 200

    @pytest.mark.parametrize(("path", "code"), LACKING.items())
    def test_what_it_does_not(self, client: Client, path: str, code: str) -> None:
        response = client.get(path)
        assert response.status_code == 402
        body = json.loads(response.content)
        assert body["code"] == code
        assert body["detail"] == "A plan that includes this is needed."
        assert body["reason"] == "Your plan does not include this."

    def test_people_are_told_by_the_paywall(self, browser: Client) -> None:
        query = parse_qs(urlsplit(browser.get("/audit/")["Location"]).query)
        assert query["reason"] == ["feature_required"]


class TestExempt:
    @pytest.mark.parametrize(
        "name", ["function", "async", "class", "subclass", "method", "api", "set", "api-function"]
    )
    def test_the_middleware_lets_everybody_through(self, client: Client, name: str) -> None:
        assert client.get(f"/exempt/{name}/").status_code == 200

    def test_only_the_view_that_was_marked(self, client: Client) -> None:
        assert client.get("/plain/").status_code == 402
        assert client.get("/not-exempt/").status_code == 402

    def test_a_gate_on_the_view_itself_stays(self, user: Any) -> None:
        request = RequestFactory().get("/")
        request.user = user
        assert subscription_required(subscription_exempt(plain))(request).status_code == 402
        assert subscription_exempt(subscription_required(plain))(request).status_code == 402


class TestAskingOnce:
    def test_gates_on_one_request_share_the_answer(
        self, client: Client, subscribed: Any, django_assert_num_queries: Any
    ) -> None:
        with django_assert_num_queries(3):  # session, user, access
            assert client.get("/required/twice/").content == b"active False"

    def test_warm_nothing_is_asked(
        self,
        client: Client,
        subscribed: Any,
        access_cache: Any,
        django_assert_num_queries: Any,
    ) -> None:
        client.get("/required/twice/")
        with django_assert_num_queries(2):  # session, user
            assert client.get("/required/twice/").status_code == 200

    def test_not_for_another_subscriber(self, user: Any, subscribed: Any) -> None:
        request = RequestFactory().get("/")
        request.user = user
        assert access_of(request).allowed
        request.user = UserFactory()
        assert not access_of(request).allowed
        assert subscription_required(plain)(request).status_code == 402

    def test_not_for_another_organisation_of_the_same_user(
        self, user: Any, subscribed: Any, settings: Any
    ) -> None:
        settings.DJSTRIPE_SUBSCRIBER_MODEL_REQUEST_CALLBACK = lambda request: request.team
        request: Any = RequestFactory().get("/")
        request.user, request.team = UserFactory(), user
        assert access_of(request).allowed
        request.team = UserFactory()
        assert not access_of(request).allowed


class TestStaff:
    def test_is_gated_like_everybody(self, client: Client, user: Any) -> None:
        type(user).objects.update(is_staff=True)
        assert client.get("/plain/").status_code == 402

    @pytest.mark.parametrize("path", ["/plain/", "/aplain/", *REQUIRED, *LACKING, "/drf/class/"])
    def test_passes_every_gate_where_the_project_says_so(
        self, client: Client, user: Any, caixa: Any, path: str
    ) -> None:
        caixa(STAFF_EXEMPT=True)
        assert client.get(path).status_code in (401, 402)  # a JWT view knows no session
        type(user).objects.update(is_staff=True)
        assert client.get(path).status_code == (401 if "drf" in path else 200)


class TestTemplates:
    def render(self, text: str, user: Any) -> str:
        request = RequestFactory().get("/")
        request.user = user
        return Template("{% load subscriptions %}" + text).render(Context({"request": request}))

    def test_features_plans_and_limits(self, user: Any, pro: None) -> None:
        text = """{% if request|has_feature:"reports" %}R{% endif %}
            {% if request|has_feature:"audit" %}A{% endif %}
            {% if request|has_plan:"pro" %}P{% endif %}{% if request|has_plan:"team" %}T{% endif %}
            {% if 4 < request|limit:"seats" %}4{% endif %}
            {% if 5 < request|limit:"seats" %}5{% endif %}
            {% if 6 < request|limit:"projects" %}6{% endif %}"""
        assert "".join(self.render(text, user).split()) == "RP46"
        assert "".join(self.render(text, UserFactory()).split()) == ""

    def test_the_access(self, user: Any, subscribed: Any) -> None:
        text = "{% subscription as access %}{{ access.allowed }}: {{ access.reason }}"
        assert self.render(text, user) == "True: Your subscription is active."
        newcomer = UserFactory()
        assert self.render(text, newcomer) == "False: You do not have a subscription yet."

    def test_all_of_it_is_one_query(
        self, user: Any, subscribed: Any, django_assert_num_queries: Any
    ) -> None:
        text = '{% subscription as access %}{% if request|has_feature:"a" %}{% endif %}'
        with django_assert_num_queries(1):
            self.render(text * 3, user)
