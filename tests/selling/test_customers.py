"""Whose a customer is: created, given away by the project, deleted, moved, merged."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from djstripe.models import Customer

from caixa_subscriptions import signals, stripe_gateway
from caixa_subscriptions.access import get_access
from caixa_subscriptions.exceptions import (
    AlreadySubscribed,
    CustomerConflict,
    CustomerNotFound,
    StripeRefused,
    StripeUnavailable,
)
from caixa_subscriptions.models import BillingAccount, TrialUsageTracking
from caixa_subscriptions.services.claiming import claim
from caixa_subscriptions.services.customers import (
    forget_customer,
    get_customer,
    get_or_create_customer,
    push_email,
)
from caixa_subscriptions.services.links import LINKED, Unlinked, judge
from caixa_subscriptions.services.moving import merge_subscribers, move_customer
from caixa_subscriptions.services.portal import create_portal_session
from caixa_subscriptions.simulator import Simulator
from tests.conftest import request
from tests.factories import CustomerFactory, UserFactory
from tests.selling.test_accounts import ROUNDS, together
from tests.selling.test_takeover import KEY, assert_has_nothing, assert_keeps, subscribe
from tests.test_checkout import check_out

pytestmark = pytest.mark.django_db


def touch(shop: Simulator, customer: Customer) -> None:
    """Something that makes dj-stripe sync it."""
    request(shop, "POST", f"/v1/customers/{customer.id}", {"description": "touched"})
    shop.deliver_pending()


class TestProjectCode:
    def test_gives_a_customer_to_somebody(self, user: Any, shop: Simulator) -> None:
        owner = UserFactory()
        customer = subscribe(shop, owner)
        customer.subscriber = user
        customer.save()
        touch(shop, customer)
        assert_keeps_by_link(user, customer)
        assert get_or_create_customer(subscriber=user).id == customer.id
        assert get_or_create_customer(subscriber=owner).id != customer.id

    def test_and_back(self, user: Any, shop: Simulator) -> None:
        owner = UserFactory()
        customer = subscribe(shop, owner)
        for one in (user, owner, user, owner):
            customer.subscriber = one
            customer.save()
            touch(shop, customer)
            assert_keeps_by_link(one, customer)

    def test_saving_something_else_with_an_old_row_takes_nothing_away(
        self, user: Any, shop: Simulator
    ) -> None:
        old = get_or_create_customer(subscriber=user)
        old.subscriber = None
        old.save(update_fields=["metadata"])
        assert BillingAccount.objects.get().customer_id == old.id

    def test_a_link_from_before_the_account_is_written_down_when_needed(
        self, user: Any, shop: Simulator
    ) -> None:
        customer = CustomerFactory(subscriber=user)
        assert get_or_create_customer(subscriber=user) == customer
        assert not BillingAccount.objects.exists()
        assert user.djstripe_customers.get() == customer

    def test_one_that_nobody_owns_is_linked_by_its_own_metadata(
        self, user: Any, shop: Simulator
    ) -> None:
        made = request(shop, "POST", "/v1/customers", {"metadata": {KEY: str(user.pk)}})
        shop.deliver_pending()
        assert Customer.objects.get(id=made["id"]).subscriber == user
        assert BillingAccount.objects.get(subscriber=user).customer_id == made["id"]


def assert_keeps_by_link(subscriber: Any, customer: Customer) -> None:
    assert Customer.objects.get(pk=customer.pk).subscriber == subscriber
    assert get_customer(subscriber=subscriber) == customer
    others = BillingAccount.objects.filter(customer_id=customer.id)
    assert {one.subscriber_id for one in others} <= {subscriber.pk}


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("concurrent")
def test_of_two_processes_that_claim_one_customer_one_wins() -> None:
    for _ in range(ROUNDS):
        users = UserFactory.create_batch(4)
        customer = CustomerFactory(subscriber=None)

        def work(number: int, users: Any = users, customer: Any = customer) -> Any:
            named = Unlinked(customer.id, {KEY: str(users[number].pk)})
            (outcome,) = claim(judge([named], livemode=False), livemode=False)
            return outcome.subscriber_pk if outcome.outcome == LINKED else None

        winners = {pk for pk in together(4, work) if pk is not None}
        account = BillingAccount.objects.get(customer_id=customer.id)
        assert winners == {account.subscriber_id}


class TestDeletedAtStripe:
    def test_access_is_off_and_the_next_one_is_new(self, user: Any, shop: Simulator) -> None:
        customer = subscribe(shop, user)
        request(shop, "DELETE", f"/v1/customers/{customer.id}")
        shop.deliver_pending()
        assert not get_access(user).allowed
        with pytest.raises(CustomerNotFound):
            get_customer(subscriber=user)
        assert BillingAccount.objects.get().customer_id is None
        row = Customer.objects.get(id=customer.id)
        assert row.date_purged is not None
        assert row.subscriptions.count() == 1
        assert TrialUsageTracking.objects.get().has_used_trial
        assert get_or_create_customer(subscriber=user).id != customer.id

    def test_twice_changes_nothing(self, user: Any, shop: Simulator) -> None:
        customer = get_or_create_customer(subscriber=user)
        forget_customer(customer=customer)
        new = get_or_create_customer(subscriber=user)
        forget_customer(customer=Customer.objects.get(pk=customer.pk))
        assert get_customer(subscriber=user) == new
        assert BillingAccount.objects.get().customer_id == new.id


class TestEmail:
    def test_a_change_goes_to_stripe_after_the_commit(
        self, user: Any, shop: Simulator, django_capture_on_commit_callbacks: Any
    ) -> None:
        customer = get_or_create_customer(subscriber=user)
        user.email = "new@example.com"
        with django_capture_on_commit_callbacks() as callbacks:
            user.save()
        assert shop.list_objects("customer")[0]["email"] != "new@example.com"
        for callback in callbacks:
            callback()
        shop.deliver_pending()
        customer.refresh_from_db()
        assert customer.email == "new@example.com"

    def test_nothing_else_does(
        self, user: Any, shop: Simulator, django_capture_on_commit_callbacks: Any
    ) -> None:
        customer = get_or_create_customer(subscriber=user)
        request(shop, "POST", f"/v1/customers/{customer.id}", {"email": "portal@example.com"})
        stranger = UserFactory()
        with django_capture_on_commit_callbacks(execute=True) as callbacks:
            user.save()
            user.save(update_fields=["last_login"])
            stranger.email = "stranger@example.com"
            stranger.save()
        assert callbacks == []
        assert shop.list_objects("customer")[0]["email"] == "portal@example.com"

    def test_stripe_being_down_does_not_fail_the_save(
        self,
        user: Any,
        shop: Simulator,
        caplog: pytest.LogCaptureFixture,
        django_capture_on_commit_callbacks: Any,
    ) -> None:
        get_or_create_customer(subscriber=user)

        def refuse(*args: Any, **kwargs: Any) -> Any:
            raise StripeUnavailable

        user.email = "new@example.com"
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(stripe_gateway, "update_customer", refuse)
            with django_capture_on_commit_callbacks(execute=True):
                user.save()
        assert "was not told Stripe: stripe_unavailable" in caplog.text
        assert "new@example.com" not in caplog.text
        push_email(subscriber=user)
        assert shop.list_objects("customer")[0]["email"] == "new@example.com"


class TestMoving:
    def test_a_customer_moves_with_its_subscription(
        self,
        user: Any,
        shop: Simulator,
        caplog: pytest.LogCaptureFixture,
        django_capture_on_commit_callbacks: Any,
    ) -> None:
        owner = UserFactory()
        customer = subscribe(shop, owner)
        heard: list[Any] = []

        def hear(**kwargs: Any) -> None:
            heard.append((kwargs["subscriber"], kwargs["previous_subscriber_pk"]))

        signals.customer_moved.connect(hear)
        with django_capture_on_commit_callbacks(execute=True), caplog.at_level(logging.INFO):
            move_customer(customer=customer, subscriber=user)
            move_customer(customer=customer, subscriber=user)  # twice is a no-op
        signals.customer_moved.disconnect(hear)
        assert heard == [(user, owner.pk)]
        assert f"Customer {customer.id} moved from {owner.pk} to {user.pk}" in caplog.text
        assert_keeps(user, customer)
        assert not get_access(owner).allowed
        touch(shop, customer)
        assert_keeps(user, customer)
        metadata = request(shop, "GET", f"/v1/customers/{customer.id}")["metadata"]
        assert metadata[KEY] == str(user.pk)

    def test_not_to_who_has_another(self, user: Any, shop: Simulator) -> None:
        own = subscribe(shop, user)
        other = subscribe(shop, UserFactory())
        with pytest.raises(CustomerConflict):
            move_customer(customer=other, subscriber=user)
        assert_keeps(user, own)

    def test_one_of_somebody_deleted_can_be_given_away(self, user: Any, shop: Simulator) -> None:
        owner = UserFactory()
        customer = get_or_create_customer(subscriber=owner)
        owner.delete()
        customer.refresh_from_db()
        move_customer(customer=customer, subscriber=user)
        assert BillingAccount.objects.get().subscriber == user

    @pytest.mark.parametrize("target_has_one", [False, True])
    def test_a_merge_keeps_what_is_paid_for_and_the_used_trial(
        self, user: Any, shop: Simulator, target_has_one: bool
    ) -> None:
        source = UserFactory()
        paid = subscribe(shop, source)
        idle = get_or_create_customer(subscriber=user) if target_has_one else None
        merge_subscribers(source=source, target=user)
        assert get_access(user).allowed
        assert get_customer(subscriber=user) == paid
        assert BillingAccount.objects.get(subscriber=user).customer_id == paid.id
        assert TrialUsageTracking.objects.get().subscriber == user
        assert Customer.objects.filter(subscriber=user).count() == (2 if idle else 1)
        source.delete()
        touch(shop, paid)
        assert get_customer(subscriber=user) == paid
        assert_has_nothing_left(source)

    def test_two_who_subscribe_are_for_a_person_to_decide(self, user: Any, shop: Simulator) -> None:
        source = UserFactory()
        kept = [subscribe(shop, user), subscribe(shop, source)]
        with pytest.raises(CustomerConflict):
            merge_subscribers(source=source, target=user)
        assert_keeps(user, kept[0])
        assert_keeps(source, kept[1])


def assert_has_nothing_left(subscriber: Any) -> None:
    assert not BillingAccount.objects.filter(subscriber=None).exists()
    assert subscriber.pk is None or assert_has_nothing(subscriber)


class TestUnknownAtStripe:
    """Stripe knows nothing of it: our key opens another account. That deletes nobody."""

    @pytest.fixture
    def unknown(self, user: Any, shop: Simulator) -> Iterator[Customer]:
        customer = subscribe(shop, user)
        with shop.deed() as world:
            row = dict(world.get("customer", customer.id))
            world.store.delete(customer.id)
        yield customer
        with shop.deed() as world:  # the right key again
            world.store.put(row)
        shop.deliver_pending()
        assert get_customer(subscriber=user) == customer
        assert get_access(user).allowed
        with pytest.raises(AlreadySubscribed):
            check_out(user)

    def test_the_portal_says_so(self, user: Any, unknown: Customer) -> None:
        with pytest.raises(StripeRefused):
            create_portal_session(subscriber=user, return_url="http://testserver/")

    def test_nothing_is_sold(self, user: Any, unknown: Customer, shop: Simulator) -> None:
        with pytest.raises(StripeRefused):
            check_out(user)
        assert len(shop.list_objects("customer")) == 0

    def test_another_one_of_theirs_neither_blocks_nor_sells_twice(
        self, user: Any, shop: Simulator
    ) -> None:
        customer = subscribe(shop, user)
        CustomerFactory(id="cus_ofAnotherAccount", subscriber=user)
        for _ in range(2):
            with pytest.raises(AlreadySubscribed):
                check_out(user)
        assert get_customer(subscriber=user) == customer
        assert len(shop.list_objects("subscription")) == 1


def test_a_reused_primary_key_does_not_finish_what_its_first_owner_began(
    stripe_api: Simulator,
) -> None:
    old = UserFactory(email="old@example.com")
    pk = old.pk
    stripe_api.control.drop("after", path="/v1/customers", method="POST", times=None)
    with pytest.raises(StripeUnavailable):
        get_or_create_customer(subscriber=old)
    stripe_api.control.clear()
    old.delete()
    new = get_or_create_customer(subscriber=UserFactory(pk=pk, email="new@example.com"))
    assert new.email == "new@example.com"


def test_who_has_no_address_is_a_customer_without_one(stripe_api: Simulator) -> None:
    user = UserFactory(email="")
    customer = get_or_create_customer(subscriber=user)
    push_email(subscriber=user)
    assert not customer.email
    made = stripe_api.get_object(customer.id)
    assert made is not None
    assert made["email"] is None
