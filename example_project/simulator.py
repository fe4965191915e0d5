"""The demo's one simulated Stripe, kept in one file."""

from __future__ import annotations

import threading

from django.conf import settings

from caixa_subscriptions.simulator import Simulator

_lock = threading.Lock()
_simulator: Simulator | None = None


def get_simulator() -> Simulator:
    """Made at the first call. Its worker runs only where `start()` is called: in the server."""
    global _simulator
    with _lock:
        if _simulator is None:
            _simulator = Simulator(state=settings.SIMULATOR_STATE, default_clock=True)
        return _simulator
