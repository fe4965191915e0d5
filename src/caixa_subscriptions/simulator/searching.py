"""Stripe's search query language (Stripe docs: search)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from caixa_subscriptions.simulator.errors import StripeError, invalid

Type = Literal["token", "string", "numeric"]

MAX_CLAUSES = 10
MIN_SUBSTRING = 3

_COMMON: dict[str, Type] = {"metadata": "token"}
_DATED: dict[str, Type] = {**_COMMON, "created": "numeric"}
_MONEY: dict[str, Type] = {
    **_DATED,
    "amount": "numeric",
    "currency": "token",
    "customer": "token",
    "status": "token",
}
# What each kind of object is searched by.
FIELDS: dict[str, dict[str, Type]] = {
    "charge": {
        **_MONEY,
        "billing_details.address.postal_code": "token",
        "disputed": "token",
        "payment_method_details.card.brand": "token",
        "payment_method_details.card.exp_month": "token",
        "payment_method_details.card.exp_year": "token",
        "payment_method_details.card.fingerprint": "token",
        "payment_method_details.card.last4": "token",
        "refunded": "token",
    },
    "customer": {**_DATED, "email": "string", "name": "string", "phone": "string"},
    "invoice": {
        **_DATED,
        "currency": "token",
        "customer": "token",
        "number": "string",
        "receipt_number": "string",
        "status": "string",
        "subscription": "string",
        "total": "numeric",
    },
    "payment_intent": _MONEY,
    "price": {
        **_COMMON,
        "active": "token",
        "currency": "token",
        "lookup_key": "string",
        "product": "string",
        "type": "token",
    },
    "product": {
        **_COMMON,
        "active": "token",
        "description": "string",
        "name": "string",
        "shippable": "token",
        "url": "string",
    },
    "subscription": {**_DATED, "canceled_at": "numeric", "status": "token"},
}
# Fields that stand elsewhere in the object.
_PLACES = {("invoice", "subscription"): "parent.subscription_details.subscription"}

_QUOTED = r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
_CLAUSE = re.compile(
    rf"(?P<negated>-?)(?P<field>[A-Za-z_][\w.]*)(?:\[(?P<key>{_QUOTED})\])?\s*"
    rf"(?P<operator>:|~|>=|<=|>|<)\s*(?P<value>{_QUOTED}|-?[\w.]+)"
)
_JOINT = re.compile(r"\s+(?:(and|or)\s+)?", re.IGNORECASE)
_COMPARE: dict[str, Callable[[int, int], bool]] = {
    ":": lambda a, b: a == b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
}


@dataclass(frozen=True, slots=True)
class Clause:
    """`value` None stands for null: the field is not there."""

    place: tuple[str, ...]
    operator: str
    value: str | None
    type: Type
    negated: bool

    def matches(self, obj: dict[str, Any]) -> bool:
        return self._holds(self._found(obj)) != self.negated

    def _found(self, obj: Any) -> Any:
        for step in self.place:
            obj = obj.get(step) if isinstance(obj, dict) else None
        return obj

    def _holds(self, found: Any) -> bool:
        if self.value is None:
            return found is None
        if found is None:
            return False
        if self.type == "numeric":
            return _COMPARE[self.operator](found, int(self.value))
        text = str(found).lower()
        return self.value.lower() in text if self.operator == "~" else self.value.lower() == text


@dataclass(frozen=True, slots=True)
class Query:
    clauses: tuple[Clause, ...]
    any: bool

    def matches(self, obj: dict[str, Any]) -> bool:
        found = (clause.matches(obj) for clause in self.clauses)
        return any(found) if self.any else all(found)


def parse(kind: str, text: str) -> Query:
    """Raises StripeError 400 for what is no query."""
    clauses: list[Clause] = []
    joints: set[str] = set()
    position, text = 0, text.strip()
    while True:
        match = _CLAUSE.match(text, position)
        if not match:
            raise _wrong(f"cannot be read at character {position + 1}")
        clauses.append(_clause(kind, match))
        position = match.end()
        if position == len(text):
            break
        joint = _JOINT.match(text, position)
        if not joint:
            raise _wrong(f"cannot be read at character {position + 1}")
        joints.add((joint[1] or "and").lower())
        position = joint.end()
    if len(joints) > 1:
        raise _wrong("cannot have both AND and OR")
    if len(clauses) > MAX_CLAUSES:
        raise _wrong(f"can have at most {MAX_CLAUSES} clauses")
    return Query(tuple(clauses), any=joints == {"or"})


def _clause(kind: str, match: re.Match[str]) -> Clause:
    field, operator = match["field"].lower(), match["operator"]
    type_ = FIELDS[kind].get(field)
    if type_ is None or (field == "metadata") != bool(match["key"]):
        raise _wrong(f"has a field that is none of this resource: {match['field']}")
    place = tuple(_PLACES.get((kind, field), field).split("."))
    if match["key"]:
        place += (_plain(match["key"]),)
    value = None if match["value"].lower() == "null" else _plain(match["value"])
    comparable = operator == ":" if value is None else _fits(type_, field, operator, value)
    if not comparable:
        raise _wrong(f"has an operator or a value that does not fit: {match[0]}")
    return Clause(place, operator, value, type_, bool(match["negated"]))


def _fits(type_: Type, field: str, operator: str, value: str) -> bool:
    if type_ == "numeric":
        return operator != "~" and re.fullmatch(r"-?\d{1,18}", value) is not None
    if operator == "~":
        return (type_ == "string" or field == "metadata") and len(value) >= MIN_SUBSTRING
    return operator == ":"


def _plain(text: str) -> str:
    if text[0] not in "\"'":
        return text
    return re.sub(r"\\(.)", r"\1", text[1:-1])


def _wrong(why: str) -> StripeError:
    return invalid(f"We were unable to parse your search query: it {why}.", "query")
