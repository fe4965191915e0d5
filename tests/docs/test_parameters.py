"""The page of parameters is the one its command writes."""

from __future__ import annotations

import pytest

from caixa_subscriptions.simulator.params import Spec
from caixa_subscriptions.simulator.routes import ROUTES
from tests.docs.parameters import COMMAND, PAGE, page, parameters


def test_the_page_is_up_to_date() -> None:
    committed = PAGE.read_text(encoding="utf-8")
    # Not compared by pytest itself, which would print the whole page.
    same = committed == page()
    assert same, f"endpoints or parameters have changed: run `{COMMAND}` and commit {PAGE.name}"


def test_what_is_said_to_be_honoured_is_a_parameter_of_stripes() -> None:
    unknown = {
        f"{one.method} {one.template}": names
        for one in ROUTES
        if (
            names := one.spec.honours - {"*", "expand"} - {name for name, _ in parameters(one.spec)}
        )
    }
    assert unknown == {}


@pytest.mark.parametrize(
    ("honours", "listed"),
    [
        ("customer", {"customer": True, "items": False}),
        ("items.price", {"items.price": True, "items.quantity": False, "customer": False}),
        ("items", {"items": True}),
        ("*", {"customer": True, "items": True, "trial_settings": True}),
    ],
)
def test_parameters_are_told_apart_as_deep_as_they_differ(
    honours: str, listed: dict[str, bool]
) -> None:
    found = dict(parameters(Spec("SubscriptionCreateParams", honours)))
    assert found | listed == found
    assert "expand" not in found
    assert ("items" in found) is (honours != "items.price")
