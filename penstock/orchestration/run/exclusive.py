"""The transcodes of one worker process, of which one may ask to run alone."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache

from penstock.orchestration.run.attempt import Attempt

ALONE_SECONDS = 600.0
LISTEN_SECONDS = 0.25


@dataclass
class Neighbours:
    """Counts who is at work. While one is alone, or waits to be, nobody else begins; but nobody waits for longer than
    `ALONE_SECONDS`: a film takes hours, and whoever sends bombs would stop the worker for everybody."""

    changed: threading.Condition = field(default_factory=threading.Condition)
    working: int = 0
    alone: int = 0

    @contextmanager
    def shared(self, attempt: Attempt) -> Iterator[None]:
        """Beside others. Waits while one is alone. Raises `Cancelled` if the run is to stop."""
        with attempt.untimed(), self.changed:
            self._wait_while(lambda: self.alone, attempt)
            self.working += 1
        try:
            yield
        finally:
            self._left()

    @contextmanager
    def by_itself(self, attempt: Attempt) -> Iterator[None]:
        """Alone, or beside those that are still at work after `ALONE_SECONDS`. Raises `Cancelled`."""
        with self._asked_for():
            with attempt.untimed(), self.changed:
                self._wait_while(lambda: self.working, attempt)
                self.working += 1
            try:
                yield
            finally:
                self._left()

    @contextmanager
    def _asked_for(self) -> Iterator[None]:
        with self.changed:
            self.alone += 1
        try:
            yield
        finally:
            with self.changed:
                self.alone -= 1
                self.changed.notify_all()

    def _wait_while(self, others: Callable[[], int], attempt: Attempt) -> None:
        deadline = time.monotonic() + ALONE_SECONDS
        while others() and time.monotonic() < deadline:
            attempt.require_wanted()
            self.changed.wait(LISTEN_SECONDS)

    def _left(self) -> None:
        with self.changed:
            self.working -= 1
            self.changed.notify_all()


@cache
def neighbours() -> Neighbours:
    """Those of this process."""
    return Neighbours()
