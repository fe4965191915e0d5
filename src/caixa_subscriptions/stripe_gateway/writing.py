"""A write that is carried out once, however often it is tried.

The same write under the same key does nothing twice, as long as Stripe knows the key and its answer
was not a 500, which Stripe keeps and repeats for a day. In those two cases Stripe is asked whether
the write was carried out: what it makes or changes bears the key in its metadata.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import stripe

from caixa_subscriptions.exceptions import StripeUnavailable
from caixa_subscriptions.stripe_gateway import attempts, errors, idempotency
from caixa_subscriptions.stripe_gateway.errors import mapped_errors
from caixa_subscriptions.stripe_gateway.idempotency import KEY_LIFETIME, Pending
from caixa_subscriptions.stripe_gateway.runtime import within

logger = logging.getLogger(__name__)

# In the metadata of what we made: the key of the request that made it.
MARK = "caixa_request"


def _not_looked_for(key: str) -> None:
    return None


def _as_answered(answer: Any) -> Any:
    return answer


def _nothing_to_record(answer: Any) -> None:
    """Whoever was killed can find out at Stripe."""


@dataclass(frozen=True, slots=True)
class Write:
    """`send(v1, params, options)` is the call.

    `find(key)` is the object that bears the key's mark, if it is still of use, else None; for
    a write that may as well be carried out again there is none. `current(answer)` is an
    earlier answer's object as it is now, None when it no longer is what was asked for.
    `record(answer)` writes down here what would otherwise be lost with a caller who is killed: it
    comes before the request is off record, and may come again.
    """

    name: str
    scope: str
    params: Mapping[str, Any] = field(repr=False)
    send: Callable[[Any, Any, Any], Any]
    find: Callable[[str], Any] = _not_looked_for
    current: Callable[[Any], Any] = _as_answered
    record: Callable[[Any], None] = _nothing_to_record
    same_by: Mapping[str, Any] | None = field(default=None, repr=False)
    lifetime: dt.timedelta = KEY_LIFETIME

    @property
    def is_marked(self) -> bool:
        return self.find is not _not_looked_for

    def carry_out(self) -> Any:
        """Raises StripeUnavailable when the outcome is unknown: carry the same write out again,
        any time later. Raises StripeRefused when it is known that nothing was done."""
        with mapped_errors(self.name, self.scope), within():
            same_by = self.params if self.same_by is None else self.same_by
            pending = idempotency.begin(self.name, self.scope, same_by, lifetime=self.lifetime)
            if pending.is_old:
                return self._reconcile(pending)
            return self._send(pending, last=False)

    def _send(self, pending: Pending, *, last: bool) -> Any:
        try:
            answer = attempts.repeat(
                lambda v1: self.send(v1, self._marked(pending), {"idempotency_key": pending.key})
            )
        except stripe.StripeError as error:
            if not errors.is_key_spent(error):
                if errors.is_outcome_unknown(error) or errors.is_unauthorized(error):
                    idempotency.keep(pending)
                else:
                    idempotency.forget(pending)
                raise
            if last:
                idempotency.keep(pending)
                raise
        except StripeUnavailable as error:
            if isinstance(error, attempts.NotSent) and not pending.is_repeat:
                idempotency.forget(pending)
            else:
                idempotency.keep(pending)
            raise
        else:
            return self._believe(pending, answer, last=last)
        return self._reconcile(pending)

    def _believe(self, pending: Pending, answer: Any, *, last: bool) -> Any:
        """An answer that Stripe kept is of the moment it was given, maybe hours ago."""
        response = answer.last_response
        if pending.is_repeat and not last and errors.is_replayed(response and response.headers):
            now = self._ask(pending, partial(self.current, answer))
            if now is None:
                return self._send(idempotency.renew(pending), last=True)
            answer = now
        return self._done(pending, answer)

    def _reconcile(self, pending: Pending) -> Any:
        """The key answers no more: look whether it did its work, else send under a new one."""
        logger.warning("Stripe call %s (%s): asking what became of it", self.name, self.scope)
        attempts.pause()
        found = self._ask(pending, partial(self.find, pending.key))
        if found is not None:
            return self._done(pending, found)
        return self._send(idempotency.renew(pending), last=True)

    def _done(self, pending: Pending, answer: Any) -> Any:
        try:
            self.record(answer)
        except BaseException:
            idempotency.keep(pending)
            raise
        idempotency.settle(pending)
        return answer

    def _ask(self, pending: Pending, question: Callable[[], Any]) -> Any:
        try:
            return question()
        except (stripe.StripeError, StripeUnavailable):
            idempotency.keep(pending)
            raise

    def _marked(self, pending: Pending) -> Mapping[str, Any]:
        metadata = self.params.get("metadata") or {}
        if not self.is_marked:
            return self.params
        return {**self.params, "metadata": {**metadata, MARK: pending.key}}


def is_marked_with(key: str, found: Any) -> bool:
    """Whether the request with this key made the object, or changed it last."""
    metadata = getattr(found, "metadata", None)
    return metadata is not None and MARK in metadata and metadata[MARK] == key
