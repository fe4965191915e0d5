"""Run by `test_organisations.py` with the settings of a project whose teams pay."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from djstripe.models import Customer, WebhookEndpoint
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken

from caixa_subscriptions.access import get_access, get_access_of_many, with_access
from caixa_subscriptions.models import TrialUsageTracking
from caixa_subscriptions.simulator import Simulator
from tests.conftest import advance, request
from tests.factories import UserFactory
from tests.organisations.project.teams.models import Team

pytestmark = pytest.mark.django_db


@pytest.fixture
def team(db: None) -> Team:
    team = Team.objects.create(name="Ants", email="ants@example.com")
    team.members.add(UserFactory(), UserFactory())
    return team


@pytest.fixture
def other(db: None) -> Team:
    team = Team.objects.create(name="Bees", email="bees@example.com")
    team.members.add(UserFactory())
    return team


def browser(team: Team, member: int = 0) -> Client:
    client = Client(headers={"Accept": "text/html"})
    client.force_login(team.members.order_by("pk")[member])
    return client


def program(user: Any) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {AccessToken.for_user(user)}")
    return client


def subscribe(shop: Simulator, team: Team) -> dict[str, Any]:
    api = program(team.members.order_by("pk")[0])
    answer = api.post("/api/subscriptions/checkout/", {"price": "monthly"})
    assert answer.status_code == 201, answer.json()
    shop.complete_checkout(answer.json()["session_id"])
    shop.deliver_pending()
    return dict(answer.json())


def test_one_member_pays_and_the_whole_team_gets_in(
    shop: Simulator, team: Team, other: Team
) -> None:
    subscribe(shop, team)
    for member in (0, 1):
        assert browser(team, member).get("/page/").content == b"trialing"
        assert browser(team, member).get("/pro/").status_code == 200
        api = program(team.members.order_by("pk")[member])
        assert api.get("/api/report/").json() == {"team": "Ants"}
        assert api.get("/api/subscriptions/status/").json()["is_trialing"] is True
    assert browser(other).get("/page/")["Location"].startswith("/pricing/?reason=")
    assert browser(other).get("/pro/")["Location"].startswith("/pricing/?reason=")
    stranger = program(other.members.get())
    assert stranger.get("/api/report/").status_code == 402


def test_the_customer_and_the_trial_are_the_teams(shop: Simulator, team: Team) -> None:
    subscribe(shop, team)
    customer = Customer.objects.get()
    assert customer.subscriber == team
    assert customer.email == "ants@example.com"
    assert customer.metadata["djstripe_subscriber"] == str(team.pk)
    assert TrialUsageTracking.objects.get().subscriber == team
    api = program(team.members.order_by("pk")[1])
    again = api.post("/api/subscriptions/checkout/", {"price": "monthly"})
    assert again.json()["code"] == "already_subscribed"
    assert api.post("/api/subscriptions/portal/").status_code == 201


def test_a_user_without_a_team_has_nothing_to_bill(shop: Simulator) -> None:
    loner = program(UserFactory())
    assert loner.get("/api/report/").status_code == 402
    answer = loner.post("/api/subscriptions/checkout/", {"price": "monthly"})
    assert (answer.status_code, answer.json()["code"]) == (403, "subscriber_required")


def test_login_is_required_of_people_and_not_of_stripe(shop: Simulator, team: Team) -> None:
    anybody = Client(headers={"Accept": "text/html"})
    for path in ("/page/", "/open/", "/pro/"):
        assert anybody.get(path)["Location"] == f"/login/?next={path}"
    assert APIClient().get("/api/report/").status_code == 401
    endpoint = WebhookEndpoint.objects.get()
    webhook = f"/stripe/webhook/{endpoint.djstripe_uuid}/"
    assert anybody.post(webhook, b"{}", content_type="application/json").status_code == 400


def test_lists_and_explanations_are_about_teams(shop: Simulator, team: Team, other: Team) -> None:
    subscribe(shop, team)
    found = get_access_of_many([team, other])
    assert (found[team.pk].allowed, found[other.pk].allowed) == (True, False)
    assert with_access(Team.objects.all()).filter(has_access=True).get() == team
    assert get_access(team).limit("seats") == 5
    out = StringIO()
    call_command("explain_access", str(team.pk), stdout=out)
    assert "sub_" in out.getvalue()


def test_when_it_is_canceled_nobody_of_the_team_gets_in(shop: Simulator, team: Team) -> None:
    subscribe(shop, team)
    advance(shop, days=8)
    assert browser(team).get("/page/").content == b"active"
    request(shop, "DELETE", f"/v1/subscriptions/{get_access(team).subscription_id}")
    shop.deliver_pending()
    for member in (0, 1):
        refused = browser(team, member).get("/page/")
        assert refused["Location"].startswith("/pricing/?reason=subscription_canceled")
