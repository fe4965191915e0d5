"""Two answers side by side: which keys both have, and of which type and null-ness each is."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

# A string that no second run would repeat: an id, a URL, a key, a hash.
_OWN = re.compile(
    r"[a-z_]+_(?=\w*[0-9A-Z])\w{10,}|https?://.*|[\w-]{36}|.*_secret_.*|[0-9A-F]{8}(-\d+)?"
)


@dataclass
class Figures:
    """How much was compared, how much of it agreed, and every place that did not.

    `keys`: present on both sides; what only one side's list has is missing with all its keys.
    `kinds`: both null, or both not, and lists of the same length. `wrong`: both there and not
    null, and of different JSON types. `values`: what says neither when nor who. An excepted place
    counts nowhere.
    """

    total: Counter[str] = field(default_factory=Counter)
    agreeing: Counter[str] = field(default_factory=Counter)
    found: list[str] = field(default_factory=list)

    def count(self, what: str, place: str, agrees: bool, told: str = "") -> None:
        self.total[what] += 1
        self.agreeing[what] += agrees
        if not agrees:
            self.found.append(f"{what}: {place}{told and ': ' + told}")

    def percent(self, what: str) -> float:
        total = self.total[what]
        return 100 * self.agreeing[what] / total if total else 100.0

    def missed(self, *whats: str) -> list[str]:
        return [one for one in self.found if one.partition(":")[0] in whats]

    def add(self, other: Figures) -> None:
        self.total += other.total
        self.agreeing += other.agreeing
        self.found += other.found

    def line(self) -> str:
        return (
            f"keys {self.percent('keys'):6.2f} % of {self.total['keys']:5d}  "
            f"types and nulls {self.percent('kinds'):6.2f} % of {self.total['kinds']:5d}  "
            f"wrong types {self.total['wrong']:3d}  values {self.percent('values'):6.2f} %"
        )


def compare(
    theirs: Any, ours: Any, figures: Figures, excepted: Callable[[str], bool], place: str = ""
) -> None:
    """Places are `object.key.key`, without the indexes of lists."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        place = _place(theirs, place)
        for key in sorted(theirs.keys() | ours.keys()):
            path = f"{place}.{key}"
            if excepted(path):
                continue
            if key not in ours or key not in theirs:
                figures.count("keys", path, False, "missing" if key in theirs else "not recorded")
                continue
            figures.count("keys", path, True)
            compare(theirs[key], ours[key], figures, excepted, path)
    elif _kind(theirs) != _kind(ours):
        both = theirs is not None and ours is not None
        figures.count("wrong" if both else "kinds", place, False, f"{theirs!r} here {ours!r}")
    elif isinstance(theirs, list):
        figures.count("kinds", place, len(theirs) == len(ours), f"{len(theirs)} here {len(ours)}")
        for one, other in zip(theirs, ours, strict=False):
            compare(one, other, figures, excepted, place)
        for one in theirs[len(ours) :]:
            _count_lost(one, figures, place, "missing")
        for one in ours[len(theirs) :]:
            _count_lost(one, figures, place, "not recorded")
    else:
        figures.count("kinds", place, True)
        if not _says_when_or_who(theirs):
            figures.count("values", place, theirs == ours, f"{theirs!r} here {ours!r}")


def _count_lost(node: Any, figures: Figures, place: str, told: str) -> None:
    """Every key in it, at any depth; what has no keys is a value that differs."""
    if isinstance(node, dict):
        place = _place(node, place)
        for key, value in node.items():
            figures.count("keys", f"{place}.{key}", False, told)
            if isinstance(value, dict | list):
                _count_lost(value, figures, f"{place}.{key}", told)
    elif isinstance(node, list):
        for one in node:
            _count_lost(one, figures, place, told)
    else:
        figures.count("values", place, False, told)


def _place(answer: dict[str, Any], place: str) -> str:
    """An object's place is its kind, a list's that of the key it stands under."""
    kind = answer.get("object")
    return kind if isinstance(kind, str) and (kind != "list" or not place) else place


def _kind(value: Any) -> str:
    return "number" if type(value) in (int, float) else type(value).__name__


def _says_when_or_who(value: Any) -> bool:
    if isinstance(value, int) and not isinstance(value, bool):
        return value > 10**9
    return isinstance(value, str) and bool(_OWN.fullmatch(value))


def pairs(theirs: Any, ours: Any) -> Iterator[tuple[str, str]]:
    """The strings that stand in the same place of both answers: ids among them."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for key in theirs.keys() & ours.keys():
            yield from pairs(theirs[key], ours[key])
    elif isinstance(theirs, list) and isinstance(ours, list):
        for one, other in zip(theirs, ours, strict=False):
            yield from pairs(one, other)
    elif isinstance(theirs, str) and isinstance(ours, str):
        yield theirs, ours
