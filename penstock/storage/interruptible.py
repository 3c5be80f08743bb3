"""Work on a storage that ends when its caller stops, however silent the other side is."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import TimeoutError as StillRunning
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from fsspec.exceptions import FSTimeoutError

from penstock.domain import errors

Result = TypeVar("Result")
IsStopped = Callable[[], bool]

POLL_SECONDS = 0.2
BLOCK = 4 * 2**20


def never_stopped() -> bool:
    return False


def raise_if_stopped(stopped: IsStopped) -> None:
    """Raise `Cancelled` where the caller is to stop."""
    if stopped():
        raise errors.Cancelled("The task was cancelled, or goes on in another run.")


def wait_for(
    loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Result], seconds: float, stopped: IsStopped
) -> Result:
    """The result of `work` on another thread's loop. Raises `FSTimeoutError` after so many seconds, or `Cancelled`."""
    future = asyncio.run_coroutine_threadsafe(work, loop)
    deadline = time.monotonic() + seconds
    try:
        while not future.done():
            raise_if_stopped(stopped)
            if time.monotonic() > deadline:
                raise FSTimeoutError
            with suppress(StillRunning):
                future.exception(POLL_SECONDS)
    finally:
        future.cancel()
    return future.result()


def copy_file(source: Path, target: Path, stopped: IsStopped) -> None:
    """Copy a file in blocks. Raises `Cancelled`, `OSError`."""
    with source.open("rb", buffering=0) as reading, target.open("wb") as writing:
        while block := reading.read(BLOCK):
            raise_if_stopped(stopped)
            writing.write(block)
