from __future__ import annotations

import gettext
import re
from pathlib import Path

import pytest

import caixa_subscriptions

PACKAGE = Path(caixa_subscriptions.__file__).parent
EXAMPLE = Path(__file__).parent.parent / "example_project"
CATALOGUE = Path("locale/pt_BR/LC_MESSAGES")
STRING = re.compile(r'^msgid "(.+)"\nmsgstr "(.*)"$', re.MULTILINE)


@pytest.mark.parametrize("root", [PACKAGE, EXAMPLE], ids=["package", "example"])
def test_every_string_is_translated_and_compiled(root: Path) -> None:
    source = (root / CATALOGUE / "django.po").read_text(encoding="utf-8")
    with (root / CATALOGUE / "django.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    pairs = STRING.findall(source)
    assert len(pairs) > 10
    assert "fuzzy" not in source
    for english, portuguese in pairs:
        english, portuguese = (
            text.replace('\\"', '"').replace("\\n", "\n") for text in (english, portuguese)
        )
        assert portuguese, english
        assert compiled.gettext(english) == portuguese


CALL = re.compile(r"""\b(?:_|gettext)\(\s*((?:"(?:[^"\\]|\\.)*"\s*)+)\)""")
TAG = re.compile(r"""{% translate ["'](.+?)["'] %}""")


def test_no_string_of_the_package_is_missing_from_the_catalogue() -> None:
    with (PACKAGE / CATALOGUE / "django.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    found = [
        "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', call))
        for path in PACKAGE.rglob("*.py")
        for call in CALL.findall(path.read_text(encoding="utf-8"))
    ]
    assert len(found) > 25
    found += [
        text
        for path in (PACKAGE / "templates").rglob("*.html")
        for text in TAG.findall(path.read_text(encoding="utf-8"))
    ]
    assert [text for text in found if compiled.gettext(text) == text] == []
