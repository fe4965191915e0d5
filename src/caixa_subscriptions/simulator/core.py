"""The simulator itself: API calls, hosted pages' deeds, time and delivery, behind one lock.

Every call is one transaction, committed before its answer leaves, so that a kill at any moment
loses nothing that was answered and does nothing by half.
"""

from __future__ import annotations

import datetime as dt
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from caixa_subscriptions.simulator import (
    answers,
    authenticating,
    checkout_discounts,
    completing,
    delayed,
    emitting,
    expand,
    faults,
    looking,
    portal,
    resources,
)
from caixa_subscriptions.simulator.answers import Response
from caixa_subscriptions.simulator.calls import ApiCalls
from caixa_subscriptions.simulator.cards import check_expiry
from caixa_subscriptions.simulator.client import SimulatorHTTPClient
from caixa_subscriptions.simulator.control import Control
from caixa_subscriptions.simulator.delivery import Delivery, Outbox
from caixa_subscriptions.simulator.errors import (
    CardError,
    ExecutedCardError,
    StripeError,
)
from caixa_subscriptions.simulator.ids import Ids
from caixa_subscriptions.simulator.options import Value, check_options, keep_option
from caixa_subscriptions.simulator.resources import clocks
from caixa_subscriptions.simulator.store import Store
from caixa_subscriptions.simulator.timekeeping import Timekeeper
from caixa_subscriptions.simulator.transport import Transport, post
from caixa_subscriptions.simulator.workers import Workers
from caixa_subscriptions.simulator.world import World

__all__ = ["CardError", "Response", "Simulator", "StripeError", "resources"]


def _wall() -> int:
    return int(time.time())


class Simulator:
    """An offline Stripe.

    `state` is the path of its SQLite file, None for memory. With a `seed` the same calls give the
    same ids. `default_clock` puts every customer without a test clock on one common clock, which
    stands for the simulator's own time. `transport` delivers webhooks, over HTTP by default.
    `options` are the behaviours of `options.OPTIONS` by name; those not given keep their last
    value. Raises ValueError for an option that is none.
    """

    def __init__(
        self,
        *,
        state: str | os.PathLike[str] | None = None,
        seed: int | None = None,
        now: Callable[[], int] = _wall,
        default_clock: bool = False,
        transport: Transport | None = None,
        options: Mapping[str, Value] | None = None,
    ) -> None:
        self._options = check_options(options)
        self._seed = seed
        self._store = Store(state)
        self._world = World(self._store, Ids(seed), now, default_clock)
        self._timekeeper = Timekeeper(self._store, self._world)
        self._outbox = Outbox(self._store, transport or post)
        self._faults = faults.Faults()
        self.control = Control(self._faults, self._outbox, self.deed)
        self._in_flight = answers.InFlight()
        self._calls = ApiCalls(self._store, self._world, self._faults)
        # Two, so that an endpoint that does not answer holds up no clock.
        self._workers = Workers(self._keep_time, self._deliver)
        with self._store.transaction():
            self._begin()

    def _begin(self) -> None:
        store, world = self._store, self._world
        starts = int(store.get_meta("starts") or 0)
        world.ids = Ids(self._seed, starts)
        store.set_meta("starts", str(starts + 1))
        store.set_meta("started", store.get_meta("started") or str(world.wall()))
        for name, value in self._options.items():
            keep_option(store, name, value)
        if world.default_clock and world.default_clock_id is None:
            clock = clocks.new_clock(world, frozen_time=world.wall(), name="Demo clock")
            store.set_meta("default_clock", clock["id"])

    def set_option(self, name: str, value: Value) -> None:
        """Until it is set again, or `reset`. Raises ValueError for what is none."""
        with self._store.transaction():
            keep_option(self._store, name, value)

    # API

    def request(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        base_url: str = "http://127.0.0.1:12111",
    ) -> Response:
        """Answer one API call, ids escaped in its path as the SDK does; Stripe's errors are
        answers too. Raises ConnectionResetError or TimeoutError when `control` says so."""
        named = {name.lower(): value for name, value in (headers or {}).items()}
        key = named.get("idempotency-key") if method == "POST" else None
        with self._faults.around(method, path) as late:
            with self._in_flight.claim(key) as conflict, self._store.transaction():
                response = self._calls.answer(method, path, params or {}, named, base_url, conflict)
            self._workers.stir()
            if not self._workers.running:
                self._timekeeper.catch_up()
        if late:
            response.headers[faults.LATENCY] = str(late)
        return response

    def http_client(self, **options: Any) -> SimulatorHTTPClient:
        """For `stripe.StripeClient(key, http_client=...)`: calls without a socket; `options` as
        of `SimulatorHTTPClient`."""
        return SimulatorHTTPClient(self, **options)

    # Hosted pages

    @contextmanager
    def deed(self) -> Iterator[World]:
        """What a customer does on a hosted page: one transaction."""
        with self._store.transaction():
            yield self._world
        self._workers.stir()
        if not self._workers.running:
            self._timekeeper.catch_up()

    def complete_checkout(
        self,
        session_id: str,
        *,
        card_number: str = "4242424242424242",
        exp_month: int = 12,
        exp_year: int = 2034,
        cvc: str = "123",
        promotion_code: str | None = None,
        authenticate: bool = True,
        pays_by: str = "card",
    ) -> dict[str, Any]:
        """The completed session. Raises CardError on a decline, and the session stays open;
        StripeError when it is not open, or takes no `promotion_code`, as its customer types it.
        An empty `card_number` will do where no card is asked for. A card that asks for 3D Secure
        passes it, or not without `authenticate`."""
        with self.deed() as world:
            if promotion_code is not None:
                checkout_discounts.enter_code(world, session_id, promotion_code)
            check_expiry(exp_month, exp_year, cvc, now=world.wall())
            try:
                session = completing.complete_session(
                    world,
                    session_id,
                    card_number=card_number,
                    exp_month=exp_month,
                    exp_year=exp_year,
                    authenticate=authenticate,
                    pays_by=pays_by,
                )
                return expand.public(session)
            except ExecutedCardError as declined:  # its traces stay
                error = declined
        raise error

    def authenticate(self, intent_id: str, *, succeed: bool = True) -> dict[str, Any]:
        """Pass or fail the 3D Secure a payment intent or setup intent waits for; the intent.

        Raises StripeError when it waits for none.
        """
        with self.deed() as world:
            return expand.public(authenticating.authenticate(world, intent_id, succeed=succeed))

    def checkout_trial_days(self, session_id: str) -> int:
        """0 without a trial. Stripe's session does not tell; its hosted page knows all the same."""
        with self._store.transaction():
            session = self._world.get("checkout.session", session_id)
            return completing.trial_days(self._world, session)

    def pay_voucher(self, intent_id: str) -> dict[str, Any]:
        """The payment intent after its customer has paid the Boleto or Pix. Raises StripeError when
        there is none to pay."""
        with self.deed() as world:
            return expand.public(delayed.pay(world, intent_id))

    def get_portal_session(self, token: str) -> dict[str, Any]:
        """Raises StripeError 404 for a link that is unknown or has expired."""
        with self.deed() as world:
            return expand.public(portal.open_session(world, token))

    def portal_cancel(self, token: str, subscription_id: str) -> dict[str, Any]:
        """At the period's end, as flexible billing does: `cancel_at` alone is set."""
        with self.deed() as world:
            return expand.public(portal.cancel(world, token, subscription_id))

    def portal_renew(self, token: str, subscription_id: str) -> dict[str, Any]:
        with self.deed() as world:
            return expand.public(portal.renew(world, token, subscription_id))

    def portal_update_card(
        self,
        token: str,
        *,
        card_number: str,
        exp_month: int = 12,
        exp_year: int = 2034,
        cvc: str = "123",
    ) -> dict[str, Any]:
        """The new default card. Raises CardError on a decline."""
        with self.deed() as world:
            check_expiry(exp_month, exp_year, cvc, now=world.wall())
            card = portal.update_card(
                world,
                token,
                card_number=card_number,
                exp_month=exp_month,
                exp_year=exp_year,
            )
            return expand.public(card)

    # Time

    def now(self, clock_id: str | None = None) -> int:
        """Frozen time of the clock, else of the default clock, else wall time; Unix seconds."""
        with self._store.transaction():
            return self._world.now(clock_id)

    @property
    def default_clock_id(self) -> str | None:
        with self._store.transaction():
            return self._world.default_clock_id

    def advance_clock(
        self, clock_id: str, frozen_time: int, *, wait: bool = False
    ) -> dict[str, Any]:
        """Move a clock forward; answers `advancing` at once, or `ready` with `wait`.

        Raises what broke the advance off, if its caller waits for it: the clock is then an
        `internal_failure` at the moment it got to, and what failed is undone and still due.
        """
        with self._store.transaction():
            clock = clocks.start_advance(self._world, {"frozen_time": frozen_time}, clock_id)
        self._workers.stir()
        if wait or not self._workers.running:
            broken = self._timekeeper.catch_up().get(clock_id)
            with self._store.transaction():
                clock = self._world.get(clocks.KIND, clock_id)
            if clock["status"] == "internal_failure":  # perhaps in the background
                raise broken or RuntimeError(f"{clock_id} broke off; the log says where")
        return expand.public(clock)

    def advance(self, delta: dt.timedelta) -> int:
        """Move the default clock on, in strides as long as Stripe's limit allows; its time then,
        Unix seconds. Raises ValueError without a default clock."""
        clock_id = self.default_clock_id
        if clock_id is None:
            raise ValueError("Only a simulator with a default clock can be advanced as a whole")
        target = self.now() + int(delta.total_seconds())
        while (now := self.now()) < target:
            with self._store.transaction():
                most = clocks.limit(self._world, self._world.get(clocks.KIND, clock_id))
            self.advance_clock(clock_id, min(target, most), wait=True)
        return now

    def emit(self, type: str, /, **overrides: Any) -> dict[str, Any]:  # noqa: A002  Stripe's name
        """An event asked for by name; see `emitting.emit`."""
        with self.deed() as world:
            return emitting.emit(world, type, **overrides)

    # Looking

    def list_objects(
        self,
        object_type: str,
        *,
        limit: int = 50,
        before: str | None = None,
        after: str | None = None,
        **filters: object,
    ) -> list[dict[str, Any]]:
        """Newest first, from the object `before` or `after` on; `filters` compare top-level
        keys."""
        with self._store.transaction():
            return looking.objects(
                self._store, object_type, limit=limit, before=before, after=after, **filters
            )

    def list_events(self, *, limit: int = 50, **which: Any) -> list[dict[str, Any]]:
        """Newest first; `which` as in `looking.events`."""
        with self._store.transaction():
            return looking.events(self._store, limit=limit, **which)

    def count_objects(self) -> dict[str, int]:
        """How many objects there are of each kind."""
        with self._store.transaction():
            return looking.counts(self._store)

    def count_statuses(self, object_type: str) -> dict[str, int]:
        """How many objects of a kind are in each status."""
        with self._store.transaction():
            return looking.statuses(self._store, object_type)

    def upcoming(
        self, *object_ids: str, clock: str | None = None, limit: int = 50
    ) -> list[looking.Upcoming]:
        """What falls due next, of some objects or of a clock; `clock` "" is the wall clock."""
        with self._store.transaction():
            ids = object_ids or None
            return looking.upcoming(self._store, clock=clock, ids=ids, limit=limit)

    def count_due(self, clock_id: str, until: int) -> int:
        """How many things fall due on a clock up to a moment, as planned now."""
        with self._store.transaction():
            return looking.count_due(self._store, clock_id, until)

    def search(self, text: str, *, limit: int = 20) -> list[dict[str, Any]]:
        """By the start of an id, or by part of an e-mail address, name or invoice number."""
        with self._store.transaction():
            return looking.search(self._store, text, limit=limit)

    def get_object(self, object_id: str) -> dict[str, Any] | None:
        with self._store.transaction():
            found = self._store.get(object_id)
        return expand.public(found) if found else None

    def list_deliveries(self, *, limit: int = 50, **which: Any) -> list[Delivery]:
        """Newest first; `which` as in `Outbox.latest`."""
        return self._outbox.latest(limit=limit, **which)

    def count_deliveries(self) -> dict[str, int]:
        """How many deliveries there are of each outcome: delivered, pending, failing."""
        return self._outbox.counts()

    # Delivery

    def resend(self, delivery_id: int) -> None:
        """Raises StripeError 400 for one of more than 15 days ago."""
        self._outbox.resend(delivery_id, now=self._world.wall())
        self._workers.stir()

    def deliver_pending(self) -> int:
        """Attempt every delivery that is due, in the calling thread; how many there were."""
        return self._outbox.deliver_due()

    def wait_for_event(self, event_type: str, object_id: str, *, timeout: float) -> bool:
        """Until every endpoint that wants the event has answered 2xx; seconds."""
        if not self._workers.running:
            return True
        return self._outbox.wait_for(event_type, object_id, timeout=timeout)

    def start(self) -> None:
        """Deliver webhooks and let time do its work in the background, from where it stopped."""
        self._workers.start()

    def _keep_time(self) -> float:
        self._timekeeper.catch_up()
        self._workers.stir(self._deliver)
        return 1.0

    def _deliver(self) -> float:
        self._outbox.deliver_due(lambda: self._workers.stopping)
        due = self._outbox.next_due()
        return 1.0 if due is None else max(0.05, min(1.0, due - time.time()))

    def close(self) -> None:
        self._workers.stop()
        self._store.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def reset(self) -> None:
        """Forget everything, what was to go wrong as well, and begin anew."""
        self.control.clear()
        self.control.webhooks.clear()
        with self._store.transaction():
            self._store.clear()
            self._begin()
