"""The customer portal: configurations, flows, and what a customer may do by them."""

from __future__ import annotations

from typing import Any

import pytest

from caixa_subscriptions.simulator import Simulator, StripeError, portal
from tests.simulator.tools import (
    START,
    Calls,
    bought,
    events,
    invoice_of,
    message,
    on_trial,
)

PATH = "/v1/billing_portal/configurations"
SESSIONS = "/v1/billing_portal/sessions"


def configuration(call: Calls, **features: Any) -> dict[str, Any]:
    return call("POST", PATH, features=features)


def selling(call: Calls, subscription: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A configuration that sells the subscription's product at two prices."""
    price = subscription["items"]["data"][0]["price"]
    dear = call.price(product=price["product"], amount=1900)
    feature = {
        "enabled": True,
        "default_allowed_updates": ["price", "quantity"],
        "products": [
            {
                "product": price["product"],
                "prices": [price["id"], dear["id"]],
                "adjustable_quantity": {"enabled": True, "minimum": 1, "maximum": 5},
            }
        ],
    } | changes
    return configuration(call, subscription_update=feature)


def dear_price(made: dict[str, Any]) -> str:
    found: str = made["features"]["subscription_update"]["products"][0]["prices"][1]
    return found


def token(call: Calls, customer: str, **params: Any) -> str:
    session = call("POST", SESSIONS, customer=customer, **params)
    return str(session["url"].rpartition("/")[2])


def refused(simulator: Simulator, deed: Any, *args: Any, **kwargs: Any) -> str:
    with pytest.raises(StripeError) as raised, simulator.deed() as world:
        deed(world, *args, **kwargs)
    return raised.value.message


# Configurations


def test_a_configuration_offers_what_it_is_told(call: Calls) -> None:
    made = call(
        "POST",
        PATH,
        name="Plain",
        default_return_url="https://shop.example/account",
        business_profile={"headline": "Hello"},
        metadata={"a": "b"},
        features={"invoice_history": {"enabled": True}},
    )
    assert made["features"]["invoice_history"] == {"enabled": True}
    assert made["features"]["subscription_cancel"]["enabled"] is False
    assert (made["name"], made["is_default"], made["active"]) == ("Plain", False, True)
    assert made["business_profile"]["headline"] == "Hello"
    (event,) = events(call.simulator, "billing_portal.configuration.created")
    assert event["data"]["object"] == made
    assert [one["id"] for one in call("GET", PATH, is_default=False)["data"]] == [made["id"]]
    assert len(call("GET", PATH)["data"]) == 2
    path = f"{PATH}/{made['id']}"
    reason = {"enabled": True, "options": ["too_expensive"]}
    cancel = {"enabled": True, "mode": "immediately", "cancellation_reason": reason}
    changed = call("POST", path, active=False, name="", features={"subscription_cancel": cancel})
    assert (changed["active"], changed["name"]) == (False, None)
    assert changed["features"]["subscription_cancel"] == cancel | {"proration_behavior": "none"}
    assert changed["features"]["invoice_history"] == {"enabled": True}
    assert call("GET", path) == changed
    customer = call.customer()["id"]
    error = call.error(400, "POST", SESSIONS, customer=customer, configuration=made["id"])
    assert error["param"] == "configuration"


def test_the_default_configuration_is_changed_and_stays_the_default(call: Calls) -> None:
    (default,) = call("GET", PATH)["data"]
    path = f"{PATH}/{default['id']}"
    changed = call("POST", path, features={"subscription_cancel": {"enabled": False}})
    assert call("GET", PATH)["data"] == [changed]
    assert "default" in message(call.error(400, "POST", path, active=False))


@pytest.mark.parametrize(
    ("status", "features", "param"),
    [
        (
            400,
            {"subscription_update": {"enabled": True}},
            "features[subscription_update][default_allowed_updates]",
        ),
        (
            400,
            {
                "subscription_update": {
                    "enabled": True,
                    "default_allowed_updates": ["price"],
                    "products": [{"product": "prod_none", "prices": []}],
                }
            },
            "features[subscription_update][products][0][product]",
        ),
        (
            400,
            {
                "subscription_update": {
                    "enabled": True,
                    "default_allowed_updates": ["price"],
                    "products": [{"product": "prod_none", "prices": []}] * 11,
                }
            },
            "features[subscription_update][products]",
        ),
        (
            501,
            {"customer_update": {"enabled": True, "allowed_updates": ["email", "tax_id"]}},
            "features[customer_update][allowed_updates][1]",
        ),
        (
            501,
            {"subscription_cancel": {"enabled": True, "proration_behavior": "always_invoice"}},
            "features[subscription_cancel][proration_behavior]",
        ),
    ],
)
def test_what_is_no_configuration(
    call: Calls, status: int, features: dict[str, Any], param: str
) -> None:
    assert call.error(status, "POST", PATH, features=features)["param"] == param


def test_prices_offered_belong_to_their_product(call: Calls) -> None:
    products = [{"product": call.price()["product"], "prices": [call.price()["id"]]}]
    update = {"enabled": True, "default_allowed_updates": ["price"], "products": products}
    error = call.error(400, "POST", PATH, features={"subscription_update": update})
    assert error["param"] == "features[subscription_update][products][0][prices]"


def test_a_session_follows_its_configuration_even_without_a_default(call: Calls) -> None:
    call.simulator.set_option("portal_default_configuration", False)
    made = call("POST", PATH, default_return_url="https://a.example/", features={})
    customer = call.customer()["id"]
    params = {"customer": customer, "configuration": made["id"], "locale": "pt-BR"}
    session = call("POST", SESSIONS, **params)
    assert session["configuration"] == made["id"]
    assert (session["locale"], session["return_url"]) == ("pt-BR", "https://a.example/")


# What a customer does


def test_an_immediate_cancellation_with_its_reason(call: Calls) -> None:
    subscription = bought(call)
    reason = {"enabled": True, "options": ["too_expensive"]}
    feature = {"enabled": True, "mode": "immediately", "cancellation_reason": reason}
    made = configuration(call, subscription_cancel=feature)
    key = token(call, subscription["customer"], configuration=made["id"])
    args = (key, subscription["id"])
    assert "reason" in refused(call.simulator, portal.cancel, *args, feedback="other")
    with call.simulator.deed() as world:
        portal.cancel(world, *args, feedback="too_expensive")
    canceled = call.get(subscription["id"])
    assert (canceled["status"], canceled["ended_at"]) == ("canceled", START)
    details = canceled["cancellation_details"]
    assert (details["feedback"], details["reason"]) == ("too_expensive", "cancellation_requested")


def test_what_a_configuration_does_not_offer_is_refused(call: Calls) -> None:
    subscription = bought(call)
    made = configuration(call)
    key = token(call, subscription["customer"], configuration=made["id"])
    for deed, args, kwargs in (
        (portal.cancel, (subscription["id"],), {}),
        (portal.change_plan, (subscription["id"],), {"quantity": 2}),
        (portal.update_customer, ({"email": "a@example.com"},), {}),
        (portal.update_card, (), {"card_number": "1", "exp_month": 1, "exp_year": 2034}),
    ):
        assert "does not offer" in refused(call.simulator, deed, key, *args, **kwargs)


def test_a_plan_is_changed_with_its_proration(call: Calls) -> None:
    subscription = bought(call)
    made = selling(call, subscription, proration_behavior="always_invoice")
    key = token(call, subscription["customer"], configuration=made["id"])
    with call.simulator.deed() as world:
        portal.change_plan(world, key, subscription["id"], price=dear_price(made), quantity=2)
    changed = call.get(subscription["id"])
    (item,) = changed["items"]["data"]
    assert (item["price"]["unit_amount"], item["quantity"]) == (1900, 2)
    invoice = invoice_of(call, changed)
    assert (invoice["billing_reason"], invoice["amount_paid"]) == ("subscription_update", 2900)


def test_a_plan_is_changed_without_proration_by_default(call: Calls) -> None:
    subscription = bought(call)
    made = selling(call, subscription)
    key = token(call, subscription["customer"], configuration=made["id"])
    with call.simulator.deed() as world:
        portal.change_plan(world, key, subscription["id"], price=dear_price(made))
    assert len(call.simulator.list_objects("invoice")) == 1


@pytest.mark.parametrize("behavior", ["end_trial", "continue_trial"])
def test_a_change_ends_a_trial_unless_it_may_go_on(call: Calls, behavior: str) -> None:
    subscription = on_trial(call)
    made = selling(call, subscription, trial_update_behavior=behavior)
    key = token(call, subscription["customer"], configuration=made["id"])
    with call.simulator.deed() as world:
        portal.change_plan(world, key, subscription["id"], price=dear_price(made))
    changed = call.get(subscription["id"])
    assert changed["status"] == ("active" if behavior == "end_trial" else "trialing")
    paid = invoice_of(call, changed)["amount_paid"]
    assert paid == (1900 if behavior == "end_trial" else 0)


def test_changes_that_are_not_offered(call: Calls) -> None:
    subscription = bought(call)
    made = selling(call, subscription)
    key = token(call, subscription["customer"], configuration=made["id"])
    change = (call.simulator, portal.change_plan, key, subscription["id"])
    assert "price is not offered" in refused(*change, price=call.price()["id"])
    assert "quantity cannot be chosen" in refused(*change, quantity=6)
    feature = {"enabled": True, "default_allowed_updates": ["quantity"]}
    path = f"{PATH}/{made['id']}"
    call("POST", path, features={"subscription_update": feature})
    assert "price is not offered" in refused(*change, price=dear_price(made))
    feature["default_allowed_updates"] = ["price"]
    call("POST", path, features={"subscription_update": feature})
    assert "quantity cannot be changed" in refused(*change, quantity=2)
    stranger = bought(call)["id"]
    assert "No such subscription" in refused(
        call.simulator, portal.change_plan, key, stranger, quantity=2
    )


def test_several_products_are_not_changed_in_the_portal(call: Calls) -> None:
    subscription = bought(call)
    made = selling(call, subscription)
    path = "/v1/subscription_items"
    call("POST", path, subscription=subscription["id"], price=call.price(amount=1)["id"])
    key = token(call, subscription["customer"], configuration=made["id"])
    change = (call.simulator, portal.change_plan, key, subscription["id"])
    assert "several products" in refused(*change, quantity=2)


def test_customers_change_their_own_details(call: Calls) -> None:
    customer = call.customer(email="old@example.com", name="Ana")
    update = {"enabled": True, "allowed_updates": ["email", "name"]}
    made = configuration(call, customer_update=update)
    key = token(call, customer["id"], configuration=made["id"])
    with call.simulator.deed() as world:
        portal.update_customer(world, key, {"email": "new@example.com", "name": " "})
    changed = call.get(customer["id"])
    assert (changed["email"], changed["name"]) == ("new@example.com", None)
    told = events(call.simulator, "customer.updated")[-1]["data"]["previous_attributes"]
    assert told == {"email": "old@example.com", "name": "Ana"}
    args = (call.simulator, portal.update_customer, key)
    assert "cannot be changed" in refused(*args, {"phone": "1"})
    assert "mail" in refused(*args, {"email": "nobody"})


# Flows


def test_a_flow_says_what_it_does_and_where_it_leads(call: Calls) -> None:
    subscription = bought(call)
    after = {"type": "redirect", "redirect": {"return_url": "https://shop.example/after"}}
    flow = call(
        "POST",
        SESSIONS,
        customer=subscription["customer"],
        flow_data={
            "type": "subscription_cancel",
            "subscription_cancel": {"subscription": subscription["id"]},
            "after_completion": after,
        },
    )["flow"]
    assert flow == {
        "after_completion": after | {"hosted_confirmation": None},
        "customer_update": None,
        "subscription_cancel": {"retention": None, "subscription": subscription["id"]},
        "subscription_update": None,
        "subscription_update_confirm": None,
        "type": "subscription_cancel",
    }
    card = {"type": "payment_method_update", "after_completion": {"type": "hosted_confirmation"}}
    flow = call("POST", SESSIONS, customer=subscription["customer"], flow_data=card)["flow"]
    assert flow["after_completion"]["hosted_confirmation"] == {"custom_message": None}


def test_a_flow_that_confirms_one_change(call: Calls) -> None:
    subscription = bought(call)
    made = selling(call, subscription)
    item = {"id": subscription["items"]["data"][0]["id"], "price": dear_price(made)}
    asked = {"subscription": subscription["id"], "items": [item]}
    flow = {"type": "subscription_update_confirm", "subscription_update_confirm": asked}
    params = {"customer": subscription["customer"], "configuration": made["id"]}
    session = call("POST", SESSIONS, **params, flow_data=flow)
    assert session["flow"]["subscription_update_confirm"] == {
        "discounts": None,
        "items": [item | {"quantity": None}],
        "subscription": subscription["id"],
    }
    for items, words in (
        ([item, item], "Only one item"),
        ([{"id": "si_none"}], "No such subscription item"),
        ([item | {"price": call.price()["id"]}], "not among the products"),
    ):
        wrong = flow | {"subscription_update_confirm": asked | {"items": items}}
        assert words in message(call.error(400, "POST", SESSIONS, **params, flow_data=wrong))


def test_what_is_no_flow(call: Calls) -> None:
    subscription = bought(call)
    stranger = bought(call)["id"]
    cancel = {"type": "subscription_cancel"}
    for status, flow, param in (
        (400, cancel, "flow_data[subscription_cancel]"),
        (
            400,
            cancel | {"subscription_cancel": {"subscription": stranger}},
            "flow_data[subscription_cancel][subscription]",
        ),
        (400, {"type": "subscription_update"}, "flow_data[type]"),
        (400, {"type": "customer_update"}, "flow_data[type]"),
        (
            400,
            {"type": "payment_method_update"}
            | {"subscription_cancel": {"subscription": subscription["id"]}},
            "flow_data[subscription_cancel]",
        ),
        (
            400,
            {"type": "payment_method_update", "after_completion": {"type": "redirect"}},
            "flow_data[after_completion][redirect]",
        ),
    ):
        error = call.error(
            status, "POST", SESSIONS, customer=subscription["customer"], flow_data=flow
        )
        assert error["param"] == param
    call.simulator.portal_cancel(call.portal(subscription["customer"]), subscription["id"])
    flow = cancel | {"subscription_cancel": {"subscription": subscription["id"]}}
    error = call.error(400, "POST", SESSIONS, customer=subscription["customer"], flow_data=flow)
    assert "already set to be canceled" in message(error)
