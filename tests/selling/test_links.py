"""fix_customer_links page by page: what it decides by, where it goes on, and that it ends."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from django.urls import reverse
from djstripe.models import Customer

from benchmarks import customer_links as benchmark
from caixa_subscriptions.access import get_access
from caixa_subscriptions.models import BillingAccount, CheckoutAttempt, TrialUsageTracking
from caixa_subscriptions.sync import customer_links
from tests.factories import CustomerFactory, SubscriptionFactory, UserFactory
from tests.selling.test_takeover import KEY, fix

pytestmark = pytest.mark.django_db


def test_many_pages_link_as_one_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(customer_links, "PAGE_SIZE", 70)
    monkeypatch.setattr(benchmark, "SUBSCRIBED", 10)
    benchmark.fill(range(200))
    assert "200 linked" in fix(dry_run=True)
    assert not BillingAccount.objects.exists()
    assert "200 linked" in fix()
    assert BillingAccount.objects.count() == 200
    assert TrialUsageTracking.objects.count() == 20
    for customer in Customer.objects.select_related("subscriber"):
        assert customer.metadata == {KEY: str(customer.subscriber.pk)}
    assert fix() == "nothing to link\n"


def test_a_dry_run_counts_as_the_run_does_across_pages(
    user: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(customer_links, "PAGE_SIZE", 1)
    CustomerFactory.create_batch(3, subscriber=None, metadata={KEY: str(user.pk)})
    expected = "1 linked, 2 subscriber_has_another_customer"
    assert expected in fix(dry_run=True)
    assert expected in fix()


def test_our_own_checkout_names_the_subscriber(user: Any) -> None:
    customer = CustomerFactory(subscriber=None)
    CheckoutAttempt.objects.create(
        subscriber=user, session_id="cs_1", customer_id=customer.id, price_id="price_1"
    )
    assert f"{customer.id}: linked by checkout" in fix()


def test_a_checkout_and_metadata_that_disagree_are_for_a_person(user: Any) -> None:
    customer = CustomerFactory(subscriber=None, metadata={KEY: str(UserFactory().pk)})
    CheckoutAttempt.objects.create(
        subscriber=user, session_id="cs_1", customer_id=customer.id, price_id="price_1"
    )
    assert "1 evidence_disagrees" in fix()
    assert not BillingAccount.objects.exists()


def test_after_goes_on_behind_a_customer() -> None:
    customers = [
        CustomerFactory(subscriber=None, metadata={KEY: str(UserFactory().pk)}) for _ in range(3)
    ]
    assert "2 linked" in fix(after=customers[0].id)
    assert "1 linked" in fix()
    with pytest.raises(CommandError, match="no customer cus_unknown"):
        fix(after="cus_unknown")


def test_what_is_interrupted_says_where_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(customer_links, "PAGE_SIZE", 1)
    first, _second = (
        CustomerFactory(subscriber=None, metadata={KEY: str(UserFactory().pk)}) for _ in range(2)
    )
    link = customer_links._link

    def once(page: Any, **options: Any) -> Any:
        if page.customers[0].id != first.id:
            raise KeyboardInterrupt
        return link(page, **options)

    monkeypatch.setattr(customer_links, "_link", once)
    out = StringIO()
    with pytest.raises(KeyboardInterrupt):
        call_command("fix_customer_links", stdout=out, stderr=out)
    assert f"Go on with --after {first.id}" in out.getvalue()


def test_by_email_needs_somebody_who_knows(user: Any) -> None:
    with pytest.raises(CommandError, match="EMAIL_VERIFIED"):
        fix(by_email=True)


def test_a_verified_email_of_one_and_one_links(user: Any, caixa: Any) -> None:
    caixa(EMAIL_VERIFIED="tests.selling.test_takeover.everybody_is_verified")
    customer = CustomerFactory(subscriber=None, email=user.email.upper())
    assert f"{customer.id}: linked by email (subscriber {user.pk})" in fix(by_email=True)


def test_access_is_on_at_once_with_a_cache(
    user: Any, settings: Any, caixa: Any, frozen: Any
) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    caixa(CACHE="default", CLOCK="tests.conftest.frozen_now")
    customer = CustomerFactory(subscriber=None, metadata={KEY: str(user.pk)})
    SubscriptionFactory(customer=customer, payload={})
    assert not get_access(user).allowed
    fix()
    assert get_access(user).allowed


def test_the_admin_shows_accounts_and_changes_none(user: Any) -> None:
    account = BillingAccount.objects.create(subscriber=user, customer_id="cus_1")
    client = Client()
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    page = client.get(reverse("admin:caixa_subscriptions_billingaccount_changelist"))
    assert b"cus_1" in page.content
    assert user.email.encode() not in page.content
    url = reverse("admin:caixa_subscriptions_billingaccount_change", args=[account.pk])
    assert client.get(url).status_code == 200
    assert client.post(url, {"customer_id": "cus_2"}).status_code == 403


def test_one_page_with_accounts_of_every_kind() -> None:
    """Nobody's account stands in the way of the others on the page."""
    users = UserFactory.create_batch(4)
    waiting, has_one, free, taken = users
    BillingAccount.objects.create(subscriber=waiting)  # made for the lock, without a customer
    BillingAccount.objects.create(subscriber=has_one, customer_id="cus_other")
    for user in (waiting, has_one, free):
        CustomerFactory(id=f"cus_{user.pk}", subscriber=None, metadata={KEY: str(user.pk)})
    deleted = CustomerFactory(subscriber=None, metadata={KEY: str(taken.pk)})
    BillingAccount.objects.create(subscriber=None, customer_id=deleted.id)
    said = fix()
    for user in (waiting, free):
        assert BillingAccount.objects.get(subscriber=user).customer_id == f"cus_{user.pk}"
        assert Customer.objects.get(id=f"cus_{user.pk}").subscriber == user
    assert f"cus_{has_one.pk}: subscriber_has_another_customer" in said
    assert BillingAccount.objects.get(subscriber=has_one).customer_id == "cus_other"
    assert Customer.objects.get(id=f"cus_{has_one.pk}").subscriber is None
    assert "1 owner_deleted" in said
    assert Customer.objects.get(id=deleted.id).subscriber is None


def test_an_account_written_after_the_page_was_read_counts_as_our_own_claim(
    user: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by another run, or a checkout, that is a moment ahead."""
    customer = CustomerFactory(subscriber=None, metadata={KEY: str(user.pk)})
    SubscriptionFactory(customer=customer, payload={"trial_end": 1_880_000_000})
    neighbour = CustomerFactory(subscriber=None, metadata={KEY: str(UserFactory().pk)})
    nobodys = CustomerFactory(subscriber=None)
    page = customer_links._Page.judge

    def late(self: Any, **options: Any) -> Any:
        for subscriber, found in ((user, customer), (UserFactory(), nobodys)):
            BillingAccount.objects.create(subscriber=subscriber, customer_id=found.id)
        return page(self, **options)

    monkeypatch.setattr(customer_links._Page, "judge", late)
    said = fix()
    assert f"{customer.id}: linked by account" in said
    assert f"{neighbour.id}: linked by metadata" in said
    assert TrialUsageTracking.objects.get(subscriber=user).has_used_trial
    # What was judged without its account is for the next run, as a whole.
    assert Customer.objects.get(id=nobodys.id).subscriber is None
