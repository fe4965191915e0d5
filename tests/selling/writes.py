"""Every write of the gateway: how it is called, and what it must have done exactly once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from caixa_subscriptions import stripe_gateway
from caixa_subscriptions.simulator import Simulator
from caixa_subscriptions.simulator.client import SimulatorHTTPClient


class PassingTime(SimulatorHTTPClient):
    """A way to the simulator on which late answers take time, by the gateway's clock, and are
    waited for as long as an attempt may take."""

    def __init__(self, simulator: Simulator, clock: stripe_gateway.SkippingClock) -> None:
        super().__init__(simulator)
        self._clock = clock
        self.calls: list[float] = []

    def request(self, *args: Any, **kwargs: Any) -> Any:
        self.calls.append(self._clock.now())
        self.timeout = stripe_gateway.attempt_seconds()
        before = self.waited
        try:
            return super().request(*args, **kwargs)
        finally:
            self._clock.skip(self.waited - before)


@dataclass(frozen=True, slots=True)
class Shop:
    """Ids of what there is at Stripe before anything is sold."""

    customer: str
    price: str
    subscription: str
    payment_intent: str
    session: str
    endpoint: str


def ask(simulator: Simulator, method: str, path: str, **params: Any) -> dict[str, Any]:
    """An API call past all faults and past the gateway."""
    headers = {"Authorization": f"Bearer {settings.STRIPE_TEST_SECRET_KEY}"}
    response = simulator.request(method, path, params, headers=headers)
    assert response.status == 200, response.body
    return response.body


def furnish(simulator: Simulator) -> Shop:
    product = ask(simulator, "POST", "/v1/products", name="Reports")["id"]
    price = ask(
        simulator,
        "POST",
        "/v1/prices",
        product=product,
        currency="usd",
        unit_amount="900",
        recurring={"interval": "month"},
    )["id"]
    customer = ask(simulator, "POST", "/v1/customers", name="Bia")["id"]
    card = ask(simulator, "POST", "/v1/payment_methods/pm_card_visa/attach", customer=customer)[
        "id"
    ]
    ask(
        simulator,
        "POST",
        f"/v1/customers/{customer}",
        invoice_settings={"default_payment_method": card},
    )
    subscription = ask(
        simulator,
        "POST",
        "/v1/subscriptions",
        customer=customer,
        items=[{"price": price}],
        trial_period_days="7",
    )["id"]
    paid = ask(simulator, "POST", "/v1/subscriptions", customer=customer, items=[{"price": price}])
    (payment,) = ask(simulator, "GET", "/v1/invoice_payments", invoice=paid["latest_invoice"])[
        "data"
    ]
    session = ask(
        simulator,
        "POST",
        "/v1/checkout/sessions",
        mode="subscription",
        customer=customer,
        line_items=[{"price": price, "quantity": "1"}],
        success_url="https://shop.test/",
    )["id"]
    endpoint = ask(
        simulator,
        "POST",
        "/v1/webhook_endpoints",
        url="https://shop.test/old/",
        enabled_events=["customer.created"],
    )["id"]
    payment_intent = payment["payment"]["payment_intent"]
    return Shop(customer, price, subscription, payment_intent, session, endpoint)


@dataclass(frozen=True, slots=True)
class Write:
    """`effects` counts what the call did; `path` is a pattern of the calls faults are for.

    `found_out` says that Stripe can be asked whether a call that ended in a 500 did its work. The
    others may as well be carried out again.
    """

    name: str
    path: str
    call: Callable[[Shop], Any]
    effects: Callable[[Simulator, Shop], int]
    found_out: bool = True


def count(kind: str, **which: Any) -> Callable[[Simulator, Shop], int]:
    return lambda simulator, shop: len(simulator.list_objects(kind, limit=1000, **which))


def events(kind: str) -> Callable[[Simulator, Shop], int]:
    return lambda simulator, shop: len(simulator.list_events(limit=1000, type=kind))


def _email_is(email: str) -> Callable[[Simulator, Shop], int]:
    return lambda simulator, shop: len(simulator.list_objects("customer", limit=1000, email=email))


WRITES = [
    Write(
        "create_customer",
        "/v1/customers",
        lambda shop: stripe_gateway.create_customer(
            {"email": "ana@example.com", "metadata": {"djstripe_subscriber": "1"}},
            scope="subscriber:1",
            record=lambda new: None,
        ),
        count("customer", email="ana@example.com"),
    ),
    Write(
        "create_customer without an address",
        "/v1/customers",
        lambda shop: stripe_gateway.create_customer(
            {"name": "Ana"}, scope="subscriber:1", record=lambda new: None
        ),
        count("customer", name="Ana"),
    ),
    Write(
        "update_customer",
        "/v1/customers/*",
        lambda shop: stripe_gateway.update_customer(
            shop.customer, {"email": "new@example.com"}, scope=shop.customer
        ),
        count("customer", email="new@example.com"),
        found_out=False,
    ),
    Write(
        "delete_customer",
        "/v1/customers/*",
        lambda shop: stripe_gateway.delete_customer(shop.customer, scope=shop.customer),
        events("customer.deleted"),
    ),
    Write(
        "create_checkout_session",
        "/v1/checkout/sessions",
        lambda shop: stripe_gateway.create_checkout_session(
            {
                "mode": "subscription",
                "customer": shop.customer,
                "line_items": [{"price": shop.price, "quantity": 2}],
                "success_url": "https://shop.test/done/",
            },
            scope=shop.customer,
        ),
        count("checkout.session", success_url="https://shop.test/done/"),
    ),
    Write(
        "expire_checkout_session",
        "/v1/checkout/sessions/*",
        lambda shop: stripe_gateway.expire_checkout_session(shop.session),
        events("checkout.session.expired"),
    ),
    Write(
        "create_portal_session",
        "/v1/billing_portal/sessions",
        lambda shop: stripe_gateway.create_portal_session(
            {"customer": shop.customer, "return_url": "https://shop.test/"}, scope=shop.customer
        ),
        count("billing_portal.session"),
        found_out=False,
    ),
    Write(
        "update_subscription",
        "/v1/subscriptions/*",
        lambda shop: stripe_gateway.update_subscription(
            shop.subscription, {"trial_end": "now"}, scope=shop.subscription
        ),
        lambda simulator, shop: sum(
            event["data"]["object"]["id"] == shop.subscription
            for event in simulator.list_events(limit=1000, type="customer.subscription.updated")
        ),
    ),
    Write(
        "cancel_subscription",
        "/v1/subscriptions/*",
        lambda shop: stripe_gateway.cancel_subscription(
            shop.subscription, {"prorate": True, "invoice_now": True}, scope=shop.subscription
        ),
        events("customer.subscription.deleted"),
    ),
    Write(
        "create_refund",
        "/v1/refunds",
        lambda shop: stripe_gateway.create_refund(
            {"payment_intent": shop.payment_intent, "amount": 100}, scope=shop.subscription
        ),
        count("refund"),
    ),
    Write(
        "create_webhook_endpoint",
        "/v1/webhook_endpoints",
        lambda shop: stripe_gateway.create_webhook_endpoint(
            {"url": "https://shop.test/new/", "enabled_events": ["customer.created"]}, scope="uuid"
        ),
        count("webhook_endpoint", url="https://shop.test/new/"),
    ),
    Write(
        "update_webhook_endpoint",
        "/v1/webhook_endpoints/*",
        lambda shop: stripe_gateway.update_webhook_endpoint(
            shop.endpoint, {"url": "https://shop.test/new/"}, scope="uuid"
        ),
        count("webhook_endpoint", url="https://shop.test/new/"),
        found_out=False,
    ),
]
