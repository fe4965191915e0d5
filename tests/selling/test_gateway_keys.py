"""Idempotency keys that fail: forgotten after a day, stuck on a 500, or answering of the past."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from caixa_subscriptions import stripe_gateway
from caixa_subscriptions.exceptions import (
    StripeMisconfigured,
    StripeRefused,
    StripeUnavailable,
)
from caixa_subscriptions.models import StripeRequest
from caixa_subscriptions.simulator import Simulator
from tests.selling.writes import WRITES, PassingTime, Shop, Write, ask, furnish

pytestmark = pytest.mark.django_db

ANA = "ana@example.com"
DAY = 24 * 3600


class Wall:
    """Stripe's wall clock, by which it forgets keys."""

    def __init__(self) -> None:
        self.now = int(timezone.now().timestamp())

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
def simulator(wall: Wall) -> Iterator[Simulator]:
    simulator = Simulator(seed=1, now=wall)
    yield simulator
    simulator.close()


@pytest.fixture
def shop(simulator: Simulator) -> Shop:
    return furnish(simulator)


@pytest.fixture(autouse=True)
def stripe(
    simulator: Simulator, stripe_clock: stripe_gateway.SkippingClock
) -> Iterator[PassingTime]:
    client = PassingTime(simulator, stripe_clock)
    with stripe_gateway.replaced_http_client(client):
        yield client


def pass_days(simulator: Simulator, wall: Wall, days: float) -> None:
    wall.now += int(days * DAY)
    ask(simulator, "GET", "/v1/products")  # what is due comes about with a call
    for row in StripeRequest.objects.all():
        earlier = row.created - dt.timedelta(days=days)
        StripeRequest.objects.filter(pk=row.pk).update(created=earlier)


def lose_the_answer(simulator: Simulator, write: Any, *args: Any) -> None:
    """Carried out at Stripe, and nobody here knows."""
    fault = simulator.control.drop("after", method="POST", times=None)
    with pytest.raises(StripeUnavailable):
        write(*args)
    simulator.control.clear(fault.id)
    assert fault.injected > 1
    assert StripeRequest.objects.count() == 1


def new_customer(**params: Any) -> Any:
    sent: Any = {"email": ANA, **params}
    return stripe_gateway.create_customer(sent, scope="subscriber:1", record=lambda new: None)


def new_session(shop: Shop) -> Any:
    return stripe_gateway.create_checkout_session(
        {
            "mode": "subscription",
            "customer": shop.customer,
            "line_items": [{"price": shop.price, "quantity": 1}],
            "success_url": "https://shop.test/",
        },
        scope=shop.customer,
    )


def extend(shop: Shop, **params: Any) -> Any:
    sent: Any = params
    return stripe_gateway.update_subscription(shop.subscription, sent, scope=shop.subscription)


MADE_ONCE = [write for write in WRITES if write.found_out and write.name.startswith("create")]


@pytest.mark.parametrize("write", MADE_ONCE, ids=lambda write: write.name)
@pytest.mark.parametrize("days", [0.5, 0.97, 1.5, 40])
def test_a_request_of_long_ago_is_found_and_not_sent_again(
    write: Write, days: float, simulator: Simulator, shop: Shop, wall: Wall
) -> None:
    before = write.effects(simulator, shop)
    lose_the_answer(simulator, write.call, shop)
    pass_days(simulator, wall, days)
    write.call(shop)
    # A session is over after a day: the one of then is of no more use.
    over = write.name == "create_checkout_session" and days >= 1
    assert write.effects(simulator, shop) - before == (2 if over else 1)
    assert not StripeRequest.objects.exists()


def test_a_request_of_long_ago_that_never_arrived_is_sent(simulator: Simulator, wall: Wall) -> None:
    simulator.control.drop("before", times=5)
    with pytest.raises(StripeUnavailable):
        new_customer()
    pass_days(simulator, wall, 2)
    assert new_customer().email == ANA
    assert len(simulator.list_objects("customer")) == 1
    assert not StripeRequest.objects.exists()


@pytest.mark.parametrize("committed", [True, False])
def test_a_500_that_stripe_keeps_neither_blocks_nor_doubles(
    committed: bool, simulator: Simulator
) -> None:
    """Everything but the first call fails too, so that only a later try can find out."""
    simulator.control.fail(500, method="POST", committed=committed)
    simulator.control.fail(503, method="GET", times=None)
    with pytest.raises(StripeUnavailable):
        new_customer()
    simulator.control.clear()
    customer = new_customer()
    assert [one["id"] for one in simulator.list_objects("customer")] == [customer.id]
    assert not StripeRequest.objects.exists()


def test_another_address_meanwhile_makes_no_second_customer(simulator: Simulator) -> None:
    lose_the_answer(simulator, new_customer)
    again = new_customer(email="new@example.com", name="Ana")
    assert again.email == ANA
    assert len(simulator.list_objects("customer")) == 1


def test_a_customer_deleted_meanwhile_is_not_answered(simulator: Simulator) -> None:
    lose_the_answer(simulator, new_customer)
    (first,) = simulator.list_objects("customer")
    ask(simulator, "DELETE", f"/v1/customers/{first['id']}")
    second = new_customer()
    assert second.id != first["id"]
    assert stripe_gateway.retrieve_customer(second.id).email == ANA


def test_a_session_expired_meanwhile_is_not_answered(simulator: Simulator, shop: Shop) -> None:
    lose_the_answer(simulator, new_session, shop)
    for session in stripe_gateway.list_open_checkout_sessions(customer=shop.customer):
        stripe_gateway.expire_checkout_session(session.id)
    session = new_session(shop)
    assert session.status == "open"
    assert simulator.get_object(session.id)["status"] == "open"  # type: ignore[index]


def test_a_change_undone_meanwhile_is_made_again(simulator: Simulator, shop: Shop) -> None:
    """Stripe would answer that it was made, and it would not be."""
    lose_the_answer(simulator, lambda: extend(shop, cancel_at_period_end=True))
    ask(
        simulator,
        "POST",
        f"/v1/subscriptions/{shop.subscription}",
        cancel_at_period_end="false",
    )
    assert extend(shop, cancel_at_period_end=True).cancel_at_period_end
    assert simulator.get_object(shop.subscription)["cancel_at_period_end"]  # type: ignore[index]


def test_the_same_again_after_an_answer_is_another_request(
    simulator: Simulator, shop: Shop
) -> None:
    params: Any = {"payment_intent": shop.payment_intent, "amount": 100}
    first = stripe_gateway.create_refund(params, scope=shop.subscription)
    second = stripe_gateway.create_refund(params, scope=shop.subscription)
    assert first.id != second.id
    assert len(simulator.list_objects("refund")) == 2


def test_a_refusal_is_an_outcome(simulator: Simulator, shop: Shop) -> None:
    with pytest.raises(StripeRefused):
        stripe_gateway.create_refund({"payment_intent": "pi_none"}, scope=shop.subscription)
    assert not StripeRequest.objects.exists()


def test_what_never_left_leaves_no_row(
    simulator: Simulator, stripe: PassingTime, stripe_clock: stripe_gateway.SkippingClock
) -> None:
    with simulator.control.outage():
        for _ in range(2):
            with pytest.raises(StripeUnavailable):
                new_customer()
        assert StripeRequest.objects.count() == 1
        calls = len(stripe.calls)
        with pytest.raises(StripeUnavailable):
            stripe_gateway.create_customer(
                {"email": "bia@example.com"}, scope="subscriber:2", record=lambda new: None
            )
    assert len(stripe.calls) == calls
    assert StripeRequest.objects.count() == 1


def test_a_request_in_doubt_stays_so_while_nothing_is_sent(
    simulator: Simulator, stripe: PassingTime, stripe_clock: stripe_gateway.SkippingClock
) -> None:
    lose_the_answer(simulator, new_customer)
    with simulator.control.outage():
        for _ in range(5):  # the breaker opens on the way
            with pytest.raises(StripeUnavailable):
                new_customer()
    stripe_clock.skip(1)
    (first,) = simulator.list_objects("customer")
    assert new_customer().id == first["id"]
    assert len(simulator.list_objects("customer")) == 1
    assert not StripeRequest.objects.exists()


def test_rows_tell_nobody_what_was_sent(simulator: Simulator) -> None:
    lose_the_answer(simulator, new_customer)
    row = StripeRequest.objects.get()
    assert row.scope == "subscriber:1"
    assert ANA not in " ".join(str(value) for value in vars(row).values())
    assert len(row.params_digest) == 64


def test_modes_are_apart(simulator: Simulator, settings: Any) -> None:
    lose_the_answer(simulator, new_customer)
    settings.STRIPE_LIVE_MODE = True
    settings.STRIPE_LIVE_SECRET_KEY = "sk_" + "live_" + "1" * 24
    with pytest.raises(StripeMisconfigured):  # the simulator takes no live key
        new_customer()
    test, live = StripeRequest.objects.order_by("livemode")
    assert (test.livemode, live.livemode) == (False, True)
    assert test.idempotency_key != live.idempotency_key


def test_a_secret_key_that_is_refused_says_nothing_of_what_was_done(
    simulator: Simulator, settings: Any
) -> None:
    lose_the_answer(simulator, new_customer)
    right, settings.STRIPE_TEST_SECRET_KEY = settings.STRIPE_TEST_SECRET_KEY, "rolled"
    with pytest.raises(StripeMisconfigured):
        new_customer()
    settings.STRIPE_TEST_SECRET_KEY = right
    (first,) = simulator.list_objects("customer")
    assert new_customer().id == first["id"]
    assert len(simulator.list_objects("customer")) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("write", MADE_ONCE, ids=lambda write: write.name)
def test_nothing_is_sent_inside_a_transaction(
    write: Write, shop: Shop, stripe: PassingTime
) -> None:
    """What is under way would be forgotten with it."""
    before = len(stripe.calls)
    with transaction.atomic(), pytest.raises(RuntimeError):
        write.call(shop)
    assert len(stripe.calls) == before
