"""A run that only waits, for an encoder or for an equal conversion: it takes no place, and loses nothing if it ends."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from penstock.domain import errors
from penstock.domain.attempts import SLOT_WAITING
from penstock.orchestration.run.lease import Run
from penstock.orchestration.run.lent_place import place_lent

log = logging.getLogger(__name__)


@contextmanager
def only_waiting(run: Run) -> Iterator[None]:
    """While the block runs, the run's place is lent, and a worker that stops or drains gives the run back at once. A
    worker that dies costs the task no attempt: 36 waiting films would fail with one that kills its worker."""
    give_back = partial(run.stop.stop, "given_back")
    with place_lent(), run.services.resumable.tracking(give_back):
        note_slot(run, SLOT_WAITING)
        yield


def note_slot(run: Run, slot: str | None) -> None:
    """Note what the attempt waits for or holds. While the database is unavailable the last note stays."""
    lease = run.lease
    try:
        run.services.records.tasks.record_slot(lease.task_id, lease.attempt, lease.owner, slot)
    except errors.DatabaseUnavailable as unavailable:
        log.info("%s: its wait is not noted: %s", lease.task_id, unavailable.detail)
