"""Changes of price, quantity and items, and what they cost."""

from __future__ import annotations

from typing import Any

import pytest

from caixa_subscriptions.simulator.changing import change_plan
from tests.simulator.tools import (
    DAY,
    FAILS_LATER,
    GOOD,
    START,
    Calls,
    advance,
    at,
    event_types,
    events,
    invoice_of,
    message,
    on_trial,
    period,
    replace_card,
)

JULY = at(2026, 7, 1)
HALF = JULY - 15 * DAY


def change(call: Calls, subscription: dict[str, Any], **params: Any) -> dict[str, Any]:
    """By the API: `price`, `quantity` and `id` are those of its only item."""
    item = {"id": subscription["items"]["data"][0]["id"]}
    item |= {key: params.pop(key) for key in ("price", "quantity") if key in params}
    path = f"/v1/subscriptions/{subscription['id']}"
    return dict(call("POST", path, items=[item], **params))


def waiting(call: Calls) -> list[dict[str, Any]]:
    found = reversed(call.simulator.list_objects("invoiceitem"))
    return [one for one in found if one["invoice"] is None]


def summed(invoice: dict[str, Any]) -> dict[str, Any]:
    """The invoice, whose lines make its total."""
    assert invoice["total"] == sum(line["amount"] for line in invoice["lines"]["data"])
    assert invoice["lines"]["total_count"] == len(invoice["lines"]["data"])
    due = max(invoice["total"] + invoice["starting_balance"], 0)
    assert invoice["amount_due"] == invoice["amount_paid"] + invoice["amount_remaining"] == due
    return invoice


def line_amounts(invoice: dict[str, Any]) -> list[int]:
    return [line["amount"] for line in invoice["lines"]["data"]]


@pytest.fixture
def half(call: Calls, sold: dict[str, Any]) -> dict[str, Any]:
    """In the middle of a month of 30 days, paid with 9.00."""
    advance(call.simulator, days=15)
    return sold


def test_a_dearer_price_waits_for_the_renewal(call: Calls, half: dict[str, Any]) -> None:
    dear = call.price(amount=2000)
    before = len(events(call.simulator))
    changed = change(call, half, price=dear["id"])
    assert event_types(call.simulator, before) == [
        "invoiceitem.created",
        "invoiceitem.created",
        "customer.subscription.updated",
    ]
    credit, debit = waiting(call)
    assert (credit["amount"], debit["amount"]) == (-450, 1000)
    assert credit["description"] == "Unused time on Reports after 16 Jun 2026"
    assert debit["description"] == "Remaining time on Reports after 16 Jun 2026"
    assert credit["proration"]
    assert (debit["period"]["start"], debit["period"]["end"]) == (HALF, JULY)
    assert period(changed) == period(half)
    assert changed["billing_cycle_anchor"] == START
    assert changed["items"]["data"][0]["id"] == half["items"]["data"][0]["id"]
    assert changed["latest_invoice"] == half["latest_invoice"]
    advance(call.simulator, days=15, hours=1)
    renewal = summed(invoice_of(call, half))
    assert line_amounts(renewal) == [-450, 1000, 2000]
    assert (renewal["billing_reason"], renewal["status"]) == ("subscription_cycle", "paid")
    assert waiting(call) == []
    advance(call.simulator, days=31)
    assert line_amounts(summed(invoice_of(call, half))) == [2000]


def test_an_update_tells_the_items_that_were(call: Calls, half: dict[str, Any]) -> None:
    change(call, half, quantity=3)
    (event,) = events(call.simulator, "customer.subscription.updated")
    previous = event["data"]["previous_attributes"]
    assert set(previous) == {"items", "quantity"}
    assert previous["quantity"] == 1
    assert previous["items"]["data"] == half["items"]["data"]
    assert event["data"]["object"]["quantity"] == 3


def test_a_quantity_is_credited_and_charged_whole(call: Calls, half: dict[str, Any]) -> None:
    change(call, half, quantity=3)
    credit, debit = waiting(call)
    assert (credit["amount"], credit["quantity"]) == (-450, 1)
    assert (debit["amount"], debit["quantity"]) == (1350, 3)
    assert debit["description"] == "Remaining time on 3 × Reports after 16 Jun 2026"  # noqa: RUF001


def test_always_invoice_is_paid_at_once(call: Calls, half: dict[str, Any]) -> None:
    before = len(events(call.simulator))
    dear = call.price(amount=2000)
    changed = change(call, half, price=dear["id"], proration_behavior="always_invoice")
    invoice = summed(invoice_of(call, half))
    assert changed["latest_invoice"] == invoice["id"]
    assert (invoice["status"], invoice["billing_reason"]) == ("paid", "subscription_update")
    assert line_amounts(invoice) == [-450, 1000]
    assert (invoice["period_start"], invoice["period_end"]) == (START, HALF)
    assert event_types(call.simulator, before)[2:] == [
        "invoiceitem.created",
        "invoiceitem.created",
        "invoice.created",
        "customer.subscription.updated",
        "invoice.finalized",
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "invoice_payment.paid",
        "invoice.updated",
        "invoice.paid",
        "invoice.payment_succeeded",
    ]
    advance(call.simulator, days=15, hours=1)
    assert line_amounts(summed(invoice_of(call, half))) == [2000]


def test_a_credit_names_what_was_charged(call: Calls, half: dict[str, Any]) -> None:
    first = invoice_of(call, half)
    change(call, half, quantity=2, proration_behavior="always_invoice")
    second = invoice_of(call, half)
    credit, debit = second["lines"]["data"]
    assert credit["parent"]["subscription_item_details"]["proration_details"] == {
        "credited_items": {
            "invoice": first["id"],
            "invoice_line_items": [first["lines"]["data"][0]["id"]],
        }
    }
    assert not credit["discountable"]
    # What was charged last is what a further change gives back, and nothing twice.
    advance(call.simulator, days=5)
    change(call, half, quantity=1, proration_behavior="always_invoice")
    third = summed(invoice_of(call, half))
    assert line_amounts(third) == [-600, 300]
    details = third["lines"]["data"][0]["parent"]["subscription_item_details"]
    assert details["proration_details"]["credited_items"] == {
        "invoice": second["id"],
        "invoice_line_items": [debit["id"]],
    }


def test_two_changes_before_a_renewal_credit_what_waits(call: Calls, half: dict[str, Any]) -> None:
    change(call, half, quantity=2)
    advance(call.simulator, days=5)
    change(call, half, quantity=4)
    assert [one["amount"] for one in waiting(call)] == [-450, 900, -600, 1200]
    credited = waiting(call)[2]["proration_details"]["credited_items"]
    assert (credited["type"], credited["invoice_item"]) == ("invoice_item", waiting(call)[1]["id"])
    advance(call.simulator, days=10, hours=1)
    renewal = summed(invoice_of(call, half))
    # The latest change comes first, then the subscription's own line.
    assert line_amounts(renewal) == [-600, 1200, -450, 900, 3600]
    details = renewal["lines"]["data"][0]["parent"]["subscription_item_details"]
    assert details["proration_details"]["credited_items"] == {
        "invoice": renewal["id"],
        "invoice_line_items": [renewal["lines"]["data"][3]["id"]],
    }


def test_no_prorations_when_not_asked_for(call: Calls, half: dict[str, Any]) -> None:
    change(call, half, quantity=2, proration_behavior="none")
    assert waiting(call) == []
    # The credit of a later change is of what was paid, not of what it costs now.
    change(call, half, quantity=1)
    assert [one["amount"] for one in waiting(call)] == [-450, 450]
    advance(call.simulator, days=15, hours=1)
    assert line_amounts(summed(invoice_of(call, half))) == [-450, 450, 900]


def test_a_day_can_be_chosen_for_the_proration(call: Calls, half: dict[str, Any]) -> None:
    change(call, half, quantity=2, proration_date=START)
    assert [one["amount"] for one in waiting(call)] == [-900, 1800]
    path = f"/v1/subscriptions/{half['id']}"
    item = {"id": half["items"]["data"][0]["id"], "quantity": 3}
    error = call.error(400, "POST", path, items=[item], proration_date=START - 1)
    assert error["param"] == "proration_date"


def test_a_downgrade_leaves_a_balance_that_later_invoices_use(
    call: Calls, half: dict[str, Any]
) -> None:
    cheap = call.price(amount=100)
    change(call, half, price=cheap["id"], proration_behavior="always_invoice")
    invoice = summed(invoice_of(call, half))
    assert (invoice["total"], invoice["amount_due"], invoice["status"]) == (-400, 0, "paid")
    assert (invoice["starting_balance"], invoice["ending_balance"]) == (0, -400)
    assert invoice["attempt_count"] == 0
    assert call.get(half["customer"])["balance"] == -400
    (event,) = [
        one
        for one in events(call.simulator, "customer.updated")
        if "balance" in one["data"]["previous_attributes"]
    ]
    assert event["data"]["previous_attributes"] == {"balance": 0}
    for balance in (-300, -200, -100, 0, 0):
        advance(call.simulator, days=31)
        renewal = summed(invoice_of(call, half))
        assert renewal["ending_balance"] == balance
    assert renewal["amount_paid"] == 100
    transactions = call("GET", f"/v1/customers/{half['customer']}/balance_transactions")["data"]
    assert [one["amount"] for one in transactions] == [100, 100, 100, 100, -400]
    assert {one["type"] for one in transactions} == {"applied_to_invoice"}
    assert [one["ending_balance"] for one in transactions] == [0, -100, -200, -300, -400]


def test_a_yearly_price_keeps_the_billing_date(call: Calls, half: dict[str, Any]) -> None:
    yearly = call.price(interval="year", amount=7300)
    changed = change(call, half, price=yearly["id"])
    assert changed["billing_cycle_anchor"] == START
    assert period(changed) == (START, at(2027, 6, 1))
    invoice = summed(invoice_of(call, half))
    assert (invoice["billing_reason"], invoice["status"]) == ("subscription_update", "paid")
    assert line_amounts(invoice) == [-450, 7000]
    monthly = call.price(amount=900)
    advance(call.simulator, days=40)
    changed = change(call, changed, price=monthly["id"], proration_behavior="always_invoice")
    assert period(changed) == (at(2026, 7, 1), at(2026, 8, 1))
    back = summed(invoice_of(call, half))
    assert line_amounts(back) == [-6200, 174]
    assert call.get(half["customer"])["balance"] == -6026


def test_a_yearly_price_without_prorations_costs_nothing_now(
    call: Calls, half: dict[str, Any]
) -> None:
    yearly = call.price(interval="year", amount=7300)
    changed = change(call, half, price=yearly["id"], proration_behavior="none")
    assert changed["latest_invoice"] == half["latest_invoice"]
    assert period(changed) == (START, at(2027, 6, 1))


def test_on_classic_billing_a_yearly_price_begins_a_cycle(call: Calls) -> None:
    sold = call.subscribe(call.customer(GOOD), call.price(), billing_mode={"type": "classic"})
    advance(call.simulator, days=15)
    change(call, sold, quantity=2, proration_behavior="none")
    yearly = call.price(interval="year", amount=7300)
    changed = change(call, sold, price=yearly["id"])
    assert changed["billing_cycle_anchor"] == HALF
    assert period(changed) == (HALF, at(2027, 6, 16))
    # By what two cost now, though one was paid.
    assert line_amounts(summed(invoice_of(call, sold))) == [-900, 7300]


def test_classic_billing_credits_nothing_for_what_is_free(call: Calls) -> None:
    free = call.price(amount=0)
    sold = call.subscribe(call.customer(GOOD), free, billing_mode={"type": "classic"})
    change(call, sold, quantity=2)
    assert [one["amount"] for one in waiting(call)] == [0]


def test_the_billing_date_can_be_reset(call: Calls, half: dict[str, Any]) -> None:
    changed = call("POST", f"/v1/subscriptions/{half['id']}", billing_cycle_anchor="now")
    assert changed["billing_cycle_anchor"] == HALF
    assert period(changed) == (HALF, at(2026, 7, 16))
    invoice = summed(invoice_of(call, half))
    assert line_amounts(invoice) == [-450, 900]
    assert invoice["lines"]["data"][1]["description"] == "1 × Reports (at $9.00 / month)"  # noqa: RUF001
    advance(call.simulator, days=30, hours=1)
    assert period(call.get(half["id"])) == (at(2026, 7, 16), at(2026, 8, 16))


def test_from_free_to_paid_is_charged_now(call: Calls) -> None:
    sold = call.subscribe(call.customer(GOOD), call.price(amount=0))
    advance(call.simulator, days=3)
    changed = change(call, sold, price=call.price()["id"])
    assert changed["billing_cycle_anchor"] == START + 3 * DAY
    assert line_amounts(summed(invoice_of(call, sold))) == [900]


def test_from_free_to_paid_can_keep_the_billing_date(call: Calls) -> None:
    sold = call.subscribe(call.customer(GOOD), call.price(amount=0))
    advance(call.simulator, days=15)
    changed = change(call, sold, price=call.price()["id"], billing_cycle_anchor="unchanged")
    assert changed["billing_cycle_anchor"] == START
    assert [one["amount"] for one in waiting(call)] == [450]


def test_during_a_trial_nothing_is_prorated(call: Calls) -> None:
    trial = on_trial(call)
    yearly = call.price(interval="year", amount=7300)
    changed = change(call, trial, price=yearly["id"], proration_behavior="always_invoice")
    assert (changed["status"], period(changed)) == ("trialing", period(trial))
    assert waiting(call) == []
    advance(call.simulator, days=14, hours=1)
    assert line_amounts(summed(invoice_of(call, trial))) == [7300]
    assert period(call.get(trial["id"])) == (START + 14 * DAY, at(2027, 6, 15))


def test_a_change_can_end_the_trial(call: Calls) -> None:
    trial = on_trial(call)
    ended = change(call, trial, quantity=2, trial_end="now")
    assert ended["status"] == "active"
    assert line_amounts(summed(invoice_of(call, trial))) == [1800]


def test_a_cycle_cannot_begin_within_a_trial(call: Calls) -> None:
    path = f"/v1/subscriptions/{on_trial(call)['id']}"
    assert call.error(501, "POST", path, billing_cycle_anchor="now")["code"] == "not_simulated"


def test_a_change_that_is_not_paid_makes_it_past_due(call: Calls, half: dict[str, Any]) -> None:
    replace_card(call, half["customer"], FAILS_LATER)
    changed = change(call, half, quantity=2, proration_behavior="always_invoice")
    assert (changed["status"], changed["quantity"]) == ("past_due", 2)
    assert invoice_of(call, half)["status"] == "open"


def test_a_change_that_is_not_paid_can_be_refused(call: Calls, half: dict[str, Any]) -> None:
    replace_card(call, half["customer"], FAILS_LATER)
    before = event_types(call.simulator)
    item = {"id": half["items"]["data"][0]["id"], "quantity": 2}
    path = f"/v1/subscriptions/{half['id']}"
    terms = {
        "proration_behavior": "always_invoice",
        "payment_behavior": "error_if_incomplete",
    }
    error = call.error(402, "POST", path, items=[item], **terms)
    assert error["code"] == "card_declined"
    assert call.get(half["id"])["quantity"] == 1
    assert waiting(call) == []
    assert event_types(call.simulator) == before
    customer = f"/v1/customers/{half['customer']}"
    call("POST", customer, invoice_settings={"default_payment_method": ""})
    call("POST", path, default_payment_method="")
    assert call.error(400, "POST", path, items=[item], **terms)["code"] == "missing"


@pytest.mark.parametrize("behavior", ["default_incomplete", "pending_if_incomplete"])
def test_changes_that_wait_for_a_payment_are_refused(
    call: Calls, half: dict[str, Any], behavior: str
) -> None:
    path = f"/v1/subscriptions/{half['id']}"
    error = call.error(501, "POST", path, payment_behavior=behavior, items=[])
    assert error["code"] == "not_simulated"


def test_an_unpaid_subscription_keeps_a_draft(call: Calls, half: dict[str, Any]) -> None:
    call.simulator.set_option("dunning_outcome", "unpaid")
    replace_card(call, half["customer"], FAILS_LATER)
    advance(call.simulator, days=40)
    assert call.get(half["id"])["status"] == "unpaid"
    change(call, half, quantity=2, proration_behavior="always_invoice")
    draft = invoice_of(call, half)
    assert (draft["status"], draft["auto_advance"]) == ("draft", False)


def test_items_come_and_go(call: Calls, half: dict[str, Any]) -> None:
    other = call.price(amount=600, product_data={"name": "Exports"})
    path = f"/v1/subscriptions/{half['id']}"
    both = call("POST", path, items=[{"price": other["id"], "quantity": 2}])
    assert [one["price"]["id"] for one in both["items"]["data"]][1] == other["id"]
    assert (both["plan"], both["quantity"]) == (None, None)
    assert [one["amount"] for one in waiting(call)] == [600]
    first, second = both["items"]["data"]
    left = call("POST", path, items=[{"id": first["id"], "deleted": True}])
    assert [one["id"] for one in left["items"]["data"]] == [second["id"]]
    assert (left["plan"]["id"], left["quantity"]) == (other["id"], 2)
    assert [one["amount"] for one in waiting(call)] == [600, -450]
    assert call("GET", "/v1/subscription_items", subscription=half["id"])["data"] == [second]
    call.error(404, "GET", f"/v1/subscription_items/{first['id']}")
    assert "at least one" in message(
        call.error(400, "POST", path, items=[{"id": second["id"], "deleted": True}])
    )


def test_a_new_price_resets_the_quantity(call: Calls) -> None:
    customer = call.customer(GOOD)
    sold = call(
        "POST",
        "/v1/subscriptions",
        customer=customer["id"],
        items=[{"price": call.price()["id"], "quantity": 5}],
    )
    assert change(call, sold, price=call.price(amount=100)["id"])["quantity"] == 1
    assert change(call, sold, quantity=7)["quantity"] == 7


def test_items_that_cannot_be(call: Calls, half: dict[str, Any]) -> None:
    path = f"/v1/subscriptions/{half['id']}"
    own = half["items"]["data"][0]
    yearly = call.price(interval="year")
    assert "same interval" in message(
        call.error(400, "POST", path, items=[{"price": yearly["id"]}])
    )
    price = own["price"]["id"]
    assert "same price" in message(call.error(400, "POST", path, items=[{"price": price}]))
    euro = call(
        "POST",
        "/v1/prices",
        currency="eur",
        unit_amount=1,
        product=own["price"]["product"],
        recurring={"interval": "month"},
    )
    assert "currency" in message(call.error(400, "POST", path, items=[{"price": euro["id"]}]))
    error = call.error(400, "POST", path, items=[{"id": "si_nothing", "quantity": 2}])
    assert (error["code"], error["param"]) == ("resource_missing", "items[0][id]")
    other = call.subscribe(call.customer(GOOD), call.price())["items"]["data"][0]
    error = call.error(400, "POST", path, items=[{"id": other["id"], "quantity": 2}])
    assert error["param"] == "items[0][id]"
    error = call.error(400, "POST", path, items=[{"quantity": 2}])
    assert (error["code"], error["param"]) == ("parameter_missing", "items[0][price]")
    error = call.error(400, "POST", path, items=[{"id": own["id"], "quantity": 0}])
    assert error["param"] == "items[0][quantity]"


def test_an_incomplete_subscription_keeps_its_items(call: Calls) -> None:
    sold = call.subscribe(call.customer(FAILS_LATER), call.price())
    item = {"id": sold["items"]["data"][0]["id"], "quantity": 2}
    call.error(400, "POST", f"/v1/subscriptions/{sold['id']}", items=[item])


def test_a_cancellation_at_the_periods_end_moves_with_it(call: Calls, half: dict[str, Any]) -> None:
    path = f"/v1/subscriptions/{half['id']}"
    call("POST", path, cancel_at_period_end=True)
    yearly = call.price(interval="year", amount=7300)
    assert change(call, half, price=yearly["id"])["cancel_at"] == at(2027, 6, 1)


def test_a_discarded_invoice_gives_its_balance_back(call: Calls) -> None:
    customer = call.customer(FAILS_LATER, balance=-500)
    call.subscribe(customer, call.price())
    assert call.get(customer["id"])["balance"] == 0
    advance(call.simulator, hours=24)
    assert call.get(customer["id"])["balance"] == -500
    path = f"/v1/customers/{customer['id']}/balance_transactions"
    told = [(one["type"], one["amount"]) for one in call("GET", path)["data"]]
    assert told == [
        ("unapplied_from_invoice", -500),
        ("applied_to_invoice", 500),
        ("initial", -500),
    ]


def test_what_a_customer_owes_is_on_the_next_invoice(call: Calls) -> None:
    customer = call.customer(GOOD)
    path = f"/v1/customers/{customer['id']}"
    call("POST", path, balance=100)
    made = call(
        "POST", f"{path}/balance_transactions", amount=50, currency="usd", description="Fee"
    )
    assert (made["ending_balance"], made["type"], made["description"]) == (150, "adjustment", "Fee")
    assert call("GET", f"{path}/balance_transactions/{made['id']}") == made
    other = call.customer()["id"]
    call.error(404, "GET", f"/v1/customers/{other}/balance_transactions/{made['id']}")
    sold = call.subscribe(customer, call.price())
    assert summed(invoice_of(call, sold))["amount_paid"] == 1050
    assert (
        len(call("GET", f"{path}/balance_transactions", invoice=sold["latest_invoice"])["data"])
        == 1
    )


def test_a_plan_is_changed_from_within(call: Calls, half: dict[str, Any]) -> None:
    with call.simulator.deed() as world:
        subscription = world.get("subscription", half["id"])
        price = world.get("price", call.price(amount=1800)["id"])
        change_plan(world, subscription, price=price)
        change_plan(world, subscription, quantity=2, proration_behavior="none")
    item = call.get(half["id"])["items"]["data"][0]
    assert (item["price"]["unit_amount"], item["quantity"]) == (1800, 2)
    assert [one["amount"] for one in waiting(call)] == [-450, 900]


def test_prorations_are_net_of_discounts(call: Calls) -> None:
    coupon = call("POST", "/v1/coupons", percent_off=50, duration="forever")["id"]
    sold = call.subscribe(call.customer(GOOD), call.price(), discounts=[{"coupon": coupon}])
    advance(call.simulator, days=15)
    change(call, sold, quantity=2)
    assert [one["amount"] for one in waiting(call)] == [-225, 450]
    advance(call.simulator, days=15, hours=1)
    assert invoice_of(call, sold)["total"] == 225 + 900


def test_a_void_invoice_is_not_credited(call: Calls, half: dict[str, Any]) -> None:
    replace_card(call, half["customer"], FAILS_LATER)
    change(call, half, quantity=2, proration_behavior="always_invoice")
    call("POST", f"/v1/invoices/{invoice_of(call, half)['id']}/void")
    change(call, half, quantity=3)
    assert [one["amount"] for one in waiting(call)] == [1350]


def test_what_waits_can_be_listed(call: Calls, half: dict[str, Any]) -> None:
    change(call, half, quantity=2)
    path = "/v1/invoiceitems"
    found = call("GET", path, customer=half["customer"], pending=True)["data"]
    assert found == list(reversed(waiting(call)))
    assert call("GET", f"{path}/{found[0]['id']}") == found[0]
    assert call("GET", path, created={"lt": HALF})["data"] == []
    advance(call.simulator, days=16)
    assert call("GET", path, pending=True)["data"] == []
    invoice = invoice_of(call, half)["id"]
    assert {one["invoice"] for one in call("GET", path, invoice=invoice)["data"]} == {invoice}


class TestItemsByThemselves:
    def test_a_quantity(self, call: Calls, half: dict[str, Any]) -> None:
        """Recorded: the answer is the item alone, and no invoice is made."""
        item = half["items"]["data"][0]
        changed = call("POST", f"/v1/subscription_items/{item['id']}", quantity=5)
        assert (changed["object"], changed["quantity"]) == ("subscription_item", 5)
        subscription = call.get(half["id"])
        assert subscription["quantity"] == 5
        assert subscription["latest_invoice"] == half["latest_invoice"]
        assert len(waiting(call)) == 2

    def test_another_price(self, call: Calls, half: dict[str, Any]) -> None:
        item = half["items"]["data"][0]
        price = call.price(amount=100)
        path = f"/v1/subscription_items/{item['id']}"
        changed = call("POST", path, price=price["id"], metadata={"a": "b"})
        assert (changed["price"]["id"], changed["metadata"]) == (price["id"], {"a": "b"})
        call.error(400, "POST", path, price="price_none")

    def test_one_more_and_one_less(self, call: Calls, half: dict[str, Any]) -> None:
        price = call.price(amount=100)
        path = "/v1/subscription_items"
        made = call(
            "POST", path, subscription=half["id"], price=price["id"], proration_behavior="none"
        )
        assert len(call.get(half["id"])["items"]["data"]) == 2
        assert waiting(call) == []
        gone = call("DELETE", f"{path}/{made['id']}")
        assert gone == {"id": made["id"], "object": "subscription_item", "deleted": True}
        assert len(call.get(half["id"])["items"]["data"]) == 1
        error = call.error(
            400, "POST", path, subscription=half["id"], price=price["id"], quantity=0
        )
        assert error["param"] == "quantity"

    def test_not_of_what_has_ended(self, call: Calls, half: dict[str, Any]) -> None:
        call("DELETE", f"/v1/subscriptions/{half['id']}")
        item = half["items"]["data"][0]["id"]
        call.error(400, "POST", f"/v1/subscription_items/{item}", quantity=2)


def test_renewals_stay_whole_after_many_changes(call: Calls, sold: dict[str, Any]) -> None:
    """Amounts sum, and periods follow one another, whatever is changed when."""
    prices = [call.price(amount=amount)["id"] for amount in (701, 1999, 333)]
    ends = [period(sold)[1]]
    for step in range(9):
        advance(call.simulator, days=7, hours=step, seconds=step * 7)
        change(call, sold, price=prices[step % 3], quantity=1 + step % 4)
        start, end = period(call.get(sold["id"]))
        if end != ends[-1]:
            assert start == ends[-1]
            ends.append(end)
    advance(call.simulator, days=31, hours=1)
    for invoice in call.simulator.list_objects("invoice"):
        summed(invoice)


@pytest.mark.parametrize(
    "params",
    [
        {"cancel_at_period_end": True},
        {"pause_collection": {"behavior": "void"}},
        {"trial_end": "now"},
        {"discounts": ""},
    ],
)
def test_an_incomplete_subscription_takes_metadata_and_a_card_alone(
    call: Calls, params: dict[str, Any]
) -> None:
    sold = call.subscribe(call.customer(FAILS_LATER), call.price())
    path = f"/v1/subscriptions/{sold['id']}"
    card = call.card(GOOD, sold["customer"])["id"]
    assert "is incomplete" in message(call.error(400, "POST", path, **params))
    assert call("POST", path, metadata={"a": "b"})["metadata"] == {"a": "b"}
    assert call("POST", path, default_payment_method=card)["default_payment_method"] == card


def test_the_card_of_another_customer_is_none_for_a_subscription(
    call: Calls, sold: dict[str, Any]
) -> None:
    card = call.card(GOOD, call.customer()["id"])["id"]
    path = f"/v1/subscriptions/{sold['id']}"
    error = call.error(400, "POST", path, default_payment_method=card)
    assert (error["code"], error["param"]) == ("resource_missing", "default_payment_method")
