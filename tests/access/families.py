"""Situations of the truth table, in families: what Stripe says, and in words what happened."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise, product

from tests.access.oracle import Rules


@dataclass
class Row:
    words: str
    subscriptions: str
    rules: Rules = field(default_factory=Rules)


STATUSES = {
    "active": "Paid and running",
    "trialing": "In the free trial",
    "past_due": "The renewal failed, Stripe tries again",
    "canceled": "Canceled and over",
    "incomplete": "The first payment is open",
    "incomplete_expired": "The first payment never came",
    "paused": "The trial ended without a card, Stripe paused it",
    "unpaid": "Stripe has given up on the invoice",
}
RUNNING = ("active", "trialing", "past_due")
PERIODS = {
    "period=-10d..+20d": "20 days of the period are left",
    "period=-40d..-10d": "the period was over 10 days ago",
}
TRIALS = {
    "": "never a trial",
    "trial_end=-20d": "a trial long over",
    "trial_end=+3d": "a trial for 3 more days",
}
CANCELLATIONS = {
    "": "not canceled",
    "cancel_at=+5d": "canceled in the portal for in 5 days, flexible billing",
    "cancel_at=+20d cancel_at_period_end": "canceled at the period's end",
    "cancel_at=-1h": "its cancellation was due an hour ago",
}
MONTH = "period=-10d..+20d"
RULES = Rules()
GENEROUS = Rules(past_due_days=30)


def every_status() -> Iterator[Row]:
    for (status, happened), (trial, tried), (period, paid), (cancel, canceled) in product(
        STATUSES.items(), TRIALS.items(), PERIODS.items(), CANCELLATIONS.items()
    ):
        facts = " ".join(filter(None, (status, "created=-40d", period, trial, cancel)))
        words = f"{happened}; {paid}, {tried}, {canceled}"
        yield Row(words, facts, GENEROUS if status == "past_due" else RULES)


def ended() -> Iterator[Row]:
    for (status, happened), (period, paid) in product(STATUSES.items(), PERIODS.items()):
        yield Row(
            f"{happened}, and Stripe says when it ended: yesterday; {paid}",
            f"{status} {period} canceled_at=-1d ended_at=-1d",
        )


def paused_collection() -> Iterator[Row]:
    behaviors = ("void", "keep_as_draft", "mark_uncollectible")
    for (status, happened), behavior in product(STATUSES.items(), behaviors):
        yield Row(
            f"{happened}; collection is paused ({behavior})",
            f"{status} period=-3d..+27d pause_collection={behavior}",
        )


def deleted_customers() -> Iterator[Row]:
    for status, happened in STATUSES.items():
        yield Row(
            f"{happened}; then its customer was deleted", f"{status} {MONTH} customer_deleted"
        )


def modes() -> Iterator[Row]:
    for (status, happened), site_is_live in product(STATUSES.items(), (False, True)):
        site = "the live site" if site_is_live else "the site in test mode"
        rules = Rules(live=site_is_live)
        yield Row(f"{happened} in live mode, asked by {site}", f"{status} {MONTH} live", rules)
        yield Row(f"{happened} in test mode, asked by {site}", f"{status} {MONTH}", rules)


def before_basil() -> Iterator[Row]:
    for (status, happened), (period, paid) in product(STATUSES.items(), PERIODS.items()):
        yield Row(
            f"{happened}; {paid}, told as before basil",
            f"{status} {period} pre-basil",
            GENEROUS if status == "past_due" else RULES,
        )


def ends_that_came() -> Iterator[Row]:
    over = "canceled period=-8d..-1d trial_end=-1d"
    yield Row(
        "Trial ended without a card, Stripe canceled with it",
        f"{over} canceled_at=-1d ended_at=-1d",
    )
    yield Row("The same, canceled a second later", f"{over} canceled_at=-1d+1s ended_at=-1d+1s")
    yield Row(
        "Canceled by its owner a second before the trial's end",
        f"{over} canceled_at=-1d-1s ended_at=-1d",
    )
    yield Row("Canceled by its owner early in the trial", f"{over} canceled_at=-5d ended_at=-1d")
    yield Row(
        "Trial ended, canceled, and no period is told", "canceled trial_end=-1d canceled_at=-1d"
    )
    yield Row("Trial ended, over, and nobody knows when it was canceled", over)
    yield Row(
        "Paid once after the trial, then canceled",
        "canceled period=-31d..-1d trial_end=-31d canceled_at=-1d",
    )
    yield Row(
        "A period that outlasts the trial by a second",
        "canceled period=-8d..-1d+1s trial_end=-1d canceled_at=-1d",
    )
    yield Row("Canceled at once without a trial", f"canceled {MONTH} canceled_at=-1h ended_at=-1h")


def other_words() -> Iterator[Row]:
    yield Row("Never subscribed", "")
    yield Row("A word that Stripe may add", f"hibernating {MONTH}")
    yield Row("No status at all", f"null {MONTH}")
    yield Row("Stripe's own word in capitals is no word of Stripe's", f"ACTIVE {MONTH}")


def items() -> Iterator[Row]:
    yield Row("Two items, the earlier end counts", "active period=-10d..+20d item=-5d..+2d")
    yield Row("One of two items is over for 8 days", "active period=-10d..+20d item=-38d..-8d")
    yield Row(
        "A removed item counts for nothing", "active period=-10d..+20d deleted_item=-90d..-60d"
    )
    yield Row("All items were removed", "active deleted_item=-90d..-60d")
    yield Row(
        "Past due with two items, the later start counts",
        "past_due period=-10d..+20d item=-5d..+2d",
    )
    yield Row(
        "Past due, a removed item began today", "past_due period=-10d..+20d deleted_item=now..+30d"
    )
    yield Row("A trial of two items", "trialing period=-4d..+10d item=-4d..+3d")


def several() -> Iterator[Row]:
    good, short, late = f"active {MONTH}", "active period=-10d..+2d", "active period=-31d..-1d"
    failed, hopeless = "past_due period=-3d..+27d", "past_due period=-9d..+21d"
    pairs = [
        ("Two paid, the longer one answers", short, good),
        ("An end nobody knows is the longest", good, late),
        ("Paid, and another one canceled for tomorrow", f"{good} cancel_at=+1d", short),
        ("Paid, and an old one that is over", good, f"canceled {MONTH} ended_at=-1d"),
        ("Paid, and a newer one unpaid", good, "unpaid created=-1h"),
        ("A trial, and an older one past due in its tolerance", "trialing trial_end=+3d", failed),
        ("Tolerance goes on longer than the trial", "trialing trial_end=+3d created=-1d", failed),
        ("Tolerance is over, a trial runs", hopeless, "trialing trial_end=+3d"),
        ("Paid in test mode, and in live mode canceled", good, f"canceled {MONTH} live"),
        ("Canceled in test mode, and in live mode paid", f"canceled {MONTH}", f"{good} live"),
        (
            "Paid, its customer deleted; with the new customer past due",
            f"{good} customer_deleted",
            hopeless,
        ),
        ("Paid, its customer deleted; paid again", f"{good} customer_deleted", short),
        ("Twice the same, one newer", f"{good} created=-9d", f"{good} created=-2d"),
        ("Twice the same, one undated", good, f"{good} created=-2d"),
        ("Two canceled, the newer one explains", "canceled created=-90d", "canceled created=-9d"),
        ("Told before basil and after, the longer answers", f"active pre-basil {MONTH}", short),
        ("Two that are open to the end", "active created=-3d", "trialing created=-2d"),
    ]
    for words, one, other in pairs:
        yield Row(words, f"{one} & {other}")
        yield Row(f"{words} (the other way round)", f"{other} & {one}")
    refused = [
        "incomplete_expired",
        "canceled canceled_at=-1d",
        "canceled trial_end=-1d canceled_at=-1d",
        "incomplete",
        "paused",
        "active period=-60d..-30d",
        "unpaid",
        "past_due period=-30d..now",
    ]
    for lesser, greater in pairwise(refused):
        words = f"Refused twice ({lesser}, {greater}): what its owner can rather mend explains"
        yield Row(words, f"{lesser} created=-1d & {greater} created=-9d")
        yield Row(f"{words} (the other way round)", f"{greater} created=-9d & {lesser} created=-1d")
    yield Row("Of all refusals the failed payment explains", " & ".join(refused))
    yield Row("Of all refusals and one paid the paid one answers", " & ".join([*refused, good]))


def allowed_incomplete_and_paid() -> Iterator[Row]:
    rules = replace(RULES, allow_incomplete=True)
    first = "incomplete created=-1h"
    yield Row(
        "A paid one, and a first payment open that may wait", f"active {MONTH} & {first}", rules
    )
    yield Row("An unpaid one, and a first payment open that may wait", f"unpaid & {first}", rules)
    yield Row(
        "A paid one for 2 hours more, and a first payment that may wait longer",
        f"active period=-1d..+2h & {first}",
        rules,
    )


FAMILIES = (
    other_words,
    every_status,
    ended,
    paused_collection,
    deleted_customers,
    modes,
    before_basil,
    ends_that_came,
    items,
    several,
    allowed_incomplete_and_paid,
)
