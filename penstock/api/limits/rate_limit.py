"""How fast somebody may ask: a bucket of tokens each, refilled as time goes by."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable

REMEMBERED = 100_000


class RateLimiter:
    """A third of a minute's requests may come at once. Kept in this process, for the latest callers."""

    def __init__(
        self, per_minute: int, clock: Callable[[], float] = time.monotonic, remembered: int = REMEMBERED
    ) -> None:
        self._burst = max(1.0, per_minute / 3)
        self._per_second = per_minute / 60
        self._clock = clock
        self._remembered = remembered
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, who: str) -> int:
        """Seconds to wait before this request may be made; 0: it may be made now, and is counted."""
        now, left = self._now_left(who)
        granted = left >= 1
        self._left[who] = (left - granted, now)
        self._left.move_to_end(who)
        if len(self._left) > self._remembered:
            self._left.popitem(last=False)
        return 0 if granted else self._wait(left)

    def due(self, who: str) -> int:
        """The same seconds, without counting anything."""
        left = self._now_left(who)[1]
        return 0 if left >= 1 else self._wait(left)

    def _now_left(self, who: str) -> tuple[float, float]:
        now = self._clock()
        left, then = self._left.get(who, (self._burst, now))
        return now, min(self._burst, left + (now - then) * self._per_second)

    def _wait(self, left: float) -> int:
        return math.ceil((1 - left) / self._per_second)
