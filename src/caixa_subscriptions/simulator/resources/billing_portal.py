"""Sessions of the customer portal."""

from __future__ import annotations

from typing import Any

from caixa_subscriptions.simulator import objects
from caixa_subscriptions.simulator.errors import invalid, missing_param
from caixa_subscriptions.simulator.objects import PORTAL_CONFIGURATION_ID
from caixa_subscriptions.simulator.resources import portal_flows
from caixa_subscriptions.simulator.resources.portal_configurations import get_configuration
from caixa_subscriptions.simulator.routes import Params, route
from caixa_subscriptions.simulator.world import World

# Real time, whatever the clocks say (Stripe docs: customer portal).
UNUSED_SECONDS = 5 * 60
NO_CONFIGURATION = (
    "No configuration provided and your test mode default configuration has not been created. "
    "Provide a configuration or create your default by saving your customer portal settings in "
    "test mode at https://dashboard.stripe.com/test/settings/billing/portal."
)


@route(
    "POST",
    "/v1/billing_portal/sessions",
    "billing_portal.SessionCreateParams",
    "customer configuration locale return_url flow_data.type flow_data.after_completion "
    "flow_data.subscription_cancel.subscription flow_data.subscription_update.subscription "
    "flow_data.subscription_update_confirm.subscription "
    "flow_data.subscription_update_confirm.items",
)
def create_session(world: World, params: Params) -> dict[str, Any]:
    if "customer" not in params:
        raise missing_param("customer")
    customer = world.get("customer", params["customer"], param="customer")
    world.writable(customer)
    if "configuration" in params:
        configuration = get_configuration(world, params["configuration"], param="configuration")
        if not configuration["active"]:
            raise invalid("This configuration is not active.", "configuration")
    elif world.option("portal_default_configuration"):
        configuration = get_configuration(world, PORTAL_CONFIGURATION_ID, param=None)
    else:
        raise invalid(NO_CONFIGURATION)
    flow = portal_flows.new_flow(world, configuration, customer, params.get("flow_data"))
    token = f"test_{world.ids.token(40)}"
    session = objects.portal_session(
        world.ids.new("billing_portal.session"),
        configuration=configuration["id"],
        customer=customer["id"],
        flow=flow,
        locale=params.get("locale"),
        return_url=params.get("return_url") or configuration["default_return_url"],
        url=f"{world.caller.base_url}/simulator/portal/{token}",
        created=world.wall(),
    )
    session["_token"] = token
    session["_expires_at"] = world.wall() + UNUSED_SECONDS
    world.store.set_meta(f"portal:{token}", session["id"])
    return world.add(session, "billing_portal.session.created")
