"""Two sessions paid in two tabs: one live subscription, one alert, the other one's money back."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator
from io import StringIO
from itertools import permutations
from typing import Any

import pytest
from django.core.management import call_command
from djstripe.models import Subscription

from caixa_subscriptions import signals, stripe_gateway
from caixa_subscriptions.access import live_subscriptions
from caixa_subscriptions.exceptions import StripeMisconfigured, StripeRefused, StripeUnavailable
from caixa_subscriptions.models import Remedy
from caixa_subscriptions.services.checkout import complete_checkout
from caixa_subscriptions.services.customers import get_customer, get_or_create_customer
from caixa_subscriptions.services.remedies import carry_out_remedies
from caixa_subscriptions.services.second_subscriptions import COMMENT
from caixa_subscriptions.simulator import Simulator
from tests.conftest import advance, request
from tests.factories import UserFactory
from tests.test_checkout import check_out

pytestmark = pytest.mark.django_db(transaction=True)

TOLD = ("customer.subscription.created", "checkout.session.completed")


@pytest.fixture
def alerts() -> Iterator[list[Remedy]]:
    told: list[Remedy] = []

    def receive(remedy: Remedy, **kwargs: Any) -> None:
        told.append(remedy)

    signals.remedy_applied.connect(receive)
    yield told
    signals.remedy_applied.disconnect(receive)


@pytest.fixture
def paid(caixa: Any, shop: Simulator) -> Simulator:
    """Sells without a trial, so that money has been taken."""
    caixa(TRIAL_DAYS=0)
    return shop


def open_another(shop: Simulator, user: Any) -> str:
    """A second session, past our lock: opened by somebody's own code, or in a race."""
    (price,) = (
        price["id"]
        for price in shop.list_objects("price")
        if price["lookup_key"] == "reports_yearly"
    )
    params = {
        "mode": "subscription",
        "customer": get_customer(subscriber=user).id,
        "success_url": "http://testserver/",
        "line_items": [{"price": price}],
    }
    return str(request(shop, "POST", "/v1/checkout/sessions", params)["id"])


def pay_twice(shop: Simulator, user: Any) -> list[dict[str, Any]]:
    """The two subscriptions, in the order in which they were paid."""
    first = check_out(user).session_id
    second = open_another(shop, user)
    found = []
    for session_id in (first, second):
        session = shop.complete_checkout(session_id)
        found.append(request(shop, "GET", f"/v1/subscriptions/{session['subscription']}"))
        advance_one_second(shop)
    return found


def advance_one_second(shop: Simulator) -> None:
    assert shop.default_clock_id
    shop.advance_clock(shop.default_clock_id, shop.now() + 1, wait=True)


def status_of(shop: Simulator, subscription: dict[str, Any]) -> str:
    return str(request(shop, "GET", f"/v1/subscriptions/{subscription['id']}")["status"])


def refunded(shop: Simulator) -> list[int]:
    return [one["amount"] for one in shop.list_objects("refund")]


class TestEveryOrder:
    def test_of_webhooks_comes_to_the_same(
        self, paid: Simulator, alerts: list[Remedy], caplog: pytest.LogCaptureFixture
    ) -> None:
        orders = list(permutations([(who, kind) for who in (0, 1) for kind in TOLD]))
        assert len(orders) == 24
        caplog.set_level(logging.WARNING, "caixa_subscriptions.services.remedies")
        for order in orders:
            user = UserFactory()
            alerts.clear()
            caplog.clear()
            before = len(refunded(paid))
            hold = paid.control.webhooks
            hold.hold()
            first, second = pay_twice(paid, user)
            paid.deliver_pending()
            held = hold.held()
            ids = {}
            for delivery in held:
                about = request(paid, "GET", f"/v1/events/{delivery.event_id}")["data"]["object"]
                named = about.get("subscription") or about["id"]
                for who, one in enumerate((first, second)):
                    if named == one["id"] and delivery.event_type in TOLD:
                        ids[(who, delivery.event_type)] = delivery.event_id
            hold.release([ids[one] for one in order])
            hold.release()
            paid.deliver_pending()
            assert (status_of(paid, first), status_of(paid, second)) == ("active", "canceled")
            assert [one.subscription_id for one in alerts] == [second["id"]]
            assert alerts[0].kept_subscription_id == first["id"]
            assert len([one for one in caplog.records if second["id"] in one.getMessage()]) == 1
            assert refunded(paid)[: len(refunded(paid)) - before] == [9000]
            (live,) = live_subscriptions(user)
            assert live.id == first["id"]

    def test_of_one_second_too(self, paid: Simulator, alerts: list[Remedy], user: Any) -> None:
        sessions = [check_out(user).session_id]
        sessions.append(open_another(paid, user))
        found = [paid.complete_checkout(one)["subscription"] for one in sessions]
        paid.deliver_pending()
        kept, ended = sorted(found)
        assert [one.subscription_id for one in alerts] == [ended]
        assert status_of(paid, {"id": kept}) == "active"
        assert status_of(paid, {"id": ended}) == "canceled"


class TestThePages:
    def test_one_page_without_webhooks_is_enough(
        self, paid: Simulator, alerts: list[Remedy], user: Any
    ) -> None:
        session_id = check_out(user).session_id
        other = open_another(paid, user)
        for one in (session_id, other):
            paid.complete_checkout(one)
            advance_one_second(paid)
        for one in (other, session_id, other):
            assert complete_checkout(subscriber=user, session_id=one).allowed
        assert len(alerts) == 1
        assert len(live_subscriptions(user)) == 1
        assert refunded(paid) == [9000]


class TestWhatIsGivenBack:
    def test_nothing_for_a_trial(self, shop: Simulator, alerts: list[Remedy], user: Any) -> None:
        session_id = check_out(user).session_id
        other = open_another(shop, user)
        shop.complete_checkout(other)
        advance_one_second(shop)
        shop.complete_checkout(session_id)
        shop.deliver_pending()
        statuses = sorted(one["status"] for one in shop.list_objects("subscription"))
        assert statuses == ["active", "canceled"]
        assert len(alerts) == 1
        assert refunded(shop) == []

    def test_what_people_gave_back_already_is_no_error(
        self, paid: Simulator, alerts: list[Remedy], user: Any
    ) -> None:
        hold = paid.control.webhooks
        hold.hold()
        _first, second = pay_twice(paid, user)
        (intent,) = (
            one["id"] for one in paid.list_objects("payment_intent") if one["amount"] == 9000
        )
        request(paid, "POST", "/v1/refunds", {"payment_intent": intent})
        hold.release()
        paid.deliver_pending()
        assert status_of(paid, second) == "canceled"
        assert refunded(paid) == [9000]
        assert len(alerts) == 1

    def test_the_cancellation_says_why(self, paid: Simulator, user: Any) -> None:
        _first, second = pay_twice(paid, user)
        paid.deliver_pending()
        ended = request(paid, "GET", f"/v1/subscriptions/{second['id']}")
        assert ended["cancellation_details"]["comment"] == COMMENT
        assert paid.list_objects("invoiceitem") == []


class TestWhatFails:
    @pytest.mark.parametrize(
        "step", ["retrieve_subscription", "cancel_subscription", "list_invoices", "create_refund"]
    )
    def test_is_tried_again(
        self,
        paid: Simulator,
        alerts: list[Remedy],
        user: Any,
        step: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        def fail(*args: Any, **kwargs: Any) -> Any:
            raise StripeUnavailable

        with monkeypatch.context() as patch:
            patch.setattr(stripe_gateway, step, fail)
            _first, second = pay_twice(paid, user)
            paid.deliver_pending()
            assert alerts == []
            assert Remedy.objects.get().done_at is None
        assert carry_out_remedies(subscriber=user) == 1
        assert status_of(paid, second) == "canceled"
        assert refunded(paid) == [9000]
        assert len(alerts) == 1
        assert carry_out_remedies(subscriber=user) == 0

    def test_what_stripe_never_gives_back_is_flagged(
        self,
        paid: Simulator,
        alerts: list[Remedy],
        user: Any,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        def refuse(*args: Any, **kwargs: Any) -> Any:
            raise StripeRefused(stripe_code="charge_disputed", stripe_param=None)

        monkeypatch.setattr(stripe_gateway, "create_refund", refuse)
        _first, second = pay_twice(paid, user)
        paid.deliver_pending()
        assert status_of(paid, second) == "canceled"
        assert [(one.policy, one.done_at is None) for one in alerts] == [("flag", True)]
        remedy = Remedy.objects.get()
        assert (remedy.policy, remedy.done_at is None) == ("flag", False)

    def test_a_key_that_may_not_refund_is_tried_again(
        self,
        paid: Simulator,
        alerts: list[Remedy],
        user: Any,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        def forbid(*args: Any, **kwargs: Any) -> Any:
            raise StripeMisconfigured(stripe_code=None, stripe_param=None)

        with monkeypatch.context() as patch:
            patch.setattr(stripe_gateway, "create_refund", forbid)
            pay_twice(paid, user)
            paid.deliver_pending()
        assert (alerts, Remedy.objects.get().done_at) == ([], None)
        assert carry_out_remedies(subscriber=user) == 1
        assert refunded(paid) == [9000]

    def test_after_the_work_but_before_the_note_gives_nothing_back_twice(
        self, paid: Simulator, alerts: list[Remedy], user: Any
    ) -> None:
        pay_twice(paid, user)
        paid.deliver_pending()
        Remedy.objects.update(done_at=None, claimed_until=None)
        assert carry_out_remedies(subscriber=user) == 1
        assert refunded(paid) == [9000]


class TestWhatIsLeftAlone:
    def test_by_policy(self, paid: Simulator, alerts: list[Remedy], user: Any, caixa: Any) -> None:
        caixa(SECOND_SUBSCRIPTION="flag")
        first, second = pay_twice(paid, user)
        paid.deliver_pending()
        assert (status_of(paid, first), status_of(paid, second)) == ("active", "active")
        assert [one.policy for one in alerts] == ["flag"]
        assert refunded(paid) == []

    def test_one_for_each_product(
        self, paid: Simulator, alerts: list[Remedy], user: Any, caixa: Any
    ) -> None:
        """The two prices are of one product, so one of them goes."""
        caixa(ONE_SUBSCRIPTION_PER="product")
        pay_twice(paid, user)
        paid.deliver_pending()
        assert len(alerts) == 1

    def test_one_that_was_not_sold_by_checkout_is_flagged(
        self, paid: Simulator, alerts: list[Remedy], user: Any
    ) -> None:
        paid.complete_checkout(check_out(user).session_id)
        advance_one_second(paid)
        customer = get_customer(subscriber=user).id
        (card,) = (one["id"] for one in paid.list_objects("payment_method"))
        price = paid.list_objects("price")[0]["id"]
        made = request(
            paid,
            "POST",
            "/v1/subscriptions",
            {"customer": customer, "items": [{"price": price}], "default_payment_method": card},
        )
        paid.deliver_pending()
        assert status_of(paid, made) == "active"
        assert [one.policy for one in alerts] == ["flag"]

    def test_one_whose_rival_has_ended_unheard_of(
        self, paid: Simulator, alerts: list[Remedy], user: Any
    ) -> None:
        """Its end is told late: our table has two live ones, and Stripe one."""
        hold = paid.control.webhooks
        first, second = (None, None)
        paid.complete_checkout(check_out(user).session_id)
        paid.deliver_pending()
        (first,) = paid.list_objects("subscription")
        hold.hold(type="customer.subscription.deleted")
        request(paid, "DELETE", f"/v1/subscriptions/{first['id']}")
        session = paid.complete_checkout(open_another(paid, user))
        second = {"id": session["subscription"]}
        paid.deliver_pending()
        assert status_of(paid, second) == "active"
        assert alerts == []
        assert not Remedy.objects.exists()
        hold.release()
        assert [one.id for one in live_subscriptions(user)] == [second["id"]]

    def test_one_from_long_ago_is_flagged(
        self, paid: Simulator, alerts: list[Remedy], user: Any, caixa: Any
    ) -> None:
        hold = paid.control.webhooks
        hold.hold()
        pay_twice(paid, user)
        Subscription.objects.all().delete()
        caixa(CLOCK="tests.selling.test_second_subscription.days_later")
        _days["simulator"] = paid
        hold.release()
        paid.deliver_pending()
        assert [one.policy for one in alerts] == ["flag"]
        assert refunded(paid) == []

    def test_somebody_elses(self, paid: Simulator, alerts: list[Remedy], user: Any) -> None:
        for one in (user, UserFactory()):
            paid.complete_checkout(check_out(one).session_id)
        paid.deliver_pending()
        assert alerts == []


_days: dict[str, Any] = {}


def days_later() -> Any:
    return dt.datetime.fromtimestamp(_days["simulator"].now(), dt.UTC) + dt.timedelta(days=4)


def test_a_renewal_is_no_second_subscription(
    paid: Simulator, alerts: list[Remedy], user: Any
) -> None:
    paid.complete_checkout(check_out(user).session_id)
    advance(paid, days=32)
    assert alerts == []


class TestWhatItsOwnerCanceled:
    """Who sees two charges may cancel one before we do."""

    def test_before_we_heard_of_it(self, paid: Simulator, alerts: list[Remedy], user: Any) -> None:
        hold = paid.control.webhooks
        hold.hold()
        first, second = pay_twice(paid, user)
        request(paid, "DELETE", f"/v1/subscriptions/{second['id']}")
        hold.release()
        paid.deliver_pending()
        assert status_of(paid, first) == "active"
        assert refunded(paid) == [9000]
        assert [one.subscription_id for one in alerts] == [second["id"]]

    def test_after_our_work_failed(self, paid: Simulator, alerts: list[Remedy], user: Any) -> None:
        paid.control.fail(500, method="DELETE", times=None)
        _first, second = pay_twice(paid, user)
        paid.deliver_pending()
        paid.control.clear()
        assert Remedy.objects.get().done_at is None
        request(paid, "DELETE", f"/v1/subscriptions/{second['id']}")
        paid.deliver_pending()
        assert refunded(paid) == [9000]
        assert len(alerts) == 1

    def test_the_first_one_is_the_one_that_goes(
        self, paid: Simulator, alerts: list[Remedy], user: Any
    ) -> None:
        hold = paid.control.webhooks
        hold.hold()
        first, second = pay_twice(paid, user)
        request(paid, "DELETE", f"/v1/subscriptions/{first['id']}")
        hold.release()
        paid.deliver_pending()
        assert status_of(paid, second) == "active"
        assert (refunded(paid), alerts) == ([], [])


class TestVouchers:
    @pytest.fixture
    def brl(self, paid: Simulator) -> str:
        product = request(paid, "POST", "/v1/products", {"name": "Reports"})["id"]
        price = {"product": product, "currency": "brl", "unit_amount": "9900"}
        return str(
            request(paid, "POST", "/v1/prices", {**price, "recurring": {"interval": "month"}})["id"]
        )

    def pay(self, shop: Simulator, user: Any, price: str, kind: str) -> str:
        """The second subscription, whose voucher is still to be paid."""
        customer = get_or_create_customer(subscriber=user).id
        sessions = [
            request(
                shop,
                "POST",
                "/v1/checkout/sessions",
                {
                    "mode": "subscription",
                    "customer": customer,
                    "success_url": "http://testserver/",
                    "line_items": [{"price": price, "quantity": 1}],
                    "payment_method_types": ["card", kind],
                },
            )["id"]
            for _ in range(2)
        ]
        shop.complete_checkout(sessions[0])
        advance_one_second(shop)
        return str(
            shop.complete_checkout(sessions[1], card_number="", pays_by=kind)["subscription"]
        )

    @pytest.mark.parametrize("kind", ["pix", "boleto"])
    def test_one_that_is_open_can_be_paid_no_more(
        self, paid: Simulator, alerts: list[Remedy], user: Any, brl: str, kind: str
    ) -> None:
        second = self.pay(paid, user, brl, kind)
        paid.deliver_pending()
        assert status_of(paid, {"id": second}) == "canceled"
        assert len(alerts) == 1
        (invoice,) = (
            one
            for one in paid.list_objects("invoice")
            if one["parent"]["subscription_details"]["subscription"] == second
        )
        assert invoice["status"] == "void"

    def test_one_that_is_paid_all_the_same_is_given_back(
        self,
        paid: Simulator,
        alerts: list[Remedy],
        user: Any,
        brl: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        def is_being_paid(invoice_id: str) -> None:
            raise StripeRefused(stripe_code=None, stripe_param=None)

        monkeypatch.setattr(stripe_gateway, "void_invoice", is_being_paid)
        self.pay(paid, user, brl, "pix")
        paid.deliver_pending()
        assert (refunded(paid), len(alerts)) == ([], 1)
        (intent,) = (
            one for one in paid.list_objects("payment_intent") if one["status"] == "requires_action"
        )
        paid.pay_voucher(intent["id"])
        advance(paid, days=4)
        paid.deliver_pending()
        assert refunded(paid) == [9900]
        assert len(alerts) == 1
        assert Remedy.objects.get().done_at is not None


def test_one_that_competes_only_since_a_change_of_plan_is_flagged(
    paid: Simulator, alerts: list[Remedy], user: Any, caixa: Any, settings: Any
) -> None:
    product = request(paid, "POST", "/v1/products", {"name": "Other"})["id"]
    price = {"product": product, "currency": "usd", "unit_amount": "500", "lookup_key": "other"}
    other = request(paid, "POST", "/v1/prices", {**price, "recurring": {"interval": "month"}})["id"]
    call_command("sync_stripe", only=["products", "prices"], stdout=StringIO())
    prices = {**settings.CAIXA_SUBSCRIPTIONS["PRICES"], "other": {"lookup_key": "other"}}
    caixa(ONE_SUBSCRIPTION_PER="product", PRICES=prices)
    one = paid.complete_checkout(check_out(user).session_id)["subscription"]
    advance_one_second(paid)
    two = paid.complete_checkout(check_out(user, price="other").session_id)["subscription"]
    paid.deliver_pending()
    assert alerts == []
    advance(paid, days=1)
    (item,) = request(paid, "GET", f"/v1/subscriptions/{one}")["items"]["data"]
    change = {"items": [{"id": item["id"], "price": other}]}
    request(paid, "POST", f"/v1/subscriptions/{one}", change)
    paid.deliver_pending()
    assert [status_of(paid, {"id": id_}) for id_ in (one, two)] == ["active", "active"]
    assert [one.policy for one in alerts] == ["flag"]
    assert refunded(paid) == []
