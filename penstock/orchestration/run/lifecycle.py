"""How a run begins and ends: its scratch folder, its heartbeat, and what is recorded when it fails."""

import logging
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Literal

from penstock.conversion.kept_outputs import KeptOutputs
from penstock.domain import errors
from penstock.domain.ids import TaskId, new_file_id
from penstock.domain.task import Step, TaskError
from penstock.host.scratch import scratch_folder
from penstock.orchestration.run.heartbeat import Heartbeat
from penstock.orchestration.run.lease import Run, RunLease
from penstock.orchestration.run.stage_runner import Stages
from penstock.services import Services

log = logging.getLogger(__name__)

# From this stage on there may be a stored output.
STORING: frozenset[Step] = frozenset(("upload", "record"))


@contextmanager
def open_run(task_id: TaskId, attempt: int, services: Services) -> Iterator[Run]:
    """A run of this attempt, with a scratch folder that is removed when the run ends.

    The stage `validate` takes the task, and starts the heartbeat. An error that ends the run is recorded as the end of
    the task. A crash or a stop of the worker records nothing: the task goes to another run.
    """
    lease = RunLease(task_id, attempt, new_owner(), new_file_id())
    heartbeat = Heartbeat(partial(services.records.tasks.heartbeat, task_id, attempt, lease.owner))
    stages = Stages(heartbeat)
    try:
        with (
            scratch_folder(services.settings.scratch, task_id) as scratch,
            services.live.tracking(partial(stages.stop.stop, "given_back")),
            heartbeat.running(f"heartbeat-{task_id}"),
        ):
            yield Run(lease, services, scratch, stages)
    except Exception as error:
        _close(lease, stages, error, services)
        if not _can_heal(stages, error):
            KeptOutputs(services.settings.kept_outputs).discard(task_id)
        raise
    finally:
        for step, seconds in stages.seconds.items():
            services.counts.add_stage(step, seconds)


def _close(lease: RunLease, stages: Stages, error: Exception, services: Services) -> None:
    """Record the end; then this run can commit nothing any more, and its output is deleted if no file names it.

    While the database or the storage is unavailable, the reconciler records the end and the sweep deletes the
    output."""
    try:
        _record_end(lease, stages, error, services)
        if stages.step in STORING:
            _delete_unrecorded_output(lease, services)
    except errors.PlatformError as unavailable:
        log.warning("%s: its end is not recorded, or its output not deleted yet: %s", lease.task_id, unavailable.code)


def _can_heal(stages: Stages, error: Exception) -> bool:
    """Whether another attempt may store and record the verified output."""
    is_stopped = stages.stop.reason in ("given_back", "superseded")
    return is_stopped or (isinstance(error, errors.MediaError) and error.transient)


def _record_end(lease: RunLease, stages: Stages, error: Exception, services: Services) -> None:
    tasks, reason = services.records.tasks, stages.stop.reason
    if reason == "superseded" or isinstance(error, errors.Superseded):
        return
    again = reason == "given_back" or isinstance(error, errors.ReusedFileDeleted)
    if again and tasks.give_back(lease.task_id, lease.attempt, lease.owner):
        return
    is_cancelled = isinstance(error, errors.Cancelled)
    if not is_cancelled:
        detail = error.detail if isinstance(error, errors.MediaError) else ""
        log.error("%s failed in %s: %s %s", lease.task_id, stages.step, type(error).__name__, detail)
    status: Literal["failed", "cancelled"] = "cancelled" if is_cancelled else "failed"
    tasks.end(lease.task_id, lease.attempt, status, failure_of(error, stages.step), owner=lease.owner)


def _delete_unrecorded_output(lease: RunLease, services: Services) -> None:
    if not services.records.files.is_recorded(lease.output_id):
        project_id = services.records.tasks.get_by_id(lease.task_id).project_id
        services.objects.delete(lease.output_key(project_id))


def failure_of(error: Exception, step: Step) -> TaskError:
    """The error that the task's owner sees. An unexpected one reveals nothing of our internals."""
    if isinstance(error, errors.MediaError):
        return TaskError(error.code, error.message, error.field, step, error.transient)
    return TaskError("internal", "An unexpected error occurred. The operator finds it in the run's log.", None, step)


def new_owner() -> str:
    """An owner that no other run has."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(6)}"
