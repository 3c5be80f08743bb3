"""The runs of this process, so that a stop of the process can give them back."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class LiveRuns:
    """How to give back each run. Threads add and remove their own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._give_back: list[Callable[[], None]] = []

    @contextmanager
    def tracking(self, give_back: Callable[[], None]) -> Iterator[None]:
        """The run that the block is may be given back by `give_back`."""
        with self._lock:
            self._give_back.append(give_back)
        try:
            yield
        finally:
            with self._lock:
                self._give_back.remove(give_back)

    def give_back_all(self) -> None:
        """Ask every run to stop; other workers continue their tasks."""
        with self._lock:
            for give_back in self._give_back:
                give_back()
