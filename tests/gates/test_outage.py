"""Stripe out of reach for 24 hours: everybody who pays gets in, and nobody else."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from caixa_subscriptions.access import get_access
from caixa_subscriptions.simulator import Simulator
from tests.conftest import advance, request
from tests.factories import UserFactory
from tests.gates.clients import jwt
from tests.simulator.tools import FAILS_LATER, GOOD
from tests.test_checkout import check_out

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.urls")]

HOURS = 24


@pytest.fixture
def shop_time(shop: Simulator, monkeypatch: pytest.MonkeyPatch) -> Simulator:
    """The app's clock is the simulator's."""

    def now() -> dt.datetime:
        return dt.datetime.fromtimestamp(shop.now(), dt.UTC)

    monkeypatch.setattr("tests.conftest.frozen_now", now)
    return shop


class People:
    """Users by what they did; each asks with a session and with a token."""

    def __init__(self, shop: Simulator) -> None:
        self.shop = shop
        self.users: dict[str, Any] = {}
        self.clients: dict[str, Client] = {}

    def add(self, name: str, card: str | None = GOOD) -> None:
        user = self.users[name] = UserFactory()
        client = self.clients[name] = Client()
        client.force_login(user)
        if card:
            self.shop.complete_checkout(check_out(user).session_id, card_number=card)
            self.shop.deliver_pending()

    def subscription(self, name: str) -> dict[str, Any] | None:
        """As Stripe has it, whatever the app was told."""
        customer = self.users[name].djstripe_customers.first()
        found = self.shop.list_objects("subscription", customer=customer.id) if customer else []
        return found[0] if found else None

    def cancel_at_period_end(self, name: str) -> None:
        self._post(name, "POST", {"cancel_at_period_end": "true"})

    def cancel_now(self, name: str) -> None:
        self._post(name, "DELETE")

    def _post(self, name: str, method: str, params: dict[str, Any] | None = None) -> None:
        subscription = self.subscription(name)
        assert subscription
        request(self.shop, method, f"/v1/subscriptions/{subscription['id']}", params)
        self.shop.deliver_pending()

    def pays(self, name: str) -> bool:
        subscription = self.subscription(name)
        return subscription is not None and subscription["status"] in ("active", "trialing")

    def statuses(self, name: str) -> tuple[int, int]:
        session = self.clients[name].get("/page/").status_code
        token = Client().get("/api/only-middleware/", headers=jwt(self.users[name])).status_code
        return session, token


@pytest.fixture
def people(shop_time: Simulator) -> People:
    """Twelve hours before a renewal, the end of a trial and the end of a cancelled one."""
    people = People(shop_time)
    people.add("never subscribed", None)
    people.add("renews")
    people.add("canceled in the trial")
    people.cancel_at_period_end("canceled in the trial")
    people.add("cannot pay", FAILS_LATER)
    people.add("canceled at once")
    people.cancel_now("canceled at once")
    advance(shop_time, days=8)
    renewal = people.subscription("renews")
    assert renewal
    advance(shop_time, seconds=_end(renewal) - shop_time.now() - 16 * 86400)
    people.add("pays")
    advance(shop_time, days=9)
    people.add("ends its trial")
    people.add("cancels its trial")
    people.cancel_at_period_end("cancels its trial")
    advance(shop_time, days=6)
    people.add("is on trial")
    advance(shop_time, hours=12)
    return people


def _end(subscription: dict[str, Any]) -> int:
    return int(subscription["items"]["data"][0]["current_period_end"])


def outage(people: People, each_hour: Callable[[], None]) -> None:
    """24 hours without a call or a webhook that gets through."""
    control = people.shop.control
    with control.outage() as calls, control.webhooks.outage() as webhooks:
        for _ in range(HOURS):
            each_hour()
            advance(people.shop, hours=1)
        each_hour()
    assert calls.seen == 0  # no gate has even tried
    assert webhooks.injected > 0


def test_who_pays_gets_in_and_nobody_else(people: People) -> None:
    answers: Counter[tuple[str, bool, int]] = Counter()

    def ask() -> None:
        for name in people.users:
            pays = people.pays(name)
            for status in people.statuses(name):
                answers[name, pays, status] += 1

    outage(people, ask)
    asked = 2 * (HOURS + 1)
    before_its_end = 2 * 12  # and at the end it is out
    assert answers == {
        ("renews", True, 200): asked,
        ("pays", True, 200): asked,
        ("ends its trial", True, 200): asked,
        ("is on trial", True, 200): asked,
        ("cancels its trial", True, 200): before_its_end,
        ("cancels its trial", False, 402): asked - before_its_end,
        ("canceled in the trial", False, 402): asked,
        ("canceled at once", False, 402): asked,
        ("cannot pay", False, 402): asked,
        ("never subscribed", False, 402): asked,
    }


def test_the_renewals_were_missed_and_are_heard_of_later(people: People) -> None:
    before = {name: get_access(user) for name, user in people.users.items()}
    outage(people, lambda: None)
    unheard = {name: get_access(user) for name, user in people.users.items()}
    assert [name for name, access in unheard.items() if access.rule == "news_late"] == [
        "renews",
        "ends its trial",
    ]
    people.shop.control.webhooks.retry_now()
    people.shop.deliver_pending()
    for name in ("renews", "ends its trial"):
        access = get_access(people.users[name])
        assert access.rule == "active"
        assert access.current_period_end > before[name].current_period_end
