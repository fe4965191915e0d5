"""Not asking a Stripe that is down: every caller is told so at once, and one in a second looks."""

from __future__ import annotations

import logging
import threading

logger = logging.getLogger(__name__)

# Attempts in a row, of all threads, that met no Stripe: more than one call makes by itself, since
# there may be something wrong with just this one.
OUTAGES_TO_OPEN = 10
PROBE_EVERY_SECONDS = 1.0
# A probe that was not heard of for so long is none any more.
PROBE_LOST_AFTER_SECONDS = 12.0


class Breaker:
    """Of one process: each finds out for itself, and so asks once a second.

    A probe is somebody's own call; there is no other traffic to look with. One at a time, so that
    a Stripe that hangs holds up one worker and not all. Times are a `Clock`'s, in seconds.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._outages = 0
        self._probed: float | None = None  # when the last one began, or the breaker opened
        self._probing = False

    @property
    def is_open(self) -> bool:
        return self._probed is not None

    def admit(self, now: float) -> bool:
        """Whether a call may be made."""
        with self._lock:
            if self._probed is None:
                return True
            pause = PROBE_LOST_AFTER_SECONDS if self._probing else PROBE_EVERY_SECONDS
            # A sum: the difference of two floats a second apart may be less than one.
            if now < self._probed + pause:
                return False
            self._probed, self._probing = now, True
            return True

    def answered(self) -> None:
        """Stripe is there, whatever it said."""
        with self._lock:
            was_open = self._probed is not None
            self._outages, self._probed, self._probing = 0, None, False
        if was_open:
            logger.warning("Stripe answers again: calls are made as ever")

    def met_outage(self, now: float) -> None:
        with self._lock:
            self._outages += 1
            self._probing = False
            opens = self._probed is None and self._outages >= OUTAGES_TO_OPEN
            if opens:
                self._probed = now
        if opens:
            logger.error("Stripe does not answer: at most one call a second is made from now on")

    def heard_nothing(self) -> None:
        """The call said neither that Stripe is there nor that it is not."""
        with self._lock:
            self._probing = False
