from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from caixa_subscriptions.access.explanation import Explained, Explanation, explain
from caixa_subscriptions.subscribers import SubscriberNotFound, find_subscriber


class Command(BaseCommand):
    help = (
        "Says whether a subscriber has access in the current mode, which rule decided, what would "
        "change that, and when it next changes by itself. Reads the database, and asks no Stripe."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "subscriber", help="primary key, user name or e-mail, or an id: cus_... or sub_..."
        )
        parser.add_argument("--json", action="store_true", help="for programs; the keys are stable")

    def handle(self, *args: Any, subscriber: str, json: bool, **options: Any) -> None:
        try:
            explanation = explain(find_subscriber(subscriber))
        except SubscriberNotFound as error:
            raise CommandError(str(error)) from None
        lines = [_json(explanation)] if json else _lines(explanation)
        for line in lines:
            self.stdout.write(line)


def _json(explanation: Explanation) -> str:
    return json.dumps(explanation.as_json(), indent=2, ensure_ascii=False)


def _lines(explanation: Explanation) -> Iterator[str]:
    data = explanation.as_json()
    answer = data["answer"]
    yield f"{data['subscriber']['model']} {data['subscriber']['pk']}, {data['mode']} mode"
    yield f"At {data['moment']}: {_yes_or_no(answer)}"
    yield f"Rule: {answer['rule']}. {answer['because']}"
    for name in ("access_until", "past_due_until", "plans", "features", "limits"):
        if answer[name]:
            yield f"{name}: {_text(answer[name])}"
    yield "What would change it: " + " ".join(explanation.would_change_in_words)
    if data["then"]:
        then = data["then"]
        yield (
            f"By itself it changes at {then['at']}: {_yes_or_no(then)} "
            f"(rule {then['rule']}). {then['because']}"
        )
    else:
        yield "Time alone does not change it."
    for one, shown in zip(explanation.subscriptions, data["subscriptions"], strict=True):
        yield from _subscription_lines(one, shown)
    if explanation.of_other_mode:
        other = "test" if explanation.access.livemode else "live"
        yield ""
        yield f"{explanation.of_other_mode} of {other} mode do not count."


def _subscription_lines(one: Explained, shown: dict[str, Any]) -> Iterator[str]:
    verdict = shown["verdict"]
    yield ""
    yield f"{one.name}{' (answers)' if one.answers else ''}: {_yes_or_no(verdict)}"
    yield f"  Rule: {verdict['rule']}. {one.because}"
    for name, value in shown["facts"].items():
        if name != "id" and value not in (None, [], False):
            yield f"  {name}: {_text(value)}"


def _yes_or_no(shown: dict[str, Any]) -> str:
    return "access" if shown["allowed"] else f"no access ({shown['code']})"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
