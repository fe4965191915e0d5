"""The discount of a Checkout Session: given by the shop, or by a code that its customer enters.

Sources: the SDK's types; Stripe docs on Checkout and promotion codes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from caixa_subscriptions.simulator.errors import invalid
from caixa_subscriptions.simulator.redeeming import Redemption, redeemable
from caixa_subscriptions.simulator.taking_off import amounts_off
from caixa_subscriptions.simulator.world import World

_ONE_OF = "You may only specify one of these parameters:"


def give(
    world: World,
    session: dict[str, Any],
    params: Mapping[str, Any],
    customer: Mapping[str, Any] | None,
) -> None:
    """What `discounts` says, on a session being made; raises Stripe's errors."""
    given = params.get("discounts") or []
    if given and "allow_promotion_codes" in params:
        raise invalid(f"{_ONE_OF} allow_promotion_codes, discounts.")
    if len(given) > 1:
        raise invalid("You may specify at most one discount.", "discounts")
    for named in given:
        if len(named) != 1:
            raise invalid(f"{_ONE_OF} coupon, promotion_code.", "discounts[0]")
        _put(session, _redeemable(world, session, named, customer, "discounts[0]"))


def enter_code(world: World, session_id: str, code: str) -> dict[str, Any]:
    """What the hosted page does with a code; an empty one takes it off again.

    Raises StripeError for a code that cannot be redeemed, or a session that takes none.
    """
    session = world.get("checkout.session", session_id)
    if session["status"] != "open" or not session["allow_promotion_codes"]:
        raise invalid("This checkout takes no promotion codes.")
    customer = session["customer"] and world.get("customer", session["customer"])
    if code.strip():
        named = {"code": code}
        _put(session, _redeemable(world, session, named, customer, "promotion_code"))
    else:
        session["discounts"] = []
        price(session, [])
    world.store.put(session)
    return session


def redemptions(
    world: World, session: dict[str, Any], customer: Mapping[str, Any] | None
) -> list[Redemption]:
    """What the session redeems as it is completed; a code may be over by then."""
    return [
        replace(
            _redeemable(
                world,
                session,
                {name: value for name, value in one.items() if value},
                customer,
                "discounts[0]",
            ),
            checkout_session=session["id"],
        )
        for one in session["discounts"]
    ]


def _redeemable(
    world: World,
    session: dict[str, Any],
    named: Mapping[str, Any],
    customer: Mapping[str, Any] | None,
    param: str,
) -> Redemption:
    return redeemable(
        world,
        named,
        customer=customer,
        amount=session["amount_subtotal"],
        currency=session["currency"],
        param=param,
    )


def _put(session: dict[str, Any], redemption: Redemption) -> None:
    code = redemption.promotion_code
    session["discounts"] = [
        {"coupon": None if code else redemption.coupon["id"], "promotion_code": code}
    ]
    price(session, [redemption.coupon])


def price_again(world: World, session: dict[str, Any]) -> None:
    """After its lines have changed. Raises StripeError when its discount asks for more."""
    customer = session["customer"] and world.get("customer", session["customer"])
    price(session, [one.coupon for one in redemptions(world, session, customer)])


def on_trial(session: Mapping[str, Any]) -> bool:
    data = session["_subscription_data"]
    return not data.keys().isdisjoint({"trial_end", "trial_period_days"})


def price(session: dict[str, Any], coupons: Sequence[Mapping[str, Any]]) -> None:
    """Amounts of the session and its lines; nothing comes off what a trial makes free today."""
    lines = session["_line_items"]
    free = on_trial(session)
    sizes = [
        (
            0 if free and line["price"]["recurring"] else line["amount_subtotal"],
            line["price"]["product"],
        )
        for line in lines
    ]
    taken = amounts_off(coupons, sizes)
    for index, line in enumerate(lines):
        off = sum(one[index] for one in taken)
        line.update({"amount_discount": off, "amount_total": line["amount_subtotal"] - off})
    off = sum(map(sum, taken))
    session["total_details"] = session["total_details"] | {"amount_discount": off}
    session["amount_total"] = session["amount_subtotal"] - off
