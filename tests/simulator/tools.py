"""Short words for what the simulator's tests do over and over."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from caixa_subscriptions.simulator import Simulator
from caixa_subscriptions.simulator.core import Response

KEY = "sk_test_simulator000000000000000000"
GOOD = "4242424242424242"
FAILS_LATER = "4000000000000341"
DECLINED = "4000000000000002"
HOUR, DAY = 3600, 86400


def at(year: int, month: int, day: int, hour: int = 12) -> int:
    return int(dt.datetime(year, month, day, hour, tzinfo=dt.UTC).timestamp())


START = at(2026, 6, 1)


class Wall:
    """The wall clock, moved by hand."""

    def __init__(self, time: int = START) -> None:
        self.time = time

    def __call__(self) -> int:
        return self.time


class Inbox:
    """A transport that keeps what it is given and answers `status`."""

    def __init__(self) -> None:
        self.status: int | Exception = 200
        self.received: list[tuple[str, Mapping[str, str], bytes]] = []

    def __call__(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        self.received.append((url, headers, body))
        if isinstance(self.status, Exception):
            raise self.status
        return self.status


class Calls:
    """API calls: `call(...)` must succeed, `call.error(...)` must not."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.named: dict[str, str] = {}  # ids that a test calls by names

    def raw(
        self,
        method: str,
        path: str,
        params: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Response:
        headers = {"Authorization": f"Bearer {KEY}"} | (headers or {})
        return self.simulator.request(method, path, params, headers=headers)

    def __call__(self, method: str, path: str, /, **params: Any) -> dict[str, Any]:
        response = self.raw(method, path, params)
        assert response.status == 200, response.body
        return response.body

    def error(self, status: int, method: str, path: str, /, **params: Any) -> dict[str, Any]:
        response = self.raw(method, path, params)
        assert response.status == status, response.body
        error: dict[str, Any] = response.body["error"]
        return error

    def price(self, *, interval: str = "month", amount: int = 900, **params: Any) -> dict[str, Any]:
        if "product" not in params:
            params["product_data"] = {"name": "Reports"}
        return self(
            "POST",
            "/v1/prices",
            currency="usd",
            unit_amount=amount,
            recurring={"interval": interval},
            **params,
        )

    def customer(self, card: str | None = None, **params: Any) -> dict[str, Any]:
        """With `card`, a number, it is the default payment method."""
        customer = self("POST", "/v1/customers", **params)
        if card is None:
            return customer
        method = self.card(card, customer["id"])
        return self(
            "POST",
            f"/v1/customers/{customer['id']}",
            invoice_settings={"default_payment_method": method["id"]},
        )

    def card(self, number: str, customer: str) -> dict[str, Any]:
        method = self(
            "POST",
            "/v1/payment_methods",
            type="card",
            card={"number": number, "exp_month": 12, "exp_year": 2034, "cvc": "123"},
        )
        return self("POST", f"/v1/payment_methods/{method['id']}/attach", customer=customer)

    def subscribe(self, customer: dict[str, Any], price: dict[str, Any], **params: Any) -> Any:
        return self(
            "POST",
            "/v1/subscriptions",
            customer=customer["id"],
            items=[{"price": price["id"]}],
            **params,
        )

    def session(self, price: dict[str, Any], **params: Any) -> dict[str, Any]:
        return self(
            "POST",
            "/v1/checkout/sessions",
            mode="subscription",
            line_items=[{"price": price["id"], "quantity": 1}],
            success_url="https://shop.example/done",
            **params,
        )

    def get(self, object_id: str) -> dict[str, Any]:
        found = self.simulator.get_object(object_id)
        assert found is not None, object_id
        return found

    def portal(self, customer_id: str) -> str:
        """The token of a new portal link."""
        session = self("POST", "/v1/billing_portal/sessions", customer=customer_id)
        return str(session["url"]).rpartition("/")[2]


def advance(simulator: Simulator, **delta: float) -> None:
    """Move the default clock on by `datetime.timedelta(**delta)`."""
    go_to(simulator, simulator.now() + int(dt.timedelta(**delta).total_seconds()))


def go_to(simulator: Simulator, moment: int) -> None:
    """Move the default clock to a moment, in strides Stripe's limit allows."""
    clock = simulator.default_clock_id
    assert clock is not None
    while (now := simulator.now()) < moment:
        simulator.advance_clock(clock, min(moment, now + 50 * DAY), wait=True)


def events(simulator: Simulator, *types: str) -> list[dict[str, Any]]:
    """Oldest first; of `types`, when given."""
    found = reversed(simulator.list_objects("event", limit=10_000))
    return [event for event in found if not types or event["type"] in types]


def event_types(simulator: Simulator, since: int = 0) -> list[str]:
    return [event["type"] for event in events(simulator)[since:]]


def message(error: dict[str, Any]) -> str:
    return str(error["message"])


def ids(page: dict[str, Any]) -> list[str]:
    return [one["id"] for one in page["data"]]


def bought(call: Calls, *, card: str = GOOD, **params: Any) -> dict[str, Any]:
    """The subscription of a completed Checkout Session."""
    session = call.session(call.price(), **params)
    done = call.simulator.complete_checkout(session["id"], card_number=card)
    return call.get(done["subscription"])


def on_trial(call: Calls, days: int = 14, **params: Any) -> dict[str, Any]:
    return bought(call, subscription_data={"trial_period_days": days}, **params)


def invoice_of(call: Calls, subscription: dict[str, Any]) -> dict[str, Any]:
    return call.get(call.get(subscription["id"])["latest_invoice"])


def period(subscription: dict[str, Any]) -> tuple[int, int]:
    item = subscription["items"]["data"][0]
    return item["current_period_start"], item["current_period_end"]


def replace_card(call: Calls, customer: str, number: str = GOOD) -> None:
    call.simulator.portal_update_card(call.portal(customer), card_number=number)


def trial_without_card(call: Calls, behavior: str | None = None) -> dict[str, Any]:
    params: dict[str, Any] = {"trial_period_days": 7}
    if behavior:
        params["trial_settings"] = {"end_behavior": {"missing_payment_method": behavior}}
    customer = call.customer()
    # An attached card that is nobody's default counts as missing.
    call.card(GOOD, customer["id"])
    return dict(call.subscribe(customer, call.price(), **params))


def failing(call: Calls) -> dict[str, Any]:
    """A subscription whose first charge, after a trial, was just declined."""
    subscription = on_trial(call, card=FAILS_LATER)
    advance(call.simulator, days=14, hours=1)
    return call.get(subscription["id"])
