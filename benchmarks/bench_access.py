"""What a gate costs, side by side in one run: `make bench`.

`ACCESS_BENCH_CUSTOMERS` is how many customers the tables have (100,000), `TEST_DATABASE_URL` which
database. Cold checks and the plain way are each asked for again and again, and the fastest round of
each counts, which other work on the machine disturbs least. They take turns as well, one by one,
where both come out dearer and the one query by more than the five; of those the quicker half
counts. What a warm check adds is little, so bare and gated requests take turns only.
"""

from __future__ import annotations

import itertools
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from statistics import fmean
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.sessions.backends.db import SessionStore
from django.core.cache import caches
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connection
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.urls import path
from djstripe.models import Customer, Price, Product, Subscription, SubscriptionItem

from caixa_subscriptions.access import cache, get_access, get_policy
from caixa_subscriptions.access.decision import decide
from caixa_subscriptions.access.facts import subscription_facts
from caixa_subscriptions.conf import now

CUSTOMERS = int(os.environ.get("ACCESS_BENCH_CUSTOMERS", "100000"))
FEW = 1_000
ASKING = 200  # users who take turns
WARM_TURNS = 6_000
COLD_TURNS = 2_000
TRUSTED = "warm request, a yes of this second / bare request"
ASKED = "warm request that asks the shared cache / bare request"
TURN = "cold check / plain dj-stripe, one by one in turns"
PREPARED = "the same with prepared statements"
WARM_MOST, COLD_LEAST, DECISION_MOST, GROWTH_MOST = 1.03, 5.0, 15e-6, 1.3
GATED = "caixa_subscriptions.middleware.SubscriptionMiddleware"
# As `startproject` writes them.
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
# ruff: noqa: S101  (these are tests)
best: dict[str, float] = {}

pytestmark = [pytest.mark.urls("benchmarks.bench_access"), pytest.mark.benchmark(min_rounds=400)]


def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse(b"in" if request.user.is_authenticated else b"nobody")


urlpatterns = [path("page/", page)]


# The shop


@pytest.fixture(scope="module")
def shop(django_db_setup: None, django_db_blocker: Any) -> Iterator[Callable[[int], list[Any]]]:
    """Grows to so many customers, each with a subscription, and gives users who ask."""
    with django_db_blocker.unblock():
        product = Product.objects.create(id="prod_1", livemode=False, name="Pro")
        price = Price.objects.create(
            id="price_1", livemode=False, active=True, currency="usd", product=product
        )

        def grow(size: int) -> list[Any]:
            while (first := get_user_model().objects.count()) < size:
                _add(range(first, min(first + 5_000, size)), price)
            with connection.cursor() as cursor:
                cursor.execute("ANALYZE")
            return list(get_user_model().objects.order_by("?")[:ASKING])

        yield grow  # the database is dropped after the run


def _add(numbers: range, price: Price) -> None:
    users = get_user_model().objects.bulk_create(
        get_user_model()(email=f"person{number}@example.com") for number in numbers
    )
    Customer.objects.bulk_create(
        Customer(id=f"cus_{user.pk}", livemode=False, subscriber=user, stripe_data={})
        for user in users
    )
    Subscription.objects.bulk_create(
        Subscription(
            id=f"sub_{user.pk}",
            livemode=False,
            customer_id=f"cus_{user.pk}",
            stripe_data=_payload(f"sub_{user.pk}"),
        )
        for user in users
    )
    SubscriptionItem.objects.bulk_create(
        SubscriptionItem(
            id=f"si_{user.pk}",
            livemode=False,
            subscription_id=f"sub_{user.pk}",
            price=price,
            stripe_data={},
        )
        for user in users
    )


def _payload(subscription_id: str) -> dict[str, Any]:
    """3.6 KB, as a plain active subscription of Stripe has."""
    item = {
        "id": "si_1",
        "current_period_start": 1_790_000_000,
        "current_period_end": 4_070_000_000,
        "price": {"id": "price_1", "lookup_key": "pro_monthly", "product": "prod_1"},
        "quantity": 1,
    }
    return {
        "id": subscription_id,
        "status": "active",
        "created": 1_790_000_000,
        "cancel_at_period_end": False,
        "items": {"object": "list", "data": [item]},
        "metadata": {f"key_{number}": "v" * 50 for number in range(50)},
    }


# What is measured


@pytest.fixture(scope="module")
def users(shop: Callable[[int], list[Any]]) -> list[Any]:
    return shop(CUSTOMERS)


@pytest.fixture
def requests(
    users: list[Any], db: None, settings: Any
) -> Iterator[Callable[..., Callable[[], None]]]:
    """`requests(middleware)`: a function that sends one authenticated request."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    environs = [_environ(user) for user in users]

    def through(*gates: str) -> Callable[[], None]:
        settings.MIDDLEWARE = [*MIDDLEWARE, *gates]
        handler: Any = WSGIHandler()
        turns = itertools.cycle(environs)

        def send() -> None:
            response = handler(dict(next(turns)), _start_response)
            assert b"".join(response) == b"in"
            response.close()

        for _ in environs:
            send()
        return send

    yield through
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def _start_response(*answer: Any) -> Callable[[bytes], object]:
    return len


def _environ(user: Any) -> dict[str, Any]:
    session = SessionStore()
    session["_auth_user_id"] = str(user.pk)
    session["_auth_user_backend"] = "django.contrib.auth.backends.ModelBackend"
    session["_auth_user_hash"] = user.get_session_auth_hash()
    session.save()
    return (
        RequestFactory()
        .get("/page/", headers={"cookie": f"sessionid={session.session_key}"})
        .environ
    )


def measure(benchmark: Any, name: str, work: Callable[[], Any]) -> None:
    benchmark.group = f"{connection.vendor}, {CUSTOMERS:,} customers"
    benchmark.name = name
    benchmark(work)
    if benchmark.stats is not None:
        best[name] = benchmark.stats.stats.min


def taking_turns(work: Callable[[], Any], other: Callable[[], Any], turns: int) -> float:
    """How much longer `work` takes than `other`: of the quicker half of each, which other work on
    the machine disturbs least."""
    both: list[tuple[Callable[[], Any], list[float]]] = [(work, []), (other, [])]
    measured = [times for _, times in both]
    for _ in range(turns):
        random.shuffle(both)
        for do, times in both:
            begun = time.perf_counter()
            do()
            times.append(time.perf_counter() - begun)
    took, beside = (fmean(sorted(times)[: turns // 2]) for times in measured)
    return took / beside


def plain_djstripe(user: Any) -> bool:
    """As it is done with dj-stripe alone: through customer, subscriptions, items and products."""
    allowed = False
    for customer in Customer.objects.filter(subscriber=user):
        for subscription in customer.subscriptions.all():
            for item in subscription.items.all():
                allowed |= subscription.status == "active" and bool(item.price.product.name)
    return allowed


def test_cold_check_among_few(benchmark: Any, shop: Callable[[int], list[Any]], db: None) -> None:
    turns = itertools.cycle(shop(FEW))  # comes first: the shop only grows
    measure(benchmark, f"get_access, cold, {FEW:,} customers", lambda: get_access(next(turns)))


def test_bare_view(benchmark: Any, requests: Any) -> None:
    measure(benchmark, "bare authenticated view", requests())


def test_middleware_cold(benchmark: Any, requests: Any) -> None:
    measure(benchmark, "behind the middleware, cold", requests(GATED))


def test_middleware_warm(benchmark: Any, requests: Any, settings: Any) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    settings.CAIXA_SUBSCRIPTIONS = settings.CAIXA_SUBSCRIPTIONS | {"CACHE": "default"}
    caches["default"].clear()
    measure(benchmark, "behind the middleware, warm (memory)", requests(GATED))


class _Forgetful(dict[Any, Any]):
    """Knows nothing, whatever is put into it."""

    def get(self, key: Any, default: Any = None) -> Any:
        return default


@pytest.mark.parametrize(("kind", "trusted"), [(TRUSTED, {}), (ASKED, _Forgetful())])
def test_warm_beside_bare(
    requests: Any, settings: Any, monkeypatch: pytest.MonkeyPatch, kind: str, trusted: Any
) -> None:
    """A bare request and a gated one, taking turns. Of a person's requests within a second the
    first asks the shared cache, which the others do not."""
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    settings.CAIXA_SUBSCRIPTIONS = settings.CAIXA_SUBSCRIPTIONS | {"CACHE": "default"}
    monkeypatch.setattr(cache, "_TRUST_SECONDS", 3600.0)
    monkeypatch.setattr(cache, "_trusted", trusted)
    best[kind] = taking_turns(requests(GATED), requests(), WARM_TURNS)


def test_middleware_warm_in_redis(benchmark: Any, requests: Any, settings: Any) -> None:
    url = os.environ.get("TEST_REDIS_URL")
    if not url:
        pytest.skip("TEST_REDIS_URL is not set, for example redis://127.0.0.1:6379/15")
    backend = "django.core.cache.backends.redis.RedisCache"
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": url, "KEY_PREFIX": "bench"}}
    settings.CAIXA_SUBSCRIPTIONS = settings.CAIXA_SUBSCRIPTIONS | {"CACHE": "default"}
    measure(benchmark, "behind the middleware, warm (Redis)", requests(GATED))


def test_cold_check(benchmark: Any, users: list[Any], db: None) -> None:
    turns = itertools.cycle(users)
    measure(benchmark, "get_access, cold", lambda: get_access(next(turns)))


def test_plain_djstripe(benchmark: Any, users: list[Any], db: None) -> None:
    assert plain_djstripe(users[0]) is get_access(users[0]).allowed is True
    turns = itertools.cycle(users)
    measure(benchmark, "plain dj-stripe, looping", lambda: plain_djstripe(next(turns)))


@pytest.mark.parametrize("kind", [TURN, PREPARED])
def test_cold_beside_plain(
    users: list[Any], db: None, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """As Django sets PostgreSQL up, and with the statements prepared, as our docs advise."""
    if kind == PREPARED:
        if connection.vendor != "postgresql":
            pytest.skip("only PostgreSQL's driver can leave statements unprepared")
        from django.db.backends.postgresql.base import ServerBindingCursor

        monkeypatch.setattr(connection.connection, "cursor_factory", ServerBindingCursor)
        monkeypatch.setattr(connection.connection, "prepare_threshold", 1)
    some, others = itertools.cycle(users), itertools.cycle(users)
    best[kind] = taking_turns(
        lambda: get_access(next(some)), lambda: plain_djstripe(next(others)), COLD_TURNS
    )


def test_decision(benchmark: Any, users: list[Any], db: None) -> None:
    facts = subscription_facts(users[0], livemode=False)
    policy, moment = get_policy(), now()
    measure(
        benchmark,
        "the pure decision",
        lambda: decide(facts, policy=policy, now=moment, livemode=False),
    )


def test_targets(capsys: pytest.CaptureFixture[str]) -> None:
    if len(best) < 10:
        pytest.skip("nothing was measured")
    cold = best["get_access, cold"]
    found = {
        TRUSTED: (best[TRUSTED], WARM_MOST),
        "cold check / plain dj-stripe": (cold / best["plain dj-stripe, looping"], 1 / COLD_LEAST),
        "decision, seconds": (best["the pure decision"], DECISION_MOST),
        f"cold among {CUSTOMERS:,} / among {FEW:,}": (
            cold / best[f"get_access, cold, {FEW:,} customers"],
            GROWTH_MOST,
        ),
    }
    with capsys.disabled():
        for what, (figure, most) in found.items():
            sys.stdout.write(f"\n{what}: {figure:.4g}, at most {most:.4g}")
        for what in (TURN, PREPARED, ASKED):
            if what in best:
                sys.stdout.write(f"\n{what}: {best[what]:.4g}, which no target is set for")
        sys.stdout.write("\n")
    assert [what for what, (figure, most) in found.items() if figure > most] == []
