from __future__ import annotations

import json
from dataclasses import asdict
from functools import partial
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from caixa_subscriptions.conf import settings
from caixa_subscriptions.exceptions import CustomerNotFound
from caixa_subscriptions.services.links import LINKED, Outcome
from caixa_subscriptions.sync.customer_links import count_unlinked, fix_customer_links


class Command(BaseCommand):
    help = (
        "Links Stripe customers without a subscriber to the one that our records or their metadata "
        "name. Run it after sync_stripe. Safe to interrupt and to run again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--dry-run", action="store_true", help="say what would be linked, change nothing"
        )
        parser.add_argument("--json", action="store_true", help="one JSON object per customer")
        parser.add_argument(
            "--by-email",
            action="store_true",
            help="of those nothing else names, also link by an e-mail that EMAIL_VERIFIED vouches "
            "for, if exactly one customer and one subscriber have it",
        )
        parser.add_argument(
            "--after", metavar="cus_...", help="go on behind this customer of an interrupted run"
        )

    def handle(
        self,
        *args: Any,
        dry_run: bool,
        json: bool,
        by_email: bool,
        after: str | None,
        **options: Any,
    ) -> None:
        if by_email and settings.email_verified is None:
            raise CommandError(
                "--by-email needs EMAIL_VERIFIED: who says that an e-mail is verified?"
            )
        self._at, self._total = after, count_unlinked() if self.stderr.isatty() else None
        try:
            counts = fix_customer_links(
                dry_run=dry_run,
                by_email=by_email,
                after=after,
                report=partial(self._report_json, dry_run) if json else self._report,
                reached=self._reached,
            )
        except CustomerNotFound:
            raise CommandError(f"There is no customer {after} to go on behind.") from None
        except BaseException:
            if self._at is not None:
                self.stderr.write(f"Not finished. Go on with --after {self._at}")
            raise
        if self._total is not None:
            self.stderr.write("")
        if json:
            return
        summary = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
        self.stdout.write(f"{'Dry run: ' if dry_run else ''}{summary or 'nothing to link'}")

    def _reached(self, customer_id: str, count: int) -> None:
        self._at = customer_id
        if self._total is not None:
            self.stderr.write(f"\r{count} of {self._total}, at {customer_id}", ending="")
            self.stderr.flush()

    def _report(self, outcome: Outcome) -> None:
        if outcome.outcome == LINKED or outcome.subscriber_pk is not None:
            by = f" by {outcome.evidence}" if outcome.evidence else ""
            self.stdout.write(
                f"{outcome.customer_id}: {outcome.outcome}{by} (subscriber {outcome.subscriber_pk})"
            )

    def _report_json(self, dry_run: bool, outcome: Outcome) -> None:
        pk = outcome.subscriber_pk
        fields = asdict(outcome) | {"subscriber_pk": None if pk is None else str(pk)}
        self.stdout.write(json.dumps(fields | {"dry_run": dry_run}))
