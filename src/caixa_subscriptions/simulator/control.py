"""What a test makes go wrong; outside `/v1`, because Stripe has no such thing.

Over HTTP every method is `POST /simulator/control/<method>`, its arguments in JSON; those of
`webhooks` are `/simulator/control/webhooks/<method>`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from caixa_subscriptions.simulator.control_webhooks import WebhookControl
from caixa_subscriptions.simulator.delivery import Outbox
from caixa_subscriptions.simulator.faults import CODES, FOREVER, Fault, Faults
from caixa_subscriptions.simulator.options import Value, keep_option
from caixa_subscriptions.simulator.resources.search import DELAY
from caixa_subscriptions.simulator.timekeeping import (
    FailedTask,
    failed_tasks,
    retry_failed_tasks,
)
from caixa_subscriptions.simulator.world import World


class Control:
    """Of one simulator: `simulator.control`. Everything here is deterministic and raises
    ValueError for what makes no sense."""

    def __init__(
        self,
        faults: Faults,
        outbox: Outbox,
        transaction: Callable[[], AbstractContextManager[World]],
    ) -> None:
        self.webhooks = WebhookControl(outbox, transaction)
        self._transaction = transaction
        self._faults = faults
        self._outage: Fault | None = None

    def set_option(self, name: str, value: Value) -> None:
        """One of `options.OPTIONS`, `checkout_event_order` for one, until it is set again."""
        with self._transaction() as world:
            keep_option(world.store, name, value)

    def delay_search(self, seconds: int) -> None:
        """Let new objects be found by search so many seconds of the wall clock later; changes of
        old ones are found at once."""
        if type(seconds) is not int or not 0 <= seconds < FOREVER:
            raise ValueError("seconds is a number from 0")
        with self._transaction() as world:
            world.store.set_meta(DELAY, str(seconds))

    def failed_tasks(self) -> list[FailedTask]:
        """What was due by the wall clock, failed, and was put aside; the earliest first."""
        with self._transaction() as world:
            return failed_tasks(world.store)

    def retry_failed_tasks(self) -> None:
        """It is due again, all of it; what fails once more is put aside once more."""
        with self._transaction() as world:
            retry_failed_tasks(world.store)

    # API calls

    def fail(
        self,
        status: int,
        *,
        method: str = "*",
        path: str = "*",
        nth: int = 1,
        times: int | None = 1,
        code: str | None = None,
        committed: bool = False,
        should_retry: bool | None = None,
        retry_after: int | None = None,
    ) -> Fault:
        """Answer 409, 429, 500 or 503 to the `nth` matching call and `times - 1` after it (None:
        to all).

        409, 429 and 503 come before anything is done and are kept for no idempotency key. A 500
        comes of a call that was begun: it is kept for its key, and with `committed` what the call
        did stays (Stripe docs: api/idempotent_requests). `code` of a 429 is `rate_limit` or
        `lock_timeout`. `should_retry` and `retry_after`, seconds, add the headers.
        """
        if status not in CODES:
            raise ValueError(f"status is one of {', '.join(map(str, CODES))}")
        codes = CODES[status]
        if code is not None and code not in codes:
            raise ValueError(f"there is no {status} with the code {code!r}")
        if committed and status != 500:
            raise ValueError("only a 500 comes of a call that was carried out")
        code = code or codes[0]
        headers = {}
        if code == "rate_limit":
            headers["Stripe-Rate-Limited-Reason"] = "global-rate"
        if should_retry is None and code == "lock_timeout":
            should_retry = True
        if should_retry is not None:
            headers["Stripe-Should-Retry"] = "true" if should_retry else "false"
        if retry_after is not None:
            if type(retry_after) is not int:
                raise ValueError("retry_after is a whole number of seconds")
            headers["Retry-After"] = str(retry_after)
        return self._faults.add(
            "break" if status == 500 else "refuse",
            method=method,
            path=path,
            nth=nth,
            times=times,
            status=status,
            code=code,
            headers=headers,
            committed=committed,
        )

    def drop(
        self,
        when: str = "before",
        *,
        timeout: bool = False,
        method: str = "*",
        path: str = "*",
        nth: int = 1,
        times: int | None = 1,
    ) -> Fault:
        """Lose the connection `before` the call is carried out, or `after`, when it is committed.

        The SDK's own error is raised in process; the HTTP server closes the socket without an
        answer. With `timeout` the error in process says so.
        """
        if when not in ("before", "after"):
            raise ValueError("when is 'before' or 'after'")
        return self._faults.add(
            "lose_before" if when == "before" else "lose_after",
            method=method,
            path=path,
            nth=nth,
            times=times,
            timeout=timeout,
        )

    def delay(
        self,
        seconds: float,
        *,
        method: str = "*",
        path: str = "*",
        nth: int = 1,
        times: int | None = None,
    ) -> Fault:
        """Be late, every time. Nobody sleeps in process: the client counts the seconds, and one
        that waits less loses the answer of a call that was carried out. The HTTP server sleeps."""
        return self._faults.add(
            "delay", method=method, path=path, nth=nth, times=times, seconds=seconds
        )

    def start_outage(self, status: int | None = None) -> Fault:
        """From now on no call is answered, or every one with `status`."""
        self.end_outage()
        if status is None:
            self._outage = self.drop(times=None)
        else:
            self._outage = self.fail(status, times=None)
        return self._outage

    def end_outage(self) -> None:
        if self._outage:
            self._faults.clear(self._outage.id)
        self._outage = None

    @contextmanager
    def outage(self, status: int | None = None) -> Iterator[Fault]:
        """`start_outage` and `end_outage` around a block."""
        try:
            yield self.start_outage(status)
        finally:
            self.end_outage()

    def faults(self) -> list[Fault]:
        """All of API calls that were not cleared, with their counts; the oldest first."""
        return self._faults.all()

    def clear(self, fault_id: int | None = None) -> None:
        """One fault of API calls, or all of them."""
        self._faults.clear(fault_id)
