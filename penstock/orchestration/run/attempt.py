"""One run's hold on a task: its scratch folder, its heartbeat, its stop signal, and how its end is recorded."""

import logging
import math
import os
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

from penstock.domain import errors
from penstock.domain.ids import FileId, TaskId, new_file_id
from penstock.domain.task import State, Step, TaskError
from penstock.host.scratch import scratch_folder
from penstock.orchestration.run.heartbeat import Heartbeat
from penstock.orchestration.run.stop_signal import StopSignal
from penstock.records import Records
from penstock.services import current
from penstock.storage.objects import ObjectStore

log = logging.getLogger(__name__)

STATES: dict[Step, State] = {
    "validate": "validating",
    "fetch": "fetching",
    "transcode": "transcoding",
    "upload": "uploading",
    "record": "recording",
}
OVERDUE: dict[Step, type[errors.MediaError]] = {
    "validate": errors.DatabaseUnavailable,
    "fetch": errors.InputTimeout,
    "transcode": errors.EncoderTimeout,
    "upload": errors.StorageUnavailable,
    "record": errors.DatabaseUnavailable,
}

# Their one statement is refused where the run should stop. To ask the signal first would lose what was committed by a
# try whose reply was lost: the heartbeat of a completed task is told that it is not its run's any more.
DECIDED_BY_RECORDS: frozenset[Step] = frozenset(("validate", "record"))


def _never_cancelled(_state: State, _percent: int) -> bool:
    return False


@dataclass
class Attempt:
    """What the stages of one run share."""

    task_id: TaskId
    number: int
    owner: str
    beat: Callable[[State, int], bool] = _never_cancelled
    room: Path = Path()
    stored: str | None = None
    output_id: FileId = field(default_factory=new_file_id)
    step: Step = "validate"
    percent: int = 0
    cpu_seconds: float = 0.0
    resting: bool = False
    rest_until: float = 0.0
    was_short: bool = False
    stop: StopSignal = field(default_factory=StopSignal)

    def __post_init__(self) -> None:
        self.heart = Heartbeat(self.beat, lambda: (self.state, self.percent), self.stop)
        self._stage_seconds = math.inf

    @contextmanager
    def stage(self, step: Step, seconds: float) -> Iterator[None]:
        """One stage, within its deadline. Raises `Cancelled` where the run should stop, and what `OVERDUE` says.

        Prefect cannot end a stage that runs on a thread; we can, for all that takes long watches `stopped`."""
        self.stop.retry()
        self._rest()
        self.step, self.percent, self.resting = step, 0, False
        self._stage_seconds = seconds
        self.heart.limit(seconds)
        try:
            if step not in DECIDED_BY_RECORDS:
                self.require_wanted()
            yield
        except errors.Cancelled as stopped:
            if self.stop.reason == "overdue":
                raise OVERDUE[step]("This stage took too long and was given up.") from stopped
            raise
        except errors.MediaError as failed:
            self.resting = failed.transient
            self.was_short = isinstance(failed, errors.ResourceShortage)
            self.rest_until = time.monotonic() + failed.retry_after_seconds
            raise
        finally:
            self.heart.limit(math.inf)

    def _rest(self) -> None:
        """Another try comes no sooner than the error of the last one asked for; a stop is heard meanwhile."""
        self.stop.wait(max(0.0, self.rest_until - time.monotonic()))

    @contextmanager
    def untimed(self) -> Iterator[None]:
        """The deadline of the stage begins anew after this block: what waits in it is not the stage's own work."""
        self.heart.limit(math.inf)
        try:
            yield
        finally:
            self.heart.limit(self._stage_seconds)

    @property
    def state(self) -> State:
        """The word for where the run is; between two tries of a stage it is `retrying`."""
        return "retrying" if self.resting else STATES[self.step]

    def begun(self) -> None:
        """The task is this run's: the heart beats from now on."""
        self.heart.begin()

    def progress(self, percent: int) -> None:
        self.percent = percent

    def spent(self, cpu_seconds: float) -> None:
        self.cpu_seconds += cpu_seconds

    def stopped(self) -> bool:
        return self.stop.is_set()

    def give_back(self) -> None:
        """Stop here; another worker will go on."""
        self.stop.stop("given_back")

    def require_wanted(self) -> None:
        if self.stopped():
            raise errors.Cancelled("The task was cancelled, or goes on in another run.")


@contextmanager
def attempt_at(task_id: TaskId, number: int) -> Iterator[Attempt]:
    """The run's hold, with a scratch folder that is gone when the run ends, however it ends.

    The first stage takes the task and calls `begun`; then the heart beats. What ends the run by an error is recorded
    as the task's end; what kills it (a crash, a stop of the worker) is not: the task goes to another run.
    """
    services = current()
    owner = _owner()
    attempt = Attempt(task_id, number, owner, partial(services.records.tasks.heartbeat, task_id, number, owner))
    try:
        with (
            scratch_folder(services.settings.scratch, task_id) as attempt.room,
            services.live.holding(attempt),
            attempt.heart.beating(f"heart-{task_id}"),
        ):
            yield attempt
    except Exception as error:
        _close(attempt, error, services.records, services.objects)
        raise


def _close(attempt: Attempt, error: Exception, records: Records, objects: ObjectStore) -> None:
    """Record the end; then no commit of this run can still come, and what it stored for nothing is deleted.

    Where the database or the storage is away, the reconciler and the sweep do both later."""
    try:
        _settle(attempt, error, records)
        if attempt.stored and not records.files.is_recorded(attempt.output_id):
            objects.delete(attempt.stored)
    except errors.PlatformError as away:
        log.warning("%s: its end is not recorded yet: %s", attempt.task_id, away.code)


def _settle(attempt: Attempt, error: Exception, records: Records) -> None:
    if attempt.stop.reason == "superseded" or isinstance(error, errors.Superseded):
        return
    if attempt.stop.reason == "given_back" and records.tasks.give_back(attempt.task_id, attempt.number, attempt.owner):
        return
    record_end(attempt, error, records)


def record_end(attempt: Attempt, error: Exception, records: Records) -> None:
    """The task ends as this error says: `cancelled`, or `failed` with what its caller may know."""
    detail = error.detail if isinstance(error, errors.MediaError) else ""
    log.error("%s failed in %s: %s %s", attempt.task_id, attempt.step, type(error).__name__, detail)
    status: Literal["failed", "cancelled"] = "cancelled" if isinstance(error, errors.Cancelled) else "failed"
    failure = failure_of(error, attempt.step)
    records.tasks.end(attempt.task_id, attempt.number, status, failure, owner=attempt.owner)


def failure_of(error: Exception, step: Step) -> TaskError:
    """What a caller may know of an error: an unforeseen one says nothing of our inside."""
    if isinstance(error, errors.MediaError):
        return TaskError(error.code, error.message, error.field, step, error.transient)
    return TaskError(
        "internal", "Something went wrong on our side. The operator finds it in the run's log.", None, step
    )


def _owner() -> str:
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(6)}"
