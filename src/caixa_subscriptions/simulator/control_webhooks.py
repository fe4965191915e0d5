"""What a test makes go wrong with webhooks, and what it does by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from fnmatch import fnmatchcase

from caixa_subscriptions.simulator.delivery import Delivery, Outbox
from caixa_subscriptions.simulator.faults import FOREVER
from caixa_subscriptions.simulator.mishaps import Mishap
from caixa_subscriptions.simulator.resources.webhook_endpoints import roll_secret
from caixa_subscriptions.simulator.world import World


class WebhookControl:
    """`simulator.control.webhooks`. Raises ValueError for what makes no sense, StripeError for an
    event or endpoint that is none.

    `endpoint` is an id or a pattern of the URL, `type` a pattern of event types; `nth` and `times`
    are those of `control.fail`, but count deliveries.
    """

    def __init__(
        self, outbox: Outbox, transaction: Callable[[], AbstractContextManager[World]]
    ) -> None:
        self._outbox = outbox
        self._transaction = transaction

    # What goes wrong

    def drop(
        self,
        *,
        endpoint: str = "*",
        type: str = "*",  # noqa: A002  Stripe's own name
        nth: int = 1,
        times: int | None = 1,
    ) -> Mishap:
        """Lose the delivery: it is never sent, nor tried again."""
        return self._outbox.mishaps.add("drop", endpoint=endpoint, type=type, nth=nth, times=times)

    def duplicate(
        self,
        copies: int = 1,
        *,
        endpoint: str = "*",
        type: str = "*",  # noqa: A002
        nth: int = 1,
        times: int | None = None,
    ) -> Mishap:
        """Send the same event `copies` more times, one after the other."""
        if copies < 1:
            raise ValueError("copies is a number from 1")
        return self._outbox.mishaps.add(
            "duplicate", copies=copies, endpoint=endpoint, type=type, nth=nth, times=times
        )

    def delay(
        self,
        seconds: float,
        *,
        endpoint: str = "*",
        type: str = "*",  # noqa: A002
        nth: int = 1,
        times: int | None = None,
    ) -> Mishap:
        """Send it no sooner than `seconds` of the wall clock after it was due."""
        if not 0 <= seconds < FOREVER:
            raise ValueError("seconds is a number from 0, and below a thousand million")
        return self._outbox.mishaps.add(
            "delay", seconds=seconds, endpoint=endpoint, type=type, nth=nth, times=times
        )

    def fail(
        self,
        status: int | None = None,
        *,
        endpoint: str = "*",
        type: str = "*",  # noqa: A002
        nth: int = 1,
        times: int | None = 1,
    ) -> Mishap:
        """The endpoint refuses the connection, or answers `status`, without being asked; what
        comes is tried again as ever. Here every attempt counts."""
        if status is not None and not 100 <= status <= 599:
            raise ValueError("status is one of HTTP's")
        return self._outbox.mishaps.add(
            "fail", status=status, endpoint=endpoint, type=type, nth=nth, times=times
        )

    @contextmanager
    def outage(
        self,
        status: int | None = None,
        *,
        endpoint: str = "*",
        type: str = "*",  # noqa: A002
    ) -> Iterator[Mishap]:
        """`fail` at every attempt within a block."""
        mishap = self.fail(status, endpoint=endpoint, type=type, times=None)
        try:
            yield mishap
        finally:
            self.clear(mishap.id)

    def mishaps(self) -> list[Mishap]:
        """All that were not cleared, with their counts; the oldest first."""
        return self._outbox.mishaps.all()

    def clear(self, mishap_id: int | None = None) -> None:
        """One mishap; or all of them, holding and shuffling too. What is held stays held."""
        self._outbox.mishaps.clear(mishap_id)

    # Order

    def shuffle(self, seed: int) -> None:
        """What is due at once goes out in an order that the seed decides."""
        self._outbox.mishaps.shuffled = seed

    def hold(self, *, endpoint: str = "*", type: str = "*") -> Mishap:  # noqa: A002
        """Keep back what would be sent, until it is released."""
        return self._outbox.mishaps.add("hold", endpoint=endpoint, type=type, times=None)

    def held(self) -> list[Delivery]:
        """The oldest first."""
        return self._outbox.held()

    def release(self, events: Sequence[str] | None = None) -> int:
        """Send what is held, by ids or patterns of types of the events, in the order given; or all
        of it, and hold no more. In the calling thread; how many attempts were made."""
        if isinstance(events, str):
            raise ValueError("events is a list of ids and types")
        held = self.held()
        if events is None:
            self._outbox.mishaps.clear(kind="hold")
            return self._outbox.release([one.id for one in held])
        chosen = [
            one.id
            for name in events
            for one in held
            if one.event_id == name or fnmatchcase(one.event_type, name)
        ]
        return self._outbox.release(list(dict.fromkeys(chosen)))

    # By hand

    def retry_now(self) -> None:
        """What failed or is delayed is due now."""
        with self._transaction():
            self._outbox.retry_now()

    def resend(self, event_id: str, *, endpoint_id: str | None = None) -> None:
        """To the endpoints that had it, or to one that needs not have had it; for 30 days."""
        with self._transaction() as world:
            event = world.get("event", str(event_id))
            if endpoint_id is not None:
                world.get("webhook_endpoint", str(endpoint_id))
            self._outbox.resend_event(event, endpoint_id, now=world.wall())

    def repeat(self, event_id: str) -> str:
        """A second event, with an id of its own, tells of the same change, as Stripe says may
        happen; its id."""
        with self._transaction() as world:
            again = world.get("event", str(event_id)) | {"id": world.ids.new("event")}
            world.send(again)
            return str(again["id"])

    def roll_secret(self, endpoint_id: str, *, expire_after_seconds: int = 0) -> str:
        """The new secret. The old one signs too for up to 24 hours of the wall clock."""
        with self._transaction() as world:
            return roll_secret(world, str(endpoint_id), overlap=expire_after_seconds)
