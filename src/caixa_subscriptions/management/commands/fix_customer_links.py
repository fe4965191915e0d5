from __future__ import annotations

import json
from dataclasses import asdict
from functools import partial
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from caixa_subscriptions.sync.customer_links import LINKED, Outcome, fix_customer_links


class Command(BaseCommand):
    help = (
        "Links Stripe customers without a subscriber to the one their metadata names. "
        "Run it after sync_stripe. Never links by e-mail."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--dry-run", action="store_true", help="say what would be linked, change nothing"
        )
        parser.add_argument("--json", action="store_true", help="one JSON object per customer")

    def handle(self, *args: Any, dry_run: bool, json: bool, **options: Any) -> None:
        report = partial(self._report_json, dry_run) if json else self._report
        counts = fix_customer_links(dry_run=dry_run, report=report)
        if json:
            return
        summary = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
        self.stdout.write(f"{'Dry run: ' if dry_run else ''}{summary or 'nothing to link'}")

    def _report(self, outcome: Outcome) -> None:
        if outcome.outcome == LINKED or outcome.subscriber_pk:
            self.stdout.write(
                f"{outcome.customer_id}: {outcome.outcome} (subscriber {outcome.subscriber_pk})"
            )

    def _report_json(self, dry_run: bool, outcome: Outcome) -> None:
        self.stdout.write(json.dumps(asdict(outcome) | {"dry_run": dry_run}))
