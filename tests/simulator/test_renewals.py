"""Renewals, month by month."""

from __future__ import annotations

import itertools

from caixa_subscriptions.simulator.periods import add_interval
from tests.simulator.tools import (
    GOOD,
    HOUR,
    Calls,
    at,
    go_to,
    invoice_of,
    on_trial,
    period,
)


def renewal_days(call: Calls, interval: str, start: int, *ends: int) -> None:
    go_to(call.simulator, start)
    customer = call.customer(GOOD)
    subscription = call.subscribe(customer, call.price(interval=interval))
    assert period(subscription) == (start, ends[0])
    for before, after in itertools.pairwise(ends):
        go_to(call.simulator, before + HOUR)
        renewed = call.get(subscription["id"])
        assert period(renewed) == (before, after)
        invoice = invoice_of(call, subscription)
        assert (invoice["status"], invoice["created"]) == ("paid", before)


def test_months_come_back_to_their_day(call: Calls) -> None:
    renewal_days(call, "month", at(2027, 1, 31), at(2027, 2, 28), at(2027, 3, 31), at(2027, 4, 30))


def test_a_leap_years_february(call: Calls) -> None:
    renewal_days(call, "month", at(2027, 12, 31), at(2028, 1, 31), at(2028, 2, 29), at(2028, 3, 31))


def test_years(call: Calls) -> None:
    renewal_days(call, "year", at(2028, 2, 29), at(2029, 2, 28), at(2030, 2, 28))


def test_weeks_and_days(call: Calls) -> None:
    renewal_days(call, "week", at(2026, 6, 2), at(2026, 6, 9), at(2026, 6, 16))
    renewal_days(call, "day", at(2026, 6, 20), at(2026, 6, 21), at(2026, 6, 22))


def test_a_year_and_a_leap_day() -> None:
    assert add_interval(at(2028, 2, 29), "year", 4) == at(2032, 2, 29)


def test_months_after_a_trial_count_from_its_end(call: Calls) -> None:
    go_to(call.simulator, at(2027, 1, 17))
    subscription = on_trial(call, 14)
    go_to(call.simulator, at(2027, 3, 1))
    assert period(call.get(subscription["id"])) == (at(2027, 2, 28), at(2027, 3, 31))
