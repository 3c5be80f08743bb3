"""The transcodes of one worker process share the machine; one that ran out of memory may ask to run alone."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

from penstock.orchestration.run.lease import Run

MAX_WAIT_SECONDS = 600.0


class TranscodeLock:
    """A shared and exclusive lock. While a run holds it exclusively, or waits for that, no other run enters.

    No run waits longer than `MAX_WAIT_SECONDS`: a long video takes hours, and inputs made to exhaust memory would
    otherwise block the whole worker."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._holders = 0
        self._exclusive = 0

    @property
    def holders(self) -> int:
        return self._holders

    @contextmanager
    def shared(self, run: Run) -> Iterator[None]:
        """Beside others. Waits for an exclusive holder. Raises `Cancelled` where the run should stop."""
        with self._held(run, lambda: self._exclusive):
            yield

    @contextmanager
    def exclusive(self, run: Run) -> Iterator[None]:
        """Alone, or beside those that still hold it after `MAX_WAIT_SECONDS`. Raises `Cancelled`."""
        with self._changed:
            self._exclusive += 1
        try:
            with self._held(run, lambda: self._holders):
                yield
        finally:
            with self._changed:
                self._exclusive -= 1
                self._changed.notify_all()

    @contextmanager
    def _held(self, run: Run, blockers: Callable[[], int]) -> Iterator[None]:
        with run.stages.untimed(), self._changed, run.stop.notifying(self._changed):
            self._wait_while(blockers, run)
            self._holders += 1
        try:
            yield
        finally:
            with self._changed:
                self._holders -= 1
                self._changed.notify_all()

    def _wait_while(self, blockers: Callable[[], int], run: Run) -> None:
        deadline = time.monotonic() + MAX_WAIT_SECONDS
        while blockers() and (seconds := deadline - time.monotonic()) > 0:
            run.stop.require_unset()
            self._changed.wait(seconds)


@cache
def process_transcode_lock() -> TranscodeLock:
    """The one of this process."""
    return TranscodeLock()
