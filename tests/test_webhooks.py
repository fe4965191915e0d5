"""The six critical events, through dj-stripe's own view."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.dispatch import Signal
from django.test import Client
from djstripe.models import Event, Subscription, WebhookEndpoint

from caixa_subscriptions import signals
from caixa_subscriptions.access import get_access
from caixa_subscriptions.models import TrialUsageTracking
from caixa_subscriptions.simulator import Simulator
from tests.conftest import advance, request
from tests.signing import signed
from tests.test_checkout import check_out


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """What our signals said, in order."""
    heard: list[tuple[str, dict[str, Any]]] = []
    receivers = []
    for name, signal in vars(signals).items():
        if isinstance(signal, Signal):

            def receive(name: str = name, **kwargs: Any) -> None:
                heard.append((name, kwargs))

            signal.connect(receive, weak=False)
            receivers.append((signal, receive))
    yield heard
    for signal, receive in receivers:
        signal.disconnect(receive)


def test_the_created_webhook_marks_the_trial_as_used(user: Any, shop: Simulator) -> None:
    shop.complete_checkout(check_out(user).session_id)
    assert not TrialUsageTracking.objects.filter(has_used_trial=True).exists()
    shop.deliver_pending()
    usage = TrialUsageTracking.objects.get()
    assert usage.subscriber == user
    assert usage.has_used_trial
    assert usage.subscription_id == Subscription.objects.get().id


def test_each_event_sends_its_signal_once_after_the_commit(
    user: Any,
    shop: Simulator,
    sent: list[tuple[str, dict[str, Any]]],
    django_capture_on_commit_callbacks: Any,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        shop.complete_checkout(check_out(user).session_id)
        shop.deliver_pending()
        assert sent == []
    names = [name for name, _ in sent]
    assert names.count("subscription_created") == 1
    assert names.count("invoice_payment_succeeded") == 1
    _, arguments = next(said for said in sent if said[0] == "subscription_created")
    assert arguments["sender"] is Subscription
    assert arguments["subscription"] == Subscription.objects.get()
    assert arguments["subscriber"] == user
    assert Event.objects.get(id=arguments["event_id"]).type == "customer.subscription.created"


def test_a_life_with_a_failing_card_sends_the_other_signals(
    user: Any,
    shop: Simulator,
    sent: list[tuple[str, dict[str, Any]]],
    django_capture_on_commit_callbacks: Any,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        shop.complete_checkout(check_out(user).session_id, card_number="4000000000000341")
        advance(shop, days=8)
        advance(shop, days=20)
    names = {name for name, _ in sent}
    assert names == {
        "subscription_created",
        "invoice_payment_succeeded",
        "trial_will_end",
        "subscription_updated",
        "invoice_payment_failed",
        "subscription_deleted",
    }
    assert all(arguments["subscriber"] == user for _, arguments in sent)


def test_a_receiver_that_raises_loses_nothing(
    user: Any, shop: Simulator, django_capture_on_commit_callbacks: Any
) -> None:
    def broken(**kwargs: Any) -> None:
        raise RuntimeError

    signals.subscription_created.connect(broken)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            shop.complete_checkout(check_out(user).session_id)
            shop.deliver_pending()
    finally:
        signals.subscription_created.disconnect(broken)
    assert {delivery.status for delivery in shop.list_deliveries()} == {"delivered"}
    assert TrialUsageTracking.objects.get().has_used_trial


def test_an_error_in_a_receiver_is_a_500_and_the_next_delivery_heals_it(
    user: Any, shop: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**kwargs: Any) -> None:
        raise RuntimeError

    shop.complete_checkout(check_out(user).session_id)
    with monkeypatch.context() as patch:
        patch.setattr("caixa_subscriptions.webhooks.receivers.record_subscription", broken)
        shop.deliver_pending()
    failed = [one for one in shop.list_deliveries() if one.status != "delivered"]
    told = {one.event_type: one for one in failed}
    # Either of them tells of the subscription.
    assert set(told) == {"customer.subscription.created", "checkout.session.completed"}
    assert {one.response_status for one in failed} == {500}
    assert not TrialUsageTracking.objects.filter(has_used_trial=True).exists()
    shop.resend(told["customer.subscription.created"].id)
    shop.deliver_pending()
    assert TrialUsageTracking.objects.get().has_used_trial


def test_a_duplicate_delivery_changes_nothing(user: Any, shop: Simulator) -> None:
    shop.complete_checkout(check_out(user).session_id)
    shop.deliver_pending()
    before = Event.objects.count()
    for delivery in shop.list_deliveries():
        shop.resend(delivery.id)
    shop.deliver_pending()
    assert {delivery.status for delivery in shop.list_deliveries()} == {"delivered"}
    assert Event.objects.count() == before
    assert TrialUsageTracking.objects.get().has_used_trial


@pytest.mark.parametrize(
    "type_", ["customer.subscription.created", "customer.subscription.updated"]
)
def test_a_subscription_gone_at_stripe_is_left_alone(
    user: Any, shop: Simulator, caplog: pytest.LogCaptureFixture, type_: str
) -> None:
    shop.complete_checkout(check_out(user).session_id)
    endpoint = WebhookEndpoint.objects.get()
    (event,) = shop.list_objects("event", type="customer.subscription.created")
    event["type"] = type_
    event["data"]["object"]["id"] = "sub_gone"
    with caplog.at_level(logging.WARNING, "caixa_subscriptions"):
        response = Client().post(
            f"/stripe/webhook/{endpoint.djstripe_uuid}/",
            **signed(event, secret=endpoint.secret),
        )
    assert response.status_code == 200
    assert "sub_gone is gone" in caplog.text
    assert not TrialUsageTracking.objects.filter(has_used_trial=True).exists()


def test_a_deleted_customer_does_not_earn_a_trial(user: Any, shop: Simulator, caixa: Any) -> None:
    caixa(TRIAL_DAYS=0)
    shop.complete_checkout(check_out(user).session_id)
    shop.deliver_pending()
    (customer,) = shop.list_objects("customer")
    request(shop, "DELETE", f"/v1/customers/{customer['id']}")
    shop.deliver_pending()
    caixa(TRIAL_DAYS=7)
    assert get_access(user).code == "subscription_required"
    assert check_out(user).trial_days == 0
