"""What sources disagree on can be had either way."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from caixa_subscriptions.simulator import Simulator
from caixa_subscriptions.simulator.options import OPTIONS, Value
from tests.simulator.tools import DAY, GOOD, Calls, advance, bought, event_types, events, message

DOCS = Path(__file__).parents[2] / "docs" / "simulator.md"


def shown(value: Value) -> str:
    return f"`{value!r}`" if isinstance(value, bool) else f'`"{value}"`'


def test_the_documented_options_are_those_of_the_code() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| (.+?) \| (.+) \|$", DOCS.read_text(), re.MULTILINE)
    assert rows == [
        (
            name,
            ", ".join(shown(value) for value in option.values),
            shown(option.values[0]),
            option.reason,
        )
        for name, option in OPTIONS.items()
    ]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("moon_phase", "full", "'moon_phase' is no option; there are checkout_created_status, "),
        ("checkout_event_order", "C", r"checkout_event_order must be one of \('A', 'B'\)"),
        ("portal_default_configuration", 1, r"must be one of \(True, False\), not 1"),
        ("portal_default_configuration", "true", "not 'true'"),
    ],
)
def test_what_is_no_option(simulator: Simulator, name: str, value: Value, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        simulator.set_option(name, value)
    with pytest.raises(ValueError, match=words):
        Simulator(options={name: value})


def test_options_outlive_a_restart_but_not_a_reset(tmp_path: Path) -> None:
    def value(simulator: Simulator, name: str) -> Value:
        with simulator.deed() as world:
            return world.option(name)

    state = tmp_path / "state.sqlite3"
    simulator = Simulator(state=state, options={"checkout_event_order": "B"})
    simulator.set_option("trial_payment_status", "paid")
    simulator.close()
    simulator = Simulator(state=state)
    assert value(simulator, "checkout_event_order") == "B"
    assert value(simulator, "trial_payment_status") == "paid"
    simulator.close()
    simulator = Simulator(state=state, options={"checkout_event_order": "A"})
    assert value(simulator, "checkout_event_order") == "A"
    simulator.set_option("checkout_event_order", "B")
    simulator.reset()
    assert value(simulator, "checkout_event_order") == "A"
    assert value(simulator, "trial_payment_status") == "no_payment_required"
    simulator.close()


PAID = {
    "A": [
        "charge.succeeded",
        "payment_method.attached",
        "customer.created",
        "customer.updated",
        "invoice.created",
        "customer.subscription.created",
        "invoice.finalized",
        "invoice.updated",
        "invoice.paid",
        "invoice.payment_succeeded",
        "payment_intent.created",
        "payment_intent.succeeded",
        "invoice_payment.paid",
        "checkout.session.completed",
    ],
    "B": [
        "charge.succeeded",
        "checkout.session.completed",
        "invoice.created",
        "payment_method.attached",
        "customer.created",
        "customer.updated",
        "invoice.updated",
        "payment_intent.succeeded",
        "customer.subscription.created",
        "invoice.payment_succeeded",
        "invoice.paid",
        "invoice_payment.paid",
        "invoice.finalized",
        "payment_intent.created",
    ],
}


@pytest.mark.parametrize("order", ["A", "B"])
def test_both_recorded_orders_of_a_paid_checkout(call: Calls, order: str) -> None:
    call.simulator.set_option("checkout_event_order", order)
    session = call.session(call.price())
    before = len(events(call.simulator))
    call.simulator.complete_checkout(session["id"])
    told = event_types(call.simulator, before)
    assert [one for one in told if one != "customer.updated"] == [
        one for one in PAID[order] if one != "customer.updated"
    ]


@pytest.mark.parametrize("order", ["A", "B"])
def test_a_checkout_may_tell_of_an_incomplete_subscription_first(call: Calls, order: str) -> None:
    call.simulator.set_option("checkout_created_status", "incomplete")
    call.simulator.set_option("checkout_event_order", order)
    assert bought(call)["status"] == "active"
    (created,) = events(call.simulator, "customer.subscription.created")
    (updated,) = events(call.simulator, "customer.subscription.updated")
    assert created["data"]["object"]["status"] == "incomplete"
    assert updated["data"]["object"]["status"] == "active"
    assert updated["data"]["previous_attributes"] == {"status": "incomplete"}
    types = event_types(call.simulator, 0)
    created_at, updated_at = (
        types.index(f"customer.subscription.{name}") for name in ("created", "updated")
    )
    assert (updated_at < created_at) is (order == "B")


def test_a_trial_is_never_told_of_as_incomplete(call: Calls) -> None:
    call.simulator.set_option("checkout_created_status", "incomplete")
    bought(call, subscription_data={"trial_period_days": 7})
    (created,) = events(call.simulator, "customer.subscription.created")
    assert created["data"]["object"]["status"] == "trialing"
    assert events(call.simulator, "customer.subscription.updated") == []


def test_the_payment_status_of_a_trial_may_be_paid(call: Calls) -> None:
    call.simulator.set_option("trial_payment_status", "paid")
    session = call.session(call.price(), subscription_data={"trial_period_days": 7})
    assert session["payment_status"] == "unpaid"
    assert call.simulator.complete_checkout(session["id"])["payment_status"] == "paid"


def test_an_account_without_a_portal_configuration(call: Calls) -> None:
    call.simulator.set_option("portal_default_configuration", False)
    customer = call.customer()["id"]
    error = call.error(400, "POST", "/v1/billing_portal/sessions", customer=customer)
    assert message(error).startswith("No configuration provided and your test mode default")
    path = "/v1/billing_portal/configurations"
    assert call("GET", path)["data"] == []
    call.error(404, "GET", f"{path}/bpc_1SimulatedDefaultPortal")


def test_a_card_of_the_portal_may_be_the_customers_alone(call: Calls) -> None:
    call.simulator.set_option("portal_card_update", "customer")
    subscription = bought(call)
    token = call.portal(subscription["customer"])
    card = call.simulator.portal_update_card(token, card_number=GOOD)
    settings = call.get(subscription["customer"])["invoice_settings"]
    assert settings["default_payment_method"] == card["id"]
    assert call.get(subscription["id"])["default_payment_method"] != card["id"]


@pytest.mark.parametrize("tells", [False, True])
def test_a_pause_may_tell_of_an_update_too(call: Calls, tells: bool) -> None:
    call.simulator.set_option("trial_pause_tells_update", tells)
    behavior = {"end_behavior": {"missing_payment_method": "pause"}}
    call.subscribe(call.customer(), call.price(), trial_period_days=7, trial_settings=behavior)
    before = len(events(call.simulator))
    advance(call.simulator, seconds=7 * DAY)
    paused = "customer.subscription.paused"
    told = ["customer.subscription.updated", paused] if tells else [paused]
    types = [one for one in event_types(call.simulator, before) if "clock" not in one]
    assert types == ["customer.subscription.trial_will_end", *told]


def test_a_customer_may_be_told_as_deleted_before_its_subscriptions(call: Calls) -> None:
    call.simulator.set_option("customer_deletion_order", "customer_first")
    subscription = bought(call)
    before = len(events(call.simulator))
    call("DELETE", f"/v1/customers/{subscription['customer']}")
    assert event_types(call.simulator, before) == [
        "customer.deleted",
        "customer.subscription.deleted",
    ]
