"""State, time and events, and the few verbs every resource is written with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from caixa_subscriptions.simulator import expand, objects
from caixa_subscriptions.simulator.errors import StripeError, missing
from caixa_subscriptions.simulator.following import FOLLOWERS
from caixa_subscriptions.simulator.ids import Ids
from caixa_subscriptions.simulator.options import Value, kept_option
from caixa_subscriptions.simulator.packing import copied
from caixa_subscriptions.simulator.store import Store
from caixa_subscriptions.simulator.tasks import RANKS

WALL = ""  # the clock of customers without a test clock


def _changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """The old value of each key that `new` changes; of a hash only what changed in it, of a list
    all of it (Stripe docs: api/events)."""
    changed = {}
    for key, value in new.items():
        before = old.get(key)
        if before == value:
            continue
        if isinstance(before, dict) and isinstance(value, dict) and value.get("object") != "list":
            gone = dict.fromkeys(before.keys() - value.keys())
            before = _changed(before, gone | value)
        changed[key] = before
    return changed


@dataclass(slots=True)
class Caller:
    """The API call being answered, for events' `request` and for hosted pages' URLs."""

    request_id: str | None = None
    idempotency_key: str | None = None
    base_url: str = "http://127.0.0.1:12111"
    api_version: str = objects.API_VERSION


@dataclass(slots=True)
class World:
    """Use it inside a transaction of its store."""

    store: Store
    ids: Ids
    wall: Callable[[], int]
    default_clock: bool
    caller: Caller = field(default_factory=Caller)
    _buffer: list[dict[str, Any]] | None = None

    def option(self, name: str) -> Value:
        """The value of one of `options.OPTIONS`."""
        return kept_option(self.store, name)

    # Time

    def now(self, clock_id: str | None = None) -> int:
        """Frozen time of the clock; without one, of the default clock, else wall time. What is
        left of a clock that was deleted has wall time too."""
        clock_id = clock_id or (self.default_clock_id if clock_id is None else None)
        clock = self.store.get(clock_id) if clock_id else None
        return int(clock["frozen_time"]) if clock else self.wall()

    def now_for(self, customer: Mapping[str, Any]) -> int:
        return self.now(customer.get("test_clock") or WALL)

    @property
    def default_clock_id(self) -> str | None:
        return self.store.get_meta("default_clock")

    def schedule(self, obj: Mapping[str, Any], action: str, due: int, clock: str | None) -> None:
        self.store.execute(
            "insert or replace into tasks (object_id, action, due, rank, clock) "
            "values (?, ?, ?, ?, ?)",
            (obj["id"], action, due, RANKS[action], clock or WALL),
        )

    def unschedule(self, obj: Mapping[str, Any], *actions: str) -> None:
        """`actions`, or all of them."""
        if not actions:
            self.store.execute("delete from tasks where object_id = ?", (obj["id"],))
        for action in actions:
            self.drop_task(obj["id"], action)

    def due_task(self, clock: str, until: int) -> tuple[str, str, int] | None:
        rows = self.store.execute(
            "select object_id, action, due from tasks "
            "where clock = ? and due <= ? and error is null "
            "order by due, rank, rowid limit 1",
            (clock, until),
        )
        return (rows[0]["object_id"], rows[0]["action"], rows[0]["due"]) if rows else None

    def drop_task(self, object_id: str, action: str) -> None:
        self.store.execute(
            "delete from tasks where object_id = ? and action = ?", (object_id, action)
        )

    def put_aside(self, object_id: str, action: str, error: str) -> None:
        """A task that failed is due no more."""
        self.store.execute(
            "update tasks set error = ? where object_id = ? and action = ?",
            (error, object_id, action),
        )

    # Objects

    def get(self, kind: str, object_id: str, *, param: str | None = None) -> dict[str, Any]:
        """Raises Stripe's 404, or 400 when a parameter names the object."""
        found = self.store.get(object_id, kind)
        if found is None or found["object"] != kind:
            raise missing(kind.rpartition(".")[2] if "." in kind else kind, object_id, param=param)
        return found

    def add(self, obj: dict[str, Any], event: str | None = None) -> dict[str, Any]:
        self.store.put(obj)
        if event:
            self.emit(event, obj)
        return obj

    def update(
        self, obj: dict[str, Any], changes: Mapping[str, Any], event: str | None = None
    ) -> dict[str, Any]:
        """Store the changes; nothing changed, no `event`."""
        previous = _changed(
            obj, {key: value for key, value in changes.items() if not key.startswith("_")}
        )
        obj.update(changes)
        self.store.put(obj)
        if event and previous:
            tells = event.endswith((".updated", ".detached"))
            self.emit(event, obj, previous if tells else None)
        return obj

    def tell_update(
        self, before: Mapping[str, Any], obj: dict[str, Any], event: str | None = None
    ) -> None:
        """`<object>.updated`, or `event`, for several changes at once, when any of them shows."""
        if previous := _changed(expand.shown(before), expand.shown(obj)):
            self.emit(event or f"{obj['object']}.updated", obj, previous)

    @contextmanager
    def undone(self) -> Iterator[None]:
        """What happens within is undone at its end, events too."""
        self.store.execute("savepoint undone")
        try:
            yield
        finally:
            self.store.execute("rollback to undone")
            self.store.execute("release undone")

    def forget_customer(self, customer: Mapping[str, Any], clock: str | None) -> None:
        """Its other objects stay, and their time is still that of `clock`."""
        self.store.delete(customer["id"])
        self.store.set_meta(f"deleted:{customer['id']}", clock or WALL)

    def deleted_customer(self, customer_id: str) -> dict[str, Any] | None:
        """What is left of a deleted customer; None for any other id."""
        if self.store.get_meta(f"deleted:{customer_id}") is None:
            return None
        return {"id": customer_id, "object": "customer", "deleted": True}

    def writable(self, customer: Mapping[str, Any]) -> None:
        """Objects of a clock on the move take no changes (Stripe docs: test clocks)."""
        clock = self.store.get(customer.get("test_clock") or WALL)
        if clock and clock["status"] == "advancing":
            raise StripeError(
                429,
                "Test clock advancement underway - cannot perform modifications",
                code="lock_timeout",
            )

    def owner_writable(self, obj: Mapping[str, Any]) -> None:
        """The same of the customer an object belongs to, if any."""
        if obj["customer"] and (customer := self.store.get(obj["customer"])):
            self.writable(customer)

    # Events

    def emit(
        self,
        type: str,  # noqa: A002  Stripe's own name
        obj: dict[str, Any],
        previous: dict[str, Any] | None = None,
    ) -> None:
        data: dict[str, Any] = {"object": expand.shown(obj)}
        if previous is not None:
            data["previous_attributes"] = previous
        if self._buffer is not None:  # until it is stored, the object goes on changing
            self._buffer.append({"type": type, "data": copied(data)})
        else:
            self._store_event(type, data)
        for follower in FOLLOWERS.get(type, ()):
            follower(self, obj, previous or {})

    @contextmanager
    def events_in_order(self, order: tuple[str, ...]) -> Iterator[None]:
        """Events of this block are stored at its end, sorted by their place in `order`."""
        self._buffer = []
        try:
            yield
            buffered, self._buffer = self._buffer, None
            place = {name: index for index, name in enumerate(order)}
            for event in sorted(buffered, key=lambda one: place.get(one["type"], len(order))):
                self._store_event(event["type"], event["data"])
        finally:
            self._buffer = None

    def _store_event(self, type: str, data: dict[str, Any]) -> None:  # noqa: A002
        obj = data["object"]
        clock = obj.get("test_clock") or self.clock_of(obj)
        self.send(
            objects.event(
                self.ids.new("event"),
                type=type,
                data=data,
                pending_webhooks=0,
                request={
                    "id": self.caller.request_id,
                    "idempotency_key": self.caller.idempotency_key,
                },
                created=self.now(clock or WALL),
            )
        )

    def send(self, event: dict[str, Any]) -> None:
        """Store an event and send it to the endpoints that listen."""
        endpoints = [
            endpoint
            for endpoint in self.store.all("webhook_endpoint")
            if endpoint["status"] == "enabled"
            and not {"*", event["type"]}.isdisjoint(endpoint["enabled_events"])
        ]
        wall = self.wall()
        # Kept for 30 days of the wall clock, whatever the clock of what happened.
        self.store.put(event | {"pending_webhooks": len(endpoints), "_stored": wall})
        for endpoint in endpoints:
            self.store.queue(event, endpoint["id"], created=wall)

    def clock_of(self, obj: Mapping[str, Any]) -> str | None:
        """That of its customer, or of what it belongs to; None for the wall clock."""
        if not obj.get("customer"):
            owners = (obj.get(key) for key in ("invoice", "charge", "payment_intent"))
            owner = self.store.get(next((one for one in owners if one), ""))
            return self.clock_of(owner) if owner else None
        customer = self.store.get(obj["customer"])
        if customer is None:
            return self.store.get_meta(f"deleted:{obj['customer']}")
        clock: str | None = customer["test_clock"]
        return clock
