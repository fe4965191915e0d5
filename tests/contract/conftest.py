"""One account, simulated or at Stripe, and what a test needs of it; all of it is removed again."""

from __future__ import annotations

import contextlib
import os
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import stripe

from caixa_subscriptions.simulator import Simulator
from caixa_subscriptions.simulator.objects import API_VERSION

VARIABLE = "STRIPE_CONTRACT_SECRET_KEY"
ARRIVES_WITHIN = 120.0  # seconds


def contract_key() -> str:
    """Of Stripe's test mode, or empty. Raises ValueError for any other key."""
    key = os.environ.get(VARIABLE, "")
    if key and not key.startswith(("sk_test_", "rk_test_")):
        raise ValueError(
            f"{VARIABLE} must be a key of test mode, sk_test_... or rk_test_...: this suite "
            "creates, charges and deletes"
        )
    return key


@pytest.fixture(params=["simulator", "stripe"])
def stripe_client(request: pytest.FixtureRequest) -> Iterator[stripe.StripeClient]:
    """The simulator's, and real Stripe's when there is a test key for it."""
    if request.param == "simulator":
        simulator = Simulator(seed=1)
        yield stripe.StripeClient(
            "sk_test_simulator000000000000000000",
            stripe_version=API_VERSION,
            http_client=simulator.http_client(),
        )
        simulator.close()
        return
    key = contract_key()
    if not key:
        pytest.skip(f"{VARIABLE} is not set: a test key of a Stripe account")
    http_client = stripe.RequestsClient()
    yield stripe.StripeClient(
        key, stripe_version=API_VERSION, http_client=http_client, max_network_retries=2
    )
    http_client.close()


@pytest.fixture
def clock(stripe_client: stripe.StripeClient) -> Iterator[Any]:
    """A test clock at the present; deleted with all its customers and subscriptions."""
    clocks = stripe_client.v1.test_helpers.test_clocks
    clock = clocks.create({"frozen_time": int(time.time()), "name": "Contract"})
    yield clock
    clocks.delete(clock.id)


@pytest.fixture
def advance(stripe_client: stripe.StripeClient, clock: Any) -> Callable[[int], None]:
    """`advance(frozen_time)`, and wait until the clock is there."""
    clocks = stripe_client.v1.test_helpers.test_clocks

    def move(frozen_time: int) -> None:
        clocks.advance(clock.id, {"frozen_time": frozen_time})
        deadline = time.monotonic() + ARRIVES_WITHIN
        while (status := clocks.retrieve(clock.id).status) == "advancing":
            assert time.monotonic() < deadline, "the clock does not arrive"
            time.sleep(0.5)  # at Stripe only: the simulator arrives before it answers
        assert status == "ready"

    return move


@pytest.fixture
def add_customer(stripe_client: stripe.StripeClient, clock: Any) -> Callable[..., Any]:
    """`add_customer("pm_card_visa")`: on the clock, with this default card or without one."""
    v1 = stripe_client.v1

    def add(card: str | None = None, **params: Any) -> Any:
        customer = v1.customers.create({"test_clock": clock.id, **params})
        if card is None:
            return customer
        method = v1.payment_methods.attach(card, {"customer": customer.id})
        return v1.customers.update(
            customer.id, {"invoice_settings": {"default_payment_method": method.id}}
        )

    return add


@pytest.fixture
def lookup_key() -> str:
    """One that no price of the account has."""
    return f"contract_{uuid.uuid4().hex}"


@pytest.fixture
def price(stripe_client: stripe.StripeClient, lookup_key: str) -> Iterator[Any]:
    """9.00 USD a month; archived in the end, since Stripe deletes no price."""
    v1 = stripe_client.v1
    product = v1.products.create({"name": "Contract"})
    yield v1.prices.create(
        {
            "product": product.id,
            "currency": "usd",
            "unit_amount": 900,
            "recurring": {"interval": "month"},
            "lookup_key": lookup_key,
        }
    )
    for one in v1.prices.list({"product": product.id}).data:
        v1.prices.update(one.id, {"active": False})
    v1.products.update(product.id, {"active": False})


@pytest.fixture
def subscribe(stripe_client: stripe.StripeClient, price: Any) -> Callable[..., Any]:
    """`subscribe(customer, trial_period_days=7)`, to `price`."""

    def create(customer: Any, **params: Any) -> Any:
        return stripe_client.v1.subscriptions.create(
            {"customer": customer.id, "items": [{"price": price.id}], **params}
        )

    return create


@pytest.fixture
def refused() -> Callable[..., contextlib.AbstractContextManager[Any]]:
    """`with refused(404, code="resource_missing", param="id"):` the call in it is, just so."""

    @contextlib.contextmanager
    def check(status: int, **wanted: Any) -> Iterator[pytest.ExceptionInfo[stripe.StripeError]]:
        with pytest.raises(stripe.StripeError) as caught:
            yield caught
        error = caught.value.json_body["error"]
        assert caught.value.http_status == status, error
        assert {name: error.get(name) for name in wanted} == wanted

    return check
