"""The example for Django Ninja in the documentation, word for word."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.test import Client
from django.urls import path

from tests.factories import SubscriptionFactory, UserFactory
from tests.gates.clients import jwt

ninja = pytest.importorskip("ninja", reason="django-ninja is not installed")

pytestmark = pytest.mark.django_db

PAGE = Path(__file__).parent.parent.parent / "docs" / "api.md"
REPORTS, WHOLE = re.findall(
    r"```python\n(.*?)```", PAGE.read_text().partition("### Django Ninja")[2], re.DOTALL
)[:2]
NAME = "tests.gates.ninja_example"


@pytest.fixture(autouse=True)
def example(settings: Any) -> Iterator[None]:
    """A project whose URLs are the page's two APIs."""
    module = ModuleType(NAME)
    exec(REPORTS + WHOLE, module.__dict__)
    found: Any = module
    whole = ninja.NinjaAPI(auth=found.SubscribersOnly(), urls_namespace="whole")
    whole.get("/")(lambda request: {"user": request.user.pk})
    found.urlpatterns = [path("", found.api.urls), path("whole/", whole.urls)]
    sys.modules[NAME] = module
    settings.ROOT_URLCONF = NAME
    yield
    del sys.modules[NAME]


def test_nobody_gets_401(db: None) -> None:
    assert Client().get("/reports/2026/").status_code == 401
    answer = Client().get("/reports/2026/", headers={"Authorization": "Bearer nonsense"})
    assert answer.status_code == 401


def test_the_decorator_gates_users_of_ninja(user: Any) -> None:
    answer = Client().get("/reports/2026/", headers=jwt(user))
    assert answer.status_code == 402
    assert answer.json()["code"] == "subscription_required"


def test_it_knows_features(user: Any, subscribed: Any) -> None:
    answer = Client().get("/reports/2026/", headers=jwt(user))
    assert answer.status_code == 402
    assert answer.json()["code"] == "feature_required"


def test_subscribers_get_in_with_their_parameters(user: Any, pro: None) -> None:
    answer = Client().get("/reports/2026/", headers=jwt(user))
    assert (answer.status_code, answer.json()) == (200, {"year": 2026})


def test_a_whole_api_by_its_authentication(user: Any) -> None:
    assert Client().get("/whole/").status_code == 401
    assert Client().get("/whole/", headers=jwt(user)).status_code == 402
    SubscriptionFactory(customer__subscriber=user)
    assert Client().get("/whole/", headers=jwt(user)).json() == {"user": user.pk}


def test_the_token_of_a_deleted_user_is_nobodys() -> None:
    user = UserFactory()
    headers = jwt(user)
    user.delete()
    assert Client().get("/reports/2026/", headers=headers).status_code == 401


@pytest.mark.django_db
def test_the_decorator_leaves_the_signature_alone() -> None:
    schema = sys.modules[NAME].api.get_openapi_schema()
    [parameter] = schema["paths"]["/reports/{year}/"]["get"]["parameters"]
    assert (parameter["name"], parameter["schema"]["type"]) == ("year", "integer")
