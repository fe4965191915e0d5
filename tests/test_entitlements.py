"""Stripe's entitlements as features of `Access`."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from caixa_subscriptions.access import get_access
from caixa_subscriptions.models import CustomerEntitlements
from caixa_subscriptions.simulator import Simulator
from tests.conftest import advance, request
from tests.factories import CustomerFactory
from tests.test_checkout import check_out

SUMMARY = "entitlements.active_entitlement_summary.updated"


@pytest.fixture
def export(shop: Simulator) -> str:
    """A feature of the product on sale; gives its id at the product."""
    feature = request(
        shop, "POST", "/v1/entitlements/features", {"name": "Export", "lookup_key": "export"}
    )
    product = request(shop, "GET", "/v1/products")["data"][0]["id"]
    path = f"/v1/products/{product}/features"
    attached = request(shop, "POST", path, {"entitlement_feature": feature["id"]})
    return f"{path}/{attached['id']}"


def test_entitlements_come_and_go_with_the_webhook(
    user: Any, shop: Simulator, export: str, django_assert_num_queries: Any
) -> None:
    shop.complete_checkout(check_out(user).session_id)
    shop.deliver_pending()
    with django_assert_num_queries(1):
        assert get_access(user).has_feature("export")
    assert not get_access(user).has_feature("import")
    request(shop, "DELETE", export)
    advance(shop, days=40)
    assert get_access(user).allowed
    assert not get_access(user).has_feature("export")


def test_who_is_refused_has_no_feature(user: Any, shop: Simulator, export: str) -> None:
    shop.complete_checkout(check_out(user).session_id)
    shop.deliver_pending()
    entitlements = CustomerEntitlements.objects.get()
    subscription = request(shop, "GET", "/v1/subscriptions")["data"][0]["id"]
    request(shop, "DELETE", f"/v1/subscriptions/{subscription}")
    shop.deliver_pending()
    entitlements.lookup_keys = ["export"]  # as if its own news were late
    entitlements.save()
    assert not get_access(user).has_feature("export")


def test_sync_stripe_brings_them(user: Any, shop: Simulator, export: str) -> None:
    shop.complete_checkout(check_out(user).session_id)
    shop.control.webhooks.drop(type="entitlements.*")
    shop.deliver_pending()
    assert not get_access(user).has_feature("export")
    out = StringIO()
    call_command("sync_stripe", only=["entitlements"], stdout=out)
    assert "entitlements: 1 at Stripe, 1 added, 0 known, 0 failed" in out.getvalue()
    assert get_access(user).has_feature("export")
    call_command("sync_stripe", only=["entitlements"], stdout=out)
    assert "0 added, 1 known" in out.getvalue()


def test_an_account_without_features_is_asked_once(shop: Simulator) -> None:
    CustomerFactory.create_batch(3)
    out = StringIO()
    call_command("sync_stripe", only=["entitlements"], stdout=out)
    assert "entitlements: 0 at Stripe" in out.getvalue()


def test_a_summary_of_a_customer_we_do_not_know_is_no_error(shop: Simulator, export: str) -> None:
    shop.deliver_pending()
    shop.control.webhooks.drop(type="[!e]*", times=None)  # all but entitlements.*
    customer = request(shop, "POST", "/v1/customers", {"payment_method": "pm_card_visa"})
    price = request(shop, "GET", "/v1/prices")["data"][0]["id"]
    card = request(shop, "GET", f"/v1/customers/{customer['id']}/payment_methods")["data"][0]["id"]
    params = {
        "customer": customer["id"],
        "items": [{"price": price}],
        "default_payment_method": card,
    }
    request(shop, "POST", "/v1/subscriptions", params)
    shop.deliver_pending()
    assert [one.status for one in shop.list_deliveries() if one.event_type == SUMMARY] == [
        "delivered"
    ]
    assert not CustomerEntitlements.objects.exists()
