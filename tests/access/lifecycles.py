"""What one customer of a simulated Stripe goes through, and what was true when.

Everything told here is read from the simulator's events. Each shows an object as it was after a
change, so that the newest up to a moment is the object at that moment.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from caixa_subscriptions.shapes import SubscriptionFacts
from caixa_subscriptions.simulator import Simulator
from caixa_subscriptions.simulator.errors import CardError, StripeError
from tests.simulator.tools import DAY, DECLINED, FAILS_LATER, GOOD, HOUR, Calls, Wall, events

Payload = dict[str, Any]
SCA = "4000002760003184"
_CARDS = st.sampled_from([GOOD, GOOD, FAILS_LATER, FAILS_LATER, DECLINED, SCA])


@dataclass(frozen=True)
class News:
    """An event: when it happened, and the object as it was from then on."""

    created: int
    order: int
    payload: Payload


@dataclass(frozen=True)
class Span:
    """Entitled from `begin` on and no longer at `end`. `told` is the news of how it began,
    `cancel_at` the end that was asked for by then."""

    begin: int
    end: int
    told: News
    cancel_at: int | None


class Lifecycle:
    """The deeds of one customer, carried out one after the other until the customer is deleted.
    A deed Stripe refuses is none."""

    def __init__(self, deeds: Iterable[tuple[Any, ...]], *, dunning_outcome: str) -> None:
        options = {"dunning_outcome": dunning_outcome}
        with Simulator(seed=1, now=Wall(), default_clock=True, options=options) as simulator:
            self._simulator, self._call = simulator, Calls(simulator)
            self._prices = {
                interval: self._call.price(interval=interval)["id"]
                for interval in ("week", "month")
            }
            self._customer = self._call.customer()["id"]
            self._gone = False
            for name, *arguments in deeds:
                if self._gone and not name.startswith("wait"):
                    continue
                try:
                    getattr(self, f"_{name}")(*arguments)
                except (CardError, StripeError):
                    continue
            self.end = simulator.now()
            told = events(simulator)
        self.subscriptions = _histories(told, "subscription")
        self.invoices = _histories(told, "invoice")
        self.deletion = next(
            (
                News(event["created"], order, event["data"]["object"])
                for order, event in enumerate(told)
                if event["type"] == "customer.deleted"
            ),
            None,
        )
        self._facts: dict[tuple[int, dt.datetime | None, bool], SubscriptionFacts] = {}
        self._bills: dict[str, list[str]] = defaultdict(list)
        for name, history in self.invoices.items():
            self._bills[subscription_of(history[0].payload) or ""].append(name)

    # Deeds

    def _wait(self, seconds: int) -> None:
        self._go_to(self._simulator.now() + seconds)

    def _wait_for_period(self, before: int) -> None:
        """Until so many seconds before a period ends."""
        ends = [one["items"]["data"][0]["current_period_end"] for one in self._running()]
        if ends:
            self._go_to(min(ends) - before)

    def _go_to(self, moment: int) -> None:
        clock = self._simulator.default_clock_id
        assert clock is not None
        while (now := self._simulator.now()) < moment:  # in strides Stripe's limit allows
            self._simulator.advance_clock(clock, min(moment, now + 7 * DAY), wait=True)

    def _subscribe(self, interval: str, trial: int | None, card: str) -> None:
        self._use_card(card)
        self._post(
            "/v1/subscriptions",
            customer=self._customer,
            items=[{"price": self._prices[interval]}],
            **({"trial_period_days": trial} if trial else {}),
        )

    def _check_out(self, interval: str, trial: int | None, card: str) -> None:
        params = {"subscription_data": {"trial_period_days": trial}} if trial else {}
        session = self._call.session(
            {"id": self._prices[interval]}, customer=self._customer, **params
        )
        self._simulator.complete_checkout(session["id"], card_number=card)

    def _use_card(self, card: str) -> None:
        if card == DECLINED:  # cannot be attached: there is none, then
            return
        method = self._call.card(card, self._customer)
        default = {"default_payment_method": method["id"]}
        self._post(f"/v1/customers/{self._customer}", invoice_settings=default)
        for one in self._running():  # one bought in Checkout has a card of its own
            self._post(f"/v1/subscriptions/{one['id']}", **default)

    def _authenticate(self, succeed: bool) -> None:
        for intent in self._simulator.list_objects("payment_intent"):
            if intent["status"] == "requires_action":
                self._simulator.authenticate(intent["id"], succeed=succeed)

    def _fail_and_recover(self, after: int) -> None:
        """The next renewal fails, and is paid so many seconds later."""
        self._use_card(FAILS_LATER)
        self._wait_for_period(-HOUR - 1)
        self._wait(after)
        self._recover()

    def _recover(self) -> None:
        """What is owed is paid with a good card."""
        self._use_card(GOOD)
        for invoice in self._simulator.list_objects("invoice"):
            if invoice["status"] == "open":
                self._post(f"/v1/invoices/{invoice['id']}/pay")

    def _portal_cancel(self) -> None:
        for one in self._running():
            self._simulator.portal_cancel(self._call.portal(self._customer), one["id"])

    def _portal_renew(self) -> None:
        for one in self._running():
            self._simulator.portal_renew(self._call.portal(self._customer), one["id"])

    def _cancel_at(self, seconds: int) -> None:
        for one in self._running():
            moment = self._simulator.now() + seconds
            self._post(f"/v1/subscriptions/{one['id']}", cancel_at=moment)

    def _cancel_at_period_end(self, at_period_end: bool) -> None:
        for one in self._running():
            self._post(f"/v1/subscriptions/{one['id']}", cancel_at_period_end=at_period_end)

    def _cancel_now(self) -> None:
        for one in self._running():
            self._call.raw("DELETE", f"/v1/subscriptions/{one['id']}")

    def _end_trial(self) -> None:
        for one in self._running():
            self._post(f"/v1/subscriptions/{one['id']}", trial_end="now")

    def _pause_collection(self, behavior: str | None) -> None:
        """Bill no more for a while, or again: of access that says nothing."""
        for one in self._running():
            paused: Any = {"behavior": behavior} if behavior else ""
            self._post(f"/v1/subscriptions/{one['id']}", pause_collection=paused)

    def _change_price(self, interval: str, proration_behavior: str) -> None:
        for one in self._running():
            self._post(
                f"/v1/subscriptions/{one['id']}",
                items=[{"id": one["items"]["data"][0]["id"], "price": self._prices[interval]}],
                proration_behavior=proration_behavior,
            )

    def _delete_customer(self) -> None:
        self._call.raw("DELETE", f"/v1/customers/{self._customer}")
        self._gone = True

    def _running(self) -> list[Payload]:
        return [one for one in self._simulator.list_objects("subscription") if not one["ended_at"]]

    def _post(self, path: str, **params: Any) -> None:
        self._call.raw("POST", path, params)

    def facts(
        self,
        subscription: Payload,
        *,
        past_due_since: dt.datetime | None,
        customer_deleted: bool,
    ) -> SubscriptionFacts:
        """Read once of each payload, however many timelines tell it."""
        key = id(subscription), past_due_since, customer_deleted
        if key not in self._facts:
            self._facts[key] = SubscriptionFacts.from_stripe(
                subscription,
                livemode=False,
                past_due_since=past_due_since,
                customer_deleted=customer_deleted,
            )
        return self._facts[key]

    # What was true

    def spans(self, subscription_id: str) -> list[Span]:
        """When it was entitled, cut where its end was put off, which nobody can know beforehand."""
        bills = {name: self.invoices[name] for name in self._bills[subscription_id]}
        told = [
            *self.subscriptions[subscription_id],
            *(one for news in bills.values() for one in news),
        ]
        found: list[Span] = []
        current: News | None = None
        invoices: dict[str, Payload] = {}
        begun: tuple[int, News] | None = None
        cancel_at: int | None = None
        for news in sorted(told, key=lambda one: one.order):
            if news.payload["object"] == "subscription":
                current = news
            else:
                invoices[news.payload["id"]] = news.payload
            if current is None:
                continue
            entitled = is_entitled(current.payload, invoices.values())
            asked = current.payload["cancel_at"]
            put_off = cancel_at is not None and (asked is None or asked > cancel_at)
            if begun and (not entitled or put_off):
                found.append(Span(begun[0], news.created, begun[1], cancel_at))
                begun = None
            if entitled and not begun:
                begun = news.created, current
            cancel_at = asked
        if begun:
            found.append(Span(begun[0], self.end, begun[1], cancel_at))
        return found

    def ended(self, subscription_id: str) -> tuple[int, list[News]] | None:
        """When it ended, and what told of it: the first news of just that end, and that the
        customer was deleted. None while it runs."""
        history = self.subscriptions[subscription_id]
        moment = history[-1].payload["ended_at"]
        if not moment:
            return None
        told = next(news for news in history if news.payload["ended_at"])
        for news in reversed(history[: history.index(told)]):
            if news.payload["cancel_at"] != moment:
                break
            told = news
        return moment, [told, *([self.deletion] if self.deletion else [])]


def deeds() -> st.SearchStrategy[list[tuple[Any, ...]]]:
    """One lifecycle: it begins with a subscription, and time passes between the deeds."""
    subscribing = st.tuples(
        st.sampled_from(["subscribe", "check_out"]),
        st.sampled_from(["week", "month"]),
        st.sampled_from([None, 1, 7]),
        _CARDS,
    )
    waiting = st.one_of(
        st.tuples(st.just("wait"), st.sampled_from([HOUR, DAY, 3 * DAY, 8 * DAY, 31 * DAY])),
        st.tuples(st.just("wait_for_period"), st.sampled_from([1, 200, HOUR, -HOUR - 1])),
    )
    doing = st.one_of(
        subscribing,
        st.tuples(st.just("use_card"), _CARDS),
        st.tuples(st.just("authenticate"), st.booleans()),
        st.tuples(st.just("fail_and_recover"), st.sampled_from([0, HOUR, 2 * DAY, 9 * DAY])),
        st.tuples(st.just("cancel_at"), st.sampled_from([HOUR, 2 * DAY, 10 * DAY, 40 * DAY])),
        st.tuples(st.just("cancel_at_period_end"), st.booleans()),
        st.sampled_from(
            [
                ("portal_cancel",),
                ("portal_renew",),
                ("cancel_now",),
                ("end_trial",),
                ("recover",),
            ]
        ),
        st.tuples(
            st.just("pause_collection"),
            st.sampled_from([None, "keep_as_draft", "mark_uncollectible", "void"]),
        ),
        st.tuples(
            st.just("change_price"),
            st.sampled_from(["week", "month"]),
            st.sampled_from(["create_prorations", "always_invoice", "none"]),
        ),
        st.just(("delete_customer",)),
    )
    steps = st.lists(st.tuples(waiting, st.one_of(doing, waiting)), min_size=1, max_size=6)
    return st.builds(
        lambda first, rest: [first, *(deed for step in rest for deed in step), ("wait", 8 * DAY)],
        subscribing,
        steps,
    )


def is_entitled(subscription: Payload, invoices: Iterable[Payload]) -> bool:
    """Whether Stripe has it running, on trial or with nothing owed that was asked for."""
    if subscription["status"] not in ("active", "trialing") or subscription["ended_at"]:
        return False
    return not any(one["status"] == "open" and one["attempted"] for one in invoices)


def at(history: list[News], moment: int) -> Payload | None:
    """The object as it was at a moment; None before there was one."""
    found = bisect_right(history, moment, key=lambda news: news.created)
    return history[found - 1].payload if found else None


def subscription_of(invoice: Payload) -> str | None:
    details = (invoice["parent"] or {}).get("subscription_details") or {}
    return details.get("subscription")


def _histories(told: list[Payload], kind: str) -> dict[str, list[News]]:
    histories: dict[str, list[News]] = defaultdict(list)
    for order, event in enumerate(told):
        obj = event["data"]["object"]
        if obj["object"] == kind and event["type"] != "invoice.upcoming":
            histories[obj["id"]].append(News(event["created"], order, obj))
    return dict(histories)
