from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

import stripe
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.utils.module_loading import import_string

from caixa_subscriptions.simulator.server import serve
from example_project.simulator import get_simulator

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

HOST = "127.0.0.1"
PRODUCT = "Reports"
PRICES = (("reports_monthly", 900, "month"), ("reports_yearly", 9000, "year"))


class Command(BaseCommand):
    help = "Runs the whole example on this machine, with Stripe simulated beside it."
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--port",
            type=int,
            default=getattr(settings, "DEMO_PORT", None),
            help="where to listen (default: PORT of the environment, or 8000)",
        )
        parser.add_argument(
            "--reset", action="store_true", help="forget everything of earlier runs first"
        )

    def handle(self, *args: Any, port: int | None, reset: bool, **options: Any) -> None:
        if port is None or port != getattr(settings, "DEMO_PORT", None):
            raise CommandError(
                "The demo needs example_project.settings.demo, and its port in PORT."
            )
        _require_free(port)
        with _only_one_on(settings.SIMULATOR_STATE.parent):
            if reset:
                connection.close()  # the system checks may have opened it
                _remove_data(database=settings.DATABASES["default"]["NAME"])
            if not connection.introspection.table_names():
                self.stdout.write("Preparing the database, which takes a minute the first time.")
                self.stdout.flush()
            call_command("migrate", interactive=False, verbosity=0)
            self._serve(port)

    def _serve(self, port: int) -> None:
        # Imported late: in the demo it opens the simulator's file, which a reset removes.
        server = serve(import_string(settings.WSGI_APPLICATION), host=HOST, port=port)
        url = server.url
        try:
            if settings.SIMULATED:
                _seed_stripe()
            call_command("sync_stripe", stdout=StringIO())
            endpoint = StringIO()
            call_command(
                "webhook_endpoint",
                base_url=url,
                register=settings.SIMULATED,
                stdout=endpoint,
            )
            webhook_url = endpoint.getvalue().strip()
            if settings.SIMULATED:
                _remove_lost_endpoints(webhook_url)
            self._say_what_to_click(url, webhook_url=webhook_url)
            _wait_for_the_end()
        finally:
            server.shutdown()
            server.server_close()
            if settings.SIMULATED:
                get_simulator().close()
        self.stdout.write("\nStopped. Start again with the same command: everything is kept.")

    def _say_what_to_click(self, url: str, *, webhook_url: str) -> None:
        lines = [
            "",
            self.style.SUCCESS("The demo is running."),
            f"  {url}/              the site: sign up, start the trial, look around",
        ]
        if settings.SIMULATED:
            lines += [
                f"  {url}/simulator/    the simulated Stripe: move time, see events",
                "  Test cards: 4242 4242 4242 4242 pays, 4000 0000 0000 0341 fails later,",
                "              4000 0000 0000 0002 is declined",
            ]
        else:
            lines += [
                "  Stripe is not simulated: STRIPE_TEST_SECRET_KEY is in the environment.",
                "  For webhooks, run and put the secret it shows into DJSTRIPE_WEBHOOK_SECRET:",
                f"    stripe listen --forward-to {webhook_url}",
                "  For sale are prices with the lookup keys "
                + " and ".join(lookup_key for lookup_key, _amount, _interval in PRICES)
                + ".",
            ]
        account = '{"email": "ana@example.com", "password": "a-long-password"}'
        post = f"curl -H 'Content-Type: application/json' -d '{account}'"
        lines += [
            "By API:",
            f"  curl {url}/api/subscriptions/config/",
            f"  {post} {url}/api/register/",
            f"  {post} {url}/api/token/",
            f'  curl -i -H "Authorization: Bearer $ACCESS" {url}/api/reports/',
            "Ctrl-C stops it.",
            "",
        ]
        for line in lines:
            self.stdout.write(line)
        self.stdout.flush()


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen()
        except (OSError, OverflowError) as error:
            raise CommandError(
                f"Port {port} cannot be used ({error}). Choose another one, for example: "
                "PORT=8001 make demo"
            ) from error


@contextmanager
def _only_one_on(folder: Path) -> Iterator[None]:
    """Two processes on one simulated Stripe would send every webhook twice.

    The lock ends with the process, however it ends.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as file:
        if fcntl is not None:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise CommandError(
                    f"Another demo is running on {folder}. Stop it, or set DEMO_DATA_DIR."
                ) from error
        yield


def _remove_data(*, database: Path | str) -> None:
    if Path(database).parent != settings.SIMULATOR_STATE.parent:
        raise CommandError("--reset removes the demo's own SQLite file only; unset DATABASE_URL.")
    for path in (Path(database), settings.SIMULATOR_STATE):
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)


def _client() -> stripe.StripeClient:
    return stripe.StripeClient(
        settings.STRIPE_TEST_SECRET_KEY,
        stripe_version=settings.STRIPE_API_VERSION,
        base_addresses={"api": settings.STRIPE_API_HOST},
    )


def _seed_stripe() -> None:
    """What is for sale, at the simulated Stripe and by its API, unless it is there already."""
    client = _client()
    wanted = [lookup_key for lookup_key, _amount, _interval in PRICES]
    there = {
        price.lookup_key: price.product
        for price in client.v1.prices.list({"lookup_keys": wanted, "active": True}).data
    }
    product = next(iter(there.values()), None)
    for lookup_key, amount, interval in PRICES:
        if lookup_key in there:
            continue
        if product is None:
            product = client.v1.products.create({"name": PRODUCT}).id
        client.v1.prices.create(
            {
                "product": str(product),
                "currency": "usd",
                "unit_amount": amount,
                "recurring": {"interval": interval},
                "lookup_key": lookup_key,
            }
        )


def _remove_lost_endpoints(webhook_url: str) -> None:
    """A kill between Stripe's answer and our row leaves an endpoint that nobody can verify.

    Checkout would wait for its 2xx, which never comes.
    """
    client = _client()
    ours = urlsplit(webhook_url)
    folder = ours.path.rstrip("/").rpartition("/")[0]
    for endpoint in client.v1.webhook_endpoints.list({"limit": 100}).data:
        theirs = urlsplit(endpoint.url)
        if theirs.path.startswith(f"{folder}/") and endpoint.url != webhook_url:
            client.v1.webhook_endpoints.delete(endpoint.id)


def _wait_for_the_end() -> None:
    """Until Ctrl-C, or a polite kill."""
    ended = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        ended.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        # Not without a timeout: a signal that another thread received would wake nobody.
        while not ended.wait(1.0):
            pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
