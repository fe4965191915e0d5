"""Markup in which everything is escaped unless it is markup already."""

from __future__ import annotations

from html import escape


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


def to_html(value: object) -> Html:
    """None is nothing, a list its parts one after the other."""
    if isinstance(value, Html):
        return value
    if value is None:
        return Html()
    if isinstance(value, list | tuple):
        return Html("".join(to_html(part) for part in value))
    return Html(escape(str(value)))


def fill(template: str, /, **values: object) -> Html:
    """The template, which must be a literal, with each `{name}` replaced by its escaped value."""
    return Html(template.format_map({name: to_html(value) for name, value in values.items()}))
