"""The frame around every page."""

from __future__ import annotations

from collections.abc import Iterable

from caixa_subscriptions.simulator.pages.html import Html, fill
from caixa_subscriptions.simulator.pages.response import PageError, PageResponse, html_response

CLAIM = "Simulated Stripe \N{EN DASH} no real money"
STYLESHEET = "/simulator/static/simulator.css"
ICON = "/simulator/static/icon.svg"

_FRAME = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
{refresh}<title>{title} · Simulated Stripe</title>
<link rel="icon" href="{icon}" type="image/svg+xml">
{stylesheets}</head>
<body>
<header class="ribbon"><p>{claim}</p></header>
{navigation}<main id="main" class="{width}">
{body}
</main>
</body>
</html>
"""


def page(
    *,
    title: str,
    body: Html,
    status: int = 200,
    width: str = "narrow",
    form_targets: Iterable[str] = (),
    refresh_seconds: int | None = None,
    navigation: Html | None = None,
    stylesheets: Iterable[str] = (),
) -> PageResponse:
    refresh = (
        fill('<meta http-equiv="refresh" content="{seconds}">\n', seconds=refresh_seconds)
        if refresh_seconds is not None
        else None
    )
    html = fill(
        _FRAME,
        title=title,
        claim=CLAIM,
        body=body,
        stylesheets=[
            fill('<link rel="stylesheet" href="{url}">\n', url=url)
            for url in (STYLESHEET, *stylesheets)
        ],
        navigation=navigation,
        icon=ICON,
        width=width,
        refresh=refresh,
    )
    return html_response(html, status=status, form_targets=form_targets)


def message_page(
    *, title: str, message: str, status: int, link: tuple[str, str] | None = None
) -> PageResponse:
    """A page that says one thing; `link` is (URL, text)."""
    anchor = link and fill(
        '<p><a class="button" href="{url}">{text}</a></p>', url=link[0], text=link[1]
    )
    body = fill(
        '<section class="card message"><h1>{title}</h1><p>{message}</p>{anchor}</section>',
        title=title,
        message=message,
        anchor=anchor,
    )
    return page(title=title, body=body, status=status)


def error_page(error: PageError) -> PageResponse:
    return message_page(
        title=error.title, message=error.message, status=error.status, link=error.link
    )


def chip(text: str, tone: str) -> Html:
    """`tone`: good, info, warn, bad or quiet. The word says it too, the colour only helps."""
    return fill('<span class="chip {tone}">{text}</span>', tone=tone, text=text)


def alert(message: str | None) -> Html | None:
    if message is None:
        return None
    return fill('<p class="alert" role="alert">{message}</p>', message=message)
