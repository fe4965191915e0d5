"""An event somebody asked for by name, about an object that fits it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any, get_args

import stripe

from caixa_subscriptions.simulator import (
    completing,
    disputing,
    entitling,
    expand,
    refunding,
    resources,
    routes,
    warning,
)
from caixa_subscriptions.simulator.lifecycle import ENDED
from caixa_subscriptions.simulator.objects import DAY
from caixa_subscriptions.simulator.packing import unpack
from caixa_subscriptions.simulator.world import World

__all__ = ["emit", "resources"]  # imported, the resources are registered as routes

Object = dict[str, Any]

# SDK types: every event there is.
TYPES = frozenset(get_args(stripe.Event.__annotations__["type"]))

GOOD_CARD = "4242424242424242"
# Where an event's name and its object's differ (Stripe docs: api/events/types).
_KINDS = {
    "charge.dispute": "dispute",
    "charge.refund": "refund",
    "customer.subscription": "subscription",
}


def emit(world: World, type: str, /, **overrides: Any) -> Object:  # noqa: A002  Stripe's own name
    """The event, complete and stored, `overrides` merged into its `data.object`.

    It is about the object whose `id` is given, else the newest that fits (of `customer`, when
    given), else one made for it, whose own events come before. `.created` always makes one unless
    there is an `id`. Overrides are stored in the object too, since receivers fetch it again; no
    other object changes. Raises ValueError for an event Stripe does not have, LookupError when
    there is no such object and none can be made.
    """
    if type not in TYPES:
        raise ValueError(f"Stripe has no event {type!r}")
    start = _last(world)
    if type == entitling.SUMMARY_UPDATED:  # of an object without an id, which is stored nowhere
        one = _newest(world, "customer", overrides.get("customer")) or _customer(world, type, None)
        world.emit(type, merge(entitling.summary(world, one["id"]), overrides), {})
        return expand.public(world.store.all("event", type=type)[0])
    obj = _object(world, type, overrides)
    if obj["object"] == "customer":
        overrides.pop("customer", None)
    deed = _deed(type, obj)
    if deed:
        deed(world, obj)
    updates = type.endswith(".updated")
    told = [] if updates else _told(world, type, obj["id"], start)
    stored = world.store.get(obj["id"], obj["object"])
    if told:
        if stored is not None:
            world.store.put(merge(stored, overrides))
        event = told[0]
        event["data"]["object"] = merge(event["data"]["object"], overrides)
        world.store.put(event)
        return expand.public(event)
    obj = stored or obj
    fitting = CHANGES[type](obj, world.now(obj.get("test_clock"))) if type in CHANGES else {}
    after = merge(merge(obj, fitting), overrides)
    if updates and after != obj:
        world.update(obj, after, type)
    else:
        world.store.put(after)
        world.emit(type, after, {} if updates else None)
    if type in ("price.deleted", "product.deleted"):
        world.store.delete(obj["id"])
    return expand.public(_told(world, type, obj["id"], start)[0])


def merge(obj: Mapping[str, Any], changes: Mapping[str, Any]) -> Object:
    """A copy of `obj` with the changes in it, at every depth; lists are replaced."""
    merged = copy.deepcopy(dict(obj))
    for key, value in changes.items():
        before = merged.get(key)
        if isinstance(before, dict) and isinstance(value, Mapping):
            value = merge(before, value)
        merged[key] = copy.deepcopy(value)
    return merged


def _last(world: World) -> int:
    return int(world.store.execute("select coalesce(max(seq), 0) as last from objects")[0]["last"])


def _told(world: World, type: str, object_id: str, start: int) -> list[Object]:  # noqa: A002
    """Events of this type about the object since `start`, newest first."""
    rows = world.store.execute(
        "select data from objects where kind = 'event' and seq > ? "
        "and type = ? and about = ? order by seq desc",
        (start, type, object_id),
    )
    return [unpack(row["data"]) for row in rows]


# Which object


def _object(world: World, type: str, wanted: Mapping[str, Any]) -> Object:  # noqa: A002
    family = type.rpartition(".")[0]
    kind = _KINDS.get(family, family)
    if "id" in wanted:
        return world.get(kind, wanted["id"])
    customer = wanted.get("customer")
    if not type.endswith(".created") and (found := _newest(world, kind, customer)):
        return found
    if kind not in MAKERS:
        raise LookupError(f"{type} is about a {kind}, and there is none: make one first")
    made = MAKERS[kind](world, type, customer)
    return made if made["object"] == kind else world.store.all(kind, customer=made["customer"])[0]


def _newest(world: World, kind: str, customer: str | None = None) -> Object | None:
    if kind == "customer" and customer:
        return world.get(kind, customer)
    return next(iter(world.store.all(kind, customer=customer)), None)


# Making one, by the API's own endpoints


def _call(world: World, method: str, path: str, **params: Any) -> Object:
    route, ids = routes.find(method, path)
    return route.handler(world, route.spec.clean(params), *ids)


def _product(world: World, type: str, customer: str | None) -> Object:  # noqa: A002
    return _call(world, "POST", "/v1/products", name="Product")


def _price(world: World, type: str, customer: str | None) -> Object:  # noqa: A002
    return _call(
        world,
        "POST",
        "/v1/prices",
        product_data={"name": "Product"},
        currency="usd",
        unit_amount=1000,
        recurring={"interval": "month"},
    )


def _recurring_price(world: World) -> Object:
    for price in world.store.all("price"):
        if price["recurring"] and price["active"]:
            return price
    return _price(world, "price.created", None)


def _customer(world: World, type: str, customer: str | None) -> Object:  # noqa: A002
    return _call(world, "POST", "/v1/customers", email="customer@example.com")


def _payer(world: World, customer: str | None) -> Object:
    """A customer, this one or the newest, with a card that works."""
    payer = _newest(world, "customer", customer) or _customer(world, "customer.created", None)
    if payer["invoice_settings"]["default_payment_method"]:
        return payer
    card = _payment_method(world, "payment_method.attached", payer["id"])
    return _call(
        world,
        "POST",
        f"/v1/customers/{payer['id']}",
        invoice_settings={"default_payment_method": card["id"]},
    )


def _payment_method(world: World, type: str, customer: str | None) -> Object:  # noqa: A002
    payer = _newest(world, "customer", customer) or _customer(world, "customer.created", None)
    card = {"number": GOOD_CARD, "exp_month": 12, "exp_year": 2034, "cvc": "123"}
    method = _call(world, "POST", "/v1/payment_methods", type="card", card=card)
    return _call(world, "POST", f"/v1/payment_methods/{method['id']}/attach", customer=payer["id"])


def _subscription(world: World, type: str, customer: str | None) -> Object:  # noqa: A002
    trial = {"trial_period_days": 3} if type.endswith(".trial_will_end") else {}
    return _call(
        world,
        "POST",
        "/v1/subscriptions",
        customer=_payer(world, customer)["id"],
        items=[{"price": _recurring_price(world)["id"]}],
        **trial,
    )


def _session(world: World, type: str, customer: str | None) -> Object:  # noqa: A002
    return _call(
        world,
        "POST",
        "/v1/checkout/sessions",
        mode="subscription",
        customer=_payer(world, customer)["id"],
        line_items=[{"price": _recurring_price(world)["id"], "quantity": 1}],
        success_url="https://shop.example/done",
    )


def _charge(world: World, customer: str | None) -> Object:
    paid = _subscription(world, "charge.succeeded", customer)
    return world.store.all("charge", customer=paid["customer"])[0]


def _refund(world: World, type: str, customer: str | None) -> Object:  # noqa: A002
    return refunding.refund_charge(world, _charge(world, customer))


def _dispute(world: World, type: str, customer: str | None) -> Object:  # noqa: A002
    return disputing.open_dispute(world, _charge(world, customer), reason="fraudulent")


MAKERS: dict[str, Callable[[World, str, str | None], Object]] = {
    "charge": _subscription,
    "checkout.session": _session,
    "customer": _customer,
    "invoice": _subscription,
    "invoice_payment": _subscription,
    "payment_intent": _subscription,
    "payment_method": _payment_method,
    "price": _price,
    "dispute": _dispute,
    "product": _product,
    warning.KIND: lambda world, _type, customer: warning.warn(world, _charge(world, customer)),
    "refund": _refund,
    "subscription": _subscription,
}


# What the event says has happened


def _deed(type: str, obj: Object) -> Callable[[World, Object], Any] | None:  # noqa: A002
    """None too for what has been done before."""
    done = obj.get("status") in (*ENDED, "complete", "expired")
    return None if done else _DEEDS.get(type)


_DEEDS: dict[str, Callable[[World, Object], Any]] = {
    "checkout.session.completed": lambda world, obj: completing.complete_session(
        world, obj["id"], card_number=GOOD_CARD, exp_month=12, exp_year=2034
    ),
    "checkout.session.expired": lambda world, obj: _call(
        world, "POST", f"/v1/checkout/sessions/{obj['id']}/expire"
    ),
    "customer.deleted": lambda world, obj: _call(world, "DELETE", f"/v1/customers/{obj['id']}"),
    "customer.subscription.deleted": lambda world, obj: _call(
        world, "DELETE", f"/v1/subscriptions/{obj['id']}"
    ),
    "payment_method.detached": lambda world, obj: _call(
        world, "POST", f"/v1/payment_methods/{obj['id']}/detach"
    ),
}


def _payment_failed(invoice: Object, now: int) -> Object:
    return {
        "status": "open",
        "amount_paid": 0,
        "amount_remaining": invoice["amount_due"],
        "attempted": True,
        "attempt_count": invoice["attempt_count"] + 1,
        "next_payment_attempt": now + 3 * DAY,
        "status_transitions": {"paid_at": None},
    }


CHANGES: dict[str, Callable[[Object, int], Object]] = {
    "charge.failed": lambda obj, now: {
        "status": "failed",
        "paid": False,
        "failure_code": "card_declined",
        "failure_message": "Your card was declined.",
    },
    "customer.subscription.paused": lambda obj, now: {"status": "paused"},
    "customer.subscription.resumed": lambda obj, now: {"status": "active"},
    "customer.subscription.trial_will_end": lambda obj, now: {
        "status": "trialing",
        "trial_end": max(obj["trial_end"] or 0, now + 3 * DAY),
    },
    "invoice.marked_uncollectible": lambda obj, now: {"status": "uncollectible"},
    "invoice.payment_action_required": _payment_failed,
    "invoice.payment_failed": _payment_failed,
    "invoice.voided": lambda obj, now: {"status": "void"},
    "payment_intent.payment_failed": lambda obj, now: {"status": "requires_payment_method"},
    "payment_intent.requires_action": lambda obj, now: {"status": "requires_action"},
}
