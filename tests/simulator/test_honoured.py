"""What is said to be honoured is really read: no parameter is taken and forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from caixa_subscriptions.simulator import Simulator, discounts
from caixa_subscriptions.simulator.core import Response
from caixa_subscriptions.simulator.params import Spec
from caixa_subscriptions.simulator.routes import ROUTES, Route
from tests.simulator.plausible import (
    asked,
    choices,
    filled,
    leaves,
    named,
    path_of,
)
from tests.simulator.tools import (
    FAILS_LATER,
    GOOD,
    Calls,
    Inbox,
    Wall,
    ids,
    trial_without_card,
)
from tests.simulator.valid import CHANGING, NEVER_GRANTED

# Where nothing is there to be filtered, no filter need be read.
NEVER_ANY = {
    "caixa_subscriptions.simulator.resources.empty": "families without objects",
}

DISPUTED = "4000000000000259"
WARNED_OF = "4000000000005423"


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
    _mishaps(call, price)
    _paid(call, price)
    _catalogue(call)
    customer = call.customer(GOOD, email="ana@example.com", balance=1)
    sold = _sold(call, customer)
    _intents(call, customer)
    _invoices(call, customer)
    _settings(call, sold)
    yield call
    simulator.close()


def _mishaps(call: Calls, price: dict[str, Any]) -> None:
    call.subscribe(call.customer(FAILS_LATER), price)
    call.subscribe(call.customer(DISPUTED), price)
    call.subscribe(call.customer(WARNED_OF), price)
    call.subscribe(call.customer(GOOD), price, trial_period_days=7)
    paused = trial_without_card(call, "pause")
    path = f"/v1/subscriptions/{paused['id']}"
    (card,) = ids(call("GET", f"/v1/customers/{paused['customer']}/payment_methods"))
    call("POST", path, trial_end="now")
    call("POST", path, default_payment_method=card)


def _paid(call: Calls, price: dict[str, Any]) -> None:
    paid = call.subscribe(call.customer(GOOD), price)
    (charge,) = call("GET", "/v1/charges", customer=paid["customer"])["data"]
    call("POST", "/v1/refunds", charge=charge["id"], amount=1)
    call.named |= {"paid_charge": charge["id"], "paid_intent": charge["payment_intent"]}


def _catalogue(call: Calls) -> None:
    once = call("POST", "/v1/prices", currency="usd", unit_amount=5, product_data={"name": "Book"})
    call.named["one_time"] = once["id"]
    coupon = call("POST", "/v1/coupons", percent_off=10, duration="forever")["id"]
    call("POST", "/v1/promotion_codes", promotion={"type": "coupon", "coupon": coupon})
    favoured = call.customer(GOOD)["id"]
    with call.simulator.deed() as world:
        named = {"coupon": coupon}
        favour = discounts.discount_customer(world, world.get("customer", favoured), named)
    call.named |= {"favoured": favoured, "favour": favour["id"]}
    call("POST", "/v1/tax_rates", display_name="VAT", percentage=19, inclusive=False)


def _sold(call: Calls, customer: dict[str, Any]) -> dict[str, Any]:
    """Two items, a feature and a discount; then a price that nobody has bought."""
    first = call.price()
    features = f"/v1/products/{first['product']}/features"
    for name in ("imports", "exports"):
        made = call("POST", "/v1/entitlements/features", name=name, lookup_key=name)
        call("POST", features, entitlement_feature=made["id"])
    second = call.price()
    coupon = call("GET", "/v1/coupons")["data"][0]["id"]
    items = [{"price": one["id"]} for one in (first, second)]
    sold = call(
        "POST",
        "/v1/subscriptions",
        customer=customer["id"],
        items=items,
        discounts=[{"coupon": coupon}],
    )
    call.named["discount"] = sold["discounts"][0]
    call("POST", f"/v1/subscription_items/{sold['items']['data'][0]['id']}", quantity=2)
    unsold = call.price(product=call("POST", "/v1/products", name="Charts")["id"])
    made = call("POST", "/v1/entitlements/features", name="Charts", lookup_key="charts")
    path = f"/v1/products/{unsold['product']}/features"
    call("POST", path, entitlement_feature=made["id"])
    call("POST", "/v1/entitlements/features", name="Maps", lookup_key="maps")
    call.session(unsold)
    return sold


def _intents(call: Calls, customer: dict[str, Any]) -> None:
    call("POST", "/v1/setup_intents", payment_method="pm_card_visa")
    pay = {"amount": 100, "currency": "usd", "payment_method": "pm_card_visa"}
    held = {"confirm": True, "return_url": "https://a.example", "capture_method": "manual"}
    call("POST", "/v1/payment_intents", **pay, **held, customer=customer["id"])
    call("POST", "/v1/payment_intents", **pay)
    card = {"number": GOOD, "exp_month": 12, "exp_year": 2034}
    call.named["loose_card"] = call("POST", "/v1/payment_methods", type="card", card=card)["id"]
    call.card(GOOD, customer["id"])


def _invoices(call: Calls, customer: dict[str, Any]) -> None:
    item = {"customer": customer["id"], "amount": 700, "currency": "usd"}
    call("POST", "/v1/invoiceitems", **item)
    params = {"customer": customer["id"], "pending_invoice_items_behavior": "include"}
    unpaid = call("POST", "/v1/invoices", **params, auto_advance=False)
    call("POST", f"/v1/invoices/{unpaid['id']}/finalize")
    call("POST", "/v1/invoices", customer=customer["id"])
    call("POST", "/v1/invoiceitems", **item)


def _settings(call: Calls, sold: dict[str, Any]) -> None:
    call("POST", "/v1/webhook_endpoints", url="https://a.example", enabled_events=["*"])
    portal = call(
        "POST",
        "/v1/billing_portal/configurations",
        features={
            "payment_method_update": {"enabled": True},
            "subscription_cancel": {"enabled": True},
            "subscription_update": filled(call, CHANGING),
        },
    )
    call.named["portal"] = portal["id"]


def read_by(
    call: Calls,
    one: Route,
    dotted: str,
    monkeypatch: pytest.MonkeyPatch,
    choice: str | None = None,
) -> tuple[set[str], Response]:
    """The dotted names of what a call with `dotted` reads, and its answer; it is undone."""
    seen: set[str] = set()
    clean = Spec.clean

    def noting(spec: Spec, given: dict[str, Any]) -> Read:
        cleaned = clean(spec, given)
        assert "expand" not in cleaned
        return Read(cleaned, seen)

    path, params = path_of(call, one.template, dotted), asked(call, one, dotted, choice)
    with monkeypatch.context() as patch:
        patch.setattr(Spec, "clean", noting)
        try:
            with call.simulator.deed():
                answer = call.raw(one.method, path, params)
                raise Undo
        except Undo:
            pass
    return seen, answer


READING = [
    one
    for one in ROUTES
    if NEVER_ANY.keys().isdisjoint({one.handler.__module__, named(one)})
    and any(leaves(one.spec.known(), one.spec))
]


@pytest.mark.parametrize("one", READING, ids=named)
def test_every_honoured_parameter_is_read_by_a_call_that_succeeds(
    world: Calls, one: Route, monkeypatch: pytest.MonkeyPatch
) -> None:
    ignored, refused = [], {}
    for dotted in leaves(one.spec.known(), one.spec):
        seen, answer = read_by(world, one, dotted, monkeypatch)
        if dotted not in seen:
            ignored.append(dotted)
        if answer.status != 200:
            refused[dotted] = answer.body["error"]["message"]
    assert ignored == [], "listed as honoured and not read; is a value for it missing in VALID?"
    assert refused.keys() == NEVER_GRANTED.get(named(one), {}).keys(), refused


@pytest.mark.parametrize("one", READING, ids=named)
def test_every_choice_of_an_honoured_parameter_is_answered(
    world: Calls, one: Route, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By an answer or one of Stripe's errors, and by no exception of ours."""
    for dotted in leaves(one.spec.known(), one.spec):
        for choice in choices(one, dotted):
            read_by(world, one, dotted, monkeypatch, choice)
