from __future__ import annotations

import re
from typing import Any

from caixa_subscriptions.simulator import balances, lifecycle, objects
from caixa_subscriptions.simulator.errors import StripeError, invalid
from caixa_subscriptions.simulator.lists import of_clock, stored_page
from caixa_subscriptions.simulator.params import merge_metadata
from caixa_subscriptions.simulator.resources.payment_methods import attach
from caixa_subscriptions.simulator.routes import (
    LIST_PARAMS,
    Params,
    route,
)
from caixa_subscriptions.simulator.world import World

MAX_CUSTOMERS_PER_CLOCK = 3
_FIELDS = "address description email metadata name phone preferred_locales"
_DEFAULT_CARD = "invoice_settings.default_payment_method"


@route(
    "POST",
    "/v1/customers",
    "CustomerCreateParams",
    f"{_FIELDS} {_DEFAULT_CARD} balance payment_method test_clock",
)
def create_customer(world: World, params: Params) -> dict[str, Any]:
    clock_id = params.get("test_clock") or (world.default_clock_id if world.default_clock else None)
    if params.get("test_clock"):
        world.get("test_helpers.test_clock", params["test_clock"], param="test_clock")
        if (
            clock_id != world.default_clock_id
            and len(world.store.all("customer", test_clock=clock_id)) >= MAX_CUSTOMERS_PER_CLOCK
        ):
            raise StripeError(
                400,
                "You can only have up to 3 customers per test clock.",
                param="test_clock",
            )
    customer = objects.customer(
        world.ids.new("customer"),
        invoice_prefix=world.ids.token(8).upper(),
        test_clock=clock_id,
        created=world.now(clock_id or ""),
    )
    customer.update(_changes(customer, params))
    customer["balance"] = params.get("balance", 0)
    world.add(customer, "customer.created")
    if customer["balance"]:
        balances.record(world, customer, customer["balance"], kind="initial")
    if "payment_method" in params:
        attach(world, params["payment_method"], customer, param="payment_method")
    return world.update(customer, _default_card(world, customer, params), "customer.updated")


def _changes(customer: dict[str, Any], params: Params) -> dict[str, Any]:
    check_email(params, "email")
    changes = {key: params[key] or None for key in _FIELDS.split() if key in params}
    changes["metadata"] = merge_metadata(customer["metadata"], params.get("metadata"))
    if changes.get("address"):
        changes["address"] = {**objects.EMPTY_ADDRESS, **params["address"]}
    if "preferred_locales" in params:
        changes["preferred_locales"] = params["preferred_locales"] or []
    return changes


def check_email(params: Params, name: str) -> None:
    email = params.get(name)
    if email and not re.fullmatch(r"[^@\s]+@[^@\s]+", email):
        raise invalid(f"Invalid email address: {email}", name, "email_invalid")


def _default_card(world: World, customer: dict[str, Any], params: Params) -> dict[str, Any]:
    """What changes with it; raises StripeError when it is not the customer's."""
    settings = params.get("invoice_settings") or {}
    if "default_payment_method" not in settings:
        return {}
    default = settings["default_payment_method"] or None
    if default:
        param = "invoice_settings[default_payment_method]"
        card = world.get("payment_method", default, param=param)
        if card["customer"] != customer["id"]:
            raise StripeError(
                400,
                f"The customer does not have a payment method with the ID {default}. The payment "
                "method must be attached to the customer.",
                code="resource_missing",
                param=param,
            )
    return {"invoice_settings": customer["invoice_settings"] | {"default_payment_method": default}}


@route("GET", "/v1/customers/{customer}", "CustomerRetrieveParams")
def retrieve_customer(world: World, params: Params, customer_id: str) -> dict[str, Any]:
    return world.deleted_customer(customer_id) or world.get("customer", customer_id)


@route(
    "POST",
    "/v1/customers/{customer}",
    "CustomerUpdateParams",
    f"{_FIELDS} {_DEFAULT_CARD} balance",
)
def update_customer(world: World, params: Params, customer_id: str) -> dict[str, Any]:
    customer = world.get("customer", customer_id)
    world.writable(customer)
    changes = _changes(customer, params) | _default_card(world, customer, params)
    world.update(customer, changes, "customer.updated")
    if "balance" in params:
        balances.move(world, customer, params["balance"] - customer["balance"], kind="adjustment")
    return customer


@route("DELETE", "/v1/customers/{customer}", "CustomerDeleteParams")
def delete_customer(world: World, params: Params, customer_id: str) -> dict[str, Any]:
    """Cancels what is active at once (Stripe docs: delete a customer)."""
    customer = world.get("customer", customer_id)
    world.writable(customer)
    order = ["customer.subscription.deleted", "customer.deleted"]
    if world.option("customer_deletion_order") == "customer_first":
        order.reverse()
    with world.events_in_order(tuple(order)):
        for subscription in world.store.all("subscription", customer=customer_id):
            if subscription["status"] not in lifecycle.ENDED:
                lifecycle.cancel(world, subscription, reason=None)
        world.forget_customer(customer, customer["test_clock"])
        world.emit("customer.deleted", customer)
    return {"id": customer_id, "object": "customer", "deleted": True}


@route("GET", "/v1/customers", "CustomerListParams", f"{LIST_PARAMS} created email test_clock")
def list_customers(world: World, params: Params) -> dict[str, Any]:
    clock = of_clock(world, params)
    return stored_page(world, "customer", params, "/v1/customers", "email", *clock)


@route(
    "GET",
    "/v1/customers/{customer}/payment_methods",
    "CustomerPaymentMethodListParams",
    f"{LIST_PARAMS} type",
)
def list_payment_methods(world: World, params: Params, customer_id: str) -> dict[str, Any]:
    world.get("customer", customer_id)
    url = f"/v1/customers/{customer_id}/payment_methods"
    return stored_page(
        world, "payment_method", params | {"customer": customer_id}, url, "customer type"
    )
