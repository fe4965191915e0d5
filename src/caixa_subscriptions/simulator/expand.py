"""What leaves the simulator: private keys stripped, `expand[]` carried out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from caixa_subscriptions.simulator.errors import invalid
from caixa_subscriptions.simulator.ids import is_id
from caixa_subscriptions.simulator.objects import page
from caixa_subscriptions.simulator.packing import copied

if TYPE_CHECKING:
    from caixa_subscriptions.simulator.store import Store
    from caixa_subscriptions.simulator.world import World

MAX_DEPTH = 4
_ABSENT = object()  # stays absent even when it is expanded


def public(obj: Mapping[str, Any]) -> dict[str, Any]:
    """A copy without the simulator's own keys."""
    return {key: copied(value) for key, value in obj.items() if not key.startswith("_")}


def shown(obj: Mapping[str, Any]) -> dict[str, Any]:
    """Without the simulator's own keys, and no copy: to be read only."""
    return {key: value for key, value in obj.items() if not key.startswith("_")}


def _subscriptions(world: World, obj: dict[str, Any]) -> Any:
    live = [
        public(one)
        for one in world.store.all("subscription", customer=obj["id"])
        if one["status"] not in ("canceled", "incomplete_expired")
    ]
    return page(live, f"/v1/customers/{obj['id']}/subscriptions")


def _payments(world: World, obj: dict[str, Any]) -> Any:
    found = [public(one) for one in world.store.all("invoice_payment", invoice=obj["id"])]
    return page(found, "/v1/invoices/payments")


def _line_items(world: World, obj: dict[str, Any]) -> Any:
    stored = world.store.get(obj["id"]) or {}
    lines = [public(one) for one in stored.get("_line_items", [])]
    return page(lines, f"/v1/checkout/sessions/{obj['id']}/line_items")


def _refunds(world: World, obj: dict[str, Any]) -> Any:
    """With `total_count`, as recorded."""
    found = [public(one) for one in world.store.all("refund") if one["charge"] == obj["id"]]
    return page(found, f"/v1/charges/{obj['id']}/refunds") | {"total_count": len(found)}


def _applies_to(world: World, obj: dict[str, Any]) -> Any:
    return (world.store.get(obj["id"], "coupon") or {}).get("_applies_to") or _ABSENT


def _confirmation_secret(world: World, obj: dict[str, Any]) -> Any:
    """Null where nothing is due (recorded)."""
    for payment in world.store.all("invoice_payment", invoice=obj["id"]):
        intent = world.get("payment_intent", payment["payment"]["payment_intent"])
        return {"client_secret": intent["client_secret"], "type": "payment_intent"}
    return None


# Keys that are there only when expanded.
_LAZY: dict[tuple[str, str], Callable[[World, dict[str, Any]], Any]] = {
    ("", "breakdown"): lambda world, obj: {"discounts": [], "taxes": []},  # of total_details
    ("charge", "refunds"): _refunds,
    ("checkout.session", "line_items"): _line_items,
    ("coupon", "applies_to"): _applies_to,
    ("customer", "invoice_credit_balance"): lambda world, obj: {},
    ("customer", "sources"): lambda world, obj: page([], f"/v1/customers/{obj['id']}/sources"),
    ("customer", "subscriptions"): _subscriptions,
    ("customer", "tax"): lambda world, obj: {
        "automatic_tax": "unrecognized_location",
        "ip_address": None,
        "location": None,
        "provider": "stripe",
    },
    ("customer", "tax_ids"): lambda world, obj: page([], f"/v1/customers/{obj['id']}/tax_ids"),
    ("invoice", "confirmation_secret"): _confirmation_secret,
    ("invoice", "payments"): _payments,
    ("item", "discounts"): lambda world, obj: [],
    ("item", "taxes"): lambda world, obj: [],
    ("price", "currency_options"): lambda world, obj: {
        obj["currency"]: {
            "custom_unit_amount": None,
            "tax_behavior": obj["tax_behavior"],
            "unit_amount": obj["unit_amount"],
            "unit_amount_decimal": obj["unit_amount_decimal"],
        }
    },
    ("price", "tiers"): lambda world, obj: _ABSENT,
}


def render(world: World, answer: dict[str, Any], paths: list[str]) -> dict[str, Any]:
    """The answer with every path of `expand[]` carried out."""
    if answer.get("object") in ("list", "search_result"):
        rendered = shown(answer) | {"data": [public(one) for one in answer["data"]]}
    else:
        rendered = public(answer)
    for path in paths:
        steps = path.split(".")
        depth = len(steps) - (steps[0] == "data")
        if depth > MAX_DEPTH:
            raise invalid(
                f"You cannot expand more than {MAX_DEPTH} levels of a property. Property: {path}"
            )
        _expand(world, rendered, steps, path)
    return rendered


def coupon_of(store: Store, coupon_id: str) -> dict[str, Any] | None:
    """Also one that was deleted, while a discount is still of it (Stripe docs: coupons)."""
    if found := store.get(coupon_id, "coupon"):
        return found
    for discount in store.all("discount"):
        if discount["_coupon"]["id"] == coupon_id:
            return {**discount["_coupon"], "valid": False}
    return None


def _is_expandable(world: World, step: str, value: Any) -> bool:
    if isinstance(value, str):
        return step != "id" and (
            is_id(value) or step == "coupon" or world.store.get(value) is not None
        )
    return value is None or isinstance(value, dict | list)


def _found(world: World, value: Any, step: str) -> Any:
    """The object an id stands for as `step`, where there is one."""
    if not isinstance(value, str):
        return value
    if step == "coupon":
        found = coupon_of(world.store, value)
    else:
        found = world.store.get(value) or world.deleted_customer(value)
    return value if found is None else public(found)


def _expand(world: World, node: Any, steps: list[str], path: str) -> None:
    if isinstance(node, list):
        for child in node:
            _expand(world, child, steps, path)
        return
    if not steps or not isinstance(node, dict) or node.get("deleted"):
        return
    step, rest = steps[0], steps[1:]
    kind = node.get("object", "")  # of an event's `data` it is the object itself
    lazy = _LAZY.get((kind, step)) if isinstance(kind, str) else None
    if lazy and node.get(step) is None:
        value = lazy(world, node)
        if value is not _ABSENT:
            node[step] = value
    elif (step not in node and not lazy) or not _is_expandable(world, step, node.get(step)):
        raise invalid(f"This property cannot be expanded ({path}).", "expand")
    value = node.get(step)
    if isinstance(value, list):
        node[step] = [_found(world, one, step) for one in value]
    elif isinstance(value, str):
        node[step] = _found(world, value, step)
    _expand(world, node.get(step), rest, path)
