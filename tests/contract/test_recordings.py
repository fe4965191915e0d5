"""The simulator held to recordings of Stripe's test mode, call by call.

`pytest -s tests/contract` prints the figures.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

import pytest

from tests.contract.comparing import Figures, compare
from tests.contract.exceptions import KNOWN, VALUES, may_be_another
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


def test_calls_of_older_versions_are_made_too(outcomes: list[Outcome]) -> None:
    assert len(told(outcomes, "older")) == 8


def test_every_value_is_the_recorded_one(figures: Figures) -> None:
    assert figures.total["values"] > 4000
    other = [one for one in figures.missed("values") if not may_be_another(one.split(": ")[1])]
    assert other == []


def test_no_exception_of_values_is_in_vain(figures: Figures) -> None:
    places = [one.split(": ")[1] for one in figures.missed("values")]
    assert [one for one in VALUES if not any(fnmatchcase(place, one) for place in places)] == []


def found(theirs: Any, ours: Any, *excepted: str) -> list[str]:
    figures = Figures()
    compare(theirs, ours, figures, lambda place: place in excepted)
    return figures.missed("keys", "kinds", "wrong", "values")


def test_the_check_itself_finds_other_values() -> None:
    for theirs, ours in (("automatic", "manual"), (900, 901), (True, False)):
        assert found({"a": theirs}, {"a": ours}) == [f"values: .a: {theirs!r} here {ours!r}"]
    assert found({"a": "charge_automatically"}, {"a": "send_invoice"}) != []
    for theirs, ours in (
        ("sub_1SRzqVKXBGcb", "sub_x"),
        (1790000000, 1),
        ("cs_test_a1B2c3d4e5", ""),
    ):
        assert found({"a": theirs}, {"a": ours}) == []


def test_the_check_itself_finds_what_differs() -> None:
    theirs = {"object": "customer", "email": "a@b.c", "list": [{"a": 1}], "gone": 1, "none": None}
    ours = {"object": "customer", "email": 5, "list": [{"b": 1}, {"c": {"d": 1}}], "none": "x"}
    assert found(theirs, theirs) == []
    assert found(theirs, ours, "customer.gone") == [
        "wrong: customer.email: 'a@b.c' here 5",
        "kinds: customer.list: 1 here 2",
        "keys: customer.list.a: missing",
        "keys: customer.list.b: not recorded",
        "keys: customer.list.c: not recorded",
        "keys: customer.list.c.d: not recorded",
        "kinds: customer.none: None here 'x'",
    ]
    assert found([1, 2], []) == ["kinds: : 2 here 0", "values: : missing", "values: : missing"]
    assert found(theirs, ours)[1:2] == ["keys: customer.gone: missing"]
