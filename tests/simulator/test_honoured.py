"""What is said to be honoured is really read: no parameter is taken and forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from caixa_subscriptions.simulator import Simulator
from caixa_subscriptions.simulator.params import Spec
from caixa_subscriptions.simulator.routes import ROUTES, Route
from tests.simulator.plausible import asked, choices, leaves, named, path_of
from tests.simulator.tools import FAILS_LATER, GOOD, Calls, Inbox, Wall

# Where nothing is there to be filtered, no filter need be read.
NEVER_ANY = {
    "caixa_subscriptions.simulator.resources.empty": "families without objects",
}

DISPUTED = "4000000000000259"


class Read(dict[str, Any]):
    """Notes which of its values somebody took; asking for the names alone takes none."""

    def __init__(self, values: dict[str, Any], seen: set[str], prefix: str = "") -> None:
        self.seen, self.prefix = seen, prefix
        super().__init__({name: self._wrapped(name, one) for name, one in values.items()})

    def _wrapped(self, name: str, value: Any) -> Any:
        if isinstance(value, dict):
            return Read(value, self.seen, f"{self.prefix}{name}.")
        return [self._wrapped(name, one) for one in value] if isinstance(value, list) else value

    def __getitem__(self, name: str) -> Any:
        self.seen.add(self.prefix + name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self.seen.add(self.prefix + name)
        return super().get(name, default)

    def pop(self, name: str, *default: Any) -> Any:
        self.seen.add(self.prefix + name)
        return super().pop(name, *default)

    def __iter__(self) -> Iterator[str]:  # so that dict(...) and ** come through __getitem__
        return super().__iter__()

    def items(self) -> Any:
        return [(name, self[name]) for name in self]

    def values(self) -> Any:
        return [self[name] for name in self]


class Undo(Exception):
    pass


@pytest.fixture(scope="module")
def world() -> Iterator[Calls]:
    """One of everything; calls made through `read_by` leave it as it is."""
    simulator = Simulator(seed=1, now=Wall(), default_clock=True, transport=Inbox())
    call = Calls(simulator)
    price = call.price(lookup_key="monthly")
    call.subscribe(call.customer(FAILS_LATER), price)
    call.subscribe(call.customer(DISPUTED), price)
    paid = call.subscribe(call.customer(GOOD), price)
    (charge,) = call("GET", "/v1/charges", customer=paid["customer"])["data"]
    call("POST", "/v1/refunds", charge=charge["id"], amount=1)
    price = call.price(product=price["product"])
    sold = call.subscribe(call.customer(GOOD, email="ana@example.com", balance=1), price)
    call("POST", f"/v1/subscription_items/{sold['items']['data'][0]['id']}", quantity=2)
    call("POST", "/v1/invoices", customer=sold["customer"])
    call("POST", "/v1/invoiceitems", customer=sold["customer"], amount=1)
    call.session(price)
    coupon = call("POST", "/v1/coupons", percent_off=10)["id"]
    call("POST", "/v1/promotion_codes", promotion={"type": "coupon", "coupon": coupon})
    call("POST", "/v1/entitlements/features", name="Exports", lookup_key="exports")
    call("POST", "/v1/tax_rates", display_name="VAT", percentage=19, inclusive=False)
    call("POST", "/v1/webhook_endpoints", url="https://a.example", enabled_events=["*"])
    call("POST", "/v1/setup_intents", payment_method="pm_card_visa")
    pay = {"amount": 100, "currency": "usd", "payment_method": "pm_card_visa"}
    held = {"confirm": True, "return_url": "https://a.example", "capture_method": "manual"}
    call("POST", "/v1/payment_intents", **pay, **held, customer=sold["customer"])
    call("POST", "/v1/payment_intents", **pay)
    yield call
    simulator.close()


def read_by(
    call: Calls, one: Route, params: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> set[str]:
    """The dotted names of what a call reads; it is undone."""
    seen: set[str] = set()
    clean = Spec.clean

    def noting(spec: Spec, given: dict[str, Any]) -> Read:
        cleaned = clean(spec, given)
        assert "expand" not in cleaned
        return Read(cleaned, seen)

    path = path_of(call, one.template)
    with monkeypatch.context() as patch:
        patch.setattr(Spec, "clean", noting)
        try:
            with call.simulator.deed():
                call.raw(one.method, path, params)
                raise Undo
        except Undo:
            pass
    return seen


READING = [
    one
    for one in ROUTES
    if NEVER_ANY.keys().isdisjoint({one.handler.__module__, named(one)})
    and any(leaves(one.spec.known(), one.spec))
]


@pytest.mark.parametrize("one", READING, ids=named)
def test_every_honoured_parameter_is_read(
    world: Calls, one: Route, monkeypatch: pytest.MonkeyPatch
) -> None:
    ignored = [
        dotted
        for dotted in leaves(one.spec.known(), one.spec)
        if dotted not in read_by(world, one, asked(world, one, dotted), monkeypatch)
    ]
    assert ignored == [], "listed as honoured and not read; is a value for it missing in VALID?"


@pytest.mark.parametrize("one", READING, ids=named)
def test_every_choice_of_an_honoured_parameter_is_answered(
    world: Calls, one: Route, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By an answer or one of Stripe's errors, and by no exception of ours."""
    for dotted in leaves(one.spec.known(), one.spec):
        for choice in choices(one, dotted):
            read_by(world, one, asked(world, one, dotted, choice), monkeypatch)
