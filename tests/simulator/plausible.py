"""Plausible parameters for every endpoint, made from the SDK's types."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal, Union, get_args, get_origin

from caixa_subscriptions.simulator.params import Spec
from caixa_subscriptions.simulator.routes import Route
from tests.docs.parameters import nested
from tests.simulator.tools import Calls
from tests.simulator.valid import BESIDE, INSTEAD_OF, KINDS, OWN, VALID, VALUES, WHICH


def an_id(call: Calls, kind: str) -> str:
    """Of what the world has a name for, else of the newest object of a kind."""
    if kind in call.named:
        return call.named[kind]
    kind = KINDS.get(kind, kind)
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
        return filled(call, VALUES[name])
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


def path_of(call: Calls, template: str, dotted: str = "") -> str:
    """With ids of the first object of each list."""
    own = WHICH.get(f"{template} {dotted}", WHICH.get(template))
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
    if value is None:
        value = filled(
            call, OWN.get(named(one), {}).get(dotted, holder(given, dotted)[_last(dotted)])
        )
    base = filled(call, VALID.get(named(one), {}))
    base.pop(INSTEAD_OF.get(top), None)
    for start, beside in BESIDE.get(named(one), {}).items():
        if dotted.startswith(start):
            base |= filled(call, beside)
    base = without_none(base)
    for name, (hint, required) in known.items():
        if required and name not in base:
            base[name] = value_of(call, name, hint)
    params: dict[str, Any] = merged(given, base)
    holder(params, dotted)[_last(dotted)] = value
    return with_place(call, one, dotted, params)


def _last(dotted: str) -> str:
    return dotted.rpartition(".")[2]


def holder(params: dict[str, Any], dotted: str) -> dict[str, Any]:
    """The hash, or the first of its list, in which a dotted name ends."""
    node: Any = params
    for step in dotted.split(".")[:-1]:
        node = node[step][0] if isinstance(node[step], list) else node[step]
    found: dict[str, Any] = node
    return found


def without_none(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: without_none(one) for key, one in node.items() if one is not None}
    return [without_none(one) for one in node] if isinstance(node, list) else node


def with_place(call: Calls, one: Route, dotted: str, params: dict[str, Any]) -> dict[str, Any]:
    """A cursor is an id of that very list, a page the token of a search that has one."""
    if dotted not in ("ending_before", "starting_after", "page"):
        return params
    rest = {name: given for name, given in params.items() if name != dotted}
    answer = call.raw(one.method, path_of(call, one.template, dotted), rest | {"limit": 1}).body
    if dotted == "page":
        return params | {"page": answer.get("next_page") or "x"}
    found = answer.get("data")
    return params | {dotted: found[0]["id"] if found else "x"}


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
