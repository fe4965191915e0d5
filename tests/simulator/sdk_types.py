"""Does an object fit the SDK's annotations? Every key known, none missing, each of its type."""

from __future__ import annotations

import importlib
import re
import types
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, ForwardRef, Literal, Union, get_args, get_origin

import stripe
from stripe._object_classes import OBJECT_CLASSES
from stripe._stripe_object import UntypedStripeObject

_IMPORT = re.compile(r"from (stripe[\w.]*) import \(?\s*([^()]+?)\)?\n", re.MULTILINE)
_SCALARS: dict[Any, tuple[type, ...]] = {
    int: (int,),
    float: (int, float),
    str: (str,),
    bool: (bool,),
    Decimal: (str,),  # JSON has none: Stripe sends them as strings
}

# Answered by Stripe (recorded in 2025 and 2026), though no longer in the SDK's classes.
RECORDED = {
    "charge": {"destination", "dispute", "order"},
    "payment_method": {"boleto.fingerprint"},
    "subscription": {"plan", "quantity"},
}


@cache
def class_of(object_name: str) -> type:
    module, name = OBJECT_CLASSES[object_name]
    found: type = getattr(importlib.import_module(module), name)
    return found


@cache
def _imports(module: str) -> dict[str, tuple[str, str]]:
    """Name -> (module, name there), type-checking-only imports included."""
    source = Path(str(importlib.import_module(module).__file__)).read_text()
    found = {}
    for origin, names in _IMPORT.findall(source):
        for one in names.split(","):
            name, _, alias = one.strip().partition(" as ")
            if name:
                found[alias or name] = (origin, name)
    return found


@cache
def _named(name: str, module: str) -> Any:
    if name in _imports(module):
        origin, original = _imports(module)[name]
        return getattr(importlib.import_module(origin), original)
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found


def problems(
    value: object, hint: Any, module: str = "stripe", path: str = "", *, sparse: bool = False
) -> Iterator[str]:
    """What does not fit, as `path: reason`.

    `sparse` is for `previous_attributes`: keys may be missing, and null stands for one that was
    not there.
    """
    if sparse and value is None:
        return
    if isinstance(hint, ForwardRef):
        hint = hint.__forward_arg__
    if isinstance(hint, str):
        hint = _named(hint, module)
    origin = get_origin(hint)
    if hint is Any or hint is object:
        return
    if origin in (Union, types.UnionType):
        options = [
            list(problems(value, one, module, path, sparse=sparse)) for one in get_args(hint)
        ]
        if all(options):
            yield from min(options, key=len) if isinstance(value, Mapping) else options[0]
    elif hint is type(None):
        if value is not None:
            yield f"{path}: {value!r} where null should be"
    elif origin is Literal:
        if value not in get_args(hint):
            yield f"{path}: {value!r} is none of {get_args(hint)}"
    elif hint in _SCALARS:
        if not isinstance(value, _SCALARS[hint]) or (isinstance(value, bool) and hint is not bool):
            yield f"{path}: {value!r} is no {hint.__name__}"
    elif origin is list:
        if not isinstance(value, list):
            yield f"{path}: {value!r} is no list"
            return
        for index, one in enumerate(value):
            yield from problems(one, get_args(hint)[0], module, f"{path}[{index}]")
    elif origin is dict or origin is UntypedStripeObject:
        if not isinstance(value, Mapping):
            yield f"{path}: {value!r} is no hash"
            return
        for key, one in value.items():
            yield from problems(one, get_args(hint)[-1], module, f"{path}.{key}", sparse=sparse)
    elif origin is stripe.ListObject:
        yield from _list_problems(value, get_args(hint)[0], module, path)
    else:
        yield from _object_problems(value, hint, path, sparse=sparse)


def _list_problems(value: object, hint: Any, module: str, path: str) -> Iterator[str]:
    if not isinstance(value, Mapping) or value.get("object") != "list":
        yield f"{path}: {value!r} is no list object"
        return
    for problem in list_misfits(value):
        yield f"{path}: {problem}"
    for index, one in enumerate(value["data"]):
        yield from problems(one, hint, module, f"{path}.data[{index}]")


def list_misfits(value: Mapping[str, Any]) -> Iterator[str]:
    """What of a page of objects or of search results, but for its data, does not fit."""
    known = {"object", "data", "has_more", "url", "total_count"}
    if value["object"] == "search_result":
        known.add("next_page")
    if unknown := set(value) - known:
        yield f"unknown keys {sorted(unknown)}"
    if not (isinstance(value["has_more"], bool) and str(value["url"]).startswith("/v1/")):
        yield "has_more or url is wrong"


@cache
def _hints(cls: type) -> dict[str, Any]:
    return {
        name: hint
        for one in reversed(cls.__mro__)
        for name, hint in vars(one).get("__annotations__", {}).items()
        if one.__module__.startswith("stripe.")
        and get_origin(hint) is not ClassVar
        and not name.startswith("_")
    }


def _object_problems(value: object, cls: Any, path: str, *, sparse: bool = False) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield f"{path}: {value!r} is no {cls.__name__}"
        return
    hints = _hints(cls)
    # Only this much is left; of a discount nearly everything (Stripe docs: discounts).
    if value.get("deleted") is True and value.get("object") != "discount":
        hints = {name: hint for name, hint in hints.items() if name in ("id", "object", "deleted")}
    for key, one in value.items():
        if key not in hints:
            yield f"{path}.{key}: unknown to the SDK"
        else:
            yield from problems(one, hints[key], cls.__module__, f"{path}.{key}", sparse=sparse)
    for key, hint in hints.items():
        if key not in value and type(None) not in get_args(hint) and not sparse:
            yield f"{path}.{key}: missing"


def misfits(obj: dict[str, Any], *, sparse: bool = False, kind: str | None = None) -> list[str]:
    """What of an object does not fit the class its `object`, or `kind`, names."""
    kind = kind or str(obj["object"])
    shown = without_recorded(obj, RECORDED.get(kind, set()))
    return list(problems(shown, class_of(kind), path=kind, sparse=sparse))


def without_recorded(node: Any, own: set[str] | None = None) -> Any:
    if isinstance(node, list):
        return [without_recorded(one) for one in node]
    if not isinstance(node, dict):
        return node
    dropped = RECORDED.get(str(node.get("object")), set()) | (own or set())
    return {
        key: without_recorded(
            one, {name.partition(".")[2] for name in dropped if name.startswith(f"{key}.")}
        )
        for key, one in node.items()
        if key not in dropped
    }
