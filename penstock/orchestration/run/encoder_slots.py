"""The system-wide limit on encoders: slots of a Prefect global concurrency limit, each held by a lease.

The HTTP calls are Prefect's public ones; waiting and renewing are ours. Prefect's own context manager gives up renewing
after three failed tries (a restart of Prefect takes longer), waits up to 30 s between two requests, and cannot be
cancelled. The run that holds or requests a slot is noted in the records first: a slot that Prefect counts beyond those
has no holder and is freed (`reconcile.leaked_slots`).
"""

import logging
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache, partial
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.responses import ConcurrencyLimitWithLeaseResponse

from penstock.domain import errors
from penstock.domain.attempts import SLOT_LIMIT, SLOT_REQUESTED, SLOT_WAITING
from penstock.orchestration.run.lease import Run
from penstock.orchestration.run.shown_stage import shown_waiting
from penstock.orchestration.run.stop_signal import StopSignal
from penstock.records import Records

log = logging.getLogger(__name__)

LEASE_SECONDS = 60.0  # the shortest that Prefect accepts
RENEW_SECONDS = 15.0
RETRY_SECONDS = 2.0
RELEASE_TRIES = 60
RELEASE_RETRY_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class SlotHolder:
    """Who holds or requests a slot: `note` records its lease id, that it is requested, or `waiting`."""

    stop: StopSignal
    note: Callable[[str | None], None]
    waiting: str | None = None


class EncoderSlots:
    """The slots as one worker process takes them. A run that waits is woken by a release of this process and by a
    stop. Those that wait form a queue: only the first one requests slots of Prefect."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._changed = threading.Condition()
        self._queue: list[object] = []
        self._changes = 0

    @contextmanager
    def hold(self, run: Run) -> Iterator[None]:
        """Hold one slot. Waiting for it does not count as the stage's time. Raises `Cancelled`."""
        tasks, lease = self._records.tasks, run.lease
        note = partial(tasks.record_slot, lease.task_id, lease.attempt, lease.owner)
        holder = SlotHolder(run.stop, note, SLOT_WAITING)
        with run.stages.untimed(), shown_waiting(run) as show_waiting:
            lease_id = self.acquire(holder, show_waiting)
        with self.holding(holder, lease_id):
            yield

    @contextmanager
    def holding(self, holder: SlotHolder, lease_id: UUID) -> Iterator[None]:
        """Renew the slot while the block runs, and release it then."""
        done = threading.Event()
        renewal = threading.Thread(target=_renew, args=(lease_id, done), name=f"slot-{lease_id}", daemon=True)
        renewal.start()
        try:
            yield
        finally:
            done.set()
            self._release(holder, lease_id)

    def acquire(self, holder: SlotHolder, show_waiting: Callable[[], None] = lambda: None) -> UUID:
        """The lease of a slot, as soon as there is one; `show_waiting` is called where it has to be waited for. Raises
        `Cancelled`."""
        stop = holder.stop
        with get_client(sync_client=True) as client, stop.notifying(self._changed), self._queued() as is_first:
            while True:
                seen = self._changes
                stop.require_unset()
                if is_first() and (lease_id := self._request(client, holder)) is not None:
                    return lease_id
                show_waiting()
                self._wait(stop, seen, _retry_seconds() if is_first() else None)

    @contextmanager
    def _queued(self) -> Iterator[Callable[[], bool]]:
        """Yields whether nobody of this process has waited for longer. With one request each, 48 waiting runs would
        take a core of Prefect."""
        ticket = object()
        self._queue.append(ticket)
        try:
            yield lambda: self._queue[0] is ticket
        finally:
            self._queue.remove(ticket)
            self._note_change()

    def _request(self, client: SyncPrefectClient, holder: SlotHolder) -> UUID | None:
        """The lease of a slot; None where there is none, or Prefect or the database is unavailable."""
        try:
            holder.note(SLOT_REQUESTED)
            return self._noted(holder, _leased(client))
        except errors.DatabaseUnavailable as unavailable:
            log.info("no encoder slot requested, the database is unavailable: %s", unavailable.detail)
            return None

    def _noted(self, holder: SlotHolder, lease_id: UUID | None) -> UUID | None:
        """Note the lease. One that cannot be noted is released, else its slot is taken until it expires."""
        try:
            holder.note(str(lease_id) if lease_id else holder.waiting)
        except errors.MediaError:
            if lease_id is not None:
                _release(lease_id)
            raise
        return lease_id

    def _wait(self, stop: StopSignal, seen: int, seconds: float | None) -> None:
        """Until a slot was released or the queue became shorter since `seen`, the run should stop, or `seconds` have
        passed."""
        with self._changed:
            self._changed.wait_for(lambda: self._changes != seen or stop.is_set(), seconds)

    def _note_change(self) -> None:
        with self._changed:
            self._changes += 1
            self._changed.notify_all()

    def _release(self, holder: SlotHolder, lease_id: UUID) -> None:
        _release(lease_id)
        with suppress(errors.MediaError):  # the note is cleared when the attempt ends
            holder.note(None)
        self._note_change()


@cache
def process_encoder_slots(records: Records) -> EncoderSlots:
    """Those of this process."""
    return EncoderSlots(records)


def _retry_seconds() -> float:
    return RETRY_SECONDS * random.uniform(0.75, 1.25)  # noqa: S311 - jitter


def _leased(client: SyncPrefectClient) -> UUID | None:
    """The lease of a slot; None where all are taken, the limit does not exist yet, or Prefect does not respond."""
    try:
        response = client.increment_concurrency_slots_with_lease([SLOT_LIMIT], 1, "concurrency", LEASE_SECONDS)
    except httpx.HTTPError as error:
        if not _is_locked(error):
            log.warning("no encoder slot yet, Prefect is unavailable: %s", type(error).__name__)
        return None
    granted = ConcurrencyLimitWithLeaseResponse.model_validate(response.json())
    if not granted.limits:
        log.warning("Prefect has no concurrency limit named %s: run `penstock deploy`", SLOT_LIMIT)
        return None
    return granted.lease_id


def _is_locked(error: httpx.HTTPError) -> bool:
    """423 is Prefect's response while all slots are taken."""
    return isinstance(error, httpx.HTTPStatusError) and error.response.status_code == httpx.codes.LOCKED


def _renew(lease_id: UUID, done: threading.Event) -> None:
    """Renew the lease until `done`, although Prefect may be unavailable in between."""
    while not done.wait(RENEW_SECONDS):
        try:
            with get_client(sync_client=True) as client:
                client.renew_concurrency_lease(lease_id, LEASE_SECONDS)
        except httpx.HTTPError as error:
            log.warning("the lease of an encoder slot was not renewed: %s", type(error).__name__)


def _release(lease_id: UUID) -> None:
    """While Prefect is unavailable a thread retries the release: the encoded output does not wait for it."""
    if not _is_released(lease_id):
        threading.Thread(target=_release_later, args=(lease_id,), name=f"slot-{lease_id}", daemon=True).start()


def _is_released(lease_id: UUID) -> bool:
    try:
        with get_client(sync_client=True) as client:
            client.release_concurrency_slots_with_lease(lease_id)
    except httpx.HTTPError as error:
        log.warning("an encoder slot was not released yet: %s", type(error).__name__)
        return False
    return True


def _release_later(lease_id: UUID) -> None:
    """Retry for as long as the lease lasts; Prefect frees the slot of an expired lease itself."""
    pause = threading.Event()
    for _ in range(RELEASE_TRIES):
        pause.wait(RELEASE_RETRY_SECONDS)
        if _is_released(lease_id):
            return
