"""The admin's page that explains access."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import translation

from tests.factories import CustomerFactory, SubscriptionFactory, UserFactory, in_days

pytestmark = pytest.mark.django_db

URL = "/admin/caixa_subscriptions/trialusagetracking/explain-access/"
LIST = "/admin/caixa_subscriptions/trialusagetracking/"


def allow(user: Any, *codenames: str) -> Any:
    for codename in codenames:
        user.user_permissions.add(Permission.objects.get(codename=codename))
    return user


@pytest.fixture
def staff(client: Client) -> Client:
    """Somebody who may view and change nothing."""
    user = UserFactory(is_staff=True)
    codenames = ("view_user", "view_subscription", "view_trialusagetracking")
    client.force_login(allow(user, *codenames))
    return client


def test_it_shows_the_answer_and_its_reasons(
    user: Any, staff: Client, frozen: dt.datetime, caixa: Any
) -> None:
    caixa(
        PRICES={"pro": {"price_id": "price_1", "plan": "pro"}},
        PLANS={"pro": {"features": ["reports", "export"]}},
    )
    customer = CustomerFactory(subscriber=user)
    SubscriptionFactory(
        id="sub_7",
        customer=customer,
        payload={"status": "past_due", "current_period_start": in_days(-3)},
    )
    live = CustomerFactory(subscriber=user, livemode=True)
    SubscriptionFactory(id="sub_live", customer=live, livemode=True)
    page = staff.get(URL, {"subscriber": user.email}).content.decode()
    assert "A payment failed, and the days of tolerance are running." in page
    assert "Payment of the open invoice." in page
    assert "payment_past_due" in page  # what time brings
    assert "June 19, 2026" in page
    assert "sub_7" in page
    assert "export, reports" in page
    assert "1 subscription, which does not count" in page


def test_it_is_in_portuguese(user: Any, staff: Client) -> None:
    with translation.override("pt-br"):
        headers = {"accept-language": "pt-br"}
        page = staff.get(URL, {"subscriber": user.pk}, headers=headers).content.decode()
    assert "Não há assinatura neste modo." in page
    assert "Uma nova compra." in page
    assert "O que mudaria isso" in page


def test_before_and_without_a_find_it_asks_for_whom(staff: Client) -> None:
    page = staff.get(URL).content.decode()
    assert 'name="subscriber"' in page
    assert "errorlist" not in page
    page = staff.get(URL, {"subscriber": "nobody@example.com"}).content.decode()
    assert "There is no such subscriber." in page
    assert staff.get(URL, {"subscriber": "1\x00"}).status_code == 200


def test_markup_in_what_was_typed_is_text(staff: Client) -> None:
    page = staff.get(URL, {"subscriber": "<script>alert(1)</script>"}).content.decode()
    assert "<script>alert" not in page


@pytest.mark.parametrize(
    "codenames", [(), ("view_user",), ("view_subscription",)], ids=lambda names: "+".join(names)
)
def test_staff_who_may_not_view_both_are_refused(client: Client, codenames: tuple[str]) -> None:
    client.force_login(allow(UserFactory(is_staff=True), *codenames))
    assert client.get(URL).status_code == 403


def test_who_may_change_may_view(client: Client) -> None:
    user = allow(UserFactory(is_staff=True), "change_user", "change_subscription")
    client.force_login(user)
    assert client.get(URL).status_code == 200


def test_who_is_no_staff_must_log_in(client: Client) -> None:
    assert client.get(URL).status_code == 302
    client.force_login(allow(UserFactory(), "view_user", "view_subscription"))
    assert client.get(URL).status_code == 302


def test_the_button_and_the_link_lead_there(user: Any, staff: Client) -> None:
    assert URL in staff.get(LIST).content.decode()
    assert f"{URL}?subscriber={user.pk}" in staff.get("/admin/accounts/user/").content.decode()
