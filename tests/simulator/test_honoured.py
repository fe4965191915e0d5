"""What is said to be honoured is really read: no parameter is taken and forgotten."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal, Union, get_args, get_origin

import pytest

from caixa_subscriptions.simulator import Simulator
from caixa_subscriptions.simulator.params import Spec
from caixa_subscriptions.simulator.routes import ROUTES, Route
from tests.docs.parameters import nested
from tests.simulator.tools import DAY, FAILS_LATER, GOOD, START, Calls, Inbox, Wall

# Where nothing is there to be filtered, no filter need be read.
NEVER_ANY = {
    "caixa_subscriptions.simulator.resources.empty": "families without objects",
}
DISPUTED = "4000000000000259"
# What a call needs before a parameter of it is looked at; `{...}` is an id of the world's.
VALID: dict[str, dict[str, Any]] = {
    "POST /v1/billing_portal/sessions": {"customer": "{customer}"},
    "POST /v1/checkout/sessions": {
        "mode": "subscription",
        "success_url": "https://shop.example/",
        "line_items": [{"price": "{price}"}],
    },
    "POST /v1/coupons": {
        "amount_off": 10,
        "currency": "usd",
        "duration": "repeating",
        "duration_in_months": 1,
    },
    "POST /v1/payment_methods": {
        "type": "card",
        "card": {"number": GOOD, "exp_month": 12, "exp_year": 2034},
    },
    "POST /v1/payment_intents": {
        "amount": 100,
        "currency": "usd",
        "confirm": True,
        "payment_method": "pm_card_visa",
        "return_url": "https://shop.example/",
    },
    "POST /v1/setup_intents": {"confirm": True, "payment_method": "pm_card_visa"},
    "POST /v1/prices": {
        "currency": "usd",
        "unit_amount": 900,
        "product": "{product}",
        "lookup_key": "monthly",
    },
    "POST /v1/prices/{price}": {"lookup_key": "monthly"},
    "POST /v1/promotion_codes": {
        "promotion": {"type": "coupon", "coupon": "{coupon}"},
        "restrictions": {"minimum_amount": 1, "minimum_amount_currency": "usd"},
    },
    "POST /v1/invoiceitems": {"customer": "{customer}", "amount": 1},
    "POST /v1/invoices": {"customer": "{customer}"},
    "POST /v1/invoices/create_preview": {
        "subscription": "{subscription}",
        "subscription_details": {"items": [{"id": "{subscription_item}"}]},
    },
    "POST /v1/refunds": {"charge": "{charge}"},
    "POST /v1/subscription_items": {"subscription": "{subscription}", "price": "{price}"},
    "POST /v1/subscriptions/{subscription}": {"items": [{"id": "{subscription_item}"}]},
    "POST /v1/subscriptions": {"customer": "{customer}", "items": [{"price": "{price}"}]},
}
INLINE = {"price_data": {"currency": "usd", "unit_amount": 5, "product": "{product}"}}
PAYMENT = {"mode": "payment", "line_items": [INLINE]}
# What a parameter needs beside it; None leaves out.
BESIDE: dict[str, dict[str, dict[str, Any]]] = {
    "POST /v1/checkout/sessions": {
        "customer_creation": PAYMENT,
        "line_items.price_data": {
            "line_items": [{"price_data": {"unit_amount": 5, "product": "{product}"}}]
        },
        "payment_intent_data": PAYMENT,
        "setup_intent_data": {"mode": "setup", "currency": "usd", "line_items": None},
    },
}
# Given the one, the other is left out.
INSTEAD_OF = {
    "percent_off": "amount_off",
    "unit_amount_decimal": "amount",
    "plan": "price",
    "product_data": "product",
}
# Which object of a list a path names, where the newest will not do.
WHICH = {
    "/v1/invoices": {"status": "open"},
    "/v1/invoices/{invoice}": {"status": "draft"},
    "/v1/invoices/{invoice}/finalize": {"status": "draft"},
    "/v1/payment_intents/{intent}/cancel": {"customer": "{customer}"},
    "/v1/payment_intents/{intent}/capture": {"customer": "{customer}"},
    "/v1/subscription_items": {"subscription": "{subscription}"},
}
# Values no type tells.
VALUES: dict[str, Any] = {
    "email": "ana@example.com",
    "expires_at": START + DAY // 2,
    "frozen_time": START + DAY,
    "pix": {},
    "query": "metadata['a']:null",
    "trial_end": START + 5 * DAY,
    "unit_amount_decimal": "1",
    "url": "https://shop.example/",
}


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


def an_id(call: Calls, kind: str) -> str:
    kind = {"test_clock": "test_helpers.test_clock"}.get(kind, kind)
    kind = "payment_method" if kind.endswith("payment_method") else kind
    found = call.simulator.list_objects(kind, limit=1)
    return str(found[0]["id"]) if found else "x"


def leaves(known: dict[str, tuple[Any, bool]], spec: Spec, prefix: str = "") -> Iterator[str]:
    """The dotted names of all that is honoured, down to what is no hash."""
    for name, (hint, _required) in known.items():
        dotted = prefix + name
        if dotted == "expand" or not (spec.carries_out(dotted) or spec.carries_out_part(dotted)):
            continue
        if inner := nested(hint):
            yield from leaves(inner, spec, f"{dotted}.")
        else:
            yield dotted


def value_of(call: Calls, name: str, hint: Any, wanted: tuple[str, ...] = ()) -> Any:
    """A plausible one: an id that exists, one of the choices, or just something of the type. Of
    a hash what is required and, if any, what is `wanted` in it."""
    if inner := nested(hint):
        given = {
            key: value_of(call, key, one, wanted[1:] if wanted[:1] == (key,) else ())
            for key, (one, required) in inner.items()
            if required or wanted[:1] == (key,)
        }
        return [given] if is_list(hint) else given
    if name in VALUES:
        return VALUES[name]
    options = get_args(hint) if get_origin(hint) is Union else (hint,)
    for option in options:
        if get_origin(option) is list:
            return [value_of(call, name, get_args(option)[0])]
        if get_origin(option) is dict:
            return {"a": "b"}
    if bool in options:
        return True
    if {int, float} & set(options):
        return 1
    choices = [
        choice
        for option in options
        if get_origin(option) is Literal
        for choice in get_args(option)
        if choice
    ]
    return choices[0] if choices else an_id(call, name)


def is_list(hint: Any) -> bool:
    options = get_args(hint) if get_origin(hint) is Union else (hint,)
    return any(get_origin(option) is list for option in options)


def filled(call: Calls, node: Any) -> Any:
    if isinstance(node, dict):
        return {key: filled(call, one) for key, one in node.items()}
    if isinstance(node, list):
        return [filled(call, one) for one in node]
    return an_id(call, node[1:-1]) if isinstance(node, str) and node.startswith("{") else node


def merged(base: Any, more: Any) -> Any:
    if isinstance(base, dict) and isinstance(more, dict):
        return base | {key: merged(base.get(key), one) for key, one in more.items()}
    if isinstance(base, list) and isinstance(more, list):
        return [merged(old, new) for old, new in zip(base, more, strict=True)]
    return more


def path_of(call: Calls, template: str) -> str:
    """With ids of the first object of each list."""
    own = WHICH.get(template)
    while found := re.search(r"\{\w+\}", template):
        family = template[: found.start() - 1]
        answer = call.raw("GET", family, filled(call, own or WHICH.get(family, {}))).body
        first = answer["data"][0]["id"] if answer.get("data") else "x"
        template = template[: found.start()] + first + template[found.end() :]
    return template


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


def named(one: Route) -> str:
    return f"{one.method} {one.template}"


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
    known = one.spec.known()
    ignored = []
    for dotted in leaves(known, one.spec):
        top, *inside = dotted.split(".")
        given = {top: value_of(world, top, known[top][0], tuple(inside))}
        base = filled(world, VALID.get(named(one), {}))
        base.pop(INSTEAD_OF.get(top), None)
        for start, beside in BESIDE.get(named(one), {}).items():
            if dotted.startswith(start):
                base |= filled(world, beside)
        base = {name: value for name, value in base.items() if value is not None}
        for name, (hint, required) in known.items():
            if required and name not in base:
                base[name] = value_of(world, name, hint)
        if dotted not in read_by(world, one, merged(base, given), monkeypatch):
            ignored.append(dotted)
    assert ignored == [], "listed as honoured and not read; is a value for it missing in VALID?"
