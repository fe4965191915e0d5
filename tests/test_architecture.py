"""The rooms of the house import one way only."""

from __future__ import annotations

import ast
from pathlib import Path

import caixa_subscriptions

ROOT = Path(caixa_subscriptions.__file__).parent

# Each row may import the rows above it, and its own.
LAYERS = [
    ["exceptions", "signals", "conf", "shapes", "after_commit"],
    ["models"],
    ["access"],
    ["prices", "stripe_gateway", "subscribers", "redirects"],
    ["services"],
    ["sync", "payment_required", "exempt"],
    ["gate"],
    ["webhooks", "api", "decorators", "admin", "checks", "management", "migrations"],
    ["middleware", "mixins", "templatetags", "urls"],
    ["apps"],
    ["pytest_plugin"],
]
LEVEL = {room: level for level, rooms in enumerate(LAYERS) for room in rooms}


def room_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(node: ast.AST) -> set[str]:
    """The rooms of this package a piece of code imports."""
    found = set()
    for child in ast.walk(node):
        names = []
        if isinstance(child, ast.ImportFrom):
            assert child.level == 0, "imports are absolute"
            names = [child.module or ""]
            if child.module == "caixa_subscriptions":
                names = [f"caixa_subscriptions.{alias.name}" for alias in child.names]
        elif isinstance(child, ast.Import):
            names = [alias.name for alias in child.names]
        found |= {name.split(".")[1] for name in names if name.startswith("caixa_subscriptions.")}
    return found


def modules() -> list[tuple[Path, ast.Module]]:
    return [
        (path, ast.parse(path.read_text(encoding="utf-8")))
        for path in sorted(ROOT.rglob("*.py"))
        if path != ROOT / "__init__.py"
    ]


def test_imports_go_one_way() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {room}"
        for path, tree in modules()
        if room_of(path) != "simulator"
        for room in imports(tree)
        if room != "simulator" and LEVEL[room] > LEVEL[room_of(path)]
    ]
    assert wrong == []


def test_the_simulator_stands_alone() -> None:
    for path, tree in modules():
        rooms = imports(tree)
        if room_of(path) == "simulator":
            assert rooms <= {"simulator"}, path
            assert "django" not in path.read_text(encoding="utf-8").replace("Django", ""), path
        elif room_of(path) != "pytest_plugin":
            assert "simulator" not in rooms, path


def test_nothing_of_ours_is_imported_inside_a_function() -> None:
    for path, tree in modules():
        if room_of(path) == "pytest_plugin":
            continue  # pytest loads it before there are settings
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert imports(node) == set(), f"{path}:{node.lineno}"


def importers_of(package: str) -> set[str]:
    return {
        room_of(path)
        for path, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names]
        )
        if name.split(".")[0] == package
    }


def test_rest_framework_stays_in_its_room() -> None:
    assert importers_of("rest_framework") == {"api"}


def test_only_the_gateway_calls_the_sdk() -> None:
    callers = {
        room_of(path)
        for path, tree in modules()
        for node in tree.body  # not what stands under TYPE_CHECKING
        if isinstance(node, ast.Import | ast.ImportFrom)
        and (getattr(node, "module", None) or node.names[0].name).split(".")[0] == "stripe"
    }
    assert callers == {"simulator", "stripe_gateway"}


def test_djstripes_broken_period_helpers_are_never_called() -> None:
    broken = {
        "active_subscriptions",
        "has_any_active_subscription",
        "is_period_current",
        "is_status_current",
        "is_status_temporarily_current",
        "is_subscribed_to",
        "is_valid",
        "reactivate",
        "valid_subscriptions",
    }
    allowed = {("api", "is_valid"), ("admin", "is_valid")}  # a serializer's and a form's own
    used = {
        (room_of(path), node.attr)
        for path, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in broken and room_of(path) != "simulator"
    }
    assert used <= allowed


def test_what_follows_a_commit_goes_through_one_door() -> None:
    callers = {
        room_of(path)
        for path, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr == "on_commit"
    }
    assert callers == {"after_commit"}
