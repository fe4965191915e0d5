"""Selling, against the simulated Stripe."""

from __future__ import annotations

from typing import Any

import pytest
import stripe
from djstripe.models import Customer, Price, Subscription

from caixa_subscriptions import stripe_gateway
from caixa_subscriptions.access import get_access
from caixa_subscriptions.exceptions import (
    AlreadySubscribed,
    CheckoutSessionNotFound,
    CustomerNotFound,
    PriceNotOffered,
    QuantityNotOffered,
    StripeRefused,
    StripeUnavailable,
)
from caixa_subscriptions.models import TrialUsageTracking
from caixa_subscriptions.prices import get_offered_price, offered_prices
from caixa_subscriptions.services.checkout import (
    CheckoutSession,
    complete_checkout,
    create_checkout_session,
)
from caixa_subscriptions.services.customers import get_customer, get_or_create_customer
from caixa_subscriptions.services.portal import create_portal_session
from caixa_subscriptions.services.trial_usage import record_subscription
from caixa_subscriptions.services.trials import is_trial_eligible
from caixa_subscriptions.simulator import Simulator, StripeError
from tests.conftest import advance, request
from tests.factories import CustomerFactory, PriceFactory, SubscriptionFactory, UserFactory

GONE = "http://127.0.0.1:9"  # the discard port: nothing answers


def check_out(user: Any, **changes: Any) -> CheckoutSession:
    return create_checkout_session(
        **{
            "subscriber": user,
            "price": "monthly",
            "success_url": "http://testserver/done/",
            "cancel_url": "http://testserver/pricing/",
        }
        | changes
    )


def stripe_session(simulator: Simulator, session: CheckoutSession) -> dict[str, Any]:
    return request(simulator, "GET", f"/v1/checkout/sessions/{session.session_id}")


class TestCustomers:
    def test_is_made_once_with_our_mark(self, user: Any, stripe_api: Simulator) -> None:
        customer = get_or_create_customer(subscriber=user)
        assert customer.subscriber == user
        assert get_or_create_customer(subscriber=user) == customer
        (at_stripe,) = stripe_api.list_objects("customer")
        assert at_stripe["id"] == customer.id
        assert at_stripe["email"] == user.email
        account = user.billing_accounts.get()
        assert account.customer_id == customer.id
        assert at_stripe["metadata"]["djstripe_subscriber"] == str(user.pk)
        assert at_stripe["metadata"]["caixa_account"] == account.reference

    def test_a_row_lost_here_is_found_again_by_the_account(
        self, user: Any, stripe_api: Simulator
    ) -> None:
        first = get_or_create_customer(subscriber=user).id
        Customer.objects.all().delete()
        user.email = "new@example.com"
        found = get_or_create_customer(subscriber=user)
        assert (found.id, found.subscriber) == (first, user)

    def test_a_customer_at_stripe_with_the_same_email_is_not_adopted(
        self, user: Any, stripe_api: Simulator
    ) -> None:
        stranger = request(stripe_api, "POST", "/v1/customers", {"email": user.email})
        assert get_or_create_customer(subscriber=user).id != stranger["id"]

    def test_a_deleted_customer_is_replaced(self, user: Any, shop: Simulator) -> None:
        first = get_or_create_customer(subscriber=user)
        request(shop, "DELETE", f"/v1/customers/{first.id}")
        shop.deliver_pending()
        with pytest.raises(CustomerNotFound):
            get_customer(subscriber=user)
        assert get_or_create_customer(subscriber=user).id != first.id

    def test_of_several_the_one_with_a_subscription_is_picked(self, user: Any) -> None:
        CustomerFactory(subscriber=user)
        subscription = SubscriptionFactory(customer__subscriber=user)
        CustomerFactory(subscriber=user)
        assert get_customer(subscriber=user) == subscription.customer

    def test_a_customer_of_the_other_mode_does_not_count(self, user: Any) -> None:
        CustomerFactory(subscriber=user, livemode=True)
        with pytest.raises(CustomerNotFound):
            get_customer(subscriber=user)


class TestPrices:
    def test_lists_the_allowlist_in_its_order_in_one_query(
        self, db: None, caixa: Any, django_assert_num_queries: Any
    ) -> None:
        caixa(
            PRICES={
                "yearly": {"price_id": "price_year"},
                "missing": {"lookup_key": "never_synced"},
                "monthly": {"lookup_key": "reports_monthly"},
            }
        )
        PriceFactory()
        PriceFactory(id="price_year", lookup_key=None)
        PriceFactory(id="price_not_offered", lookup_key="other")
        with django_assert_num_queries(1):
            offers = offered_prices()
        assert [(offer.name, offer.lookup_key) for offer in offers] == [
            ("yearly", None),
            ("monthly", "reports_monthly"),
        ]
        assert offers[0].price_id == "price_year"

    @pytest.mark.parametrize(
        "row",
        [
            {"active": False},
            {"livemode": True},
            {"stripe_data": {"unit_amount": 900, "recurring": None}},
        ],
        ids=["archived", "live", "one-off"],
    )
    def test_what_cannot_be_subscribed_to_is_left_out(self, db: None, row: dict[str, Any]) -> None:
        PriceFactory(**row)
        assert offered_prices() == []

    def test_two_prices_by_id_are_told_apart(self, db: None, caixa: Any) -> None:
        caixa(PRICES={"a": {"price_id": "price_a"}, "b": {"price_id": "price_b"}})
        PriceFactory(id="price_a", lookup_key=None)
        PriceFactory(id="price_b", lookup_key=None)
        assert [offer.price_id for offer in offered_prices()] == ["price_a", "price_b"]

    @pytest.mark.parametrize("asked", ["monthly", "reports_monthly", "price_9"])
    def test_goes_by_name_lookup_key_or_id(self, db: None, asked: str) -> None:
        PriceFactory(id="price_9")
        assert get_offered_price(asked).price_id == "price_9"

    def test_an_id_for_each_mode(self, db: None, caixa: Any, settings: Any) -> None:
        caixa(
            PRICES={
                "both": {"price_id": {"test": "price_test", "live": "price_live"}},
                "live": {"price_id": {"live": "price_new"}},
            }
        )
        PriceFactory(id="price_test", lookup_key=None)
        for live in ("price_live", "price_new"):
            PriceFactory(id=live, lookup_key=None, livemode=True)
        assert [offer.price_id for offer in offered_prices()] == ["price_test"]
        settings.STRIPE_LIVE_MODE = True
        assert [offer.price_id for offer in offered_prices()] == ["price_live", "price_new"]
        with pytest.raises(PriceNotOffered):
            get_offered_price("price_test")

    @pytest.mark.parametrize("quantity", [-1, 0, 1, 6, 10**6])
    def test_a_quantity_out_of_bounds_cannot_be_bought(
        self, db: None, caixa: Any, quantity: int
    ) -> None:
        caixa(PRICES={"seats": {"lookup_key": "reports_monthly", "quantity": {"min": 2, "max": 5}}})
        PriceFactory()
        with pytest.raises(QuantityNotOffered):
            get_offered_price("seats", quantity=quantity)
        for good in (2, 5):
            assert get_offered_price("seats", quantity=good).max_quantity == 5

    def test_nothing_else_can_be_bought(self, db: None) -> None:
        PriceFactory(id="price_9", lookup_key="internal")
        for asked in ("price_9", "internal", "weekly", ""):
            with pytest.raises(PriceNotOffered):
                get_offered_price(asked)


class TestCheckout:
    def test_an_eligible_subscriber_gets_the_trial(self, user: Any, shop: Simulator) -> None:
        session = check_out(user)
        assert session.trial_days == 7
        at_stripe = stripe_session(shop, session)
        assert at_stripe["url"] == session.url
        assert at_stripe["mode"] == "subscription"
        assert at_stripe["customer"] == get_customer(subscriber=user).id
        assert at_stripe["client_reference_id"] == str(user.pk)
        assert at_stripe["success_url"] == (
            "http://testserver/done/?session_id={CHECKOUT_SESSION_ID}"
        )
        assert "djstripe_subscriber" not in at_stripe["metadata"]

    @pytest.mark.parametrize(
        ("url", "sent"),
        [
            ("http://a/?b=c#d", "http://a/?b=c&session_id={CHECKOUT_SESSION_ID}#d"),
            ("http://a/{CHECKOUT_SESSION_ID}/", "http://a/{CHECKOUT_SESSION_ID}/"),
        ],
    )
    def test_the_success_url_carries_the_session(
        self, user: Any, shop: Simulator, url: str, sent: str
    ) -> None:
        session = check_out(user, success_url=url)
        assert stripe_session(shop, session)["success_url"] == sent

    def test_trial_days_comes_from_the_settings(
        self, user: Any, shop: Simulator, caixa: Any
    ) -> None:
        caixa(TRIAL_DAYS=14)
        shop.complete_checkout(check_out(user).session_id)
        (subscription,) = shop.list_objects("subscription")
        assert subscription["trial_end"] - subscription["trial_start"] == 14 * 86400

    def test_no_trial_days_no_trial(self, user: Any, shop: Simulator, caixa: Any) -> None:
        caixa(TRIAL_DAYS=0)
        session = check_out(user)
        assert session.trial_days == 0
        shop.complete_checkout(session.session_id)
        (subscription,) = shop.list_objects("subscription")
        assert subscription["status"] == "active"

    def test_a_subscriber_cannot_subscribe_twice(self, user: Any, shop: Simulator) -> None:
        shop.complete_checkout(check_out(user).session_id)
        shop.deliver_pending()
        with pytest.raises(AlreadySubscribed):
            check_out(user)

    def test_not_even_when_no_webhook_ever_came(self, user: Any, shop: Simulator) -> None:
        shop.complete_checkout(check_out(user).session_id)
        assert Subscription.objects.count() == 0
        with pytest.raises(AlreadySubscribed):
            check_out(user)
        assert Subscription.objects.count() == 1
        assert TrialUsageTracking.objects.get(subscriber=user).has_used_trial

    def test_a_price_not_offered_costs_no_call(self, user: Any, stripe_api: Simulator) -> None:
        with pytest.raises(PriceNotOffered):
            check_out(user, price="price_made_up")
        assert stripe_api.list_objects("customer") == []

    def test_stripe_down_is_a_clear_error(self, user: Any, shop: Simulator, settings: Any) -> None:
        settings.STRIPE_API_HOST = GONE
        with pytest.raises(StripeUnavailable):
            check_out(user)

    def test_a_refusal_names_stripes_code_and_not_its_message(
        self, user: Any, shop: Simulator, caplog: pytest.LogCaptureFixture
    ) -> None:
        PriceFactory(id="price_secret_name", lookup_key="reports_monthly")
        Price.objects.exclude(id="price_secret_name").update(active=False)
        with pytest.raises(StripeRefused) as caught:
            check_out(user)
        assert caught.value.stripe_code == "resource_missing"
        assert caught.value.stripe_param == "line_items[0][price]"
        assert "price_secret_name" not in str(caught.value) + caplog.text

    def test_a_second_tab_closes_the_first(self, user: Any, shop: Simulator) -> None:
        first, second = check_out(user), check_out(user, price="yearly")
        with pytest.raises(StripeError):
            shop.complete_checkout(first.session_id)
        shop.complete_checkout(second.session_id)
        assert len(shop.list_objects("subscription")) == 1

    def test_a_tab_that_pays_while_another_opens_is_no_error_of_ours(
        self, user: Any, shop: Simulator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = check_out(user)
        expire = stripe_gateway.expire_checkout_session

        def pay_first(session_id: str) -> None:
            shop.complete_checkout(session_id)
            expire(session_id)

        monkeypatch.setattr(stripe_gateway, "expire_checkout_session", pay_first)
        with pytest.raises(AlreadySubscribed):
            check_out(user, price="yearly")
        assert get_access(user).allowed
        assert len(shop.list_objects("subscription")) == 1
        assert first.session_id == shop.list_objects("checkout.session")[0]["id"]

    def test_a_live_subscription_on_another_customer_of_theirs_counts(
        self, user: Any, shop: Simulator
    ) -> None:
        shop.complete_checkout(check_out(user).session_id)
        CustomerFactory(subscriber=user, id=_older_customer(shop, user))
        with pytest.raises(AlreadySubscribed):
            check_out(user)

    def test_an_end_nobody_told_us_of_does_not_lock_anybody_out(
        self, user: Any, shop: Simulator
    ) -> None:
        shop.complete_checkout(check_out(user).session_id)
        shop.deliver_pending()
        (subscription,) = shop.list_objects("subscription")
        request(shop, "DELETE", f"/v1/subscriptions/{subscription['id']}")
        assert get_access(user).allowed
        assert check_out(user).trial_days == 0
        assert get_access(user).code == "subscription_canceled"

    def test_a_customer_deleted_at_stripe_unheard_of_is_replaced(
        self, user: Any, shop: Simulator
    ) -> None:
        gone = get_or_create_customer(subscriber=user)
        request(shop, "DELETE", f"/v1/customers/{gone.id}")
        session = stripe_session(shop, check_out(user))
        assert session["customer"] == get_customer(subscriber=user).id != gone.id
        gone.refresh_from_db()
        assert gone.subscriber is None
        assert gone.date_purged is not None

    def test_an_error_in_what_dj_stripe_asks_for_is_mapped_too(
        self, user: Any, shop: Simulator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def unreachable(*args: Any, **kwargs: Any) -> None:
            raise stripe.APIConnectionError("with details")

        monkeypatch.setattr(Customer, "sync_from_stripe_data", unreachable)
        with pytest.raises(StripeUnavailable):
            check_out(user)


def _older_customer(shop: Simulator, user: Any) -> str:
    """Made in the dashboard for the same person, say."""
    created = request(shop, "POST", "/v1/customers", {"email": user.email})
    Customer.objects.update(subscriber=user)
    return str(created["id"])


class TestCompleteCheckout:
    def test_shows_access_at_once_without_webhooks(self, user: Any, shop: Simulator) -> None:
        session = check_out(user)
        shop.complete_checkout(session.session_id)
        access = complete_checkout(subscriber=user, session_id=session.session_id)
        assert access.allowed
        assert access.is_trialing
        assert not is_trial_eligible(subscriber=user)

    def test_may_be_repeated(self, user: Any, shop: Simulator) -> None:
        session = check_out(user)
        shop.complete_checkout(session.session_id)
        for _visit in range(2):
            complete_checkout(subscriber=user, session_id=session.session_id)
        shop.deliver_pending()
        assert Subscription.objects.count() == TrialUsageTracking.objects.count() == 1

    def test_an_open_session_gives_nothing_yet(self, user: Any, shop: Simulator) -> None:
        session = check_out(user)
        access = complete_checkout(subscriber=user, session_id=session.session_id)
        assert not access.allowed
        assert Subscription.objects.count() == 0

    def test_a_strangers_session_does_not_exist(self, user: Any, shop: Simulator) -> None:
        session = check_out(user)
        shop.complete_checkout(session.session_id)
        stranger = UserFactory()
        with pytest.raises(CheckoutSessionNotFound):
            complete_checkout(subscriber=stranger, session_id=session.session_id)
        assert not get_access(stranger).allowed
        assert Subscription.objects.count() == 0
        assert Customer.objects.get().subscriber == user

    @pytest.mark.parametrize(
        "session_id",
        ["cs_test_unknown", "", "cs_test_a/../../customers", "sub_1", "cs_test_" + "a" * 300],
    )
    def test_an_unknown_session_does_not_exist(
        self, user: Any, shop: Simulator, session_id: str
    ) -> None:
        with pytest.raises(CheckoutSessionNotFound):
            complete_checkout(subscriber=user, session_id=session_id)

    def test_a_wrong_key_is_not_mistaken_for_an_unknown_session(
        self, user: Any, shop: Simulator, settings: Any
    ) -> None:
        settings.STRIPE_TEST_SECRET_KEY = "sk_live_" + "0" * 24
        with pytest.raises(StripeRefused):
            complete_checkout(subscriber=user, session_id="cs_test_unknown")


class TestTrials:
    def test_a_newcomer_is_eligible(self, user: Any) -> None:
        assert is_trial_eligible(subscriber=user)

    @pytest.mark.parametrize("status", ["canceled", "incomplete_expired", "trialing", "unpaid"])
    def test_any_past_subscription_ends_it(self, user: Any, status: str) -> None:
        SubscriptionFactory(customer__subscriber=user, payload={"status": status})
        assert not is_trial_eligible(subscriber=user)

    def test_a_used_trial_ends_it(self, user: Any) -> None:
        TrialUsageTracking.objects.create(subscriber=user, has_used_trial=True)
        assert not is_trial_eligible(subscriber=user)

    def test_a_row_that_says_unused_does_not(self, user: Any) -> None:
        TrialUsageTracking.objects.create(subscriber=user)
        assert is_trial_eligible(subscriber=user)

    def test_a_trial_in_test_mode_does_not_spend_the_real_one(
        self, user: Any, settings: Any
    ) -> None:
        TrialUsageTracking.objects.create(subscriber=user, has_used_trial=True)
        SubscriptionFactory(customer__subscriber=user)
        settings.STRIPE_LIVE_MODE = True
        assert is_trial_eligible(subscriber=user)

    def test_a_subscription_without_a_trial_is_remembered_all_the_same(self, user: Any) -> None:
        subscription = SubscriptionFactory(customer__subscriber=user)
        assert record_subscription(subscription=subscription)
        assert not record_subscription(subscription=subscription)
        usage = TrialUsageTracking.objects.get()
        assert not usage.has_used_trial
        assert usage.trial_used_at is None
        subscription.customer.delete()
        assert not is_trial_eligible(subscriber=user)

    def test_a_trial_after_a_paid_subscription_is_recorded_as_one(self, user: Any) -> None:
        customer = CustomerFactory(subscriber=user)
        record_subscription(subscription=SubscriptionFactory(customer=customer))
        trial = SubscriptionFactory(customer=customer, payload={"trial_end": 1_790_000_000})
        assert record_subscription(subscription=trial)
        usage = TrialUsageTracking.objects.get()
        assert usage.has_used_trial
        assert usage.subscription_id == trial.id

    def test_an_unlinked_customer_spends_none(self, db: None) -> None:
        subscription = SubscriptionFactory(
            customer__subscriber=None, payload={"trial_end": 1_780_000_000}
        )
        assert not record_subscription(subscription=subscription)

    def test_the_first_use_is_the_one_recorded(self, user: Any) -> None:
        customer = CustomerFactory(subscriber=user)
        first, second = (
            SubscriptionFactory(
                customer=customer,
                payload={"trial_start": start, "trial_end": start + 7 * 86400},
            )
            for start in (1_780_000_000, 1_790_000_000)
        )
        assert record_subscription(subscription=first)
        assert not record_subscription(subscription=second)
        usage = TrialUsageTracking.objects.get()
        assert usage.subscription_id == first.id
        assert usage.trial_used_at is not None
        assert usage.trial_used_at.timestamp() == 1_780_000_000

    def test_the_record_outlives_the_user(self, user: Any) -> None:
        TrialUsageTracking.objects.create(subscriber=user, has_used_trial=True)
        user.delete()
        assert TrialUsageTracking.objects.get().subscriber is None


class TestPortal:
    def test_opens_for_the_subscribers_customer(self, user: Any, shop: Simulator) -> None:
        customer = get_or_create_customer(subscriber=user)
        url = create_portal_session(subscriber=user, return_url="http://testserver/billing/")
        session = shop.get_portal_session(url.rsplit("/", 1)[1])
        assert session["customer"] == customer.id
        assert session["return_url"] == "http://testserver/billing/"

    def test_a_customer_deleted_at_stripe_is_no_customer(self, user: Any, shop: Simulator) -> None:
        customer = get_or_create_customer(subscriber=user)
        request(shop, "DELETE", f"/v1/customers/{customer.id}")
        for _again in range(2):
            with pytest.raises(CustomerNotFound):
                create_portal_session(subscriber=user, return_url="http://testserver/")

    def test_another_refusal_is_not_mistaken_for_a_missing_customer(
        self, user: Any, stripe_api: Simulator, settings: Any
    ) -> None:
        CustomerFactory(subscriber=user)
        settings.STRIPE_TEST_SECRET_KEY = "sk_" + "live_" + "0" * 24
        with pytest.raises(StripeRefused):
            create_portal_session(subscriber=user, return_url="http://testserver/")
        assert get_customer(subscriber=user)

    def test_needs_a_customer(self, user: Any, stripe_api: Simulator) -> None:
        with pytest.raises(CustomerNotFound):
            create_portal_session(subscriber=user, return_url="http://testserver/")


def test_the_whole_life_of_a_trial(user: Any, shop: Simulator, caixa: Any) -> None:
    """Trial, cancellation in the portal, the end, and no second trial."""
    shop.complete_checkout(check_out(user).session_id)
    shop.deliver_pending()
    assert get_access(user).is_trialing

    url = create_portal_session(subscriber=user, return_url="http://testserver/")
    (subscription,) = shop.list_objects("subscription")
    shop.portal_cancel(url.rsplit("/", 1)[1], subscription["id"])
    shop.deliver_pending()
    access = get_access(user)
    assert access.allowed
    assert access.cancel_at == access.trial_end == access.access_until
    assert not access.cancel_at_period_end

    advance(shop, days=8)
    assert get_access(user).code == "subscription_canceled"
    assert check_out(user).trial_days == 0


def test_a_trial_left_alone_is_charged_an_hour_after_its_end(user: Any, shop: Simulator) -> None:
    shop.complete_checkout(check_out(user).session_id)
    advance(shop, days=7)
    assert get_access(user).status == "active"
    (draft,) = shop.list_objects("invoice", status="draft")
    assert draft["billing_reason"] == "subscription_cycle"
    advance(shop, hours=1)
    paid = request(shop, "GET", f"/v1/invoices/{draft['id']}")
    assert (paid["status"], paid["amount_paid"]) == ("paid", 900)
    assert get_access(user).status == "active"


def test_a_card_that_fails_makes_it_past_due(user: Any, shop: Simulator) -> None:
    shop.complete_checkout(check_out(user).session_id, card_number="4000000000000341")
    advance(shop, days=8)
    assert get_access(user).status == "past_due"
