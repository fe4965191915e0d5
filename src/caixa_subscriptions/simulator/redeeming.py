"""Who may redeem a coupon or a promotion code, and redeeming it.

Sources: Stripe docs on coupons and promotion codes, the SDK's types. Practitioners' reports for
two things the docs leave open: a code's minimum is compared with what is due now (nothing during a
trial), and redeeming tells of the new count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from caixa_subscriptions.simulator import objects
from caixa_subscriptions.simulator.errors import invalid, missing
from caixa_subscriptions.simulator.periods import add_interval
from caixa_subscriptions.simulator.tasks import task
from caixa_subscriptions.simulator.world import World

MAX_DISCOUNTS = 20
_REFUSED = "This promotion code cannot be redeemed because"


@dataclass(frozen=True, slots=True)
class Redemption:
    """What is about to be redeemed; or a `discount` that is there already."""

    coupon: dict[str, Any]
    promotion_code: str | None = None
    discount: str | None = None
    checkout_session: str | None = None


def redeemable(
    world: World,
    named: Mapping[str, Any],
    *,
    customer: Mapping[str, Any] | None,
    amount: int,
    currency: str,
    param: str,
) -> Redemption:
    """`named` has a `coupon`, a `promotion_code` by its id, or the `code` somebody typed.

    `amount` is due now, before any discount, in the smallest unit of `currency`. Raises Stripe's
    400 for what is missing, spent, or not for this customer or purchase.
    """
    now = world.now_for(customer) if customer else world.now()
    promotion = None
    if "code" in named:
        promotion = _by_code(world, named["code"], param)
    elif "promotion_code" in named:
        param = f"{param}[promotion_code]"
        promotion = world.get("promotion_code", named["promotion_code"], param=param)
    if promotion is None:
        param = f"{param}[coupon]"
        coupon = world.get("coupon", named["coupon"], param=param)
    else:
        _check_promotion(world, promotion, customer, amount, currency, param, now)
        coupon = world.get("coupon", promotion["promotion"]["coupon"])
    _check_coupon(coupon, currency, param, now)
    return Redemption(coupon, promotion["id"] if promotion else None)


def with_code(world: World, code: str) -> list[dict[str, Any]]:
    """Promotion codes that read so, whatever the case; active ones first, then the newest."""
    found = [
        one for one in world.store.all("promotion_code") if one["code"].lower() == code.lower()
    ]
    return sorted(found, key=lambda one: not one["active"])


def _by_code(world: World, code: str, param: str) -> dict[str, Any]:
    found = with_code(world, code.strip())
    if not found:
        raise invalid("This code is invalid.", param, "resource_missing")
    return found[0]


def _check_promotion(
    world: World,
    promotion: dict[str, Any],
    customer: Mapping[str, Any] | None,
    amount: int,
    currency: str,
    param: str,
    now: int,
) -> None:
    restrictions = promotion["restrictions"]
    if promotion["expires_at"] is not None and promotion["expires_at"] <= now:
        raise invalid(f"{_REFUSED} it has expired.", param, "promotion_code_expired")
    if not promotion["active"]:
        raise invalid(f"{_REFUSED} it is inactive.", param)
    if promotion["customer"] and promotion["customer"] != (customer or {}).get("id"):
        raise invalid(f"{_REFUSED} it belongs to another customer.", param)
    if restrictions["first_time_transaction"] and customer and _has_paid(world, customer):
        raise invalid(
            f"{_REFUSED} the associated customer has prior transactions.",
            param,
            "promotion_code_customer_not_first_time",
        )
    least = restrictions["minimum_amount"]
    if least and (amount < least or currency != restrictions["minimum_amount_currency"]):
        raise invalid(
            f"{_REFUSED} the associated purchase does not meet the minimum amount requirement.",
            param,
        )


def _has_paid(world: World, customer: Mapping[str, Any]) -> bool:
    """Any invoice that is not void counts (Stripe docs: promotion codes)."""
    return any(
        one["status"] not in ("draft", "void")
        for one in world.store.all("invoice", customer=customer["id"])
    )


def _check_coupon(coupon: dict[str, Any], currency: str, param: str, now: int) -> None:
    if coupon["redeem_by"] is not None and coupon["redeem_by"] <= now:
        raise invalid(f"Coupon expired: {coupon['id']}", param, "coupon_expired")
    if not coupon["valid"]:
        raise invalid(f"Coupon {coupon['id']} is used up and cannot be applied.", param)
    if coupon["currency"] not in (None, currency):
        raise invalid(
            f"The coupon takes off an amount in {coupon['currency']}, and this purchase is in "
            f"{currency}.",
            param,
        )


def chosen(
    world: World,
    given: Sequence[Mapping[str, Any]],
    *,
    customer: dict[str, Any],
    amount: int,
    currency: str,
    present: Sequence[str] = (),
) -> list[Redemption]:
    """What `discounts` asks for; `present` are ids of discounts that may be kept."""
    if len(given) > MAX_DISCOUNTS:
        raise invalid(f"You may specify at most {MAX_DISCOUNTS} discounts.", "discounts")
    found = []
    for index, named in enumerate(given):
        param = f"discounts[{index}]"
        if len(named) != 1:
            raise invalid(
                "You must specify one of these parameters: coupon, promotion_code, discount.", param
            )
        if "discount" in named:
            kept = named["discount"]
            if kept not in present:
                raise missing("discount", kept, param=f"{param}[discount]")
            coupon = world.get("discount", kept)["_coupon"]
            found.append(Redemption(coupon, discount=kept))
        else:
            found.append(
                redeemable(
                    world,
                    named,
                    customer=customer,
                    amount=amount,
                    currency=currency,
                    param=param,
                )
            )
    return found


def redeem(
    world: World, redemption: Redemption, customer: dict[str, Any], subscription: str | None
) -> dict[str, Any]:
    """The discount: a new one, counted, or the one that is kept."""
    if redemption.discount:
        return world.get("discount", redemption.discount)
    now = world.now_for(customer)
    coupon = redemption.coupon
    end = None
    if coupon["duration"] == "repeating":
        end = add_interval(now, "month", coupon["duration_in_months"])
    discount = objects.discount(
        world.ids.new("discount"),
        coupon=coupon,
        promotion_code=redemption.promotion_code,
        customer=customer["id"],
        subscription=subscription,
        checkout_session=redemption.checkout_session,
        start=now,
        end=end,
    )
    world.store.put(discount)
    if end is not None:
        world.schedule(discount, "end_discount", end, customer["test_clock"])
    if redemption.promotion_code:
        _count(world, world.get("promotion_code", redemption.promotion_code), "active")
    coupon = world.get("coupon", coupon["id"])
    _count(world, coupon, "valid")
    if not coupon["valid"]:
        close_codes(world, coupon["id"])
    return discount


def _count(world: World, redeemed: dict[str, Any], flag: str) -> None:
    times, most = redeemed["times_redeemed"] + 1, redeemed["max_redemptions"]
    changes = {"times_redeemed": times, flag: most is None or times < most}
    world.update(redeemed, changes, f"{redeemed['object']}.updated")


def close_codes(world: World, coupon_id: str) -> None:
    """A code is active only while its coupon is valid (the SDK's documentation)."""
    for code in world.store.all("promotion_code"):
        if code["promotion"]["coupon"] == coupon_id and code["active"]:
            world.update(code, {"active": False}, "promotion_code.updated")


@task("expire_coupon", rank=0, kind="coupon")
def _expire_coupon(world: World, coupon: dict[str, Any]) -> None:
    world.update(coupon, {"valid": False}, "coupon.updated")
    close_codes(world, coupon["id"])


@task("expire_promotion_code", rank=0)
def _expire_promotion_code(world: World, code: dict[str, Any]) -> None:
    world.update(code, {"active": False}, "promotion_code.updated")
