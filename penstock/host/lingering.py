"""When a service that a command started has been unused for long enough to end.

A use is a command inside `Home.use`, an API request, or an unfinished task or batch. The time of the last one is that
of the file `service.users`; how long ago it was is measured without the clock of the day, which may jump.
"""

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

from penstock.host.home import Home


@dataclass
class Lingering:
    """Decides when the service of `home` ends. `has_work`: whether a task or batch is unfinished; asked only when
    nothing else uses the service. When it ends, no command begins to use it until `closed` is closed: the next one
    starts its own."""

    home: Home
    seconds: float
    has_work: Callable[[], bool]
    closed: ExitStack
    clock: Callable[[], float] = time.monotonic
    _used: float | None = None
    _seen_at: float = 0.0

    def end_when_unused(self) -> None:
        """Do not linger any more."""
        self.seconds = 0.0

    def close_if_over(self) -> bool:
        """Whether the service ends now; then it is closed to commands."""
        if self.home.is_used():
            self.home.mark_used()
        if self._idle_seconds() < self.seconds:
            return False
        with ExitStack() as attempt:
            if not attempt.enter_context(self.home.close_if_unused()):
                return False
            if self.has_work():
                self.home.mark_used()
                return False
            self.closed.push(attempt.pop_all())
            return True

    def _idle_seconds(self) -> float:
        used, now = self.home.last_use(), self.clock()
        if used != self._used:
            self._used, self._seen_at = used, now
        return now - self._seen_at
