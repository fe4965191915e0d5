"""`{% load subscriptions %}`: what to show to whom. Hiding something is no gate in front of it."""

from __future__ import annotations

from typing import Any

from django import template
from django.template import Context

from caixa_subscriptions.access import Access
from caixa_subscriptions.gate import access_of

register = template.Library()


@register.simple_tag(takes_context=True)
def subscription(context: Context) -> Access:
    """`{% subscription as access %}`: the access of who asks, also without the middleware."""
    return access_of(context["request"])


@register.filter
def has_feature(request: Any, name: str) -> bool:
    """`{% if request|has_feature:"reports" %}`."""
    return access_of(request).has_feature(name)


@register.filter
def has_plan(request: Any, name: str) -> bool:
    """`{% if request|has_plan:"pro" %}`."""
    return access_of(request).requiring(plans=[name]).allowed


@register.filter
def limit(request: Any, name: str) -> float:
    """`{% if count < request|limit:"seats" %}`: `inf` without a limit, 0 without a plan."""
    return access_of(request).limit(name)
