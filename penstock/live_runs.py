"""What this process is running at the moment, so that a stop of the process can give it back."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol


class Held(Protocol):
    def give_back(self) -> None: ...


@dataclass(frozen=True, slots=True)
class LiveRuns:
    """Filled and emptied by the threads that run them."""

    held: list[Held] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def holding(self, attempt: Held) -> Iterator[None]:
        with self.lock:
            self.held.append(attempt)
        try:
            yield
        finally:
            with self.lock:
                self.held.remove(attempt)

    def give_back(self) -> None:
        """Ask each to stop where it is; its task goes to another worker."""
        with self.lock:
            for attempt in self.held:
                attempt.give_back()
