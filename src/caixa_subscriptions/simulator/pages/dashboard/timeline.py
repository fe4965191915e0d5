"""A subscription drawn on its clock: trial, periods, what was paid, its end.

The drawing is for the eye; the list below it says the same in words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from caixa_subscriptions.simulator.pages import wording
from caixa_subscriptions.simulator.pages.dashboard.parts import distance, moment
from caixa_subscriptions.simulator.pages.html import Html, fill

DAY = 86400
_TONES = {"paid": "good", "open": "bad", "uncollectible": "bad", "draft": "warn"}


@dataclass(frozen=True, slots=True)
class Span:
    start: int
    end: int
    tone: str
    words: str


@dataclass(frozen=True, slots=True)
class Mark:
    at: int
    tone: str
    words: str


def draw(subscription: Mapping[str, Any], invoices: Iterable[Mapping[str, Any]], now: int) -> Html:
    """`invoices` are those of its periods; `now` of its clock."""
    spans = _spans(subscription, invoices)
    marks = _marks(subscription, now)
    times = [time for span in spans for time in (span.start, span.end)] + [one.at for one in marks]
    first, last = min(times), max(times)
    width = max(last - first, DAY)
    return fill(
        """<div class="inside timeline"><svg width="100%" height="64" aria-hidden="true">
<rect class="track" x="0%" y="24" width="100%" height="16" rx="8"/>{spans}{marks}</svg>
<div class="ends" aria-hidden="true"><span>{first}</span><span>{last}</span></div>
<ul class="moments">{words}</ul></div>""",
        spans=[_rect(span, first, width) for span in spans],
        marks=[_line(mark, first, width) for mark in marks],
        first=wording.date(first),
        last=wording.date(last),
        words=_words(spans, marks, now),
    )


def _spans(
    subscription: Mapping[str, Any], invoices: Iterable[Mapping[str, Any]]
) -> Sequence[Span]:
    ended = subscription["ended_at"]
    spans = []
    trial = (subscription["trial_start"], subscription["trial_end"])
    if trial[0] is not None and trial[1] is not None:
        spans.append(Span(trial[0], min(trial[1], ended or trial[1]), "info", "Trial"))
    for invoice in invoices:
        period = _billed_period(invoice)
        if period and period[1] > period[0] and period[0] != trial[0]:
            status = invoice["status"]
            words = f"Period, invoice {wording.words(status)}"
            end = min(period[1], ended) if ended else period[1]
            spans.append(Span(period[0], end, _TONES.get(status, "quiet"), words))
    item = subscription["items"]["data"][0]
    current = (item["current_period_start"], item["current_period_end"])
    if not spans or max(span.end for span in spans) < min(current[1], ended or current[1]):
        spans.append(Span(current[0], min(current[1], ended or current[1]), "quiet", "Period"))
    return sorted((span for span in spans if span.end > span.start), key=lambda span: span.start)


def _billed_period(invoice: Mapping[str, Any]) -> tuple[int, int] | None:
    """The longest of the lines' periods: prorations have shorter ones."""
    periods = [(one["period"]["start"], one["period"]["end"]) for one in invoice["lines"]["data"]]
    return max(periods, key=lambda one: one[1] - one[0], default=None)


def _marks(subscription: Mapping[str, Any], now: int) -> Sequence[Mark]:
    marks = [Mark(subscription["start_date"], "quiet", "Started"), Mark(now, "now", "Now")]
    ended, cancel_at = subscription["ended_at"], subscription["cancel_at"]
    if ended is not None:
        marks.append(Mark(ended, "bad", "Ended"))
    elif cancel_at is not None:
        marks.append(Mark(cancel_at, "bad", "Cancels"))
    return marks


def _rect(span: Span, first: int, width: int) -> Html:
    return fill(
        '<rect class="span {tone}" x="{x}%" y="24" width="{width}%" height="16" rx="3"/>',
        tone=span.tone,
        x=_percent(span.start - first, width),
        width=_percent(span.end - span.start, width),
    )


def _line(mark: Mark, first: int, width: int) -> Html:
    share = (mark.at - first) / width
    return fill(
        """<line class="mark {tone}" x1="{x}%" x2="{x}%" y1="18" y2="46"/>
<text class="{tone}" x="{x}%" y="{y}" text-anchor="{anchor}">{words}</text>""",
        tone=mark.tone,
        x=_percent(mark.at - first, width),
        y=12 if mark.tone != "now" else 60,
        anchor="start" if share < 0.1 else "end" if share > 0.9 else "middle",
        words=mark.words,
    )


def _percent(seconds: int, width: int) -> str:
    return f"{100 * seconds / width:.2f}"


def _words(spans: Sequence[Span], marks: Sequence[Mark], now: int) -> list[Html]:
    lines = [
        (
            span.start,
            span.tone,
            fill(
                "<b>{words}</b> {start} to {end}",
                words=span.words,
                start=moment(span.start, text=wording.date(span.start)),
                end=moment(span.end, text=wording.date(span.end)),
            ),
        )
        for span in spans
    ]
    lines += [
        (
            mark.at,
            mark.tone,
            fill(
                "<b>{words}</b> {time}{far}",
                words=mark.words,
                time=moment(mark.at, text=wording.date(mark.at)),
                far=None if mark.at == now else f", {distance(mark.at, now)}",
            ),
        )
        for mark in marks
    ]
    return [
        fill('<li class="{tone}">{words}</li>', tone=tone, words=words)
        for _at, tone, words in sorted(lines, key=lambda line: line[0])
    ]
