"""Who is calling: the key's owner, looked up in the records, and remembered for a moment."""

import time
from collections.abc import Callable

from anyio import to_thread

from penstock.domain.work import Caller
from penstock.records.keys import Keys

# So long a revoked key may still open something; a busy caller is looked up once in that time, not at every request.
REMEMBERED_SECONDS = 2.0


class Callers:
    """Only keys that are good are remembered: a new one works at once."""

    def __init__(self, keys: Keys, clock: Callable[[], float] = time.monotonic) -> None:
        self._keys = keys
        self._clock = clock
        self._known: dict[str, tuple[Caller, float]] = {}

    async def of(self, token: str) -> Caller | None:
        """Whom this token speaks for; None if it is unknown or revoked."""
        caller, until = self._known.get(token, (None, 0.0))
        if self._clock() < until:
            return caller
        caller = await to_thread.run_sync(self._keys.caller, token)
        if caller is None:
            self._known.pop(token, None)
        else:
            self._known[token] = (caller, self._clock() + REMEMBERED_SECONDS)
        return caller
