"""Equal conversions at the same time: one run makes the output, the others wait for it and reuse it."""

import logging

from penstock.domain import errors
from penstock.domain.ids import ProjectId
from penstock.domain.reuse import Claim, EarlierOutput
from penstock.orchestration.run.lease import Run

log = logging.getLogger(__name__)

FIRST_WAIT_SECONDS = 0.05
LONGEST_WAIT_SECONDS = 1.0


def earlier_output(run: Run, project_id: ProjectId, digest: str) -> EarlierOutput | None:
    """The output of an equal conversion; None: there is none, and this run makes it.

    Waits while another run makes it, without connection or encoder slot; this does not count as the stage's time.
    Raises `Cancelled` where the run should stop."""
    with run.stages.untimed():
        claim = _settled_claim(run, project_id, digest)
    if claim.earlier is None or run.services.objects.exists(claim.earlier.file.key):
        return claim.earlier
    log.warning("the bytes of %s are not in the storage, so they are made again", claim.earlier.file.id)
    return None


def _settled_claim(run: Run, project_id: ProjectId, digest: str) -> Claim:
    """The claim, once no other run makes the output."""
    seconds = FIRST_WAIT_SECONDS
    while True:
        claim = _claim(run, project_id, digest)
        if claim.earlier is not None or claim.is_ours:
            return claim
        run.stop.wait(seconds)
        run.stop.require_unset()
        seconds = min(2 * seconds, LONGEST_WAIT_SECONDS)


def _claim(run: Run, project_id: ProjectId, digest: str) -> Claim:
    """While the database is unavailable, the run waits as it does for another one."""
    attempt = (run.lease.task_id, run.lease.attempt, run.lease.owner)
    try:
        return run.services.records.conversions.claim(project_id, {digest: attempt})[digest]
    except errors.DatabaseUnavailable as unavailable:
        log.info("no conversion claimed, the database is unavailable: %s", unavailable.detail)
        return Claim()
