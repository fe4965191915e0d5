"""dj-stripe, unmodified, takes the simulator for Stripe."""

from __future__ import annotations

import re
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from djstripe.models import (
    Charge,
    Customer,
    Event,
    Invoice,
    PaymentMethod,
    Price,
    Product,
    Subscription,
    WebhookEventTrigger,
)

from caixa_subscriptions.simulator import Simulator
from tests.simulator.tools import FAILS_LATER, GOOD, Calls, advance

MODELS = ("Product", "Price", "Customer", "PaymentMethod", "Subscription", "Invoice")


@pytest.fixture
def calls(shop: Simulator) -> Calls:
    """The example's shop, whose endpoint hears of everything."""
    calls = Calls(shop)
    (endpoint,) = calls("GET", "/v1/webhook_endpoints")["data"]
    calls("POST", f"/v1/webhook_endpoints/{endpoint['id']}", enabled_events=["*"])
    return calls


def buy(calls: Calls, *, card: str = GOOD, trial_days: int | None = 14) -> dict[str, Any]:
    """A new customer's subscription, by Checkout."""
    (price,) = calls("GET", "/v1/prices", lookup_keys=["reports_monthly"])["data"]
    params = {"subscription_data": {"trial_period_days": trial_days}} if trial_days else {}
    session = calls.session(price, customer=calls.customer(email="a@example.com")["id"], **params)
    done = calls.simulator.complete_checkout(session["id"], card_number=card)
    return calls.get(done["subscription"])


def deliver(simulator: Simulator) -> None:
    simulator.deliver_pending()
    deliveries = simulator.list_deliveries(limit=10_000)
    assert deliveries
    refused = [
        (one.event_type, one.response_status) for one in deliveries if one.status != "delivered"
    ]
    assert refused == []
    assert {one.response_status for one in deliveries} == {200}
    assert {one.attempts for one in deliveries} == {1}


def check_mirror(simulator: Simulator) -> None:
    """The tables say what the simulator says, and no event made dj-stripe stumble."""
    mirrored = {one.id: one.stripe_data["status"] for one in Subscription.objects.all()}
    assert mirrored == {one["id"]: one["status"] for one in simulator.list_objects("subscription")}
    assert not WebhookEventTrigger.objects.exclude(exception="").exists()
    assert Event.objects.count() == len(simulator.list_deliveries(limit=10_000))


def test_a_trial_that_becomes_active(calls: Calls) -> None:
    subscription = buy(calls)
    deliver(calls.simulator)
    assert Subscription.objects.get().stripe_data["status"] == "trialing"
    advance(calls.simulator, days=14, hours=1)
    deliver(calls.simulator)
    check_mirror(calls.simulator)
    mirrored = Subscription.objects.get()
    assert mirrored.id == subscription["id"]
    assert mirrored.stripe_data["status"] == "active"
    assert mirrored.default_payment_method is not None
    paid = Invoice.objects.get(id=mirrored.stripe_data["latest_invoice"])
    assert (paid.status, paid.stripe_data["amount_paid"]) == ("paid", 900)
    assert Charge.objects.get().stripe_data["status"] == "succeeded"


def test_a_declined_card_until_it_is_canceled(calls: Calls) -> None:
    buy(calls, card=FAILS_LATER)
    advance(calls.simulator, days=14, hours=1)
    deliver(calls.simulator)
    assert Subscription.objects.get().stripe_data["status"] == "past_due"
    check_mirror(calls.simulator)
    advance(calls.simulator, days=14)
    deliver(calls.simulator)
    assert Subscription.objects.get().stripe_data["status"] == "canceled"
    check_mirror(calls.simulator)


def test_canceled_in_the_portal(calls: Calls) -> None:
    subscription = buy(calls, trial_days=None)
    token = calls.portal(subscription["customer"])
    calls.simulator.portal_cancel(token, subscription["id"])
    calls.simulator.portal_renew(token, subscription["id"])
    calls.simulator.portal_update_card(token, card_number="5555555555554444")
    calls.simulator.portal_cancel(token, subscription["id"])
    deliver(calls.simulator)
    mirrored = Subscription.objects.get().stripe_data
    assert (mirrored["status"], mirrored["cancel_at_period_end"]) == ("active", False)
    assert mirrored["cancel_at"] == calls.get(subscription["id"])["cancel_at"]
    advance(calls.simulator, days=32)
    deliver(calls.simulator)
    assert Subscription.objects.get().stripe_data["status"] == "canceled"
    check_mirror(calls.simulator)


def test_what_else_happens(calls: Calls) -> None:
    """Trials without a card, an incomplete one, a detached card, a deleted customer."""
    (price,) = calls("GET", "/v1/prices", lookup_keys=["reports_monthly"])["data"]
    for behavior in ("pause", "cancel", "create_invoice"):
        calls.subscribe(
            calls.customer(),
            price,
            trial_period_days=1,
            trial_settings={"end_behavior": {"missing_payment_method": behavior}},
        )
    calls.subscribe(calls.customer(FAILS_LATER), price)
    calls.session(price)
    gone = calls.customer(GOOD)
    calls.subscribe(gone, price)
    card = gone["invoice_settings"]["default_payment_method"]
    deliver(calls.simulator)
    calls("POST", f"/v1/payment_methods/{card}/detach")
    calls("DELETE", f"/v1/customers/{gone['id']}")
    advance(calls.simulator, days=2)
    deliver(calls.simulator)
    check_mirror(calls.simulator)
    statuses = sorted(one.stripe_data["status"] for one in Subscription.objects.all())
    assert statuses == ["canceled", "canceled", "incomplete_expired", "past_due", "paused"]


def test_sync_models(calls: Calls) -> None:
    buy(calls)
    buy(calls, trial_days=None)
    buy(calls, card=FAILS_LATER)
    advance(calls.simulator, days=14, hours=1)
    Price.objects.all().delete()
    Product.objects.all().delete()
    out, err = StringIO(), StringIO()
    call_command("djstripe_sync_models", *MODELS, fail_on_error=True, stdout=out, stderr=err)
    assert err.getvalue() == ""
    assert not re.search("error|failed|skipp", out.getvalue(), re.IGNORECASE), out.getvalue()
    for kind, model in (
        ("product", Product),
        ("price", Price),
        ("customer", Customer),
        ("payment_method", PaymentMethod),
        ("subscription", Subscription),
        ("invoice", Invoice),
    ):
        known = {one["id"] for one in calls.simulator.list_objects(kind)}
        assert known
        assert set(model.objects.values_list("id", flat=True)) == known, kind
