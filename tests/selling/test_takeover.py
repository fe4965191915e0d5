"""Twelve ways to come by somebody else's customer, and more: none links, none tells anything.

`user` is the victim, or the one who would profit; `shop` delivers its webhooks to dj-stripe.
"""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from djstripe.models import Customer, Session, Subscription
from rest_framework.test import APIClient

from caixa_subscriptions.access import get_access
from caixa_subscriptions.exceptions import CheckoutSessionNotFound, CustomerNotFound
from caixa_subscriptions.models import BillingAccount, TrialUsageTracking
from caixa_subscriptions.services.checkout import complete_checkout
from caixa_subscriptions.services.customers import (
    get_customer,
    get_or_create_customer,
    list_customers,
)
from caixa_subscriptions.simulator import Simulator
from tests.conftest import request
from tests.factories import UserFactory
from tests.test_checkout import check_out

pytestmark = pytest.mark.django_db

KEY = "djstripe_subscriber"


def everybody_is_verified(subscriber: Any) -> bool:
    return True


def nobody_is_verified(subscriber: Any) -> bool:
    return False


def session_at_stripe(shop: Simulator, **params: Any) -> dict[str, Any]:
    """A Checkout Session that our package did not open."""
    (price,) = request(shop, "GET", "/v1/prices", {"lookup_keys": ["reports_monthly"]})["data"]
    return request(
        shop,
        "POST",
        "/v1/checkout/sessions",
        {
            "mode": "subscription",
            "line_items": [{"price": price["id"], "quantity": 1}],
            "success_url": "https://example.com/",
        }
        | params,
    )


def customer_at_stripe(shop: Simulator, *, subscribed: bool = True, **params: Any) -> str:
    """A customer that our package did not make, mirrored here."""
    customer = request(shop, "POST", "/v1/customers", params)
    if subscribed:
        session = session_at_stripe(shop, customer=customer["id"])
        shop.complete_checkout(session["id"])
    shop.deliver_pending()
    call_command("sync_stripe", stdout=StringIO())
    assert Customer.objects.filter(id=customer["id"]).exists()
    return str(customer["id"])


def subscribe(shop: Simulator, subscriber: Any) -> Customer:
    shop.complete_checkout(check_out(subscriber).session_id)
    shop.deliver_pending()
    assert get_access(subscriber).allowed
    return get_customer(subscriber=subscriber)


def fix(**options: Any) -> str:
    out = StringIO()
    call_command("fix_customer_links", stdout=out, stderr=out, **options)
    return out.getvalue()


def assert_has_nothing(subscriber: Any) -> None:
    assert list_customers(subscriber=subscriber) == []
    assert not Customer.objects.filter(subscriber=subscriber).exists()
    assert not BillingAccount.objects.filter(subscriber=subscriber).exclude(customer_id=None)
    assert not TrialUsageTracking.objects.filter(subscriber=subscriber).exists()
    assert not get_access(subscriber).allowed


def assert_keeps(subscriber: Any, customer: Customer) -> None:
    assert [one.id for one in list_customers(subscriber=subscriber)] == [customer.id]
    assert BillingAccount.objects.get(subscriber=subscriber).customer_id == customer.id
    assert get_access(subscriber).allowed


def test_1_the_victims_email_at_stripe(user: Any, shop: Simulator) -> None:
    theirs = customer_at_stripe(shop, email=user.email)
    fix()
    assert_has_nothing(user)
    assert get_or_create_customer(subscriber=user).id != theirs


def test_2_a_later_sign_up(shop: Simulator) -> None:
    theirs = customer_at_stripe(shop, email="late@example.com")
    late = UserFactory(email="late@example.com")
    fix()
    call_command("sync_stripe", stdout=StringIO())
    assert_has_nothing(late)
    assert get_or_create_customer(subscriber=late).id != theirs


def test_3_a_changed_email(
    user: Any, shop: Simulator, django_capture_on_commit_callbacks: Any
) -> None:
    own = get_or_create_customer(subscriber=user)
    theirs = customer_at_stripe(shop, email="rich@example.com")
    with django_capture_on_commit_callbacks(execute=True):
        user.email = "rich@example.com"
        user.save()
    shop.deliver_pending()
    fix()
    assert [one.id for one in list_customers(subscriber=user)] == [own.id]
    assert Customer.objects.get(id=theirs).subscriber is None
    assert not get_access(user).allowed


@pytest.mark.parametrize(
    "look_alike",
    [
        "\u212aim@example.com",
        "k\u0131m@example.com",
        "k\u0456m@example.com",
        "kim@ex\u0430mple.com",
    ],
    ids=["Kelvin sign", "dotless i", "Cyrillic i", "Cyrillic a"],
)
def test_4_a_unicode_look_alike(shop: Simulator, caixa: Any, look_alike: str) -> None:
    caixa(EMAIL_VERIFIED="tests.selling.test_takeover.everybody_is_verified")
    victim = UserFactory(email="kim@example.com")
    theirs = customer_at_stripe(shop, email=look_alike)
    assert "1 no_evidence" in fix(by_email=True)
    assert_has_nothing(victim)
    # and the other way round
    customer_at_stripe(shop, email="kim@example.com")
    get_user_model().objects.filter(pk=victim.pk).update(email=look_alike)
    Customer.objects.filter(id=theirs).delete()
    assert "1 no_evidence" in fix(by_email=True)
    assert_has_nothing(victim)


def test_5_upper_and_lower_case_are_one_mailbox(shop: Simulator, caixa: Any) -> None:
    caixa(EMAIL_VERIFIED="tests.selling.test_takeover.everybody_is_verified")
    victim = UserFactory(email="kim@example.com")
    customer_at_stripe(shop, email="KIM@example.com")
    customer_at_stripe(shop, email="Kim@example.com")
    assert "2 email_of_several" in fix(by_email=True)
    assert_has_nothing(victim)


def test_6_metadata_of_a_session(user: Any, shop: Simulator) -> None:
    owner = UserFactory()
    customer = subscribe(shop, owner)
    before = request(shop, "GET", f"/v1/customers/{customer.id}")["metadata"]
    session = session_at_stripe(shop, customer=customer.id, metadata={KEY: str(user.pk)})
    shop.complete_checkout(session["id"])
    shop.deliver_pending()
    Session.sync_from_stripe_data(Session(id=session["id"]).api_retrieve())
    assert Session.objects.get(id=session["id"]).metadata == {KEY: str(user.pk)}
    assert request(shop, "GET", f"/v1/customers/{customer.id}")["metadata"] == before
    customer.refresh_from_db()
    assert customer.metadata == before
    assert_keeps(owner, customer)
    assert_has_nothing(user)


def test_6_metadata_of_a_session_whose_customer_is_nobodys(user: Any, shop: Simulator) -> None:
    session = session_at_stripe(shop, metadata={KEY: str(user.pk)})
    shop.complete_checkout(session["id"])
    shop.deliver_pending()
    call_command("sync_stripe", stdout=StringIO())
    fix()
    assert Customer.objects.get().subscriber is None
    assert_has_nothing(user)


def test_7_metadata_of_a_customer(user: Any, shop: Simulator) -> None:
    owner = UserFactory()
    customer = subscribe(shop, owner)
    for named in (str(user.pk), "999999", ""):
        request(shop, "POST", f"/v1/customers/{customer.id}", {"metadata": {KEY: named}})
        shop.deliver_pending()
        call_command("sync_stripe", stdout=StringIO())
        fix()
        assert_keeps(owner, customer)
        assert_has_nothing(user)


def test_7_metadata_of_another_customer_for_who_has_one(user: Any, shop: Simulator) -> None:
    own = subscribe(shop, user)
    other = customer_at_stripe(shop, metadata={KEY: str(user.pk)})
    assert "subscriber_has_another_customer" in fix()
    assert Customer.objects.get(id=other).subscriber is None
    assert_keeps(user, own)


def test_8_a_foreign_session_id(user: Any, shop: Simulator) -> None:
    owner = UserFactory()
    session = check_out(owner)
    shop.complete_checkout(session.session_id)
    for session_id in (session.session_id, session.session_id[:-1] + "0"):
        with pytest.raises(CheckoutSessionNotFound):
            complete_checkout(subscriber=user, session_id=session_id)
    assert not Subscription.objects.exists()
    assert_has_nothing(user)


@pytest.mark.parametrize("kind", ["cus", "sub", "bps"])
def test_9_to_11_foreign_ids(user: Any, api: APIClient, shop: Simulator, kind: str) -> None:
    owner = UserFactory()
    customer = subscribe(shop, owner)
    foreign = {
        "cus": customer.id,
        "sub": get_access(owner).subscription_id,
        "bps": request(shop, "POST", "/v1/billing_portal/sessions", {"customer": customer.id})[
            "id"
        ],
    }[kind]
    unknown = f"{kind}_unknown"
    answers = []
    for one in (foreign, unknown):
        with pytest.raises(CheckoutSessionNotFound):
            complete_checkout(subscriber=user, session_id=one)
        body = {"customer": one, "subscription": one, "session_id": one, "id": one}
        answers.append(
            [
                (answer.status_code, answer.json())
                for answer in (
                    api.post("/api/subscriptions/portal/", body, format="json"),
                    api.post("/api/subscriptions/checkout/", body, format="json"),
                    api.get("/api/subscriptions/status/", body),
                )
            ]
        )
    assert answers[0] == answers[1]
    assert foreign not in str(answers)
    with pytest.raises(CustomerNotFound):
        get_customer(subscriber=user)
    assert_has_nothing(user)
    assert_keeps(owner, customer)


@pytest.mark.parametrize("made_by_us", [True, False])
def test_12_a_primary_key_that_comes_back(shop: Simulator, made_by_us: bool) -> None:
    first = UserFactory()
    pk = first.pk
    if made_by_us:
        customer_id = subscribe(shop, first).id
    else:
        customer_id = customer_at_stripe(shop, metadata={KEY: str(pk)})
        assert Customer.objects.get(id=customer_id).subscriber == first
    first.delete()
    second = UserFactory(pk=pk)
    assert get_user_model().objects.get(pk=pk).email == second.email
    request(shop, "POST", f"/v1/customers/{customer_id}", {"description": "touched"})
    shop.deliver_pending()
    call_command("sync_stripe", stdout=StringIO())
    assert "1 owner_deleted" in fix()
    assert Customer.objects.get(id=customer_id).subscriber is None
    assert_has_nothing(second)
    assert get_or_create_customer(subscriber=second).id != customer_id


def test_13_a_payment_links_client_reference_id(user: Any, shop: Simulator) -> None:
    session = session_at_stripe(
        shop, client_reference_id=str(user.pk), customer_email="payer@example.com"
    )
    shop.complete_checkout(session["id"])
    shop.deliver_pending()
    call_command("sync_stripe", stdout=StringIO())
    fix()
    with pytest.raises(CheckoutSessionNotFound):
        complete_checkout(subscriber=user, session_id=session["id"])
    assert_has_nothing(user)


def test_14_by_email_that_is_not_verified(user: Any, shop: Simulator, caixa: Any) -> None:
    caixa(EMAIL_VERIFIED="tests.selling.test_takeover.nobody_is_verified")
    customer_at_stripe(shop, email=user.email)
    assert "1 email_not_verified" in fix(by_email=True)
    assert_has_nothing(user)


def test_15_by_email_that_several_have(user: Any, shop: Simulator, caixa: Any) -> None:
    caixa(EMAIL_VERIFIED="tests.selling.test_takeover.everybody_is_verified")
    customer_at_stripe(shop, email=user.email)
    customer_at_stripe(shop, email=user.email)
    assert "2 email_of_several" in fix(by_email=True)
    assert_has_nothing(user)


def test_16_another_environment_on_the_same_stripe_account(user: Any, shop: Simulator) -> None:
    customer_id = customer_at_stripe(
        shop, metadata={KEY: str(user.pk), "caixa_account": "0123456789abcdef" * 2}
    )
    assert "1 made_for_another_account" in fix()
    assert_has_nothing(user)
    assert get_or_create_customer(subscriber=user).id != customer_id
