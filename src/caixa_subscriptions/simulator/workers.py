"""Threads that work in the background, each at its own pace."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

logger = logging.getLogger(__name__)

Work = Callable[[], float]


class Workers:
    """One daemon thread for each `work`, which answers the seconds it can wait."""

    def __init__(self, *works: Work) -> None:
        self._works = [(work, threading.Event()) for work in works]
        self._threads: list[threading.Thread] = []
        self.stopping = False

    @property
    def running(self) -> bool:
        return bool(self._threads)

    def start(self) -> None:
        if self._threads:
            return
        self.stopping = False
        self._threads = [
            threading.Thread(target=self._run, args=one, daemon=True) for one in self._works
        ]
        for thread in self._threads:
            thread.start()

    def stir(self, only: Work | None = None) -> None:
        """There may be something to do, for all or for one."""
        for work, is_due in self._works:
            if only in (None, work):
                is_due.set()

    def stop(self) -> None:
        """Waits for what is being done."""
        self.stopping = True
        self.stir()
        for thread in self._threads:
            thread.join()
        self._threads = []

    def _run(self, work: Work, is_due: threading.Event) -> None:
        while not self.stopping:
            is_due.clear()
            try:
                pause = work()
            except Exception:
                logger.exception("The simulator failed at something and goes on")
                pause = 1.0
            is_due.wait(pause)
