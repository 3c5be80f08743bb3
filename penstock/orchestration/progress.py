"""How far an encode is, for the eyes of the Prefect UI."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from prefect.artifacts import create_progress_artifact, update_progress_artifact

from penstock.domain.task import Task
from penstock.orchestration.attempt import Attempt

UPDATE_SECONDS = 2.0


@dataclass
class Display:
    """Passes progress to the task's record, and every two seconds to an artifact, made at the first news."""

    attempt: Attempt
    title: str
    artifact: UUID | None = None
    shown: float = 0.0

    def progress(self, percent: int) -> None:
        self.attempt.progress(percent)
        if time.monotonic() - self.shown >= UPDATE_SECONDS:
            self.shown = time.monotonic()
            self._show(percent)

    def stopped(self) -> bool:
        return self.attempt.stopped()

    def finish(self) -> None:
        if self.artifact is not None:
            self._show(100)

    def _show(self, percent: int) -> None:
        if self.artifact is None:
            made = create_progress_artifact(float(percent), description=self.title)
            self.artifact = made if isinstance(made, UUID) else None
        else:
            update_progress_artifact(self.artifact, float(percent))


@contextmanager
def progress_in_the_ui(attempt: Attempt, task: Task) -> Iterator[Display]:
    """A watch for the engine: what it reports is shown, and a stop of the run reaches it."""
    display = Display(attempt, f"{task.request.kind} → {task.request.format} · {task.id}")
    yield display
    display.finish()
