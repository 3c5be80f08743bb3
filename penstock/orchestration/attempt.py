"""One run's hold on a task: its room, its heartbeat, and the word that it should stop."""

import logging
import math
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from penstock.domain import errors
from penstock.domain.ids import FileId, TaskId, new_file_id
from penstock.domain.task import Failure, State, Step
from penstock.records import Records
from penstock.rooms import scratch_room
from penstock.services import current
from penstock.storage.objects import Objects

log = logging.getLogger(__name__)

BEAT_SECONDS = 1.0
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


@dataclass
class Attempt:
    """What the stages of one run share. Its fields change as the run goes on; a thread of its own tells the records."""

    task_id: TaskId
    number: int
    owner: str
    room: Path = Path()
    stored: str | None = None
    output_id: FileId = field(default_factory=new_file_id)
    step: Step = "validate"
    percent: int = 0
    cpu_seconds: float = 0.0
    begun: threading.Event = field(default_factory=threading.Event)
    halted: threading.Event = field(default_factory=threading.Event)
    deadline: float = math.inf
    resting: bool = False
    rest_until: float = 0.0
    overdue: bool = False
    superseded: bool = False
    given_back: bool = False

    @contextmanager
    def stage(self, step: Step, seconds: float) -> Iterator[None]:
        """One stage, within its deadline. Raises `Cancelled` where the run should stop, and what `OVERDUE` says.

        Prefect cannot end a stage that runs on a thread; we can, for all that takes long watches `stopped`."""
        self._rest()
        self.step, self.percent, self.resting = step, 0, False
        self.deadline = time.monotonic() + seconds
        self._forgive()
        try:
            self.require_wanted()
            yield
        except errors.Cancelled as stopped:
            if self.overdue:
                raise OVERDUE[step]("This stage took too long and was given up.") from stopped
            raise
        except errors.MediaError as failed:
            self.resting = failed.transient
            self.rest_until = time.monotonic() + failed.retry_after_seconds
            raise
        finally:
            self.deadline = math.inf

    def _rest(self) -> None:
        """Another try comes no sooner than the error of the last one asked for; a cancel is heard meanwhile."""
        self.halted.wait(max(0.0, self.rest_until - time.monotonic()))

    def _forgive(self) -> None:
        """Another try of a stage that was overdue has its whole time again."""
        if self.overdue:
            self.overdue = False
            self.halted.clear()

    @property
    def state(self) -> State:
        """The word for where the run is; between two tries of a stage it is `retrying`."""
        return "retrying" if self.resting else STATES[self.step]

    def progress(self, percent: int) -> None:
        self.percent = percent

    def spent(self, cpu_seconds: float) -> None:
        self.cpu_seconds += cpu_seconds

    def stopped(self) -> bool:
        return self.halted.is_set()

    def give_back(self) -> None:
        """Stop here; another worker will go on."""
        self.given_back = True
        self.halted.set()

    def require_wanted(self) -> None:
        if self.stopped():
            raise errors.Cancelled("The task was cancelled, or goes on in another run.")


@contextmanager
def attempt_at(task_id: TaskId, number: int) -> Iterator[Attempt]:
    """The run's hold, with a room that is gone when the run ends, however it ends.

    The first stage takes the task and sets `begun`; then the heart beats. What ends the run by an error is recorded
    as the task's end; what kills it (a crash, a stop of the worker) is not: the task goes to another run.
    """
    services = current()
    attempt = Attempt(task_id, number, _owner())
    try:
        with (
            scratch_room(services.settings.rooms, task_id) as attempt.room,
            services.live.holding(attempt),
            _beating(attempt, services.records),
        ):
            yield attempt
    except Exception as error:
        _forget_output(attempt, error, services.objects)
        _settle(attempt, error, services.records)
        raise


def _forget_output(attempt: Attempt, error: Exception, objects: Objects) -> None:
    """What was stored and never recorded is nobody's; what may have been recorded stays."""
    if attempt.stored and not isinstance(error, errors.DatabaseUnavailable):
        with suppress(errors.PlatformError):
            objects.delete(attempt.stored)


def _settle(attempt: Attempt, error: Exception, records: Records) -> None:
    if attempt.superseded or isinstance(error, errors.Superseded):
        return
    if attempt.given_back:
        records.tasks.hand_on(attempt.task_id, attempt.number)
    else:
        record_end(attempt, error, records)


def record_end(attempt: Attempt, error: Exception, records: Records) -> None:
    """The task ends as this error says: `cancelled`, or `failed` with what its caller may know."""
    detail = error.detail if isinstance(error, errors.MediaError) else ""
    log.error("%s failed in %s: %s %s", attempt.task_id, attempt.step, type(error).__name__, detail)
    status: Literal["failed", "cancelled"] = "cancelled" if isinstance(error, errors.Cancelled) else "failed"
    records.tasks.end(attempt.task_id, attempt.number, status, failure_of(error, attempt.step))


def failure_of(error: Exception, step: Step) -> Failure:
    """What a caller may know of an error: an unforeseen one says nothing of our inside."""
    if isinstance(error, errors.MediaError):
        return Failure(error.code, error.message, error.field, step, error.transient)
    return Failure("internal", "Something went wrong on our side. The operator finds it in the run's log.", None, step)


@contextmanager
def _beating(attempt: Attempt, records: Records) -> Iterator[None]:
    over = threading.Event()
    heart = threading.Thread(target=_beat, args=(attempt, records, over), name=f"heart-{attempt.task_id}", daemon=True)
    heart.start()
    try:
        yield
    finally:
        over.set()
        heart.join()


def _beat(attempt: Attempt, records: Records, over: threading.Event) -> None:
    while not over.wait(BEAT_SECONDS if attempt.begun.is_set() else 0.05):
        if time.monotonic() > attempt.deadline:
            attempt.overdue = True
            attempt.halted.set()
        if not attempt.begun.is_set():
            continue
        try:
            cancelled = records.tasks.beat(
                attempt.task_id, attempt.number, attempt.owner, attempt.state, attempt.percent
            )
        except errors.Superseded:
            attempt.superseded = True
            attempt.halted.set()
            return
        except errors.DatabaseUnavailable:
            continue
        if cancelled:
            attempt.halted.set()


def _owner() -> str:
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(6)}"
