"""Events asked for by name."""

from __future__ import annotations

import datetime as dt

import pytest

from caixa_subscriptions.simulator import Simulator, StripeError
from caixa_subscriptions.simulator.emitting import _DEEDS, CHANGES
from tests.simulator.test_sdk_shapes import misfits
from tests.simulator.tools import GOOD, Calls, bought, event_types, events


@pytest.mark.parametrize(
    "name",
    sorted({*CHANGES, *_DEEDS, "customer.updated", "invoice.paid", "price.created"}),
)
def test_an_object_is_made_when_there_is_none(simulator: Simulator, name: str) -> None:
    event = simulator.emit(name, metadata={"note": "hello"})
    assert event["type"] == name
    assert event["data"]["object"]["metadata"] == {"note": "hello"}
    assert misfits(event) == []
    assert event in events(simulator, name)


def test_what_is_made_is_told_first(simulator: Simulator) -> None:
    simulator.emit("customer.subscription.trial_will_end")
    told = [name for name in event_types(simulator) if name.startswith("customer.sub")]
    assert told == ["customer.subscription.created", "customer.subscription.trial_will_end"]


def test_the_newest_object_is_taken(simulator: Simulator, call: Calls) -> None:
    bought(call)
    newest = bought(call)
    event = simulator.emit("customer.subscription.paused")
    assert event["data"]["object"]["id"] == newest["id"]
    assert call.get(newest["id"])["status"] == "paused"


def test_the_customer_or_the_id_chooses(simulator: Simulator, call: Calls) -> None:
    first, second = bought(call), bought(call)
    assert first != second
    by_customer = simulator.emit("invoice.payment_failed", customer=first["customer"])
    assert by_customer["data"]["object"]["id"] == first["latest_invoice"]
    by_id = simulator.emit("customer.updated", id=first["customer"], name="Ana")
    assert by_id["data"]["previous_attributes"] == {"name": None}
    assert (
        simulator.emit("customer.updated", customer=first["customer"])["data"]["object"]
        == (by_id["data"]["object"])
    )


def test_a_summary_of_entitlements_is_of_a_customer(simulator: Simulator, call: Calls) -> None:
    customer = call.customer()["id"]
    call.customer()
    name = "entitlements.active_entitlement_summary.updated"
    event = simulator.emit(name, customer=customer)
    assert event["type"] == name
    assert event["data"]["object"]["customer"] == customer
    assert event["data"]["object"]["entitlements"]["data"] == []
    assert simulator.list_events()[0]["id"] == event["id"]


def test_created_makes_another(simulator: Simulator, call: Calls) -> None:
    known = bought(call)
    event = simulator.emit("customer.subscription.created", customer=known["customer"])
    made = event["data"]["object"]
    assert (made["customer"], made["status"]) == (known["customer"], "active")
    assert made["id"] != known["id"]
    assert made["items"]["data"][0]["price"] == known["items"]["data"][0]["price"]


def test_a_customer_without_a_card_gets_one(simulator: Simulator, call: Calls) -> None:
    customer = call.customer()
    simulator.emit("customer.subscription.created", customer=customer["id"])
    assert call.get(customer["id"])["invoice_settings"]["default_payment_method"]


def test_what_is_over_is_told_again(simulator: Simulator, call: Calls) -> None:
    sold = bought(call)
    first = simulator.emit("customer.subscription.deleted")
    again = simulator.emit("customer.subscription.deleted")
    assert first["id"] != again["id"]
    assert first["data"] == again["data"]
    assert first["data"]["object"]["id"] == sold["id"]


def test_what_is_deleted_is_gone(simulator: Simulator) -> None:
    for name in ("customer.deleted", "product.deleted", "price.deleted"):
        event = simulator.emit(name)
        assert simulator.get_object(event["data"]["object"]["id"]) is None


def test_overrides_go_in_at_every_depth(simulator: Simulator, call: Calls) -> None:
    customer = call.customer(GOOD, metadata={"a": "1"})
    settings = customer["invoice_settings"]
    event = simulator.emit(
        "customer.updated", metadata={"b": "2"}, invoice_settings={"footer": "Thanks"}
    )
    told = event["data"]["object"]
    assert told["metadata"] == {"a": "1", "b": "2"}
    assert told["invoice_settings"] == settings | {"footer": "Thanks"}


def test_what_cannot_be_told_is_refused_and_leaves_no_trace(simulator: Simulator) -> None:
    before = event_types(simulator)
    with pytest.raises(ValueError, match="no event"):
        simulator.emit("customer.exploded")
    with pytest.raises(LookupError, match="there is none: make one first"):
        simulator.emit("tax_rate.created")
    with pytest.raises(StripeError, match="No such customer"):
        simulator.emit("customer.updated", id="cus_1")
    assert event_types(simulator) == before


def test_time_moves_on_in_strides_stripe_allows(simulator: Simulator, call: Calls) -> None:
    bought(call)
    start = simulator.now()
    assert simulator.advance(dt.timedelta(days=200)) == start + 200 * 86400 == simulator.now()
    assert len(events(simulator, "invoice.paid")) == 7
    with pytest.raises(ValueError, match="default clock"):
        Simulator().advance(dt.timedelta(days=1))
