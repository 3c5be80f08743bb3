"""The stages of one run: each within its deadline, its retries no sooner than the last error allows."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager

from penstock.domain import errors
from penstock.domain.task import State, Step
from penstock.orchestration.run.heartbeat import Heartbeat, RunProgress
from penstock.orchestration.run.stop_signal import StopSignal

STATES: dict[Step, State] = {
    "validate": "validating",
    "fetch": "fetching",
    "transcode": "transcoding",
    "upload": "uploading",
    "record": "recording",
}
OVERDUE_ERRORS: dict[Step, type[errors.MediaError]] = {
    "validate": errors.DatabaseUnavailable,
    "fetch": errors.InputTimeout,
    "transcode": errors.EncoderTimeout,
    "upload": errors.StorageUnavailable,
    "record": errors.DatabaseUnavailable,
}

# These stages are one transaction, which the records refuse where the run should stop, so they ignore the stop signal.
# A try whose commit succeeded and whose reply was lost has to be repeated, and by then the heartbeat has set the
# signal: the attempt has ended.
DECIDED_BY_RECORDS: frozenset[Step] = frozenset(("validate", "record"))


class Stages:
    """Runs one stage after the other. Used by the run's own thread alone. `seconds` is what each stage took in all its
    tries."""

    def __init__(self, heartbeat: Heartbeat) -> None:
        self._heartbeat = heartbeat
        self._step: Step = "validate"
        self._seconds = math.inf
        self._retry_at = 0.0
        self._last_error: errors.MediaError | None = None
        self.seconds: dict[Step, float] = {}

    @property
    def step(self) -> Step:
        """The present stage, or the last one."""
        return self._step

    @property
    def stop(self) -> StopSignal:
        return self._heartbeat.stop

    @property
    def progress(self) -> RunProgress:
        return self._heartbeat.progress

    def begin_heartbeat(self) -> None:
        self._heartbeat.begin()

    @property
    def was_short_of_resources(self) -> bool:
        """Whether the last try that failed did so because the machine was short of memory or processes."""
        return isinstance(self._last_error, errors.ResourceShortage)

    @contextmanager
    def stage(self, step: Step, seconds: float) -> Iterator[None]:
        """One try of a stage. Raises `Cancelled` where the run should stop, and the stage's `OVERDUE_ERRORS` where it
        took longer than `seconds`.

        Prefect cannot end a stage that runs on a thread; whatever takes long in it watches the stop signal instead."""
        self.stop.reset_overdue()
        self.stop.wait(max(0.0, self._retry_at - time.monotonic()))
        self._step, self._seconds = step, seconds
        begun = time.monotonic()
        self.progress.begin(STATES[step])
        self._heartbeat.set_deadline(seconds)
        try:
            if step not in DECIDED_BY_RECORDS:
                self.stop.require_unset()
            yield
        except errors.Cancelled as cancelled:
            if self.stop.reason == "overdue":
                raise OVERDUE_ERRORS[step]("This stage exceeded its time limit.") from cancelled
            raise
        except errors.MediaError as error:
            self._note_failure(error)
            raise
        finally:
            self._heartbeat.set_deadline(math.inf)
            self.seconds[step] = self.seconds.get(step, 0.0) + time.monotonic() - begun

    def _note_failure(self, error: errors.MediaError) -> None:
        self._last_error = error
        self._retry_at = time.monotonic() + error.retry_after_seconds
        if error.transient:
            self.progress.retry()

    @contextmanager
    def untimed(self) -> Iterator[None]:
        """The deadline of the stage starts anew after this block: waiting for a slot is not the stage's own work."""
        self._heartbeat.set_deadline(math.inf)
        try:
            yield
        finally:
            self._heartbeat.set_deadline(self._seconds)
