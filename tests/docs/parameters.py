"""The table of parameters: `python -m tests.docs.parameters` writes it anew.

One section per path, in the order of the alphabet and without totals, so that two people who add
endpoints seldom change the same lines.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, Union, get_args, get_origin

from typing_extensions import is_typeddict

from caixa_subscriptions.simulator.params import Spec, fields
from caixa_subscriptions.simulator.routes import ROUTES, Route

COMMAND = "python -m tests.docs.parameters"
PAGE = Path(__file__).parent.parent.parent / "docs" / "simulator-parameters.md"
HEAD = """\
# Parameters of the simulator

Every parameter the SDK's types have for the endpoints of the [simulator](simulator.md). What is not
*honoured* is refused with HTTP 501 and `code=not_simulated`; no parameter is silently ignored.
A parameter stands for everything in it, unless parts of it are listed with a dot. `expand` is
honoured everywhere and not listed.

This page is written by `python -m tests.docs.parameters`, and a test compares it with the code.
"""


def nested(hint: Any) -> dict[str, tuple[Any, bool]]:
    """What the hash, or each hash of the list, that a hint stands for may contain."""
    options = get_args(hint) if get_origin(hint) is Union else (hint,)
    found: dict[str, tuple[Any, bool]] = {}
    for option in options:
        if get_origin(option) is list:
            found |= nested(get_args(option)[0])
        elif is_typeddict(option):
            found |= fields(option)
    return found


def parameters(
    spec: Spec, known: dict[str, tuple[Any, bool]] | None = None, prefix: str = ""
) -> Iterator[tuple[str, bool]]:
    """Dotted name, and whether it is honoured; as deep as honours differ."""
    for name, (hint, _required) in (spec.known() if known is None else known).items():
        dotted = prefix + name
        if dotted == "expand":
            continue
        if spec.carries_out_part(dotted) and not spec.carries_out(dotted):
            yield from parameters(spec, nested(hint), f"{dotted}.")
        else:
            yield dotted, spec.carries_out(dotted)


def family(one: Route) -> str:
    return one.template.split("/")[2]


def page() -> str:
    ordered = sorted(ROUTES, key=lambda one: (family(one), one.template, one.method))
    text = HEAD
    for name, routes in groupby(ordered, family):
        text += _family(name, list(routes))
    return text


def _family(name: str, routes: list[Route]) -> str:
    found = {(one.method, one.template): _split(one) for one in routes}
    honoured = sum(len(names[True]) for names in found.values())
    refused = sum(len(names[False]) for names in found.values())
    text = f"\n## {name}\n\nHonoured: {honoured}. Refused: {refused}.\n"
    for template, methods in groupby(routes, lambda one: one.template):
        text += f"\n### {template}\n\n| Method | Honoured | 501 `not_simulated` |\n|---|---|---|\n"
        for one in methods:
            names = found[one.method, template]
            text += f"| {one.method} | {_listed(names[True])} | {_listed(names[False])} |\n"
    return text


def _split(one: Route) -> dict[bool, list[str]]:
    found: dict[bool, list[str]] = defaultdict(list)
    for dotted, honoured in parameters(one.spec):
        found[honoured].append(dotted)
    return found


def _listed(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names)) or "-"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
