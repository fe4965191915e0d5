from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import authenticate, get_user
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.test import Client
from rest_framework.test import APIClient
from rest_framework.throttling import ScopedRateThrottle

from example_project.accounts.api import RegisterSerializer
from example_project.accounts.models import User

PASSWORD = "correct horse battery"
ANA = {"email": "Ana@Example.com", "password": PASSWORD}

pytestmark = pytest.mark.django_db


def test_the_same_mailbox_is_the_same_user() -> None:
    user = User.objects.create_user("Ana@Example.COM", PASSWORD)
    assert user.email == "ana@example.com"
    assert str(user) == "ana@example.com"
    assert authenticate(username="ANA@example.com", password=PASSWORD) == user
    with pytest.raises(ValidationError, match="There is an account"):
        User(email="aNa@example.com", password="x").full_clean()
    with pytest.raises(IntegrityError):
        User.objects.create_user("ana@EXAMPLE.com", PASSWORD)


def test_a_user_needs_an_address() -> None:
    with pytest.raises(ValueError, match="needs an e-mail address"):
        User.objects.create_user("", PASSWORD)


def test_a_superuser() -> None:
    user = User.objects.create_superuser("root@example.com", PASSWORD)
    assert user.is_staff
    assert user.is_superuser


# API


def test_register_then_token_then_refresh() -> None:
    api = APIClient()
    answer = api.post("/api/register/", ANA)
    assert answer.status_code == 201
    user = User.objects.get()
    assert answer.json() == {"id": user.pk, "email": "ana@example.com"}
    assert user.check_password(PASSWORD)
    tokens = api.post("/api/token/", ANA).json()
    assert set(tokens) == {"access", "refresh"}
    refreshed = api.post("/api/token/refresh/", {"refresh": tokens["refresh"]})
    assert refreshed.status_code == 200
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {refreshed.json()['access']}")
    assert api.get("/api/reports/").status_code == 402


def test_registering_twice_is_refused() -> None:
    api = APIClient()
    api.post("/api/register/", ANA)
    answer = api.post("/api/register/", ANA | {"email": "ana@EXAMPLE.com"})
    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid"
    assert answer.json()["errors"] == {
        "email": ["There is an account with this e-mail address already."]
    }
    assert User.objects.count() == 1


def test_registering_twice_at_once_is_refused_too() -> None:
    serializer = RegisterSerializer(data=ANA)
    serializer.is_valid(raise_exception=True)
    User.objects.create_user(ANA["email"], PASSWORD)
    with pytest.raises(Exception, match="There is an account"):
        serializer.save()
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "email"),
        ({"email": "ana", "password": PASSWORD}, "email"),
        ({"email": "a" * 250 + "@example.com", "password": PASSWORD}, "email"),
        ({"email": "ana@example.com"}, "password"),
        ({"email": "ana@example.com", "password": "password"}, "password"),
        ({"email": "ana@example.com", "password": "ana@example"}, "password"),
        ({"email": "ana@example.com", "password": "12345678901"}, "password"),
        ({"email": "ana@example.com", "password": "a" * 129}, "password"),
    ],
)
def test_what_cannot_be_registered(body: dict[str, str], field: str) -> None:
    answer = APIClient().post("/api/register/", body)
    assert answer.status_code == 400
    assert field in answer.json()["errors"]
    assert set(answer.json()) == {"detail", "code", "errors"}
    assert not User.objects.exists()


def test_stale_credentials_do_not_stand_in_the_way_of_a_new_account() -> None:
    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION="Bearer stale")
    assert api.post("/api/register/", ANA).status_code == 201


def test_a_wrong_password_and_a_stranger_get_the_same_answer() -> None:
    User.objects.create_user("ana@example.com", PASSWORD)
    answers = [
        APIClient().post("/api/token/", {"email": email, "password": "wrong"})
        for email in ("ana@example.com", "nobody@example.com")
    ]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert answers[0].json() == answers[1].json()
    assert set(answers[0].json()) == {"detail", "code"}


@pytest.mark.parametrize(
    ("path", "scope", "status"),
    [("/api/register/", "register", 201), ("/api/token/", "token", 401)],
)
def test_guessing_is_slowed_down(
    monkeypatch: pytest.MonkeyPatch, path: str, scope: str, status: int
) -> None:
    monkeypatch.setattr(ScopedRateThrottle, "THROTTLE_RATES", {scope: "2/hour"})
    answers = [
        APIClient().post(path, {"email": f"p{number}@example.com", "password": PASSWORD})
        for number in range(3)
    ]
    assert [answer.status_code for answer in answers] == [status, status, 429]
    assert answers[-1].json()["code"] == "throttled"


# Pages


def test_sign_up_logs_in_and_goes_on(visitor: Client) -> None:
    page = visitor.get("/accounts/signup/", {"next": "/pricing/"})
    assert page.status_code == 200
    assert b'name="next" value="/pricing/"' in page.content
    response = visitor.post("/accounts/signup/", ANA | {"next": "/pricing/"})
    assert response.status_code == 302
    assert response.headers["Location"] == "/pricing/"
    assert get_user(visitor) == User.objects.get(email="ana@example.com")


def test_sign_up_never_leads_to_another_site(visitor: Client) -> None:
    response = visitor.post("/accounts/signup/", ANA | {"next": "https://evil.example/"})
    assert response.headers["Location"] == "/dashboard/"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"password": "password"}, "too common"),
        ({"password": "ana@example.com"}, "too similar to the e-mail address"),
        ({"password": ""}, "This field is required."),
        ({"email": "no address"}, "Enter a valid email address."),
        ({"email": "TAKEN@example.com"}, "There is an account"),
    ],
)
def test_sign_up_says_what_is_wrong(visitor: Client, changes: dict[str, str], message: str) -> None:
    User.objects.create_user("taken@example.com", PASSWORD)
    page = visitor.post("/accounts/signup/", ANA | changes)
    assert page.status_code == 200
    assert message in page.content.decode()
    assert User.objects.count() == 1


def test_who_is_logged_in_needs_no_account(browser: Client) -> None:
    assert browser.get("/accounts/signup/").headers["Location"] == "/dashboard/"
    assert browser.get("/accounts/login/").headers["Location"] == "/dashboard/"


def test_log_in_and_out(visitor: Client) -> None:
    user = User.objects.create_user("ana@example.com", PASSWORD)
    assert visitor.get("/accounts/login/").status_code == 200
    response = visitor.post("/accounts/login/", {"username": "ANA@example.com", "password": "no"})
    assert response.status_code == 200
    response = visitor.post(
        "/accounts/login/", {"username": "ANA@example.com", "password": PASSWORD}
    )
    assert response.headers["Location"] == "/dashboard/"
    assert get_user(visitor) == user
    assert visitor.post("/accounts/logout/").headers["Location"] == "/"
    assert isinstance(get_user(visitor), AnonymousUser)


def test_the_admin_knows_the_users(visitor: Client) -> None:
    admin = User.objects.create_superuser("root@example.com", PASSWORD)
    visitor.force_login(admin)
    assert visitor.get("/admin/accounts/user/").status_code == 200
    assert visitor.get(f"/admin/accounts/user/{admin.pk}/change/").status_code == 200
    added: Any = visitor.post(
        "/admin/accounts/user/add/",
        {
            "email": "New@example.com",
            "usable_password": "true",
            "password1": PASSWORD,
            "password2": PASSWORD,
        },
    )
    assert added.status_code == 302, added.context["errors"]
    assert User.objects.filter(email="new@example.com").exists()
