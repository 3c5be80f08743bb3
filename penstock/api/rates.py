"""How fast a key may ask: a bucket of tokens each, refilled as time goes by."""

import math
import time
from collections.abc import Callable

from penstock.domain.ids import KeyId


class Rates:
    """A third of a minute's requests may come at once. Kept in this process."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._burst = max(1.0, per_minute / 3)
        self._per_second = per_minute / 60
        self._clock = clock
        self._left: dict[KeyId, tuple[float, float]] = {}

    def take(self, key_id: KeyId) -> int:
        """Seconds to wait before this request may be made; 0: it may be made now, and is counted."""
        now = self._clock()
        left, then = self._left.get(key_id, (self._burst, now))
        left = min(self._burst, left + (now - then) * self._per_second)
        granted = left >= 1
        self._left[key_id] = (left - granted, now)
        return 0 if granted else math.ceil((1 - left) / self._per_second)
