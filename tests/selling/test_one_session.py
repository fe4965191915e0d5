"""One open Checkout Session per subscriber: used again, replaced, closed."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from caixa_subscriptions import stripe_gateway
from caixa_subscriptions.access import get_access
from caixa_subscriptions.exceptions import (
    AlreadySubscribed,
    CheckoutSessionNotFound,
    StripeUnavailable,
)
from caixa_subscriptions.models import CheckoutAttempt, TrialUsageTracking
from caixa_subscriptions.services.checkout import complete_checkout
from caixa_subscriptions.services.trials import is_trial_eligible
from caixa_subscriptions.simulator import Simulator
from tests.conftest import advance, request
from tests.factories import UserFactory
from tests.test_checkout import check_out, stripe_session


def sessions(shop: Simulator, status: str = "open") -> list[str]:
    return [one["id"] for one in shop.list_objects("checkout.session", status=status)]


class TestTheSameAgain:
    def test_is_the_same_session(self, user: Any, shop: Simulator) -> None:
        first = check_out(user)
        assert check_out(user) == first
        assert sessions(shop) == [first.session_id]
        attempt = CheckoutAttempt.objects.get()
        assert (attempt.session_id, attempt.status) == (first.session_id, "open")
        assert (attempt.subscriber, attempt.trial_days) == (user, 7)

    @pytest.mark.parametrize(
        "other",
        [
            {"price": "yearly"},
            {"success_url": "http://testserver/elsewhere/"},
            {"cancel_url": "http://testserver/elsewhere/"},
        ],
        ids=lambda other: next(iter(other)),
    )
    def test_another_one_is_not(self, user: Any, shop: Simulator, other: Any) -> None:
        first = check_out(user)
        second = check_out(user, **other)
        assert sessions(shop) == [second.session_id]
        assert sessions(shop, "expired") == [first.session_id]
        attempts = dict(CheckoutAttempt.objects.values_list("session_id", "status"))
        assert attempts == {first.session_id: "expired", second.session_id: "open"}

    def test_nor_without_the_trial(self, user: Any, shop: Simulator, caixa: Any) -> None:
        first = check_out(user)
        caixa(TRIAL_DAYS=0)
        second = check_out(user)
        assert (first.trial_days, second.trial_days) == (7, 0)
        assert sessions(shop) == [second.session_id]

    def test_nor_shortly_before_it_expires(self, user: Any, shop: Simulator, caixa: Any) -> None:
        first = check_out(user)
        expires_at = stripe_session(shop, first)["expires_at"]
        _late["now"] = dt.datetime.fromtimestamp(expires_at, dt.UTC) - dt.timedelta(minutes=10)
        caixa(CLOCK="tests.selling.test_one_session.late")
        assert check_out(user).session_id != first.session_id

    def test_somebody_else_gets_one_of_their_own(self, user: Any, shop: Simulator) -> None:
        mine, theirs = check_out(user), check_out(UserFactory())
        assert sorted(sessions(shop)) == sorted([mine.session_id, theirs.session_id])

    def test_no_url_is_stored(self, user: Any, shop: Simulator) -> None:
        url = check_out(user).url
        row = CheckoutAttempt.objects.values().get()
        assert url not in [str(value) for value in row.values()]
        assert not [value for value in row.values() if "http" in str(value)]

    def test_one_that_was_opened_and_never_answered_is_found(
        self, user: Any, shop: Simulator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As after a kill between Stripe's commit and ours."""
        create = stripe_gateway.create_checkout_session

        def lose(params: Any, *, scope: str) -> Any:
            create(params, scope=scope)
            raise StripeUnavailable

        with monkeypatch.context() as patch:
            patch.setattr(stripe_gateway, "create_checkout_session", lose)
            with pytest.raises(StripeUnavailable):
                check_out(user)
        assert not CheckoutAttempt.objects.exists()
        (lost,) = sessions(shop)
        assert check_out(user).session_id == lost
        assert CheckoutAttempt.objects.get().session_id == lost


_late: dict[str, dt.datetime] = {}


def late() -> dt.datetime:
    return _late["now"]


class TestTheTrial:
    def test_is_held_for_the_session(self, user: Any, shop: Simulator) -> None:
        first = check_out(user)
        usage = TrialUsageTracking.objects.get()
        assert usage.checkout_session_id == first.session_id
        second = check_out(user, price="yearly")
        shop.deliver_pending()  # that the first one expired
        usage.refresh_from_db()
        assert usage.checkout_session_id == second.session_id
        assert usage.reserved_until is not None
        assert usage.identities.exists()

    def test_is_free_again_when_the_session_expires(self, user: Any, shop: Simulator) -> None:
        check_out(user)
        assert not is_trial_eligible(subscriber=UserFactory(email=user.email.replace("@", "+tag@")))
        advance(shop, hours=25)
        assert CheckoutAttempt.objects.get().status == "expired"
        usage = TrialUsageTracking.objects.get()
        assert (usage.has_used_trial, usage.checkout_session_id) == (False, "")
        assert is_trial_eligible(subscriber=user)
        assert check_out(user).trial_days == 7

    def test_is_spent_when_it_is_complete(self, user: Any, shop: Simulator) -> None:
        shop.complete_checkout(check_out(user).session_id)
        shop.deliver_pending()
        assert CheckoutAttempt.objects.get().status == "complete"
        assert TrialUsageTracking.objects.get().has_used_trial

    def test_an_expiry_that_is_told_late_takes_nothing_away(
        self, user: Any, shop: Simulator
    ) -> None:
        first = check_out(user)
        second = check_out(user, price="yearly")
        shop.complete_checkout(second.session_id)
        shop.deliver_pending()
        attempts = dict(CheckoutAttempt.objects.values_list("session_id", "status"))
        assert attempts == {first.session_id: "expired", second.session_id: "complete"}
        assert TrialUsageTracking.objects.get().has_used_trial


class TestTheSuccessPage:
    def test_closes_the_attempt(self, user: Any, shop: Simulator) -> None:
        session = check_out(user)
        complete_checkout(subscriber=user, session_id=session.session_id)
        assert CheckoutAttempt.objects.get().status == "open"
        shop.complete_checkout(session.session_id)
        for _visit in range(2):
            assert complete_checkout(subscriber=user, session_id=session.session_id).allowed
            assert CheckoutAttempt.objects.get().status == "complete"

    def test_a_session_opened_for_somebody_else_does_not_exist(
        self, user: Any, shop: Simulator
    ) -> None:
        """The customer has been given to somebody else meanwhile."""
        session = check_out(user)
        CheckoutAttempt.objects.update(subscriber=UserFactory())
        shop.complete_checkout(session.session_id)
        with pytest.raises(CheckoutSessionNotFound):
            complete_checkout(subscriber=user, session_id=session.session_id)
        assert not get_access(user).allowed

    def test_works_where_a_kill_came_before_our_record(self, user: Any, shop: Simulator) -> None:
        session = check_out(user)
        CheckoutAttempt.objects.all().delete()
        shop.complete_checkout(session.session_id)
        assert complete_checkout(subscriber=user, session_id=session.session_id).allowed


class TestPerProduct:
    @pytest.fixture
    def other(self, shop: Simulator, caixa: Any) -> str:
        """The name of an offer of another product."""
        product = request(shop, "POST", "/v1/products", {"name": "Archive"})
        price = {"product": product["id"], "currency": "usd", "unit_amount": "500"}
        recurring = {"lookup_key": "archive", "recurring": {"interval": "month"}}
        request(shop, "POST", "/v1/prices", {**price, **recurring})
        shop.deliver_pending()
        caixa(
            PRICES={
                "monthly": {"lookup_key": "reports_monthly"},
                "yearly": {"lookup_key": "reports_yearly"},
                "archive": {"lookup_key": "archive"},
            },
            ONE_SUBSCRIPTION_PER="product",
        )
        return "archive"

    def test_another_product_may_be_bought(self, user: Any, shop: Simulator, other: str) -> None:
        shop.complete_checkout(check_out(user).session_id)
        shop.complete_checkout(check_out(user, price=other).session_id)
        shop.deliver_pending()
        statuses = [one["status"] for one in shop.list_objects("subscription")]
        assert sorted(statuses) == ["active", "trialing"]
        for price in ("yearly", other):
            with pytest.raises(AlreadySubscribed):
                check_out(user, price=price)

    def test_but_not_with_one_for_each_subscriber(
        self, user: Any, shop: Simulator, other: str, caixa: Any
    ) -> None:
        caixa(ONE_SUBSCRIPTION_PER="subscriber")
        shop.complete_checkout(check_out(user).session_id)
        with pytest.raises(AlreadySubscribed):
            check_out(user, price=other)
