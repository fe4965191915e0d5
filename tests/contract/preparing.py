"""What the recorded account held before the recording began, made anew in the simulator."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

Call = Callable[..., dict[str, Any]]
Prepared = list[tuple[str, dict[str, Any]]]

# The cards that the recordings' own accounts had, by their last four digits.
TOKENS = {"3184": "pm_card_authenticationRequired"}


def objects(node: Any, kind: str) -> Iterator[dict[str, Any]]:
    """Every object of this kind in an answer, at any depth."""
    if isinstance(node, dict):
        if node.get("object") == kind:
            yield node
        for value in node.values():
            yield from objects(value, kind)
    elif isinstance(node, list):
        for value in node:
            yield from objects(value, kind)


def price(call: Call, price_id: str, answers: list[Any], asked: dict[str, Any]) -> Prepared:
    """As the answers show it; else as the Checkout Session that sells it does."""
    shown = next(
        (one for answer in answers for one in objects(answer, "price") if one["id"] == price_id),
        None,
    )
    product = call("POST", "/v1/products", **_product(answers))
    params: dict[str, Any] = {"product": product["id"]}
    if shown is not None:
        params |= {
            "currency": shown["currency"],
            "unit_amount": shown["unit_amount"],
            "recurring": {"interval": shown["recurring"]["interval"]},
            "tax_behavior": shown["tax_behavior"],
        }
        if shown["nickname"]:
            params["nickname"] = shown["nickname"]
    else:
        params |= {"currency": asked["currency"], "unit_amount": asked["amount_total"]}
        if asked["mode"] == "subscription":
            params["recurring"] = {"interval": "month"}
    made = call("POST", "/v1/prices", **params)
    found = [(price_id, made)]
    return [*found, (shown["product"], product)] if shown else found


def _product(answers: list[Any]) -> dict[str, str]:
    for answer in answers:
        for line in objects(answer, "line_item"):
            words = re.fullmatch(
                r"(?:Free trial for )?\d+ (?:(\w+) )?\W (.+?)( \(.*)?", line["description"]
            )
            if words:
                unit = {"unit_label": words[1]} if words[1] else {}
                return {"name": words[2]} | unit
    return {"name": "Test Subscription"}


def coupon(call: Call, coupon_id: str, answers: list[Any]) -> Prepared:
    shown = next(
        one for answer in answers for one in objects(answer, "coupon") if one["id"] == coupon_id
    )
    made = call(
        "POST",
        "/v1/coupons",
        id=coupon_id,
        **{key: shown[key] for key in ("duration", "name", "percent_off")},
    )
    return [(coupon_id, made)]


def customer(call: Call, recorded: dict[str, Any]) -> Prepared:
    made = call("POST", "/v1/customers", email=recorded["email"], name=recorded["name"] or "")
    return [(recorded["id"], made)]


def payment_method(call: Call, method_id: str, customer: str, last4: str | None) -> Prepared:
    token = TOKENS.get(last4 or "", "pm_card_visa")
    return [(method_id, call("POST", f"/v1/payment_methods/{token}/attach", customer=customer))]


def first_payment(call: Call, intent: dict[str, Any], customer: str) -> Prepared:
    """The PaymentIntent of a subscription begun before the recording."""
    bought = call(
        "POST",
        "/v1/prices",
        product_data={"name": "Test Subscription"},
        currency=intent["currency"],
        unit_amount=intent["amount"],
        recurring={"interval": "month"},
    )
    call("POST", "/v1/subscriptions", customer=customer, items=[{"price": bought["id"]}])
    made = call("GET", "/v1/payment_intents", customer=customer)
    return [(intent["id"], made["data"][0])]
