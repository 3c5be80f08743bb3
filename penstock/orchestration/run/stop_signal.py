"""Why a run stops: one signal with one reason, set by the part that learns of it first."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from penstock.domain import errors

StopReason = Literal["cancelled", "overdue", "superseded", "given_back"]

_MESSAGES: dict[StopReason, str] = {
    "cancelled": "The task was cancelled.",
    "overdue": "This stage exceeded its time limit.",
    "superseded": "Another run has taken the task over.",
    "given_back": "The worker was stopped, and another run goes on with the task.",
}


class StopSignal:
    """Holds the first reason to stop. Safe to use from many threads.

    `overdue` ends one try of a stage, not the run: any other reason replaces it, and `reset_overdue` clears it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._event = threading.Event()
        self._reason: StopReason | None = None
        self._notified: list[threading.Condition] = []

    @property
    def reason(self) -> StopReason | None:
        return self._reason

    def stop(self, reason: StopReason) -> None:
        """Ask the run to stop. Changes nothing where another reason than `overdue` is set already."""
        with self._lock:
            if self._reason not in (None, "overdue"):
                return
            self._reason = reason
            self._event.set()
            notified = tuple(self._notified)
        for condition in notified:
            with condition:
                condition.notify_all()

    def reset_overdue(self) -> None:
        """Clear `overdue`, and no other reason: the stage is tried again with its whole time."""
        with self._lock:
            if self._reason == "overdue":
                self._reason = None
                self._event.clear()

    def is_set(self) -> bool:
        return self._event.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait for the signal, at most `seconds`; returns whether it is set."""
        return self._event.wait(seconds)

    def require_unset(self) -> None:
        """Raises `Cancelled` where the run should stop."""
        if self.is_set():
            raise errors.Cancelled(_MESSAGES[self._reason or "cancelled"])

    @contextmanager
    def notifying(self, condition: threading.Condition) -> Iterator[None]:
        """Until the block ends, `stop` wakes those who wait on `condition`."""
        with self._lock:
            self._notified.append(condition)
        try:
            yield
        finally:
            with self._lock:
                self._notified.remove(condition)
