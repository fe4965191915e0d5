"""Every row of truth_table.csv: the decision, the rows of the database, and the twin in SQL."""

from __future__ import annotations

import csv
import datetime as dt
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from djstripe.models import Customer, Invoice, Subscription

from caixa_subscriptions.access import get_access, get_access_of_many, with_access
from caixa_subscriptions.access.decision import Access, Policy, decide
from caixa_subscriptions.shapes import SubscriptionFacts
from tests.access.make_truth_table import PATH, table
from tests.access.situations import Situation, parse, payload_of, words_of
from tests.factories import NOW

Settings = tuple[str, str, str]  # PAST_DUE_DAYS, ALLOW_INCOMPLETE, STRIPE_LIVE_MODE


@dataclass
class Case:
    number: int
    settings: Settings
    subscriptions: list[Situation]
    expected: tuple[str, ...]  # allowed, code, access_until, answered_by
    words: str

    @property
    def policy(self) -> Policy:
        days, incomplete, _mode = self.settings
        return Policy(past_due_days=int(days), allow_incomplete=incomplete == "yes")

    @property
    def livemode(self) -> bool:
        return self.settings[2] == "yes"

    def told_by(self, access: Access) -> tuple[str, ...]:
        """An answer in the table's words."""
        until = access.access_until
        return (
            "yes" if access.allowed else "no",
            access.code or "",
            words_of(int((until - NOW).total_seconds()) if until else None),
            str(access.subscription_id or "").rpartition("_")[2],
        )


def read() -> list[Case]:
    with PATH.open(encoding="utf-8", newline="") as file:
        return [
            Case(
                int(row["row"]),
                (row["PAST_DUE_DAYS"], row["ALLOW_INCOMPLETE"], row["STRIPE_LIVE_MODE"]),
                parse(row["subscriptions"]),
                (row["allowed"], row["code"], row["access_until"], row["answered_by"]),
                row["situation"],
            )
            for row in csv.DictReader(file)
        ]


CASES = read()
BY_SETTINGS: dict[Settings, list[Case]] = defaultdict(list)
for one_case in CASES:
    BY_SETTINGS[one_case.settings].append(one_case)


def id_of(case: Case, number: int) -> str:
    return f"sub_{case.number}_{number}"


def facts_of(case: Case) -> list[SubscriptionFacts]:
    def since(one: Situation) -> dt.datetime | None:
        seconds = one.time("unpaid_since")
        return None if seconds is None else NOW + dt.timedelta(seconds=seconds)

    return [
        SubscriptionFacts.from_stripe(
            payload_of(one, id=id_of(case, number), now=NOW),
            livemode="live" in one.flags,
            customer_deleted="customer_deleted" in one.flags,
            past_due_since=since(one),
        )
        for number, one in enumerate(case.subscriptions, start=1)
    ]


def test_the_file_is_what_the_generator_makes() -> None:
    assert PATH.read_text(encoding="utf-8") == table()
    assert len(CASES) >= 250


def test_each_situation_is_told_once() -> None:
    told = [(case.words, case.settings) for case in CASES]
    assert [one for one in told if told.count(one) > 1] == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.number}: {case.words}")
def test_decision(case: Case) -> None:
    access = decide(facts_of(case), policy=case.policy, now=NOW, livemode=case.livemode)
    assert case.told_by(access) == case.expected


@pytest.fixture(params=BY_SETTINGS, ids="-".join)
def stored(request: Any, db: None, frozen: Any, caixa: Any, settings: Any) -> dict[int, Case]:
    """All rows with the same settings, in the database: the case of each user's primary key."""
    days, incomplete, mode = request.param
    caixa(PAST_DUE_DAYS=int(days), ALLOW_INCOMPLETE=incomplete == "yes")
    settings.STRIPE_LIVE_MODE = mode == "yes"
    return {store(case): case for case in BY_SETTINGS[request.param]}


def store(case: Case) -> int:
    """The rows dj-stripe would keep, each subscription with a customer of its own."""
    user = get_user_model()._default_manager.create(email=f"row{case.number}@example.com")
    for number, one in enumerate(case.subscriptions, start=1):
        livemode = "live" in one.flags
        customer = Customer(
            id=f"cus_{case.number}_{number}",
            livemode=livemode,
            subscriber=user,
            date_purged=NOW if "customer_deleted" in one.flags else None,
            metadata={},
            stripe_data={},
        )
        payload = payload_of(one, id=id_of(case, number), now=NOW)
        subscription = Subscription(
            id=payload["id"], livemode=livemode, customer=customer, stripe_data=payload
        )
        rows: list[Any] = [customer, subscription]
        since = one.time("unpaid_since")
        if since is not None:
            rows.append(open_invoice(subscription, since, pre_basil="pre-basil" in one.flags))
        for row in rows:
            type(row).objects.bulk_create([row])  # no signals: they are not what is tested
    return int(user.pk)


def open_invoice(subscription: Subscription, since: int, *, pre_basil: bool) -> Invoice:
    of: dict[str, Any] = {"subscription": subscription.id}
    if not pre_basil:
        of = {"parent": {"type": "subscription_details", "subscription_details": of}}
    return Invoice(
        id=f"in_{subscription.id}",
        livemode=subscription.livemode,
        customer=subscription.customer,
        created=NOW + dt.timedelta(seconds=since),
        stripe_data={"status": "open", **of},
    )


def users(stored: dict[int, Case]) -> Any:
    return get_user_model()._default_manager.filter(pk__in=stored)


def differing(stored: dict[int, Case], told: dict[int, tuple[str, ...]]) -> list[str]:
    return [
        f"row {case.number}: {told[pk]} and not {case.expected}"
        for pk, case in stored.items()
        if told[pk] != case.expected
    ]


def test_get_access_of_every_row(stored: dict[int, Case]) -> None:
    told = {user.pk: stored[user.pk].told_by(get_access(user)) for user in users(stored)}
    assert differing(stored, told) == []


def test_get_access_of_many_for_every_row(
    stored: dict[int, Case], django_assert_num_queries: Any
) -> None:
    subscribers = list(users(stored))
    with django_assert_num_queries(1):
        found = get_access_of_many(subscribers)
    told = {pk: stored[pk].told_by(access) for pk, access in found.items()}
    assert differing(stored, told) == []


def test_with_access_of_every_row(stored: dict[int, Case], django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        found = dict(with_access(users(stored)).values_list("pk", "has_access"))
    told = {pk: ("yes" if allowed else "no",) for pk, allowed in found.items()}
    allowed_only = [
        f"row {case.number}: {told[pk]}"
        for pk, case in stored.items()
        if told[pk] != case.expected[:1]
    ]
    assert allowed_only == []
