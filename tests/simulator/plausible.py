"""Plausible parameters for every endpoint, made from the SDK's types."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal, Union, get_args, get_origin

from caixa_subscriptions.simulator.params import Spec
from caixa_subscriptions.simulator.routes import Route
from tests.docs.parameters import nested
from tests.simulator.tools import DAY, GOOD, START, Calls

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


def named(one: Route) -> str:
    return f"{one.method} {one.template}"


def asked(call: Calls, one: Route, dotted: str, value: Any = None) -> dict[str, Any]:
    """A call's parameters, the dotted one among them: this value of it, else a plausible one."""
    known = one.spec.known()
    top, *inside = dotted.split(".")
    given = {top: value_of(call, top, known[top][0], tuple(inside))}
    base = filled(call, VALID.get(named(one), {}))
    base.pop(INSTEAD_OF.get(top), None)
    for start, beside in BESIDE.get(named(one), {}).items():
        if dotted.startswith(start):
            base |= filled(call, beside)
    base = {name: given for name, given in base.items() if given is not None}
    for name, (hint, required) in known.items():
        if required and name not in base:
            base[name] = value_of(call, name, hint)
    params: dict[str, Any] = merged(base, given)
    if value is not None:
        node: Any = params
        for step in (top, *inside)[:-1]:
            node = node[step][0] if isinstance(node[step], list) else node[step]
        node[dotted.rpartition(".")[2]] = value
    return params


def choices(one: Route, dotted: str) -> list[Any]:
    """Those the SDK's types name for it."""
    known = one.spec.known()
    for step in dotted.split(".")[:-1]:
        known = nested(known[step][0])
    hint = known[dotted.rpartition(".")[2]][0]
    options = get_args(hint) if get_origin(hint) is Union else (hint,)
    return [
        choice
        for option in options
        if get_origin(option) is Literal
        for choice in get_args(option)
        if choice
    ]
