"""An answer that is worked out for many at once."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from penstock.domain import errors

T = TypeVar("T")


class CachedValue(Generic[T]):
    """A value, or one of our errors, that holds for `seconds`; worked out by one caller at a time, for all who wait."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._clock = seconds, clock
        self._lock = asyncio.Lock()
        self._until = float("-inf")
        self._value: T | errors.MediaError

    async def get(self, work: Callable[[], Awaitable[T]]) -> T:
        async with self._lock:
            if self._clock() >= self._until:
                self._value = await _outcome(work)
                self._until = self._clock() + self._seconds
        if isinstance(self._value, errors.MediaError):
            raise self._value.with_traceback(None)
        return self._value


async def _outcome(work: Callable[[], Awaitable[T]]) -> T | errors.MediaError:
    try:
        return await work()
    except errors.MediaError as fault:
        return fault
