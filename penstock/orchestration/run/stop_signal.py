"""Why a run stops: one signal, set by whoever learns of it first, read by everything that takes long."""

import threading
from typing import Literal

Reason = Literal["cancelled", "overdue", "superseded", "given_back"]


class StopSignal:
    """Holds the first reason to stop. Safe to use from many threads.

    `overdue` ends one try of a stage, not the run: any other reason replaces it, and `retry` takes it back.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._set = threading.Event()
        self._reason: Reason | None = None

    @property
    def reason(self) -> Reason | None:
        return self._reason

    def stop(self, reason: Reason) -> None:
        """Ask the run to stop. A later reason changes nothing, unless the first one was `overdue`."""
        with self._lock:
            if self._reason in (None, "overdue"):
                self._reason = reason
                self._set.set()

    def retry(self) -> None:
        """Take `overdue` back, and nothing else: the stage is tried again with its whole time."""
        with self._lock:
            if self._reason == "overdue":
                self._reason = None
                self._set.clear()

    def is_set(self) -> bool:
        return self._set.is_set()

    def wait(self, seconds: float) -> bool:
        """Whether the run is to stop; answered as soon as it is, at the latest after `seconds`."""
        return self._set.wait(seconds)
