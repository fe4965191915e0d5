from __future__ import annotations

from functools import partial
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from caixa_subscriptions.conf import settings
from caixa_subscriptions.exceptions import SubscriptionsError
from caixa_subscriptions.services.closing import close_accounts
from caixa_subscriptions.services.remedies import carry_out_remedies
from caixa_subscriptions.sync.stripe_objects import RESOURCES, Count, sync_resource


class Command(BaseCommand):
    help = (
        "Copies products, prices, customers, subscriptions and entitlements of the current mode "
        "from Stripe into the database. Safe to interrupt and to run again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--only",
            action="append",
            choices=list(RESOURCES),
            help="only this kind of object; may be given more than once",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="count what there is, store nothing"
        )

    def handle(self, *args: Any, only: list[str] | None, dry_run: bool, **options: Any) -> None:
        mode = "live" if settings.livemode else "test"
        self.stdout.write(f"Stripe {mode} mode{', dry run' if dry_run else ''}")
        failed = 0
        for name in RESOURCES:
            if only and name not in only:
                continue
            try:
                count = sync_resource(name, dry_run=dry_run, progress=partial(self._show, name))
            except SubscriptionsError as error:
                raise CommandError(f"{name}: {error} ({error.code})") from error
            self._clear()
            verb = "would be added" if dry_run else "added"
            self.stdout.write(
                f"{name}: {count.total} at Stripe, {count.new} {verb}, "
                f"{count.known} known, {count.failed} failed"
            )
            failed += count.failed
        if not dry_run and not only:
            self._do_what_is_left()
        if failed:
            raise CommandError(f"{failed} objects could not be stored; the log has their ids.")

    def _do_what_is_left(self) -> None:
        """What deletions of subscribers, and webhooks, left to be done while Stripe was down."""
        done, left = close_accounts()
        if done or left:
            self.stdout.write(f"deleted subscribers: {done} closed, {left} left for the next run")
        if remedied := carry_out_remedies():
            self.stdout.write(f"remedies: {remedied} carried out")

    def _show(self, name: str, count: Count) -> None:
        if self.stdout.isatty():
            self.stdout.write(f"\r{name}: {count.total}", ending="")
            self.stdout.flush()

    def _clear(self) -> None:
        if self.stdout.isatty():
            self.stdout.write("\r", ending="")
