"""Equal conversions at the same time: one run makes the output, the others wait for it and reuse it."""

import logging

from penstock.conversion.earlier_bytes import EarlierBytes
from penstock.conversion.inputs import destination_of
from penstock.domain import errors
from penstock.domain.ids import ProjectId
from penstock.domain.reuse import Claim, EarlierOutput
from penstock.domain.task import Task
from penstock.orchestration.run.lease import Run
from penstock.orchestration.run.waiting import note_slot, only_waiting

log = logging.getLogger(__name__)

FIRST_WAIT_SECONDS = 0.05
LONGEST_WAIT_SECONDS = 1.0


def earlier_output(run: Run, task: Task, digest: str) -> EarlierOutput | None:
    """The output of an equal conversion; None: there is none, and this run makes it. For the destination of a batch it
    comes with a copy of its bytes.

    Waits while another run makes it, without connection or encoder slot; this does not count as the stage's time.
    Raises `Cancelled` where the run should stop."""
    with run.stages.untimed():
        claim = _settled_claim(run, task.project_id, digest)
    candidates = [claim.earlier] if claim.earlier else _published(run, task, digest)
    found = EarlierBytes(run.services, run.stop.is_set).usable(candidates, task, run.scratch)
    if found is None and candidates:
        log.warning("the bytes of %s are not there any more, so they are made again", candidates[0].file.id)
    return found


def _published(run: Run, task: Task, digest: str) -> list[EarlierOutput]:
    """Outputs at destinations of batches: only batches may read there."""
    if destination_of(task) is None:
        return []
    return run.services.records.conversions.find_published(task.project_id, [digest]).get(digest, [])


def _settled_claim(run: Run, project_id: ProjectId, digest: str) -> Claim:
    """The claim, once no other run makes the output."""
    claim, seconds = _claim(run, project_id, digest), FIRST_WAIT_SECONDS
    if _is_settled(claim):
        return claim
    run.stages.progress.set_activity("waiting for an equal conversion")
    with only_waiting(run):
        while not _is_settled(claim):
            run.stop.wait(seconds)
            run.stop.require_unset()
            seconds = min(2 * seconds, LONGEST_WAIT_SECONDS)
            claim = _claim(run, project_id, digest)
    note_slot(run, None)
    return claim


def _is_settled(claim: Claim) -> bool:
    return claim.earlier is not None or claim.is_ours


def _claim(run: Run, project_id: ProjectId, digest: str) -> Claim:
    """While the database is unavailable, the run waits as it does for another one."""
    attempt = (run.lease.task_id, run.lease.attempt, run.lease.owner)
    try:
        return run.services.records.conversions.claim(project_id, {digest: attempt})[digest]
    except errors.DatabaseUnavailable as unavailable:
        log.info("no conversion claimed, the database is unavailable: %s", unavailable.detail)
        return Claim()
