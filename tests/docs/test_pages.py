"""The documentation says what the code does."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from django.core.management import get_commands
from django.dispatch import Signal

import caixa_subscriptions
from caixa_subscriptions import checks, conf, exceptions, signals
from caixa_subscriptions.access import decision
from caixa_subscriptions.api.serializers import StatusSerializer
from caixa_subscriptions.simulator.pages.card_form import TEST_CARDS

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"


def read(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def test_every_setting_is_documented_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| `(.+?)` \|", read("settings.md"), re.MULTILINE))
    written = {
        name: json.dumps(value) if isinstance(value, str) else str(value)
        for name, value in conf.DEFAULTS.items()
    }
    assert rows == written


def test_every_check_is_documented() -> None:
    source = "".join(
        path.read_text(encoding="utf-8") for path in Path(checks.__file__).parent.glob("*.py")
    )
    known = set(re.findall(r'"(E\d{3})"', source))
    known |= set(re.findall(r'"caixa_subscriptions\.(W\d{3})"', source))
    documented = re.findall(
        r"^\| `caixa_subscriptions\.(\w+)` \|", read("settings.md"), re.MULTILINE
    )
    assert sorted(documented) == sorted(known)


def test_every_error_code_is_documented() -> None:
    page = read("api.md")
    commands_only = {exceptions.InvalidBaseUrl, exceptions.WebhookSecretUnknown}
    for error in vars(exceptions).values():
        if isinstance(error, type) and issubclass(error, exceptions.SubscriptionsError):
            if error is exceptions.SubscriptionsError or error in commands_only:
                continue
            if error is exceptions.CheckoutSessionNotFound:
                assert error.__name__ in page
            else:
                assert f"`{error.code}`" in page, error


def test_every_402_code_is_documented() -> None:
    page = read("access.md") + read("api.md")
    for code in (*decision._REFUSALS, "feature_required", "plan_required"):
        assert f"`{code}`" in page


def test_every_field_of_the_status_is_documented() -> None:
    row = next(line for line in read("api.md").splitlines() if line.startswith("| `GET status/`"))
    assert re.findall(r"`(\w+)`", row) == list(StatusSerializer().fields)


def test_every_signal_is_documented() -> None:
    page = read("webhooks.md")
    for name, value in vars(signals).items():
        if isinstance(value, Signal):
            assert f"`{name}`" in page


def test_every_command_is_documented() -> None:
    page = read("webhooks.md")
    ours = {name for name, app in get_commands().items() if app == "caixa_subscriptions"}
    assert ours == {"explain_access", "fix_customer_links", "sync_stripe", "webhook_endpoint"}
    for name in ours:
        assert f"`{name}`" in page


def test_every_test_card_is_documented() -> None:
    page = read("simulator.md")
    for number, effect in TEST_CARDS:
        assert f"| {number} | {effect} |" in page


def test_every_room_is_documented() -> None:
    page = read("architecture.md")
    package = Path(caixa_subscriptions.__file__).parent
    for folder in (package, package / "simulator"):
        for path in folder.iterdir():
            name = path.name.removesuffix(".py")
            if name.startswith("_") or name in ("apps", "urls", "py.typed", "locale", "migrations"):
                continue
            assert f"`{name}`" in page or f"`{name}/`" in page, name


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", *sorted(DOCS.glob("*.md"))], ids=lambda p: p.name
)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
        if not target.startswith(("http://", "https://")):
            assert (page.parent / target).exists(), target


def test_the_readme_names_what_the_metadata_declares() -> None:
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    declared = {
        kind: [
            classifier.rsplit(" :: ", 1)[1]
            for classifier in project["classifiers"]
            if re.fullmatch(rf"{re.escape(kind)} :: \d+\.\d+", classifier)
        ]
        for kind in ("Programming Language :: Python", "Framework :: Django")
    }
    assert f"| Python | {', '.join(declared['Programming Language :: Python'])} |" in readme
    assert f"| Django | {', '.join(declared['Framework :: Django'])} |" in readme
    assert conf.SUPPORTED_STRIPE_API_VERSIONS[-1] in readme
