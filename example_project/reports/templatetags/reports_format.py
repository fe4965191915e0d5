"""How the dashboard writes its figures, in the active language."""

from __future__ import annotations

from django import template
from django.utils.formats import number_format

from example_project.reports.money import format_money

register = template.Library()


@register.simple_tag
def figure(value: int, unit: str) -> str:
    """Whole money in a currency such as "usd", or a plain count."""
    if unit == "count":
        return number_format(value, force_grouping=True)
    return format_money(value * 100, unit, decimals=False)


@register.simple_tag
def change(percent: float) -> str:
    sign = "+" if percent > 0 else "\N{MINUS SIGN}" if percent < 0 else ""
    return f"{sign}{number_format(abs(percent), decimal_pos=1)}\N{NO-BREAK SPACE}%"
