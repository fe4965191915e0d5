from __future__ import annotations

from typing import Any

from caixa_subscriptions.simulator import objects
from caixa_subscriptions.simulator.cards import (
    COUNTRIES,
    TOKENS,
    check,
    check_expiry,
    checked_number,
)
from caixa_subscriptions.simulator.errors import (
    StripeError,
    invalid,
    missing,
    missing_param,
    not_simulated,
)
from caixa_subscriptions.simulator.lists import stored_page
from caixa_subscriptions.simulator.params import merge_metadata
from caixa_subscriptions.simulator.routes import LIST_PARAMS, Params, route
from caixa_subscriptions.simulator.vouchers import DELAYED
from caixa_subscriptions.simulator.world import World


def new_card(
    world: World, number: str, *, exp_month: int, exp_year: int, created: int
) -> dict[str, Any]:
    return objects.card_payment_method(
        world.ids.new("payment_method"),
        number=number,
        country=COUNTRIES.get(number, "US"),
        exp_month=exp_month,
        exp_year=exp_year,
        created=created,
    )


@route(
    "POST",
    "/v1/payment_methods",
    "PaymentMethodCreateParams",
    "type card.number card.exp_month card.exp_year card.cvc card.token metadata billing_details "
    "boleto pix",
)
def create_payment_method(world: World, params: Params) -> dict[str, Any]:
    kind = params.get("type")
    if kind not in ("card", *DELAYED):
        raise not_simulated("type")
    own = {"boleto": params.get("boleto"), "card": params.get("card"), "pix": params.get("pix")}
    tax_id = (own["boleto"] or {}).get("tax_id")
    for other, said in own.items():
        if said is not None and other != kind:
            raise invalid(f"You provided `{other}` for a payment method of the type {kind}.", other)
    if own[kind] is None and kind != "pix":  # which says nothing
        raise missing_param(kind)
    created = (
        _card(world, own["card"] or {}) if kind == "card" else _voucher(world, kind, tax_id, params)
    )
    given = params.get("billing_details") or {}
    created["billing_details"] |= {key: given[key] or None for key in given if key != "address"}
    created["billing_details"]["address"] |= given.get("address") or {}
    created["metadata"] = merge_metadata({}, params.get("metadata"))
    world.store.put(created)
    return created


def _voucher(world: World, kind: str, tax_id: str | None, params: Params) -> dict[str, Any]:
    details = params.get("billing_details") or {}
    for name in ("name", "email") if kind == "boleto" else ():
        if not details.get(name):
            raise missing_param(f"billing_details[{name}]")
    return new_voucher(world, kind, tax_id=tax_id, created=world.now())


def new_voucher(
    world: World, kind: str, *, tax_id: str | None, created: int, **billing_details: Any
) -> dict[str, Any]:
    return objects.voucher_payment_method(
        world.ids.new("payment_method"),
        type=kind,
        tax_id=tax_id,
        billing_details=billing_details,
        created=created,
    )


def _card(world: World, card: Params) -> dict[str, Any]:
    token = card.get("token")
    if token is None:
        for name in ("number", "exp_month", "exp_year"):
            if name not in card:
                raise missing_param(f"card[{name}]")
        number = checked_number(card["number"])
        check_expiry(card["exp_month"], card["exp_year"], card.get("cvc", "123"), now=world.wall())
    else:
        number = TOKENS.get("pm_card_" + token.removeprefix("tok_"), "")
        if not number:
            raise missing("token", token, param="card[token]")
    return new_card(
        world,
        number,
        exp_month=card.get("exp_month", 12),
        exp_year=card.get("exp_year", 2034),
        created=world.now(),
    )


@route("GET", "/v1/payment_methods/{payment_method}", "PaymentMethodRetrieveParams")
def retrieve_payment_method(world: World, params: Params, card_id: str) -> dict[str, Any]:
    return world.get("payment_method", card_id)


@route(
    "POST",
    "/v1/payment_methods/{payment_method}/attach",
    "PaymentMethodAttachParams",
    "customer",
)
def attach_payment_method(world: World, params: Params, card_id: str) -> dict[str, Any]:
    if "customer" not in params:
        raise missing_param("customer")
    customer = world.get("customer", params["customer"], param="customer")
    world.writable(customer)
    return attach(world, card_id, customer, param=None)


def attach(
    world: World, card_id: str, customer: dict[str, Any], *, param: str | None
) -> dict[str, Any]:
    """A token gives a new card of its own, never itself (recorded). `param` is the parameter
    that names the card, None when the path does."""
    if card_id in TOKENS:
        card = new_card(
            world, TOKENS[card_id], exp_month=12, exp_year=2034, created=world.now_for(customer)
        )
    else:
        found = world.store.get(card_id)
        if found is None or found["object"] != "payment_method":
            raise StripeError(
                400 if param else 404,
                f"No such PaymentMethod: '{card_id}'; It's possible this PaymentMethod exists on "
                "one of your connected accounts, in which case you should retry this request on "
                "that connected account. Learn more at "
                "https://stripe.com/docs/connect/authentication",
                code="resource_missing",
                param="payment_method",
            )
        card = found
    if card["customer"] not in (None, customer["id"]):
        raise invalid("The payment method you provided has already been attached to a customer.")
    check(card["_number"], "attach")
    return world.update(card, {"customer": customer["id"]}, "payment_method.attached")


def chosen_card(world: World, named: str, customer: str | None) -> dict[str, Any]:
    """The card an intent names; a token stands for a new one. Raises StripeError when it is
    another customer's."""
    if named in TOKENS:
        card = new_card(world, TOKENS[named], exp_month=12, exp_year=2034, created=world.now())
        world.store.put(card)
        return card
    card = world.get("payment_method", named, param="payment_method")
    if card["customer"] not in (None, customer):
        raise invalid(
            "The PaymentMethod belongs to another Customer, or the intent names none: give the "
            "Customer it is attached to.",
            "payment_method",
        )
    return card


@route("POST", "/v1/payment_methods/{payment_method}/detach", "PaymentMethodDetachParams")
def detach_payment_method(world: World, params: Params, card_id: str) -> dict[str, Any]:
    card = world.get("payment_method", card_id)
    if card["customer"] is None:
        raise invalid(
            "The payment method you provided is not attached to a customer so detachment is "
            "impossible."
        )
    customer = world.get("customer", card["customer"])
    world.writable(customer)
    if customer["invoice_settings"]["default_payment_method"] == card_id:
        world.update(
            customer,
            {"invoice_settings": customer["invoice_settings"] | {"default_payment_method": None}},
            "customer.updated",
        )
    for subscription in world.store.all("subscription", customer=customer["id"]):
        if subscription["default_payment_method"] == card_id:
            world.update(
                subscription, {"default_payment_method": None}, "customer.subscription.updated"
            )
    return world.update(card, {"customer": None}, "payment_method.detached")


@route("GET", "/v1/payment_methods", "PaymentMethodListParams", f"{LIST_PARAMS} customer type")
def list_payment_methods(world: World, params: Params) -> dict[str, Any]:
    return stored_page(world, "payment_method", params, "/v1/payment_methods", "customer type")
