"""Discounts on subscriptions and customers: begun, switched, taken away, over.

Sources: Stripe docs on coupons and event types, the SDK's types, the recorded subscription with a
coupon.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from caixa_subscriptions.simulator import expand
from caixa_subscriptions.simulator.redeeming import Redemption, chosen, redeem, redeemable
from caixa_subscriptions.simulator.taking_off import amounts_off
from caixa_subscriptions.simulator.tasks import task
from caixa_subscriptions.simulator.world import World


def begin(
    world: World, redemptions: Sequence[Redemption], customer: dict[str, Any], subscription: str
) -> list[str]:
    """Of a new subscription; the ids of its discounts."""
    found = [redeem(world, one, customer, subscription) for one in redemptions]
    for redemption, discount in zip(redemptions, found, strict=True):
        if redemption.discount is None:
            world.emit("customer.discount.created", discount)
    return [one["id"] for one in found]


def due_first(
    world: World,
    items: Sequence[tuple[dict[str, Any], int]],
    given: Sequence[Mapping[str, Any]],
    customer: dict[str, Any],
    *,
    trial: bool,
) -> tuple[int, list[Redemption]]:
    """What a new subscription to `items` costs at once, and what it redeems; nothing given, the
    customer's own discount counts."""
    lines = [
        (0 if trial else price["unit_amount"] * count, price["product"]) for price, count in items
    ]
    amount = sum(one for one, _product in lines)
    own = customer["discount"] and [customer["discount"]["id"]]
    currency = items[0][0]["currency"]
    redemptions = chosen(
        world, given, customer=customer, amount=amount, currency=currency, present=own or []
    )
    coupons = [one.coupon for one in redemptions]
    if not given and own:
        coupons = [world.get("discount", own[0])["_coupon"]]
    return amount - sum(map(sum, amounts_off(coupons, lines))), redemptions


def changed(world: World, subscription: dict[str, Any], given: Any) -> list[str]:
    """The ids of its discounts from now on. An empty string clears them, an empty list leaves them
    (the SDK's documentation); one for one is a switch (Stripe docs: event types)."""
    if given == []:
        return list(subscription["discounts"])
    customer = world.get("customer", subscription["customer"])
    items = subscription["items"]["data"]
    redemptions = chosen(
        world,
        given or [],
        customer=customer,
        amount=sum(item["price"]["unit_amount"] * item["quantity"] for item in items),
        currency=subscription["currency"],
        present=subscription["discounts"],
    )
    found = [redeem(world, one, customer, subscription["id"]) for one in redemptions]
    ids = [one["id"] for one in found]
    new = [one for one in found if one["id"] not in subscription["discounts"]]
    gone = [world.get("discount", one) for one in subscription["discounts"] if one not in ids]
    for one in gone:
        world.unschedule(one)
    if len(new) == len(gone) == 1:
        before = {key: one for key, one in expand.public(gone[0]).items() if new[0][key] != one}
        world.emit("customer.discount.updated", new[0], before)
        return ids
    for one in gone:
        world.emit("customer.discount.deleted", one)
    for one in new:
        world.emit("customer.discount.created", one)
    return ids


def discount_customer(
    world: World, customer: dict[str, Any], named: Mapping[str, Any]
) -> dict[str, Any]:
    """What the dashboard can do and this version of the API cannot: every subscription without
    discounts of its own has it. Raises StripeError as `redeemable` does."""
    redemption = redeemable(
        world,
        named,
        customer=customer,
        amount=0,
        currency=customer["currency"] or world.get("coupon", named["coupon"])["currency"],
        param="discount",
    )
    discount = redeem(world, redemption, customer, None)
    world.emit("customer.discount.created", discount)
    world.update(customer, {"discount": expand.public(discount)}, "customer.updated")
    return discount


def take_away(world: World, discount: dict[str, Any]) -> None:
    """From the subscription or customer that has it."""
    world.unschedule(discount)
    customer = world.store.get(discount["customer"])
    subscription = discount["subscription"] and world.get("subscription", discount["subscription"])
    if subscription and subscription["ended_at"] is None:
        rest = [one for one in subscription["discounts"] if one != discount["id"]]
        world.update(subscription, {"discounts": rest}, "customer.subscription.updated")
    elif customer and not subscription:
        world.update(customer, {"discount": None}, "customer.updated")
    else:
        return
    world.emit("customer.discount.deleted", discount)


@task("end_discount", rank=0)
def _end(world: World, discount: dict[str, Any]) -> None:
    take_away(world, discount)
