"""The simulator held to recordings of Stripe's test mode, call by call.

`pytest -s tests/contract` prints the figures.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.comparing import Figures, compare
from tests.contract.exceptions import KNOWN
from tests.contract.recordings import Outcome, replay_all, show
from tests.reference import required_folder


@pytest.fixture(scope="module")
def outcomes() -> list[Outcome]:
    found = replay_all(required_folder())
    assert found
    show(found)
    return found


@pytest.fixture
def figures(outcomes: list[Outcome]) -> Figures:
    total = Figures()
    for one in outcomes:
        total.add(one.figures)
    return total


def told(outcomes: list[Outcome], what: str) -> list[str]:
    return [told for one in outcomes for told in getattr(one, what)]


def test_the_same_keys_are_there(figures: Figures) -> None:
    assert figures.total["keys"] > 8000
    assert figures.percent("keys") >= 99, figures.missed("keys")


def test_types_and_nulls_agree(figures: Figures) -> None:
    assert figures.percent("kinds") >= 98, figures.missed("kinds")


def test_no_field_is_of_another_type(figures: Figures) -> None:
    assert figures.missed("wrong") == []


def test_every_call_is_answered_with_the_same_status_and_headers(
    outcomes: list[Outcome],
) -> None:
    assert told(outcomes, "not_replayed") == []
    assert told(outcomes, "statuses") == []
    assert told(outcomes, "headers") == []


def test_what_still_differs_is_known(figures: Figures) -> None:
    unknown = [
        one for one in figures.missed("keys", "kinds") if not one.split(": ")[1].endswith(KNOWN)
    ]
    assert unknown == []


def found(theirs: Any, ours: Any, *excepted: str) -> list[str]:
    figures = Figures()
    compare(theirs, ours, figures, lambda place: place in excepted)
    return figures.missed("keys", "kinds", "wrong")


def test_the_check_itself_finds_what_differs() -> None:
    theirs = {"object": "customer", "email": "a@b.c", "list": [{"a": 1}], "gone": 1, "none": None}
    ours = {"object": "customer", "email": 5, "list": [{"b": 1}, {}], "none": "x"}
    assert found(theirs, theirs) == []
    assert found(theirs, ours, "customer.gone") == [
        "wrong: customer.email: 'a@b.c' here 5",
        "kinds: customer.list: 1 here 2",
        "keys: customer.list.a: missing",
        "keys: customer.list.b: not recorded",
        "kinds: customer.none: None here 'x'",
    ]
    assert found(theirs, ours)[1:2] == ["keys: customer.gone: missing"]
