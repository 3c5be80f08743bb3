"""The system-wide limit on encoders: a Prefect global concurrency limit, waited for without going deaf."""

import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from functools import partial
from typing import Any

import httpx
from prefect.concurrency.asyncio import ConcurrencySlotAcquisitionError
from prefect.concurrency.sync import concurrency

from penstock.orchestration.attempt import Attempt

log = logging.getLogger(__name__)

LIMIT = "transcode"
LEASE_SECONDS = 60
LISTEN_SECONDS = 2.0


@contextmanager
def transcode_slot(attempt: Attempt) -> Iterator[None]:
    """Hold one slot. Raises `Cancelled` if the task is cancelled before there is one."""
    with ExitStack() as held:
        while not _taken(held, attempt):
            attempt.require_wanted()
        yield


def a_free_hand(_attempt: Attempt) -> nullcontext[None]:
    """No slot: for what costs less than the asking."""
    return nullcontext()


def _taken(held: ExitStack, attempt: Attempt) -> bool:
    slot = concurrency(
        LIMIT,
        occupy=1,
        timeout_seconds=LISTEN_SECONDS,
        lease_duration=LEASE_SECONDS,
        strict=True,
        raise_on_lease_renewal_failure=False,
    )
    try:
        slot.__enter__()
    except TimeoutError:
        return False
    except ConcurrencySlotAcquisitionError as away:
        log.warning("no answer about a slot yet: %s", away)
        attempt.stop.wait(LISTEN_SECONDS)
        return False
    held.push(partial(_given_back, slot))
    return True


def _given_back(slot: AbstractContextManager[None], *raised: Any) -> None:
    """Where Prefect is away the lease runs out by itself: no reason to lose what was encoded."""
    try:
        slot.__exit__(*raised)
    except httpx.HTTPError as away:
        log.warning("the slot is free when its lease ends: %s", type(away).__name__)
