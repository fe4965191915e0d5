"""The pytest plugin's fixtures, as a host project uses them."""

from __future__ import annotations

import asyncio
import datetime as dt
import subprocess
import sys
from typing import Any

import pytest
import stripe
from django.conf import settings as django_settings
from django.db import transaction
from djstripe.models import Customer, Event, Invoice, Subscription
from rest_framework.test import APIClient

from caixa_subscriptions import conf, exceptions, pytest_plugin, signals, stripe_gateway
from caixa_subscriptions.access import get_access
from caixa_subscriptions.models import TrialUsageTracking
from caixa_subscriptions.services.webhook_endpoints import ENABLED_EVENTS
from caixa_subscriptions.simulator import CardError, Simulator
from caixa_subscriptions.simulator.client import answering_every_client

KEY = "sk_test_simulator000000000000000000"


@pytest.fixture
def checkout(stripe_prices: Any, api: APIClient) -> dict[str, Any]:
    """What the checkout endpoint answers."""
    answer = api.post("/api/subscriptions/checkout/", {"price": "monthly"})
    assert answer.status_code == 201, answer.content
    return dict(answer.json())


@pytest.fixture
def subscribed(checkout: Any, complete_checkout: Any, deliver_webhooks: Any) -> Subscription:
    complete_checkout(checkout)
    deliver_webhooks()
    return Subscription.objects.get()


def test_importing_the_plugin_imports_neither_django_nor_the_sdk() -> None:
    code = (
        "import sys, caixa_subscriptions.pytest_plugin;"
        "print([name for name in ('django', 'djstripe', 'stripe') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_a_trial_from_checkout_to_renewal(
    user: Any, subscribed: Subscription, advance_clock: Any
) -> None:
    assert get_access(user).is_trialing
    told = advance_clock(days=8)
    assert "invoice.paid" in told
    access = get_access(user)
    assert (access.allowed, access.status, access.is_trialing) == (True, "active", False)


def test_nothing_reaches_the_tables_before_webhooks_are_delivered(
    user: Any, checkout: Any, complete_checkout: Any, deliver_webhooks: Any
) -> None:
    session = complete_checkout(checkout["url"])
    assert session["status"] == "complete"
    assert not get_access(user).allowed
    told = deliver_webhooks()
    assert "checkout.session.completed" in told
    assert get_access(user).allowed
    assert deliver_webhooks() == []


@pytest.mark.parametrize("how", ["id", "url", "answer", "object"])
def test_a_session_is_given_in_any_form(checkout: Any, complete_checkout: Any, how: str) -> None:
    session_id = checkout["session_id"]
    given = {
        "id": session_id,
        "url": checkout["url"],
        "answer": checkout,
        "object": stripe_gateway.retrieve_checkout_session(session_id),
    }[how]
    assert complete_checkout(given, card="4242 4242 4242 4242")["id"] == session_id


def test_what_is_no_session_is_refused(complete_checkout: Any) -> None:
    with pytest.raises(ValueError, match="no Checkout Session"):
        complete_checkout("sub_1")


def test_a_declined_card_leaves_the_session_open(checkout: Any, complete_checkout: Any) -> None:
    with pytest.raises(CardError, match="declined"):
        complete_checkout(checkout, card="4000000000000002")
    assert complete_checkout(checkout)["status"] == "complete"


def test_a_renewal_that_fails_ends_in_a_refusal(
    user: Any, checkout: Any, complete_checkout: Any, deliver_webhooks: Any, advance_clock: Any
) -> None:
    complete_checkout(checkout, card="4000000000000341")
    deliver_webhooks()
    advance_clock(days=7, hours=2)
    assert get_access(user).status == "past_due"
    assert get_access(user).allowed
    advance_clock(days=30)
    assert not get_access(user).allowed


def test_prices_are_those_of_the_settings(stripe_prices: Any, api: APIClient) -> None:
    assert {name: price.interval for name, price in stripe_prices.items()} == {
        "monthly": "month",
        "yearly": "year",
    }
    offered = api.get("/api/subscriptions/config/").json()["prices"]
    assert [price["name"] for price in offered] == ["monthly", "yearly"]


def test_a_price_named_by_its_id_gets_that_id(caixa: Any, request: pytest.FixtureRequest) -> None:
    caixa(PRICES={"annual": {"price_id": "price_1Annual"}})
    prices = request.getfixturevalue("stripe_prices")
    assert prices["annual"].price_id == "price_1Annual"
    assert prices["annual"].interval == "year"


@pytest.mark.parametrize("name", ENABLED_EVENTS)
def test_every_event_the_app_listens_to_can_be_asked_for(
    stripe_prices: Any, stripe_event: Any, name: str
) -> None:
    event = stripe_event(name, metadata={"note": "hello"})
    assert event["type"] == name
    assert event["data"]["object"]["metadata"] == {"note": "hello"}
    stored = Event.objects.get(id=event["id"])
    assert stored.data["object"]["metadata"] == {"note": "hello"}


def test_an_event_no_endpoint_listens_to_is_delivered_all_the_same(stripe_event: Any) -> None:
    event = stripe_event("charge.failed")
    assert Event.objects.filter(id=event["id"]).exists()


def test_an_event_changes_what_dj_stripe_fetches(
    user: Any, subscribed: Subscription, stripe_event: Any
) -> None:
    event = stripe_event("customer.subscription.updated", id=subscribed.id, status="unpaid")
    assert event["data"]["previous_attributes"] == {"status": "trialing"}
    assert get_access(user).status == "unpaid"
    stripe_event("customer.subscription.deleted")
    assert get_access(user).status == "canceled"


def test_a_failed_payment_is_the_newest_invoices(
    subscribed: Subscription, stripe_event: Any
) -> None:
    event = stripe_event("invoice.payment_failed", customer=subscribed.customer.id)
    assert event["data"]["object"]["status"] == "open"
    assert Invoice.objects.get(id=event["data"]["object"]["id"]).stripe_data["attempt_count"] == 1


def test_an_event_stripe_does_not_have_is_refused(stripe_event: Any) -> None:
    with pytest.raises(ValueError, match=r"invoice\.payd"):
        stripe_event("invoice.payd")


def test_our_signals_are_sent_although_the_test_commits_nothing(
    checkout: Any, complete_checkout: Any, deliver_webhooks: Any
) -> None:
    heard = []

    def hear(sender: Any, subscription: Subscription, **kwargs: Any) -> None:
        heard.append(subscription.id)

    signals.subscription_created.connect(hear)
    complete_checkout(checkout)
    deliver_webhooks()
    signals.subscription_created.disconnect(hear)
    assert heard == [Subscription.objects.get().id]


def test_an_error_in_a_receiver_is_the_tests_error(
    checkout: Any,
    complete_checkout: Any,
    deliver_webhooks: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(**kwargs: Any) -> None:
        raise ZeroDivisionError

    complete_checkout(checkout)
    with monkeypatch.context() as patched:
        patched.setattr("caixa_subscriptions.webhooks.receivers.record_subscription", fail)
        with pytest.raises(ZeroDivisionError):
            deliver_webhooks()
        told = deliver_webhooks(raise_errors=False)
        assert "customer.subscription.created" in told
        assert not TrialUsageTracking.objects.filter(has_used_trial=True).exists()
    told = ["checkout.session.completed", "customer.subscription.created"]
    assert sorted(deliver_webhooks()) == told  # both tell of the subscription
    assert TrialUsageTracking.objects.get().has_used_trial


def test_a_webhook_that_is_refused_is_the_tests_error(
    stripe_simulator: Simulator, stripe_event: Any
) -> None:
    with stripe_simulator.deed() as world:
        (endpoint,) = world.store.all("webhook_endpoint")
        world.update(endpoint, {"_secret": "whsec_another"})
    with pytest.raises(AssertionError, match=r"answered 400 to product\.created"):
        stripe_event("product.created")


def test_every_client_of_the_sdk_is_answered(stripe_simulator: Simulator) -> None:
    stripe_simulator.request(
        "POST", "/v1/customers", {"name": "Ana"}, headers={"Authorization": f"Bearer {KEY}"}
    )
    mine = stripe.StripeClient(KEY)
    assert [one.name for one in mine.v1.customers.list().data] == ["Ana"]
    assert [one.name for one in stripe_gateway.list_customers()] == ["Ana"]
    assert [one["name"] for one in Customer.api_list(api_key=KEY)] == ["Ana"]
    assert mine.v1.customers.list({"limit": 1}).last_response is not None

    async def ask() -> list[str | None]:
        answered = await mine.v1.customers.list_async()
        return [one.name for one in answered.data]

    assert asyncio.run(ask()) == ["Ana"]
    assert conf.settings.api_host == django_settings.STRIPE_API_HOST


def test_afterwards_the_sdk_is_what_it_was() -> None:
    def methods() -> list[Any]:
        own = (stripe.RequestsClient, stripe.HTTPXClient, stripe.UrllibClient)
        return [vars(one).get(name) for one in own for name in ("request", "request_async")]

    before, default = methods(), stripe.default_http_client
    client = Simulator(seed=1).http_client()
    with stripe_gateway.replaced_http_client(client), answering_every_client(client):
        assert stripe.default_http_client is client
        assert all(now is not was for now, was in zip(methods(), before, strict=True))
    assert methods() == before
    assert stripe.default_http_client is default
    with pytest.raises(exceptions.StripeUnavailable):  # nothing listens there
        stripe_gateway.retrieve_customer("cus_1")


def test_the_apps_time_is_the_simulators(stripe_simulator: Simulator, advance_clock: Any) -> None:
    start = conf.now()
    assert start == conf.now() == dt.datetime.fromtimestamp(stripe_simulator.now(), dt.UTC)
    advance_clock(days=800)
    assert conf.now() - start == dt.timedelta(days=800)


def test_without_a_simulator_there_is_no_simulated_time() -> None:
    with pytest.raises(RuntimeError, match="stripe_simulator"):
        pytest_plugin.simulated_now()


def test_a_committed_transaction_works_as_well(
    transactional_db: None, user: Any, subscribed: Subscription, advance_clock: Any
) -> None:
    assert not transaction.get_connection().in_atomic_block
    advance_clock(days=8)
    assert get_access(user).status == "active"


@pytest.mark.django_db(transaction=True)
def test_a_mark_asks_for_transactions_too(stripe_event: Any) -> None:
    assert not transaction.get_connection().in_atomic_block
    stripe_event("customer.created")
    assert Customer.objects.count() == 1
