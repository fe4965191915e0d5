"""The dashboard's frame: places to go to, search, and the way back after a form."""

from __future__ import annotations

import re
from collections.abc import Mapping

from caixa_subscriptions.simulator.pages.dashboard.parts import HOME
from caixa_subscriptions.simulator.pages.html import Html, fill
from caixa_subscriptions.simulator.pages.layout import alert, page
from caixa_subscriptions.simulator.pages.response import PageResponse

STYLESHEET = "/simulator/static/dashboard.css"
PLACES = (
    ("", "Overview"),
    ("customers", "Customers"),
    ("subscriptions", "Subscriptions"),
    ("invoices", "Invoices"),
    ("checkouts", "Checkouts"),
    ("events", "Events"),
    ("deliveries", "Deliveries"),
    ("clocks", "Clocks"),
)
_OWN_PAGE = re.compile(r"/simulator/[\w/]*(#[\w-]+)?", re.ASCII)


def show(
    title: str,
    *body: object,
    here: str,
    heading: object = None,
    aside: object = None,
    problem: str | None = None,
    status: int = 200,
    query: str = "",
    refresh_seconds: int | None = None,
) -> PageResponse:
    """A page of the dashboard. `here` is its place in the navigation, `heading` stands for
    `title` where that is not all, `aside` beside it; `problem` is said above the rest."""
    return page(
        title=title,
        body=fill(
            '<div class="bar"><h1>{heading}</h1>{aside}</div>{problem}{body}',
            heading=title if heading is None else heading,
            aside=aside,
            problem=alert(problem),
            body=list(body),
        ),
        status=status,
        width="wide",
        refresh_seconds=refresh_seconds,
        navigation=_navigation(here, query),
        stylesheets=[STYLESHEET],
    )


def _navigation(here: str, query: str) -> Html:
    return fill(
        """<a class="skip" href="#main">Skip to the content</a>
<div class="top"><nav aria-label="Simulator"><ul>{places}</ul></nav>
<form role="search" method="get" action="/simulator/search"><label class="hidden" for="q">Search
 by id, e-mail, name or invoice number</label><input id="q" name="q" type="search" value="{query}"
 maxlength="200" placeholder="Id, e-mail, name…" autocomplete="off" spellcheck="false">
<button type="submit">Search</button></form></div>""",
        places=[
            fill(
                '<li><a href="{url}"{current}>{text}</a></li>',
                url=HOME + place,
                current=Html(' aria-current="page"') if place == here else None,
                text=text,
            )
            for place, text in PLACES
        ],
        query=query,
    )


def way_back(form: Mapping[str, str], default: str) -> str:
    """Where a form came from, when that is a page of ours."""
    wanted = form.get("back", "")
    return wanted if _OWN_PAGE.fullmatch(wanted) else default
