"""Every recorded call to Stripe's test mode, made to the simulator and compared.

`python -m tests.contract.recordings` prints the figures, with `--values` also where values are
others (ids, times and URLs apart); it reads the folder of recordings from
STRIPE_REFERENCE_DIR. Recordings name ids of the recorded account: what an answer shows is learned
for the calls after it, what was there before is made first.
"""

from __future__ import annotations

import email.utils
import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from caixa_subscriptions.simulator import Simulator
from caixa_subscriptions.simulator.core import Response
from caixa_subscriptions.simulator.params import decode_form
from tests.contract import preparing
from tests.contract.comparing import Figures, compare, pairs
from tests.contract.exceptions import OLDEST, TOO_OLD, excepted, may_be_another
from tests.reference import folder

KEY = "sk_test_simulator000000000000000000"


@dataclass
class Outcome:
    """Of one file. `not_replayed` are calls the simulator does not serve yet."""

    name: str
    figures: Figures = field(default_factory=Figures)
    replayed: int = 0
    statuses: list[str] = field(default_factory=list)
    headers: list[str] = field(default_factory=list)
    not_replayed: list[str] = field(default_factory=list)
    older: list[str] = field(default_factory=list)


def load(path: Path) -> list[dict[str, Any]]:
    calls: list[dict[str, Any]] = json.loads(path.read_text())
    return calls


def replay(path: Path) -> Outcome:
    """The calls of one file in order, against a simulator of its own at the recorded time."""
    outcome, calls = Outcome(path.stem), load(path)
    with Account(calls) as account:
        for index, recorded in enumerate(calls):
            account.time = _time(recorded)
            what = f"{path.stem} {index} {recorded['method']} {recorded['url'].split('?')[0]}"
            try:
                answer = account.repeat(recorded)
            except (NotServed, KeyError) as error:  # KeyError: an id an earlier call would tell
                outcome.not_replayed.append(f"{what}: {error}")
                continue
            _hold(outcome, what, recorded, answer)
    return outcome


def _hold(outcome: Outcome, what: str, recorded: dict[str, Any], answer: Response) -> None:
    outcome.replayed += 1
    if answer.status != recorded["status"]:
        told = f"{recorded['status']} here {answer.status} {answer.body.get('error')}"
        outcome.statuses.append(f"{what}: {told}")
        return
    if recorded["headers"]["Stripe-Version"] in TOO_OLD:
        outcome.older.append(what)
        _compare_older(outcome, recorded["body"], answer.body)
        return
    if names := recorded["headers"].keys() ^ answer.headers.keys():
        outcome.headers.append(f"{what}: {sorted(names)}")
    compare(recorded["body"], answer.body, outcome.figures, excepted)


def _compare_older(outcome: Outcome, theirs: dict[str, Any], ours: dict[str, Any]) -> None:
    """What has come since may be there; what was there must be."""
    figures = Figures()
    compare(theirs, ours, figures, excepted)
    figures.found = [one for one in figures.found if not one.endswith(": not recorded")]
    figures.total["keys"] = figures.agreeing["keys"] + len(figures.missed("keys"))
    outcome.figures.add(figures)


def _time(recorded: dict[str, Any]) -> int:
    return int(email.utils.parsedate_to_datetime(recorded["recorded_at"]).timestamp())


class NotServed(Exception):
    """The simulator answered 501, or knows no such endpoint."""


class Account:
    """A simulator, and which of its ids stand for the recorded ones."""

    def __init__(self, calls: list[dict[str, Any]]) -> None:
        self.time = _time(calls[0])
        self.simulator = Simulator(seed=1, now=lambda: self.time, transport=lambda *_args: 200)
        self.answers = [one["body"] for one in calls]
        self.ids: dict[str, str] = {}

    def __enter__(self) -> Account:
        return self

    def __exit__(self, *_args: object) -> None:
        self.simulator.close()

    def request(
        self, method: str, path: str, params: dict[str, Any], headers: dict[str, str]
    ) -> Response:
        headers = {"Authorization": f"Bearer {KEY}"} | headers
        answer = self.simulator.request(method, path, params, headers=headers)
        error = answer.body.get("error", {})
        if answer.status == 501 or "Unrecognized request URL" in error.get("message", ""):
            raise NotServed(error["message"])
        return answer

    def call(self, method: str, path: str, **params: Any) -> dict[str, Any]:
        """One of our own, which must succeed."""
        answer = self.request(method, path, params, {})
        if answer.status != 200:
            raise NotServed(f"{path}: {answer.body['error']['message']}")
        return answer.body

    def repeat(self, recorded: dict[str, Any]) -> Response:
        url = urlsplit(recorded["url"])
        given = parse_qsl(url.query or recorded["request_body"], keep_blank_values=True)
        path = url.path
        if recorded["status"] != 404:  # what the path names is missing there, and so it is here
            self.prepare(recorded, path, given)
            path = "/".join(self.ids.get(step, step) for step in path.split("/"))
        given = [(name, self.ids.get(value, value)) for name, value in given]
        sent = {
            name: recorded["headers"][name]
            for name in ("Idempotency-Key", "Stripe-Version")
            if name in recorded["headers"]
        }
        if sent["Stripe-Version"] in TOO_OLD:
            sent["Stripe-Version"] = OLDEST
        answer = self.request(recorded["method"], path, decode_form(given), sent)
        for theirs, ours in pairs(recorded["body"], answer.body):
            if "_" in theirs:
                self.ids.setdefault(theirs, ours)
        return answer

    def prepare(self, recorded: dict[str, Any], path: str, given: list[tuple[str, str]]) -> None:
        """Make what this call names and no answer has shown yet."""
        body = recorded["body"]
        for name, value in [("", step) for step in path.split("/")[3:4]] + given:
            if value in self.ids:
                continue
            found: preparing.Prepared = []
            if value.startswith("cus_"):
                found = preparing.customer(self.call, body)
            elif value.startswith("pi_"):
                found = preparing.first_payment(self.call, body, self.ids[body["customer"]])
            elif value.startswith("pm_1"):
                last4 = "3184" if self._asks_for_authentication(body["id"]) else None
                found = preparing.payment_method(self.call, value, self.ids[body["id"]], last4)
            elif name.endswith(("[price]", "[plan]")) and recorded["status"] == 200:
                found = preparing.price(self.call, value, self.answers, body)
            elif name.endswith("[price]"):
                found = preparing.price(self.call, value, [], SOLD)
            elif name.endswith("[coupon]"):
                found = preparing.coupon(self.call, value, self.answers)
            self.ids |= {theirs: ours["id"] for theirs, ours in found}

    def _asks_for_authentication(self, customer: str) -> bool:
        return any(
            one.get("customer") == customer and one.get("status") == "requires_action"
            for one in self.answers
        )


# A price of which a refused call shows nothing.
SOLD = {"currency": "usd", "amount_total": 2500, "mode": "subscription"}


def replay_all(recorded: Path) -> list[Outcome]:
    return [replay(path) for path in sorted(recorded.glob("*.json"))]


def report(outcomes: list[Outcome], *, every: bool = False) -> Iterator[str]:
    """Lines to read: figures per file and in total, then what does not agree."""
    total = Figures()
    for one in outcomes:
        total.add(one.figures)
        yield f"{one.figures.line()}  {one.replayed:3d} calls  {one.name}"
    calls = sum(one.replayed for one in outcomes)
    yield f"{total.line()}  {calls:3d} calls  in total"
    for title in ("older", "not_replayed", "statuses", "headers"):
        for told in [told for one in outcomes for told in getattr(one, title)]:
            yield f"{title.replace('_', ' ')}: {told}"
    places: dict[str, list[str]] = defaultdict(list)
    whats = ("keys", "kinds", "wrong", *(["values"] if every else []))
    for told in total.missed(*whats):
        what, place, *rest = told.split(": ", 2)
        known = what == "values" and may_be_another(place)
        what = "known values" if known else what
        places[f"{what}: {place}"].append(*rest)
    for place, tolds in sorted(places.items()):
        yield f"{place}: {len(tolds)} times, like {tolds[0][:150]}"


def show(outcomes: list[Outcome], *, every: bool = False) -> None:
    sys.stdout.writelines(f"{line}\n" for line in report(outcomes, every=every))


def main() -> int:
    recorded = folder()
    if recorded is None:
        sys.stderr.write("STRIPE_REFERENCE_DIR is not set\n")
        return 2
    show(replay_all(recorded), every="--values" in sys.argv)
    return 0


if __name__ == "__main__":
    sys.exit(main())
