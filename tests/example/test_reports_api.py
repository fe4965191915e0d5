from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from caixa_subscriptions.simulator import Simulator
from tests.conftest import advance
from tests.example.conftest import subscribe


def test_nobody_gets_401() -> None:
    answer = APIClient().get("/api/reports/")
    assert answer.status_code == 401
    assert answer.json()["code"] == "not_authenticated"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_without_a_subscription_402_says_why(api: APIClient) -> None:
    answer = api.get("/api/reports/")
    assert answer.status_code == 402
    assert answer.json()["code"] == "subscription_required"
    assert answer.json()["trial_eligible"] is True
    assert answer.json()["checkout_url"] == "http://testserver/api/subscriptions/checkout/"


def test_with_a_subscription_the_reports(api: APIClient, browser: Client, shop: Simulator) -> None:
    subscribe(browser, shop)
    answer = api.get("/api/reports/")
    assert answer.status_code == 200
    assert [report["id"] for report in answer.json()] == [
        "revenue",
        "orders",
        "visitors",
        "returns",
    ]
    assert set(answer.json()[0]) == {"id", "title", "unit", "value", "change_percent"}


def test_after_the_end_402_again(api: APIClient, browser: Client, shop: Simulator) -> None:
    subscribe(browser, shop)
    portal = browser.post("/billing/portal/").headers["Location"].rpartition("/")[2]
    [subscription] = shop.list_objects("subscription")
    shop.portal_cancel(portal, subscription["id"])
    advance(shop, days=8)
    answer = api.get("/api/reports/")
    assert answer.status_code == 402
    assert answer.json()["code"] == "subscription_canceled"
    assert answer.json()["trial_eligible"] is False


@pytest.mark.django_db
def test_the_titles_are_translated(api: APIClient, monkeypatch: Any) -> None:
    monkeypatch.setattr("example_project.reports.api.ReportsView.permission_classes", [])
    monkeypatch.setattr("caixa_subscriptions.middleware.is_exempt", lambda *args: True)
    titles = [
        report["title"]
        for report in api.get("/api/reports/", headers={"accept-language": "pt-BR"}).json()
    ]
    assert titles[:2] == ["Receita", "Pedidos"]


def test_an_unknown_endpoint_answers_in_json() -> None:
    response = Client().get("/api/nothing/")
    assert response.status_code == 404
    assert response.json() == {"detail": "Not found.", "code": "not_found"}
