from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from caixa_subscriptions.conf import settings
from caixa_subscriptions.exceptions import SubscriptionsError
from caixa_subscriptions.services.webhook_endpoints import set_up_webhook_endpoint


class Command(BaseCommand):
    help = (
        "Makes or updates the webhook endpoint of the current mode, with the secret of "
        "DJSTRIPE_WEBHOOK_SECRET, and prints its URL."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--base-url",
            required=True,
            help="where Stripe reaches this site, such as https://example.com",
        )
        parser.add_argument(
            "--register",
            action="store_true",
            help="also create the endpoint at Stripe and store the secret it answers",
        )

    def handle(self, *args: Any, base_url: str, register: bool, **options: Any) -> None:
        try:
            endpoint = set_up_webhook_endpoint(base_url=base_url, register=register)
        except SubscriptionsError as error:
            raise CommandError(f"{error} ({error.code})") from error
        self.stdout.write(endpoint.url)
        if settings.webhook_secret and endpoint.secret != settings.webhook_secret:
            self.stderr.write(
                "DJSTRIPE_WEBHOOK_SECRET is not the secret of this endpoint, which Stripe has just "
                "told. Remove the setting, or the next run without --register puts it back."
            )
        if not endpoint.secret:
            self.stderr.write(
                "The endpoint has no secret yet and refuses every delivery. Register the URL at "
                "Stripe, set DJSTRIPE_WEBHOOK_SECRET to the signing secret shown there, and run "
                "this command again."
            )
