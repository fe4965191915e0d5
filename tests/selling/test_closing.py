"""What becomes of a subscription when its subscriber is deleted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import transaction
from django.test import Client
from django.urls import reverse
from djstripe.models import Customer

from caixa_subscriptions import stripe_gateway
from caixa_subscriptions.exceptions import StripeUnavailable
from caixa_subscriptions.models import BillingAccount, TrialUsageTracking
from caixa_subscriptions.services.customers import get_or_create_customer
from caixa_subscriptions.simulator import Simulator
from tests.conftest import request
from tests.factories import CustomerFactory, UserFactory
from tests.selling.test_takeover import subscribe
from tests.test_checkout import check_out

pytestmark = pytest.mark.django_db(transaction=True)


def at_stripe(shop: Simulator) -> list[dict[str, Any]]:
    return sorted(shop.list_objects("subscription"), key=lambda one: one["created"])


@pytest.fixture
def down() -> Iterator[pytest.MonkeyPatch]:
    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise StripeUnavailable

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stripe_gateway, "cancel_subscription", refuse)
        yield patch


@pytest.mark.parametrize(
    ("policy", "status", "cancels_later"),
    [
        ("cancel", "canceled", False),
        ("cancel_at_period_end", "trialing", True),
        ("keep", "trialing", False),
    ],
)
def test_the_policy_decides(
    user: Any, shop: Simulator, caixa: Any, policy: str, status: str, cancels_later: bool
) -> None:
    caixa(ON_SUBSCRIBER_DELETE=policy)
    customer = subscribe(shop, user)
    user.delete()
    (subscription,) = at_stripe(shop)
    assert subscription["status"] == status
    assert bool(subscription["cancel_at_period_end"] or subscription["cancel_at"]) is cancels_later
    account = BillingAccount.objects.get()
    assert (account.subscriber, account.customer_id, account.closing) == (None, customer.id, "")
    assert Customer.objects.get().subscriber is None
    assert TrialUsageTracking.objects.get().has_used_trial
    shop.deliver_pending()
    assert all(one.response_status == 200 for one in shop.list_deliveries(limit=100))


def test_deleted_in_bulk(shop: Simulator) -> None:
    users = UserFactory.create_batch(3)
    for one in users[:2]:
        subscribe(shop, one)
    pks = [one.pk for one in users]
    get_user_model().objects.filter(pk__in=pks).delete()
    assert [one["status"] for one in at_stripe(shop)] == ["canceled", "canceled"]
    assert BillingAccount.objects.filter(subscriber=None, closing="").count() == 2


def test_deleted_in_the_admin(user: Any, shop: Simulator) -> None:
    subscribe(shop, user)
    staff = get_user_model().objects.create_superuser("staff@example.com")
    client = Client()
    client.force_login(staff)
    url = reverse("admin:accounts_user_delete", args=[user.pk])
    assert client.post(url, {"post": "yes"}).status_code == 302
    assert not get_user_model().objects.filter(pk=user.pk).exists()
    assert [one["status"] for one in at_stripe(shop)] == ["canceled"]


def test_an_open_checkout_is_expired(user: Any, shop: Simulator) -> None:
    session = check_out(user)
    user.delete()
    found = request(shop, "GET", f"/v1/checkout/sessions/{session.session_id}")
    assert found["status"] == "expired"


def test_while_stripe_is_down_it_is_left_for_later(
    user: Any, shop: Simulator, down: pytest.MonkeyPatch
) -> None:
    subscribe(shop, user)
    user.delete()
    assert not get_user_model().objects.filter(pk=user.pk).exists()
    assert [one["status"] for one in at_stripe(shop)] == ["trialing"]
    assert BillingAccount.objects.get().closing == "cancel"
    out = StringIO()
    call_command("sync_stripe", stdout=out)
    assert "0 closed, 1 left" in out.getvalue()
    down.undo()
    call_command("sync_stripe", stdout=out)
    assert "1 closed, 0 left" in out.getvalue()
    assert [one["status"] for one in at_stripe(shop)] == ["canceled"]
    assert BillingAccount.objects.get().closing == ""


def test_a_deletion_that_is_undone_changes_nothing(user: Any, shop: Simulator) -> None:
    customer = subscribe(shop, user)

    pk = user.pk
    with transaction.atomic():
        user.delete()
        transaction.set_rollback(True)
    assert [one["status"] for one in at_stripe(shop)] == ["trialing"]
    account = BillingAccount.objects.get()
    assert (account.subscriber_id, account.customer_id) == (pk, customer.id)
    assert account.closing == ""


def test_every_customer_is_remembered_those_without_an_account_too(user: Any) -> None:
    ids = {one.id for one in CustomerFactory.create_batch(2, subscriber=user, livemode=True)}
    user.delete()
    left = BillingAccount.objects.filter(subscriber=None, livemode=True, closing="cancel")
    assert {one.customer_id for one in left} == ids


def test_deleted_at_stripe_before(user: Any, shop: Simulator) -> None:
    customer = get_or_create_customer(subscriber=user)
    request(shop, "DELETE", f"/v1/customers/{customer.id}")
    user.delete()
    assert BillingAccount.objects.get().closing == ""
    shop.deliver_pending()
    assert all(one.response_status == 200 for one in shop.list_deliveries(limit=100))


def test_one_without_customers_leaves_nothing(user: Any, shop: Simulator) -> None:
    BillingAccount.objects.create(subscriber=user)
    user.delete()
    assert not BillingAccount.objects.exists()
    assert json.dumps(shop.list_objects("customer")) == "[]"


def test_a_key_of_another_account_closes_nothing(user: Any, shop: Simulator) -> None:
    customer = subscribe(shop, user)
    with shop.deed() as world:
        row = dict(world.get("customer", customer.id))
        world.store.delete(customer.id)
    user.delete()
    assert BillingAccount.objects.get().closing == "cancel"
    with shop.deed() as world:  # the right key again
        world.store.put(row)
    call_command("sync_stripe", stdout=StringIO())
    assert [one["status"] for one in at_stripe(shop)] == ["canceled"]
    assert BillingAccount.objects.get().closing == ""
