"""News of a trial's subscription that comes in part, late, or while accounts are merged."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from caixa_subscriptions.models import CheckoutAttempt, TrialUsageTracking
from caixa_subscriptions.services.checkout import close_attempt
from caixa_subscriptions.services.moving import merge_subscribers
from caixa_subscriptions.simulator import Simulator
from tests.conftest import request
from tests.factories import UserFactory
from tests.test_checkout import check_out

pytestmark = pytest.mark.django_db(transaction=True)


def test_whatever_event_comes_first_marks_the_trial_as_used(shop: Simulator, user: Any) -> None:
    shop.control.webhooks.drop(type="customer.subscription.created", times=None)
    shop.control.webhooks.drop(type="payment_method.attached", times=None)
    shop.complete_checkout(check_out(user).session_id)
    (subscription,) = shop.list_objects("subscription")
    shop.deliver_pending()
    request(shop, "DELETE", f"/v1/subscriptions/{subscription['id']}")
    shop.deliver_pending()
    usage = TrialUsageTracking.objects.get(subscriber=user)
    assert (usage.has_used_trial, usage.subscription_id) == (True, subscription["id"])


def test_a_complete_session_keeps_the_trial_while_its_news_may_be_late(
    shop: Simulator, user: Any
) -> None:
    session = check_out(user)
    close_attempt(session_id=session.session_id, status=CheckoutAttempt.Status.COMPLETE)
    usage = TrialUsageTracking.objects.get(subscriber=user)
    assert not usage.has_used_trial
    assert usage.reserved_until is not None
    assert usage.reserved_until > timezone.now() + dt.timedelta(days=3)


def test_merging_leaves_no_session_that_could_give_a_second_trial(shop: Simulator) -> None:
    source, target = UserFactory(), UserFactory()
    shop.complete_checkout(check_out(source).session_id)
    shop.deliver_pending()
    (subscription,) = shop.list_objects("subscription")
    request(shop, "DELETE", f"/v1/subscriptions/{subscription['id']}")
    shop.deliver_pending()
    session = check_out(target)
    assert session.trial_days == 7
    merge_subscribers(source=source, target=target)
    found = shop.get_object(session.session_id)
    assert found is not None
    assert found["status"] == "expired"
    assert check_out(target).trial_days == 0
