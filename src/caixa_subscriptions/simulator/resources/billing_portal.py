"""The customer portal: its API, and what its hosted page does."""

from __future__ import annotations

from typing import Any

from caixa_subscriptions.simulator import lifecycle, objects
from caixa_subscriptions.simulator.cards import check, checked_number
from caixa_subscriptions.simulator.errors import (
    StripeError,
    invalid,
    missing,
    missing_param,
)
from caixa_subscriptions.simulator.objects import HOUR, PORTAL_CONFIGURATION_ID
from caixa_subscriptions.simulator.resources.payment_methods import new_card
from caixa_subscriptions.simulator.routes import LIST_PARAMS, Params, list_page, route
from caixa_subscriptions.simulator.world import World

# Real time, whatever the clocks say (Stripe docs: customer portal).
UNUSED_SECONDS = 5 * 60
IDLE_SECONDS = HOUR
NO_CONFIGURATION = (
    "No configuration provided and your test mode default configuration has not been created. "
    "Provide a configuration or create your default by saving your customer portal settings in "
    "test mode at https://dashboard.stripe.com/test/settings/billing/portal."
)


@route(
    "POST",
    "/v1/billing_portal/sessions",
    "billing_portal.SessionCreateParams",
    "customer return_url",
)
def create_session(world: World, params: Params) -> dict[str, Any]:
    if "customer" not in params:
        raise missing_param("customer")
    customer = world.get("customer", params["customer"], param="customer")
    if not world.option("portal_default_configuration"):
        raise invalid(NO_CONFIGURATION)
    token = f"test_{world.ids.token(40)}"
    session = objects.portal_session(
        world.ids.new("billing_portal.session"),
        customer=customer["id"],
        return_url=params.get("return_url"),
        url=f"{world.caller.base_url}/simulator/portal/{token}",
        created=world.wall(),
    )
    session["_token"] = token
    session["_expires_at"] = world.wall() + UNUSED_SECONDS
    world.store.set_meta(f"portal:{token}", session["id"])
    return world.add(session, "billing_portal.session.created")


def open_session(world: World, token: str) -> dict[str, Any]:
    """The session of a link; each use keeps it alive for an hour."""
    session_id = world.store.get_meta(f"portal:{token}")
    session = world.store.get(session_id) if session_id else None
    if session is None or session["_expires_at"] <= world.wall():
        raise StripeError(404, "This customer portal link is unknown or has expired.")
    world.update(session, {"_expires_at": world.wall() + IDLE_SECONDS})
    return session


def own_subscription(world: World, token: str, subscription_id: str) -> dict[str, Any]:
    session = open_session(world, token)
    subscription = world.get("subscription", subscription_id)
    if subscription["customer"] != session["customer"]:
        raise missing("subscription", subscription_id)
    world.writable(subscription)
    return subscription


def cancel(world: World, token: str, subscription_id: str) -> dict[str, Any]:
    subscription = own_subscription(world, token, subscription_id)
    lifecycle.require_not_ended(subscription)
    lifecycle.request_cancellation(
        world,
        subscription,
        cancel_at=lifecycle.current_period_end(subscription),
        # Flexible billing sets `cancel_at` alone (Stripe docs: billing mode).
        at_period_end=subscription["billing_mode"]["type"] == "classic",
    )
    return subscription


def renew(world: World, token: str, subscription_id: str) -> dict[str, Any]:
    subscription = own_subscription(world, token, subscription_id)
    lifecycle.require_not_ended(subscription)
    if not subscription["cancel_at"]:
        raise invalid("This subscription is not about to end.")
    lifecycle.withdraw_cancellation(world, subscription)
    return subscription


def update_card(
    world: World, token: str, *, card_number: str, exp_month: int, exp_year: int
) -> dict[str, Any]:
    session = open_session(world, token)
    customer = world.get("customer", session["customer"])
    world.writable(customer)
    number = checked_number(card_number)
    check(number, "attach")
    card = new_card(
        world, number, exp_month=exp_month, exp_year=exp_year, created=world.now_for(customer)
    )
    # The portal authenticates a card that asks for it; its owner is there.
    card["_set_up"] = True
    card["customer"] = customer["id"]
    world.add(card, "payment_method.attached")
    settings = customer["invoice_settings"] | {"default_payment_method": card["id"]}
    world.update(customer, {"invoice_settings": settings}, "customer.updated")
    if world.option("portal_card_update") == "customer":
        return card
    for subscription in world.store.all("subscription", customer=customer["id"]):
        if subscription["status"] not in lifecycle.ENDED:
            world.update(
                subscription,
                {"default_payment_method": card["id"]},
                "customer.subscription.updated",
            )
    return card


@route(
    "GET",
    "/v1/billing_portal/configurations",
    "billing_portal.ConfigurationListParams",
    f"{LIST_PARAMS} active is_default",
)
def list_configurations(world: World, params: Params) -> dict[str, Any]:
    found = [
        one
        for one in [_configuration(world)]
        if world.option("portal_default_configuration")
        and params.get("active") in (None, one["active"])
        and params.get("is_default") in (None, one["is_default"])
    ]
    return list_page(found, params, "/v1/billing_portal/configurations")


@route(
    "GET",
    "/v1/billing_portal/configurations/{configuration}",
    "billing_portal.ConfigurationRetrieveParams",
)
def retrieve_configuration(world: World, params: Params, object_id: str) -> dict[str, Any]:
    if object_id != PORTAL_CONFIGURATION_ID or not world.option("portal_default_configuration"):
        raise missing("configuration", object_id)
    return _configuration(world)


def _configuration(world: World) -> dict[str, Any]:
    created = int(world.store.get_meta("started") or world.wall())
    return objects.portal_configuration(created=created)
