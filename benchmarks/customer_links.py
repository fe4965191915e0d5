"""How fast `fix_customer_links` is, and how much memory it takes: `make bench-links`.

`LINKS_BENCH_CUSTOMERS` is how many customers there are (1,000,000), `TEST_DATABASE_URL` where; a
database of its own is made there and dropped. Each run of the command is a process of its own,
whose peak memory is measured with all that Django needs.
"""

from __future__ import annotations

import io
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from django.apps import apps  # noqa: E402
from django.conf import settings  # noqa: E402
from django.contrib.auth import get_user_model  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from djstripe.models import Customer, Subscription  # noqa: E402

from caixa_subscriptions.models import BillingAccount, TrialUsageTracking  # noqa: E402

CUSTOMERS = int(os.environ.get("LINKS_BENCH_CUSTOMERS", "1000000"))
SAMPLE = 2_000
SUBSCRIBED = 100  # one in so many has a subscription, every second of them had the trial
MOST_MB, LEAST_RATIO = 150, 20
BATCH = 5_000
# About what Stripe says of a customer.
PAYLOAD = {"object": "customer", "description": "x" * 900, "deleted": False}


def main() -> int:
    if sys.argv[1:2] == ["--run"]:
        _run(sys.argv[2], dry_run="--dry-run" in sys.argv)
        return 0
    settings.MIGRATION_MODULES = {app.label: None for app in apps.get_app_configs()}
    name = connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        met = list(_measure(name))
        return 0 if all(met) else 1
    finally:
        connection.creation.destroy_test_db(name, verbosity=0)


def _measure(name: str) -> Iterator[bool]:
    say(f"{CUSTOMERS:,} customers on {connection.vendor}")
    fill(range(SAMPLE + CUSTOMERS))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    one_by_one = _save_each()
    say(f"one save() per customer: {one_by_one * 1e6:.0f} us each, of {SAMPLE:,}")

    dry = _command(name, "--dry-run")
    yield target("a dry run changes", _linked() - SAMPLE, dry["counts"] == {"linked": CUSTOMERS})
    first = _command(name)
    ratio = one_by_one / (first["seconds"] / CUSTOMERS)
    yield target(
        f"the first run: {first['seconds']:.1f} s, {CUSTOMERS / first['seconds']:,.0f} a second, "
        "times as fast as save()",
        round(ratio, 1),
        ratio >= LEAST_RATIO,
    )
    megabytes = max(dry["megabytes"], first["megabytes"])
    yield target("peak memory in MB", round(megabytes), megabytes <= MOST_MB)
    everybody = SAMPLE + CUSTOMERS
    linked, accounts = _linked(), BillingAccount.objects.exclude(customer_id=None).count()
    yield target("linked", linked, linked == everybody and accounts == CUSTOMERS)
    expected = Subscription.objects.exclude(customer__id__in=_sample()).count()
    trials = TrialUsageTracking.objects.count()
    yield target("trial records", trials, trials == expected)
    second = _command(name)
    yield target(
        f"a second run ({second['seconds']:.1f} s) changes",
        len(second["counts"]),
        second["counts"] == {},
    )


def target(what: str, value: Any, met: bool) -> bool:
    say(f"{what}: {value:,} {'' if met else 'MISSED'}".rstrip())
    return met


def fill(numbers: range) -> None:
    """Users, and for each a customer that names them in its metadata and is linked to nobody."""
    for start in range(numbers.start, numbers.stop, BATCH):
        batch = range(start, min(start + BATCH, numbers.stop))
        users = get_user_model().objects.bulk_create(
            [get_user_model()(email=f"person{n}@example.com") for n in batch]
        )
        Customer.objects.bulk_create(
            [
                Customer(
                    id=f"cus_{n}",
                    livemode=False,
                    email=user.email,
                    metadata={"djstripe_subscriber": str(user.pk)},
                    stripe_data=PAYLOAD | {"id": f"cus_{n}"},
                )
                for n, user in zip(batch, users, strict=True)
            ]
        )
        Subscription.objects.bulk_create(
            [
                Subscription(
                    id=f"sub_{n}",
                    livemode=False,
                    customer_id=f"cus_{n}",
                    stripe_data={
                        "id": f"sub_{n}",
                        "status": "active",
                        "trial_end": 1_700_000_000 if n // SUBSCRIBED % 2 else None,
                    },
                )
                for n in batch
                if n % SUBSCRIBED == 0
            ]
        )


def _sample() -> list[str]:
    return [f"cus_{n}" for n in range(SAMPLE)]


def _save_each() -> float:
    """Seconds for each, with rows and users read beforehand."""
    customers = list(Customer.objects.filter(id__in=_sample()))
    pks = [customer.metadata["djstripe_subscriber"] for customer in customers]
    users = {str(pk): user for pk, user in get_user_model().objects.in_bulk(pks).items()}
    started = time.perf_counter()
    for customer in customers:
        customer.subscriber = users[customer.metadata["djstripe_subscriber"]]
        customer.save()
    return (time.perf_counter() - started) / len(customers)


def _linked() -> int:
    return int(Customer.objects.filter(subscriber__isnull=False).count())


def _command(name: str, *options: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.customer_links", "--run", name, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _run(name: str, *, dry_run: bool) -> None:
    connection.settings_dict["NAME"] = name
    out = Summary()
    started = time.perf_counter()
    call_command("fix_customer_links", dry_run=dry_run, stdout=out)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    megabytes = peak / (1024 if sys.platform != "darwin" else 1024 * 1024)
    print(json.dumps({"seconds": seconds, "megabytes": megabytes, "counts": out.counts()}))  # noqa: T201


class Summary(io.StringIO):
    """Keeps the last line only, which counts: what a terminal or a pipe would not keep either."""

    last = ""

    def write(self, text: str) -> int:
        self.last = text
        return len(text)

    def counts(self) -> dict[str, int]:
        words = self.last.removeprefix("Dry run: ").strip()
        pairs = [part.split(" ", 1) for part in words.split(", ")] if words[:1].isdigit() else []
        return {name: int(count) for count, name in pairs}


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
