"""A run's heartbeat: each second it tells the records that the run is alive and how far it is, and hears of its end."""

import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from penstock.domain import errors
from penstock.domain.task import State
from penstock.orchestration.run.stop_signal import StopSignal

log = logging.getLogger(__name__)

BEAT_SECONDS = 1.0

# Tells the records how far the run is; answers whether the task is to be cancelled. Raises `Superseded`.
Beat = Callable[[State, int], bool]
Progress = Callable[[], tuple[State, int]]


@dataclass
class Heartbeat:
    """Beats from `begin` on, and watches the deadline of the stage from the start."""

    beat: Beat
    progress: Progress
    stop: StopSignal

    def __post_init__(self) -> None:
        self._changed = threading.Condition()
        self._begun = False
        self._over = False
        self._deadline = math.inf

    def begin(self) -> None:
        """The task is ours: tell the records from now on."""
        with self._changed:
            self._begun = True
            self._changed.notify()

    def limit(self, seconds: float) -> None:
        """The stage is overdue after so many seconds from now on; `math.inf`: never."""
        with self._changed:
            self._deadline = time.monotonic() + seconds
            self._changed.notify()

    @contextmanager
    def beating(self, name: str) -> Iterator[None]:
        """Run on a thread of its own until the block ends."""
        thread = threading.Thread(target=self._run, name=name, daemon=True)
        thread.start()
        try:
            yield
        finally:
            with self._changed:
                self._over = True
                self._changed.notify()
            thread.join()

    def _run(self) -> None:
        last_beat = time.monotonic()
        while self._wait(last_beat):
            now = time.monotonic()
            if now > self._deadline:
                self.stop.stop("overdue")
            if self._begun and now - last_beat >= BEAT_SECONDS:
                last_beat = now
                self._beat_once()

    def _wait(self, last_beat: float) -> bool:
        """Wait until something is due; False: the run is over."""
        with self._changed:
            beat = last_beat + BEAT_SECONDS if self._begun else math.inf
            # What is overdue already is not waited for again.
            deadline = math.inf if self.stop.is_set() else self._deadline
            due = min(beat, deadline) - time.monotonic()
            if not self._over and due > 0:
                self._changed.wait(min(due, threading.TIMEOUT_MAX))
            return not self._over

    def _beat_once(self) -> None:
        try:
            cancelled = self.beat(*self.progress())
        except errors.Superseded:
            self.stop.stop("superseded")
        except Exception as error:  # noqa: BLE001 - without it the run has no lease, hears no cancel and meets no deadline
            log.warning("no heartbeat: %s", type(error).__name__)
        else:
            if cancelled:
                self.stop.stop("cancelled")
