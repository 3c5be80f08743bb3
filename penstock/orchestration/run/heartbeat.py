"""A run's heartbeat: once a second it reports progress to the records, and learns whether the run should stop."""

import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from penstock.domain import errors
from penstock.domain.task import State
from penstock.orchestration.run.stop_signal import StopSignal

log = logging.getLogger(__name__)

BEAT_SECONDS = 1.0

# Reports state and percent to the records; returns whether the task is to be cancelled. Raises `Superseded`.
Report = Callable[[State, int], bool]


class RunProgress:
    """The state and percentage of a run. Its stages write it, the heartbeat and the Prefect UI read it. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._state: State = "validating"
        self._percent = 0
        self._activity = ""

    def begin(self, state: State) -> None:
        """A stage begins, at 0 %."""
        with self._lock:
            self._state, self._percent, self._activity = state, 0, state

    def retry(self) -> None:
        """A try of a stage has failed and another one follows."""
        with self._lock:
            self._state = "retrying"

    def set_percent(self, percent: int) -> None:
        with self._lock:
            self._percent = percent

    def set_activity(self, activity: str) -> None:
        """What the stage does, in a word for people."""
        with self._lock:
            self._activity = activity

    @property
    def activity(self) -> str:
        return self._activity

    def read(self) -> tuple[State, int]:
        with self._lock:
            return self._state, self._percent


@dataclass
class Heartbeat:
    """A thread that reports from `begin` on, and sets `overdue` when the deadline of the stage has passed."""

    report: Report
    stop: StopSignal = field(default_factory=StopSignal)
    progress: RunProgress = field(default_factory=RunProgress)

    def __post_init__(self) -> None:
        self._changed = threading.Condition()
        self._has_begun = False
        self._has_ended = False
        self._deadline = math.inf

    def begin(self) -> None:
        """The task is taken: report from now on."""
        with self._changed:
            self._has_begun = True
            self._changed.notify()

    def set_deadline(self, seconds: float) -> None:
        """The stage is overdue `seconds` from now; `math.inf`: never."""
        with self._changed:
            self._deadline = time.monotonic() + seconds
            self._changed.notify()

    @contextmanager
    def running(self, name: str) -> Iterator[None]:
        """Run the thread until the block ends."""
        thread = threading.Thread(target=self._run, name=name, daemon=True)
        thread.start()
        try:
            yield
        finally:
            with self._changed:
                self._has_ended = True
                self._changed.notify()
            thread.join()

    def _run(self) -> None:
        reported = time.monotonic()
        while self._wait(reported):
            now = time.monotonic()
            if now > self._deadline:
                self.stop.stop("overdue")
            if self._has_begun and now - reported >= BEAT_SECONDS:
                reported = now
                self._beat()

    def _wait(self, reported: float) -> bool:
        """Wait until a report or the deadline is due; False: the run has ended."""
        with self._changed:
            next_report = reported + BEAT_SECONDS if self._has_begun else math.inf
            # A deadline that has passed already is not waited for again.
            deadline = math.inf if self.stop.is_set() else self._deadline
            seconds = min(next_report, deadline) - time.monotonic()
            if not self._has_ended and seconds > 0:
                self._changed.wait(min(seconds, threading.TIMEOUT_MAX))
            return not self._has_ended

    def _beat(self) -> None:
        try:
            is_cancelled = self.report(*self.progress.read())
        except errors.Superseded:
            self.stop.stop("superseded")
        except Exception as error:  # noqa: BLE001 - without this thread the run has no lease, no cancel, no deadline
            log.warning("heartbeat failed: %s", type(error).__name__)
        else:
            if is_cancelled:
                self.stop.stop("cancelled")
