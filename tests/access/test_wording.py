"""Every rule and every change is told in words that the catalogue translates."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.utils import translation

from caixa_subscriptions.access.wording import _CHANGES, because, in_words, what_would_change

RULES = sorted(_CHANGES)
CHANGES = sorted({change for rule in RULES for change in what_would_change(rule)})


@pytest.mark.parametrize(
    ("tell", "name"),
    [(because, rule) for rule in RULES] + [(in_words, change) for change in CHANGES],
)
def test_it_is_told_in_the_active_language(tell: Callable[[str], str], name: str) -> None:
    with translation.override("en"):
        english = tell(name)
    with translation.override("pt-br"):
        assert tell(name) != english


@pytest.mark.parametrize("tell", [because, in_words, what_would_change])
def test_of_what_is_no_rule_there_are_no_words(tell: Callable[[str], object]) -> None:
    with pytest.raises(KeyError):
        tell("no_rule_of_ours")
