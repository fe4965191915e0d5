"""The overview: how many there are, what comes next, what happened, what went wrong."""

from __future__ import annotations

from collections.abc import Mapping

from caixa_subscriptions.simulator.core import Simulator
from caixa_subscriptions.simulator.pages import wording
from caixa_subscriptions.simulator.pages.dashboard import clocks, deliveries
from caixa_subscriptions.simulator.pages.dashboard.events import log
from caixa_subscriptions.simulator.pages.dashboard.frame import show
from caixa_subscriptions.simulator.pages.dashboard.parts import HOME, TONES, section
from caixa_subscriptions.simulator.pages.dashboard.pieces import url
from caixa_subscriptions.simulator.pages.dashboard.upcoming import listing
from caixa_subscriptions.simulator.pages.html import Html, fill
from caixa_subscriptions.simulator.pages.response import PageResponse

SHOWN = 8
CLOCKS = 3


def show_home(
    simulator: Simulator, *, base_url: str = "", problem: str | None = None, status: int = 200
) -> PageResponse:
    counts = simulator.count_objects()
    found = clocks.latest(simulator, CLOCKS)
    empty = not counts.get("customer") and not counts.get("checkout.session")
    return show(
        "Simulator",
        _begin(base_url) if empty else None,
        None if empty else _tiles(simulator, counts),
        _time(simulator, found, counts.get(clocks.KIND, 0)),
        fill(
            '<div class="columns">{events}{deliveries}</div>',
            events=section(
                "Events",
                log(simulator.list_events(limit=SHOWN)),
                more=(url("events", {}), "All events"),
            ),
            deliveries=section(
                "Deliveries",
                _deliveries(simulator),
                more=(url("deliveries", {}), "All deliveries"),
            ),
        ),
        here="",
        problem=problem,
        status=status,
        refresh_seconds=clocks.refresh(found),
    )


def _time(simulator: Simulator, found: list[dict[str, object]], count: int) -> Html:
    return fill(
        """<section aria-labelledby="time"><div class="bar"><h2 id="time">Time</h2>{more}</div>
{cards}{wall}</section>""",
        cards=clocks.cards(simulator, found, back=HOME),
        more=fill('<a href="{url}">All {count} clocks</a>', url=url("clocks", {}), count=count)
        if count > len(found)
        else None,
        wall=_wall(simulator),
    )


def _wall(simulator: Simulator) -> Html | None:
    """What is due by the time of day, for customers without a clock."""
    due = simulator.upcoming(clock="", limit=SHOWN)
    if not due:
        return None
    return fill(
        '<div class="card"><h3>By the time of day</h3>{next}</div>',
        next=listing(simulator, due, simulator.now("")),
    )


def _tiles(simulator: Simulator, counts: Mapping[str, int]) -> Html:
    tiles = [
        _tile("Customers", "customers", counts.get("customer", 0), {}),
        *(
            _tile(
                title,
                place,
                counts.get(kind, 0),
                simulator.count_statuses(kind) if counts.get(kind) else {},
            )
            for title, place, kind in (
                ("Subscriptions", "subscriptions", "subscription"),
                ("Invoices", "invoices", "invoice"),
            )
        ),
        _tile("Events", "events", counts.get("event", 0), _sent(simulator), shown="deliveries"),
    ]
    return fill('<div class="tiles">{tiles}</div>', tiles=tiles)


def _sent(simulator: Simulator) -> dict[str, int]:
    """Without the pending ones: some of them are among the failing."""
    counts = simulator.count_deliveries()
    return {name: counts[name] for name in ("failing", "delivered") if counts[name]}


def _tile(
    title: str, place: str, count: int, statuses: Mapping[str, int], *, shown: str | None = None
) -> Html:
    """`shown` is the place of the statuses when it is another one."""
    return fill(
        """<section class="card tile"><h2><a href="{url}">{title}</a></h2>
<p class="count">{count}</p>{bar}<ul class="legend">{statuses}</ul></section>""",
        url=url(place, {}),
        title=title,
        count=f"{count:,}",
        bar=_bar(statuses) if statuses else None,
        statuses=[
            fill(
                '<li class="{tone}"><a href="{url}">{count} {words}</a></li>',
                tone=TONES.get(status, "quiet"),
                url=url(shown or place, {"status": status}),
                count=f"{number:,}",
                words=wording.words(status),
            )
            for status, number in statuses.items()
        ],
    )


def _bar(statuses: Mapping[str, int]) -> Html:
    total, done, parts = sum(statuses.values()), 0, []
    for status, number in statuses.items():
        parts.append(
            fill(
                '<rect class="span {tone}" x="{x}%" width="{width}%" height="8"/>',
                tone=TONES.get(status, "quiet"),
                x=f"{100 * done / total:.2f}",
                width=f"{100 * number / total:.2f}",
            )
        )
        done += number
    return fill('<svg width="100%" height="8" aria-hidden="true">{parts}</svg>', parts=parts)


def _deliveries(simulator: Simulator) -> Html:
    """The failing ones first."""
    failing = simulator.list_deliveries(limit=SHOWN // 2, outcome="failing")
    ids = {one.id for one in failing}
    latest = [one for one in simulator.list_deliveries(limit=SHOWN) if one.id not in ids]
    shown = [*failing, *latest][:SHOWN]
    return deliveries.listing(shown, back=f"{HOME}#deliveries", brief=True)


def _begin(base_url: str) -> Html:
    return fill(
        """<section class="card begin" aria-labelledby="begin"><h2 id="begin">Nothing here yet</h2>
<p>This is an offline Stripe. Everything your project does with it will show up on this page.</p>
<ol><li><p>Point the Stripe SDK here, with any test key:</p>
<pre tabindex="0" role="group" aria-label="Python">{python}</pre></li>
<li><p>Or make a first customer by hand:</p>
<pre tabindex="0" role="group" aria-label="Shell">{curl}</pre></li>
<li><p>Then move the clock below, and see what your project is told.</p></li></ol></section>""",
        python=f"""stripe.api_key = "sk_test_simulator"
stripe.api_base = "{base_url}"
""",
        curl=f"""curl -u sk_test_simulator: {base_url}/v1/customers \\
    -d name="Ana" -d email=ana@example.com""",
    )
