"""Whatever goes wrong on the way to Stripe, who asks for a checkout or the portal is told so in
time and may ask again: one customer, one session."""

from __future__ import annotations

import random
from typing import Any

import pytest
from rest_framework.test import APIClient

from caixa_subscriptions import stripe_gateway
from caixa_subscriptions.models import StripeRequest
from caixa_subscriptions.simulator import Simulator
from tests.selling.test_gateway_faults import KINDS, LONGEST, TRIES, add_fault
from tests.selling.writes import PassingTime

pytestmark = pytest.mark.django_db(transaction=True)

PATHS = ("/v1/customers", "/v1/checkout/sessions", "*")


def insist(api: APIClient, clock: stripe_gateway.SkippingClock, path: str, body: Any) -> Any:
    for _ in range(TRIES):
        before = clock.now()
        answer = api.post(f"/api/subscriptions/{path}/", body, format="json")
        assert clock.now() - before <= LONGEST
        if answer.status_code == 201:
            return answer.json()
        assert answer.status_code == 503, answer.content
        wait = int(answer["Retry-After"])
        assert wait > 0
        clock.skip(wait)
    raise AssertionError("never got through")


@pytest.mark.parametrize("seed", range(50))
def test_a_checkout_that_meets_faults(
    seed: int, api: APIClient, store: Simulator, stripe_clock: stripe_gateway.SkippingClock
) -> None:
    print(f"seed {seed}")  # noqa: T201
    chance = random.Random(seed)
    for kind in chance.sample(KINDS, chance.randint(1, 3)):
        add_fault(store, kind, chance.choice(PATHS), chance.choice(["*", "POST", "GET"]))
    with stripe_gateway.replaced_http_client(PassingTime(store, stripe_clock)):
        told = insist(api, stripe_clock, "checkout", {"price": "monthly"})
        assert insist(api, stripe_clock, "checkout", {"price": "monthly"}) == told
    (customer,) = store.list_objects("customer")
    sessions = store.list_objects("checkout.session")
    assert [(one["id"], one["status"]) for one in sessions] == [(told["session_id"], "open")]
    assert sessions[0]["customer"] == customer["id"]
    assert not StripeRequest.objects.filter(settled_at=None).exists()


@pytest.mark.parametrize("kind", KINDS)
def test_a_portal_that_meets_a_fault(
    kind: str, api: APIClient, store: Simulator, stripe_clock: stripe_gateway.SkippingClock
) -> None:
    with stripe_gateway.replaced_http_client(PassingTime(store, stripe_clock)):
        insist(api, stripe_clock, "checkout", {"price": "monthly"})
        add_fault(store, kind, "/v1/billing_portal/sessions", "POST")
        assert insist(api, stripe_clock, "portal", {})["url"]
