"""Whatever customers and shops do, in any order, Stripe's invariants hold.

`make test` takes 1,000 random steps; `HYPOTHESIS_STEPS=10000` as many as that, as CI does.
"""

from __future__ import annotations

import os
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from caixa_subscriptions.simulator import Simulator
from caixa_subscriptions.simulator.errors import CardError
from tests.simulator.invariants import (
    check_event,
    check_invoice,
    check_length,
    check_payments,
    check_subscription,
    check_told,
    subscription_of,
)
from tests.simulator.tools import DAY, DECLINED, FAILS_LATER, GOOD, START, Calls, Wall

STEPS_EACH = 50
steps_taken = 0
STEPS = int(os.environ.get("HYPOTHESIS_STEPS", "1000"))
SCA = "4000002760003184"
CARDS = st.sampled_from([GOOD, FAILS_LATER, SCA])
STRIDES = st.sampled_from([3600, DAY, 3 * DAY, 8 * DAY, 31 * DAY])


class Shop(RuleBasedStateMachine):
    """One shop with two plans. A call may be refused by Stripe's errors, never by another."""

    customers = Bundle("customers")
    subscriptions = Bundle("subscriptions")

    @initialize()
    def open(self) -> None:
        self.simulator = Simulator(seed=1, now=Wall(), default_clock=True)
        self.call = Calls(self.simulator)
        self.prices = [
            self.call.price(amount=900)["id"],
            self.call.price(amount=9000, interval="year")["id"],
        ]
        for duration in ({"duration": "once"}, {"duration": "repeating", "duration_in_months": 2}):
            self.call("POST", "/v1/coupons", id=duration["duration"], percent_off=25, **duration)
        self.seen: str | None = None
        self.times: dict[str, int] = {}
        self.told: dict[str, dict[str, Any]] = {}
        self.deleted: set[str] = set()
        self.periods: dict[str, tuple[int, int, str]] = {}
        self.last_now = START

    def teardown(self) -> None:
        if hasattr(self, "simulator"):
            self.simulator.close()

    def attempt(self, method: str, path: str, **params: Any) -> dict[str, Any] | None:
        """None when Stripe's answer is an error, which must then be one of Stripe's."""
        response = self.call.raw(method, path, params)
        assert response.status in (200, 400, 402, 404), response.body
        return response.body if response.status == 200 else None

    # What people do

    @rule(target=customers, card=CARDS)
    def sign_up(self, card: str) -> str:
        return str(self.call.customer(card)["id"])

    @rule(
        target=subscriptions,
        customer=customers,
        price=st.integers(0, 1),
        quantity=st.integers(1, 3),
        trial=st.sampled_from([None, 1, 7, 30]),
        coupon=st.sampled_from([None, "once", "repeating"]),
    )
    def subscribe(
        self, customer: str, price: int, quantity: int, trial: int | None, coupon: str | None
    ) -> Any:
        params: dict[str, Any] = {"trial_period_days": trial} if trial else {}
        if coupon:
            params["discounts"] = [{"coupon": coupon}]
        made = self.attempt(
            "POST",
            "/v1/subscriptions",
            customer=customer,
            items=[{"price": self.prices[price], "quantity": quantity}],
            **params,
        )
        return made["id"] if made else multiple()

    @rule(
        target=subscriptions,
        customer=customers,
        price=st.integers(0, 1),
        card=st.sampled_from([GOOD, FAILS_LATER, DECLINED]),
        trial=st.sampled_from([None, 7]),
    )
    def check_out(self, customer: str, price: int, card: str, trial: int | None) -> Any:
        params = {"subscription_data": {"trial_period_days": trial}} if trial else {}
        session = self.attempt(
            "POST",
            "/v1/checkout/sessions",
            mode="subscription",
            customer=customer,
            line_items=[{"price": self.prices[price], "quantity": 1}],
            success_url="https://shop.example/done",
            **params,
        )
        if session is None:
            return multiple()
        try:
            done = self.simulator.complete_checkout(session["id"], card_number=card)
        except CardError:
            assert self.call.get(session["id"])["status"] == "open"
            return multiple()
        return done["subscription"]

    @rule(customer=customers, card=CARDS)
    def change_card(self, customer: str, card: str) -> None:
        method = self.call.card(card, customer)
        self.attempt(
            "POST",
            f"/v1/customers/{customer}",
            invoice_settings={"default_payment_method": method["id"]},
        )

    @rule(customer=consumes(customers))
    def delete_customer(self, customer: str) -> None:
        self.attempt("DELETE", f"/v1/customers/{customer}")

    @rule(subscription=subscriptions, at_period_end=st.booleans())
    def cancel_at_period_end(self, subscription: str, at_period_end: bool) -> None:
        self.attempt(
            "POST", f"/v1/subscriptions/{subscription}", cancel_at_period_end=at_period_end
        )

    @rule(subscription=consumes(subscriptions))
    def cancel(self, subscription: str) -> None:
        self.attempt("DELETE", f"/v1/subscriptions/{subscription}")

    @rule(subscription=subscriptions)
    def end_trial(self, subscription: str) -> None:
        self.attempt("POST", f"/v1/subscriptions/{subscription}", trial_end="now")

    @rule(
        subscription=subscriptions,
        price=st.integers(0, 1),
        quantity=st.integers(1, 3),
        behavior=st.sampled_from(["create_prorations", "none", "always_invoice"]),
    )
    def change_plan(self, subscription: str, price: int, quantity: int, behavior: str) -> None:
        (item,) = self.call.get(subscription)["items"]["data"]
        self.attempt(
            "POST",
            f"/v1/subscriptions/{subscription}",
            items=[{"id": item["id"], "price": self.prices[price], "quantity": quantity}],
            proration_behavior=behavior,
        )

    @rule(customer=customers, amount=st.integers(-500, 500))
    def add_invoice_item(self, customer: str, amount: int) -> None:
        self.attempt("POST", "/v1/invoiceitems", customer=customer, amount=amount, currency="usd")

    @rule(
        subscription=subscriptions,
        behavior=st.sampled_from(["keep_as_draft", "mark_uncollectible", "void", ""]),
    )
    def pause_collection(self, subscription: str, behavior: str) -> None:
        self.attempt(
            "POST",
            f"/v1/subscriptions/{subscription}",
            pause_collection={"behavior": behavior} if behavior else "",
        )

    @rule(subscription=subscriptions, how=st.sampled_from(["pay", "void", "mark_uncollectible"]))
    def settle_invoice(self, subscription: str, how: str) -> None:
        invoice = self.call.get(subscription)["latest_invoice"]
        self.attempt("POST", f"/v1/invoices/{invoice}/{how}")

    @rule(subscription=subscriptions, succeed=st.booleans())
    def authenticate(self, subscription: str, succeed: bool) -> None:
        invoice = self.call.get(subscription)["latest_invoice"]
        for payment in self.simulator.list_objects("invoice_payment", invoice=invoice):
            intent = self.call.get(payment["payment"]["payment_intent"])
            if intent["status"] == "requires_action":
                self.simulator.authenticate(intent["id"], succeed=succeed)

    @rule(stride=STRIDES)
    def pass_time(self, stride: int) -> None:
        clock = self.simulator.default_clock_id
        assert clock is not None
        goal = self.simulator.now() + stride
        self.simulator.advance_clock(clock, goal, wait=True)
        assert self.simulator.now() == goal

    # What must hold

    @invariant()
    def time_never_goes_back(self) -> None:
        global steps_taken
        steps_taken += 1
        if hasattr(self, "simulator"):
            now = self.simulator.now()
            assert now >= self.last_now
            self.last_now = now

    @invariant()
    def new_events_tell_of_what_is_stored(self) -> None:
        if not hasattr(self, "simulator"):
            return
        found = self.simulator.list_events(limit=100_000, after=self.seen)
        # What is announced by `invoice.upcoming` is no object yet.
        found = [event for event in found if event["type"] != "invoice.upcoming"]
        for event in reversed(found):
            obj = event["data"]["object"]
            # A customer's things follow the customer's clock, the catalogue the wall clock.
            owner = obj["id"] if obj["object"] == "customer" else obj.get("customer")
            owner = owner or obj.get("invoice") or obj.get("charge")
            assert event["created"] >= self.times.get(owner or "", 0), event["type"]
            self.times[owner or ""] = event["created"]
            self.follow_period(obj)
            if event["type"].endswith(".deleted"):
                self.deleted.add(obj["id"])
            self.told[obj["id"]] = event
        for event in found:
            check_event(self.simulator, event, self.deleted)
        if found:
            self.seen = found[0]["id"]

    def follow_period(self, obj: dict[str, Any]) -> None:
        """A new period begins where the last one ended, or now when a trial was cut short or
        another interval began."""
        if obj["object"] != "subscription" or obj["status"] in ("canceled", "incomplete_expired"):
            return
        (item,) = obj["items"]["data"]
        start, end = item["current_period_start"], item["current_period_end"]
        interval = item["price"]["recurring"]["interval"]
        was = self.periods.get(obj["id"], (start, end, interval))
        assert start < end
        if interval != was[2]:  # the new one is counted from the same anchor (recorded)
            assert start <= self.simulator.now() < end, (was, start)
        elif start != was[0]:
            assert start in (was[1], obj["trial_end"], self.simulator.now()), (was, start)
            check_length(start, end, interval, obj["billing_cycle_anchor"])
        self.periods[obj["id"]] = (start, end, interval)

    @invariant()
    def subscriptions_agree_with_their_invoices(self) -> None:
        if hasattr(self, "simulator"):
            now = self.simulator.now()
            invoices = self.simulator.list_objects("invoice", limit=100_000)
            payments = self.simulator.list_objects("invoice_payment", limit=100_000)
            intents = self.simulator.list_objects("payment_intent", limit=100_000)
            received = {one["id"]: one["amount_received"] for one in intents}
            for invoice in invoices:
                check_invoice(invoice)
                own = [one for one in payments if one["invoice"] == invoice["id"]]
                check_payments(invoice, own, received)
            for subscription in self.simulator.list_objects("subscription", limit=100_000):
                own = [one for one in invoices if subscription_of(one) == subscription["id"]]
                check_subscription(subscription, own, now)
                check_told(subscription, self.told[subscription["id"]])


def test_random_shops_keep_stripes_invariants() -> None:
    ran = settings(
        max_examples=STEPS // (STEPS_EACH - 6) + 2,
        stateful_step_count=STEPS_EACH,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        # CI takes the same steps every time, so that a commit fails for what it changed, and does
        # not shrink, which takes minutes; `print_blob` leads back to what failed.
        derandomize="CI" in os.environ,
        phases=(Phase.generate,) if "CI" in os.environ else tuple(Phase),
        print_blob=True,
    )
    while steps_taken < STEPS:
        run_state_machine_as_test(Shop, settings=ran)
    print(f"{steps_taken} random steps")  # noqa: T201  shown by `pytest -s`
