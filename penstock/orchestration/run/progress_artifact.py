"""How far an encode is, for the eyes of the Prefect UI; told by a thread of its own, so that no encoder waits."""

import contextvars
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

import httpx
from prefect.artifacts import create_progress_artifact, update_progress_artifact

from penstock.domain.task import Task
from penstock.orchestration.run.attempt import Attempt

log = logging.getLogger(__name__)

UPDATE_SECONDS = 2.0
FAREWELL_SECONDS = 5.0


@contextmanager
def progress_in_the_ui(attempt: Attempt, task: Task) -> Iterator[None]:
    """An artifact of the run that follows the attempt's percent, from the first news on."""
    over = threading.Event()
    title = f"{task.request.kind} → {task.request.format} · {task.id}"
    teller = threading.Thread(
        target=contextvars.copy_context().run, args=(_tell, attempt, title, over), name=f"tell-{task.id}", daemon=True
    )
    teller.start()
    try:
        yield
    finally:
        over.set()
        teller.join(FAREWELL_SECONDS)


@dataclass
class _Shown:
    artifact: UUID | None = None
    percent: int = 0


def _tell(attempt: Attempt, title: str, over: threading.Event) -> None:
    shown = _Shown()
    while not over.wait(UPDATE_SECONDS):
        _show(shown, attempt.percent, title)
    if shown.artifact is not None:
        _show(shown, attempt.percent, title)


def _show(shown: _Shown, percent: int, title: str) -> None:
    if percent == shown.percent:
        return
    try:
        if shown.artifact is None:
            made = create_progress_artifact(float(percent), description=title)
            shown.artifact = made if isinstance(made, UUID) else None
        else:
            update_progress_artifact(shown.artifact, float(percent))
        shown.percent = percent
    except httpx.HTTPError as away:
        log.info("progress was not told: %s", type(away).__name__)
