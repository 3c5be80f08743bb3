"""The system-wide limit on encoders: slots of a Prefect global concurrency limit, each held by a lease.

The calls are Prefect's public ones, the waiting is ours: Prefect's own context manager stops to renew a lease after
three failed tries (a restart of Prefect takes longer), waits up to 30 s between two asks, and hears no cancel.
Who holds a slot, or asks for one at this moment, is written into the records: what Prefect counts beyond that is held
by nobody (`reconcile.Leaked`).
"""

import logging
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.responses import ConcurrencyLimitWithLeaseResponse

from penstock.domain import errors
from penstock.domain.attempts import SLOT_LIMIT, SLOT_REQUESTED
from penstock.orchestration.run.attempt import Attempt
from penstock.records import Records
from penstock.services import current

log = logging.getLogger(__name__)

LEASE_SECONDS = 60.0  # the shortest that Prefect takes
RENEW_SECONDS = 15.0
ASK_AGAIN_SECONDS = 2.0
LISTEN_SECONDS = 0.25
RELEASE_TRIES = 60
RELEASE_AGAIN_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class EncoderSlots:
    """The slots as one worker process takes them."""

    records: Records
    freed: threading.Condition = field(default_factory=threading.Condition)

    @contextmanager
    def held(self, attempt: Attempt) -> Iterator[None]:
        """Hold one slot. Waiting for it is no part of the stage's time. Raises `Cancelled` if the run is to stop."""
        with attempt.untimed():
            lease_id = self._taken(attempt)
        over = threading.Event()
        renewing = threading.Thread(target=_renew, args=(lease_id, over), name=f"slot-{lease_id}", daemon=True)
        renewing.start()
        try:
            yield
        finally:
            over.set()
            self._give_back(attempt, lease_id)

    def _taken(self, attempt: Attempt) -> UUID:
        with get_client(sync_client=True) as client:
            while (lease_id := self._ask(client, attempt)) is None:
                self._wait(attempt)
            return lease_id

    def _ask(self, client: SyncPrefectClient, attempt: Attempt) -> UUID | None:
        """A slot, if there is one. While Prefect or the database is away there is none."""
        attempt.require_wanted()
        try:
            self._note(attempt, SLOT_REQUESTED)
            lease_id = _leased(client)
            self._note(attempt, str(lease_id) if lease_id else None)
        except errors.DatabaseUnavailable as away:
            log.info("no slot is asked for while the database is away: %s", away.detail)
            return None
        return lease_id

    def _note(self, attempt: Attempt, slot: str | None) -> None:
        self.records.tasks.record_slot(attempt.task_id, attempt.number, attempt.owner, slot)

    def _wait(self, attempt: Attempt) -> None:
        """Until a slot of this process is given back, or it is time to ask again."""
        for _ in range(round(ASK_AGAIN_SECONDS * random.uniform(0.75, 1.25) / LISTEN_SECONDS)):  # noqa: S311 - jitter
            attempt.require_wanted()
            with self.freed:
                if self.freed.wait(LISTEN_SECONDS):
                    return

    def _give_back(self, attempt: Attempt, lease_id: UUID) -> None:
        """Where Prefect is away, a thread goes on trying: what was encoded does not wait for it."""
        if not _released(lease_id):
            threading.Thread(target=_release_later, args=(lease_id,), name=f"slot-{lease_id}", daemon=True).start()
        with suppress(errors.MediaError):  # the mark goes with the attempt
            self._note(attempt, None)
        with self.freed:
            self.freed.notify()


@cache
def encoder_slots() -> EncoderSlots:
    """Those of this process."""
    return EncoderSlots(current().records)


def _leased(client: SyncPrefectClient) -> UUID | None:
    """The lease of a slot; None where all are taken, there is no such limit yet, or Prefect does not answer."""
    try:
        answer = client.increment_concurrency_slots_with_lease([SLOT_LIMIT], 1, "concurrency", LEASE_SECONDS)
    except httpx.HTTPError as refused:
        if not _is_locked(refused):
            log.warning("no answer about a slot yet: %s", type(refused).__name__)
        return None
    granted = ConcurrencyLimitWithLeaseResponse.model_validate(answer.json())
    if not granted.limits:
        log.warning("Prefect has no limit named %s yet: run `penstock deploy`", SLOT_LIMIT)
        return None
    return granted.lease_id


def _is_locked(refused: httpx.HTTPError) -> bool:
    return isinstance(refused, httpx.HTTPStatusError) and refused.response.status_code == httpx.codes.LOCKED


def _renew(lease_id: UUID, over: threading.Event) -> None:
    """Renew the lease until `over`, however often Prefect is away meanwhile."""
    while not over.wait(RENEW_SECONDS):
        try:
            with get_client(sync_client=True) as client:
                client.renew_concurrency_lease(lease_id, LEASE_SECONDS)
        except httpx.HTTPError as away:
            log.warning("the lease of a slot could not be renewed: %s", type(away).__name__)


def _released(lease_id: UUID) -> bool:
    try:
        with get_client(sync_client=True) as client:
            client.release_concurrency_slots_with_lease(lease_id)
    except httpx.HTTPError as away:
        log.warning("a slot could not be given back yet: %s", type(away).__name__)
        return False
    return True


def _release_later(lease_id: UUID) -> None:
    """Longer than a lease is no need to try: then it has run out."""
    pause = threading.Event()
    for _ in range(RELEASE_TRIES):
        pause.wait(RELEASE_AGAIN_SECONDS)
        if _released(lease_id):
            return
