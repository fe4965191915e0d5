"""The events of each scenario, all of them and in their order.

Where recordings are there the order is theirs; where Stripe is only described it is composed.
Order is never promised by Stripe: `test_mishaps` delivers in others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.simulator.tools import (
    FAILS_LATER,
    GOOD,
    Calls,
    advance,
    bought,
    event_types,
    on_trial,
    replace_card,
    trial_without_card,
)

Given = Callable[[Calls], Any]
Step = Callable[[Calls, Any], Any]

CHARGED = (
    "invoice.finalized payment_intent.created charge.succeeded payment_intent.succeeded "
    "invoice_payment.paid invoice.updated invoice.paid invoice.payment_succeeded"
)
PAID_AT_LAST = (
    "charge.succeeded payment_intent.succeeded invoice_payment.paid invoice.updated invoice.paid "
    "invoice.payment_succeeded customer.subscription.updated"
)
FAILED_AGAIN = "charge.failed payment_intent.payment_failed invoice.updated invoice.payment_failed"
DECLINED_FIRST = f"invoice.finalized payment_intent.created {FAILED_AGAIN}"
NOTHING_DUE = (
    "invoice.created invoice.finalized invoice.paid invoice.payment_succeeded "
    "customer.subscription.created"
)
CARD_KEPT = "setup_intent.created setup_intent.succeeded payment_method.attached customer.created"
PRORATED = "invoiceitem.created invoiceitem.created"


# What is given


def after(given: Given, **time: float) -> Given:
    def later(call: Calls) -> Any:
        found = given(call)
        advance(call.simulator, **time)
        return found

    return later


def session(**params: Any) -> Given:
    return lambda call: call.session(call.price(), **params)["id"]


def in_order(order: str, given: Given) -> Given:
    def ordered(call: Calls) -> Any:
        call.simulator.set_option("checkout_event_order", order)
        return given(call)

    return ordered


def trial(days: int, **params: Any) -> Given:
    return session(subscription_data={"trial_period_days": days}, **params)


def trialing(card: str = GOOD) -> Given:
    return lambda call: on_trial(call, card=card)


def cardless(behavior: str) -> Given:
    return lambda call: trial_without_card(call, behavior)


def about_to_be_declined(call: Calls) -> Any:
    subscription = bought(call)
    replace_card(call, subscription["customer"], FAILS_LATER)
    return subscription


def past_due_with_a_good_card(call: Calls) -> Any:
    subscription = after(about_to_be_declined, days=30, hours=1)(call)
    replace_card(call, subscription["customer"])
    return subscription


def to_be_canceled(call: Calls) -> Any:
    subscription = bought(call)
    change(cancel_at_period_end=True)(call, subscription)
    return subscription


def two_prices(call: Calls) -> Any:
    return bought(call), call.price(amount=1900)


def portal(call: Calls) -> Any:
    subscription = bought(call)
    return call.portal(subscription["customer"]), subscription["id"]


# What happens


def passing(**time: float) -> Step:
    return lambda call, given: advance(call.simulator, **time)


def complete(card: str = GOOD) -> Step:
    return lambda call, given: call.simulator.complete_checkout(given, card_number=card)


def change(**params: Any) -> Step:
    return lambda call, given: call("POST", f"/v1/subscriptions/{given['id']}", **params)


def change_plan(**params: Any) -> Step:
    def step(call: Calls, given: Any) -> None:
        subscription, price = given
        items = [{"id": subscription["items"]["data"][0]["id"], "price": price["id"]}]
        change(items=items, **params)(call, subscription)

    return step


def quantity(call: Calls, given: Any) -> None:
    call("POST", f"/v1/subscription_items/{given['items']['data'][0]['id']}", quantity=3)


def pay(call: Calls, given: Any) -> None:
    call("POST", f"/v1/invoices/{call.get(given['id'])['latest_invoice']}/pay")


def cancel(call: Calls, given: Any) -> None:
    call("DELETE", f"/v1/subscriptions/{given['id']}")


def delete_customer(call: Calls, given: Any) -> None:
    call("DELETE", f"/v1/customers/{given['customer']}")


SCENARIOS: dict[str, tuple[Given, Step, str]] = {
    "Checkout, in the recorded order A": (
        in_order("A", session()),
        complete(),
        (
            "charge.succeeded payment_method.attached customer.created invoice.created "
            "customer.subscription.created invoice.finalized invoice.updated invoice.paid "
            "invoice.payment_succeeded payment_intent.created payment_intent.succeeded "
            "invoice_payment.paid checkout.session.completed"
        ),
    ),
    "Checkout, in the recorded order B": (
        in_order("B", session()),
        complete(),
        (
            "charge.succeeded checkout.session.completed invoice.created payment_method.attached "
            "customer.created invoice.updated payment_intent.succeeded "
            "customer.subscription.created invoice.payment_succeeded invoice.paid "
            "invoice_payment.paid invoice.finalized payment_intent.created"
        ),
    ),
    "Checkout with a trial": (
        trial(14),
        complete(),
        f"{CARD_KEPT} {NOTHING_DUE} checkout.session.completed",
    ),
    "Checkout with a trial of two days": (
        trial(2),
        complete(),
        (
            f"{CARD_KEPT} {NOTHING_DUE} customer.subscription.trial_will_end "
            "checkout.session.completed"
        ),
    ),
    "Checkout with a trial and no card": (
        trial(14, payment_method_collection="if_required"),
        complete(card=""),
        f"customer.created {NOTHING_DUE} checkout.session.completed",
    ),
    "three days before a trial ends": (
        trialing(),
        passing(days=11),
        "customer.subscription.trial_will_end invoice.upcoming",
    ),
    "a trial ends": (
        after(trialing(), days=13),
        passing(days=1),
        "invoice.created customer.subscription.updated",
    ),
    "an hour after a trial, the card is charged": (
        after(trialing(), days=14),
        passing(hours=1),
        CHARGED,
    ),
    "an hour after a trial, the card is declined": (
        after(trialing(FAILS_LATER), days=14),
        passing(hours=1),
        f"{DECLINED_FIRST} customer.subscription.updated",
    ),
    "a trial is ended early": (
        trialing(),
        change(trial_end="now"),
        (
            f"customer.subscription.trial_will_end invoice.created customer.subscription.updated "
            f"{CHARGED}"
        ),
    ),
    "a trial ends without a card, and an invoice is made": (
        after(cardless("create_invoice"), days=6),
        passing(days=1, hours=1),
        (
            "invoice.created customer.subscription.updated invoice.finalized invoice.updated "
            "invoice.payment_failed customer.subscription.updated"
        ),
    ),
    "a trial ends without a card, and is paused": (
        after(cardless("pause"), days=6),
        passing(days=1),
        "customer.subscription.paused",
    ),
    "a trial ends without a card, and is canceled": (
        after(cardless("cancel"), days=6),
        passing(days=1),
        "customer.subscription.deleted",
    ),
    "three days before a period ends": (
        after(bought, days=26),
        passing(days=1),
        "invoice.upcoming",
    ),
    "a period ends": (
        after(bought, days=29),
        passing(days=1),
        "invoice.created customer.subscription.updated",
    ),
    "an hour after a period, the card is charged": (
        after(bought, days=30),
        passing(hours=1),
        CHARGED,
    ),
    "a renewal is declined": (
        after(about_to_be_declined, days=30),
        passing(hours=1),
        f"{DECLINED_FIRST} customer.subscription.updated",
    ),
    "a retry is declined": (
        after(about_to_be_declined, days=30, hours=1),
        passing(days=2),
        FAILED_AGAIN,
    ),
    "all retries are declined": (
        after(about_to_be_declined, days=30, hours=1),
        passing(days=15),
        " ".join([FAILED_AGAIN] * 7) + " customer.subscription.deleted",
    ),
    "a retry succeeds": (past_due_with_a_good_card, passing(days=2), PAID_AT_LAST),
    "an open invoice is paid by hand": (past_due_with_a_good_card, pay, PAID_AT_LAST),
    "a cancellation at the period's end": (
        bought,
        change(cancel_at_period_end=True),
        "customer.subscription.updated",
    ),
    "a cancellation at the period's end, in the portal": (
        portal,
        lambda call, given: call.simulator.portal_cancel(*given),
        "customer.subscription.updated",
    ),
    "a cancellation is taken back": (
        to_be_canceled,
        change(cancel_at_period_end=False),
        "customer.subscription.updated",
    ),
    "a canceled period ends": (
        to_be_canceled,
        passing(days=30),
        "customer.subscription.deleted",
    ),
    "a cancellation at once": (bought, cancel, "customer.subscription.deleted"),
    "a change of plan": (two_prices, change_plan(), f"{PRORATED} customer.subscription.updated"),
    "a change of plan, invoiced at once": (
        two_prices,
        change_plan(proration_behavior="always_invoice"),
        f"{PRORATED} invoice.created customer.subscription.updated {CHARGED}",
    ),
    "a change of plan, not prorated": (
        two_prices,
        change_plan(proration_behavior="none"),
        "customer.subscription.updated",
    ),
    "a change of quantity": (bought, quantity, f"{PRORATED} customer.subscription.updated"),
    "a Checkout nobody completes": (session(), passing(hours=25), "checkout.session.expired"),
    "a portal is opened": (
        bought,
        lambda call, given: call.portal(given["customer"]),
        "billing_portal.session.created",
    ),
    "a card is changed in the portal": (
        portal,
        lambda call, given: call.simulator.portal_update_card(given[0], card_number=GOOD),
        "payment_method.attached customer.updated customer.subscription.updated",
    ),
    "a customer is deleted": (
        bought,
        delete_customer,
        "customer.subscription.deleted customer.deleted",
    ),
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_events_of(call: Calls, name: str) -> None:
    given, step, expected = SCENARIOS[name]
    found = given(call)
    before = len(event_types(call.simulator))
    step(call, found)
    told = event_types(call.simulator, before)
    # The clock's own moves are not the scenario's.
    assert [one for one in told if not one.startswith("test_helpers.")] == expected.split()
