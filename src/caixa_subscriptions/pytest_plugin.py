"""Fixtures that give a test an offline Stripe; see docs/testing.md.

Importing this costs next to nothing and touches neither Django nor the SDK before a fixture is
used: pytest loads it in every project that has the package installed.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from caixa_subscriptions.prices import OfferedPrice
    from caixa_subscriptions.simulator import Simulator

BASE_URL = "https://testserver"
SEED = 1

_running: Simulator | None = None


def simulated_now() -> dt.datetime:
    """`CLOCK` of a test that uses the simulator: its default clock's time."""
    if _running is None:
        raise RuntimeError("no stripe_simulator is at work")
    return dt.datetime.fromtimestamp(_running.now(), tz=dt.UTC)


class _WebhookView:
    """The project's webhook view, as a transport of the simulator: in this thread, so that it
    shares the test's transaction."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.raises = True

    def __call__(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        import json

        from django.db import connections
        from django.test import Client, TestCase

        event = json.loads(body)
        self.told.append(event["type"])
        client = Client(raise_request_exception=self.raises)
        with ExitStack() as stack:
            # In a test's transaction nothing is ever committed; signals wait for it.
            for alias in connections:
                stack.enter_context(TestCase.captureOnCommitCallbacks(using=alias, execute=True))
            response = client.post(
                urlsplit(url).path,
                data=body,
                content_type="application/json",
                headers=dict(headers),
                secure=True,
            )
        if self.raises and not 200 <= response.status_code < 300:
            raise AssertionError(
                f"the webhook view answered {response.status_code} to {event['type']} {event['id']}"
            )
        return response.status_code


@pytest.fixture
def _stripe_webhook_view() -> _WebhookView:
    return _WebhookView()


@pytest.fixture
def stripe_simulator(
    db: None, settings: Any, _stripe_webhook_view: _WebhookView
) -> Iterator[Simulator]:
    """A fresh offline Stripe that answers every call of the SDK, and knows the project's webhook
    URL. Times are those of its default clock, which stands still until `advance_clock`."""
    global _running
    from caixa_subscriptions import stripe_gateway
    from caixa_subscriptions.services.webhook_endpoints import set_up_webhook_endpoint
    from caixa_subscriptions.simulator import Simulator
    from caixa_subscriptions.simulator.client import answering_every_client

    simulator = Simulator(seed=SEED, default_clock=True, transport=_stripe_webhook_view)
    client = simulator.http_client(base_url=BASE_URL)
    configured = getattr(settings, "CAIXA_SUBSCRIPTIONS", {})
    settings.CAIXA_SUBSCRIPTIONS = {**configured, "CLOCK": f"{__name__}.{simulated_now.__name__}"}
    before, _running = _running, simulator
    with (
        stripe_gateway.replaced_http_client(client),
        stripe_gateway.replaced_clock(stripe_gateway.SkippingClock()),
        answering_every_client(client),
    ):
        set_up_webhook_endpoint(base_url=BASE_URL, register=True)
        yield simulator
    _running = before
    simulator.close()


@pytest.fixture
def stripe_prices(
    stripe_simulator: Simulator, deliver_webhooks: Callable[..., list[str]]
) -> dict[str, OfferedPrice]:
    """The prices of the setting `PRICES`, by their names there, for sale and in the tables.

    In US dollars: those with "year" or "annual" in their name cost 90.00 a year, others 9.00 a
    month.
    """
    from caixa_subscriptions.conf import settings
    from caixa_subscriptions.prices import offered_prices
    from caixa_subscriptions.simulator import objects

    with stripe_simulator.deed() as world:
        product = objects.product(world.ids.new("product"), name="Pro", created=world.now())
        world.add(product, "product.created")
        for name, offer in settings.prices.items():
            yearly = re.search("year|annual", f"{name} {offer.get('lookup_key', '')}")
            price = objects.price(
                offer.get("price_id") or world.ids.new("price"),
                product=product["id"],
                currency="usd",
                unit_amount=9000 if yearly else 900,
                recurring={"interval": "year" if yearly else "month"},
                created=world.now(),
            )
            price["lookup_key"] = offer.get("lookup_key")
            world.add(price, "price.created")
    deliver_webhooks()
    return {price.name: price for price in offered_prices()}


@pytest.fixture
def deliver_webhooks(
    stripe_simulator: Simulator, _stripe_webhook_view: _WebhookView
) -> Callable[..., list[str]]:
    """`deliver_webhooks()` posts every event that waits to the project's webhook URL, signed, and
    answers their types in order.

    What the view raises is raised, and an answer other than 2xx is an AssertionError; with
    `raise_errors=False` neither, and the next call delivers the event again as Stripe would.
    """

    def deliver(*, raise_errors: bool = True) -> list[str]:
        view = _stripe_webhook_view
        view.told, view.raises = [], raise_errors
        for refused in stripe_simulator.list_deliveries(limit=1000, outcome="failing"):
            stripe_simulator.resend(refused.id)
        stripe_simulator.deliver_pending()
        return view.told

    return deliver


@pytest.fixture
def complete_checkout(stripe_simulator: Simulator) -> Callable[..., dict[str, Any]]:
    """`complete_checkout(session, card="4242424242424242")` does what the customer does on the
    hosted page, and answers the session.

    `session` is its id, or whatever shows it: its URL, the checkout endpoint's answer, the SDK's
    object. Raises `caixa_subscriptions.simulator.CardError` when the card is declined. Webhooks
    wait for `deliver_webhooks()`.
    """

    def complete(session: Any, card: str = "4242424242424242") -> dict[str, Any]:
        found = re.search(r"cs_test_\w+", str(session))
        if found is None:
            raise ValueError("there is no Checkout Session in what was given")
        return stripe_simulator.complete_checkout(found[0], card_number=card)

    return complete


@pytest.fixture
def advance_clock(
    stripe_simulator: Simulator, deliver_webhooks: Callable[..., list[str]]
) -> Callable[..., list[str]]:
    """`advance_clock(days=8)` moves Stripe's time and the app's on, by what `timedelta` takes, and
    delivers what happened meanwhile; the events' types, in order."""

    def advance(**delta: float) -> list[str]:
        stripe_simulator.advance(dt.timedelta(**delta))
        return deliver_webhooks()

    return advance


@pytest.fixture
def stripe_event(
    stripe_simulator: Simulator, deliver_webhooks: Callable[..., list[str]]
) -> Callable[..., dict[str, Any]]:
    """`stripe_event("invoice.payment_failed", customer="cus_...")` makes an event of that type,
    delivers it, and answers it.

    It is about the object with the `id` given, else the newest that fits, else a new one. What
    else is given is merged into the event's `data.object`, and into the simulator's, which
    dj-stripe fetches again.
    """

    def send(name: str, /, **overrides: Any) -> dict[str, Any]:
        with stripe_simulator.deed() as world:
            for endpoint in world.store.all("webhook_endpoint"):
                heard = {*endpoint["enabled_events"], name}
                world.update(endpoint, {"enabled_events": sorted(heard)})
            event = stripe_simulator.emit(name, **overrides)
        deliver_webhooks()
        return event

    return send
