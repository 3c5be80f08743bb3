"""Storage operations that end when their caller is stopped, even if the server does not respond."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import TimeoutError as StillRunning
from contextlib import suppress
from typing import Any, TypeVar

from fsspec.exceptions import FSTimeoutError

from penstock.domain import errors

Result = TypeVar("Result")
IsStopped = Callable[[], bool]

POLL_SECONDS = 0.2


def never_stopped() -> bool:
    return False


def raise_if_stopped(is_stopped: IsStopped) -> None:
    """Raise `Cancelled` if the caller is stopped."""
    if is_stopped():
        raise errors.Cancelled("The task was cancelled, or continues in another run.")


def wait_for(
    loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Result], seconds: float, is_stopped: IsStopped
) -> Result:
    """Run `work` on another thread's loop and return its result. Raises `FSTimeoutError` after `seconds`,
    `Cancelled`."""
    future = asyncio.run_coroutine_threadsafe(work, loop)
    deadline = time.monotonic() + seconds
    try:
        while not future.done():
            raise_if_stopped(is_stopped)
            if time.monotonic() > deadline:
                raise FSTimeoutError
            with suppress(StillRunning):
                future.exception(POLL_SECONDS)
    finally:
        future.cancel()
    return future.result()
