"""A run's artifacts in the Prefect UI: its progress and its receipt. Neither holds a URL or anything else secret."""

import contextvars
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import httpx
from prefect.artifacts import create_markdown_artifact, create_progress_artifact, update_progress_artifact

from penstock.orchestration.run.heartbeat import RunProgress
from penstock.views.outcomes import shown_seconds

log = logging.getLogger(__name__)

UPDATE_SECONDS = 2.0
JOIN_SECONDS = 5.0


@contextmanager
def progress_artifact(
    progress: RunProgress, description: str, key: str, seconds: float | None = None
) -> Iterator[None]:
    """Show percentage, speed and time left while the block runs, on a thread of its own, so that no encoder waits for
    Prefect. `seconds` is the duration of the media."""
    done = threading.Event()
    artifact = _ProgressArtifact(progress, description, key, seconds)
    run = contextvars.copy_context().run  # the artifact belongs to the present Prefect run
    thread = threading.Thread(target=run, args=(artifact.follow, done), name="progress", daemon=True)
    thread.start()
    try:
        yield
        artifact.end = "done"
    finally:
        done.set()
        thread.join(JOIN_SECONDS)


class _ProgressArtifact:
    """Created at the first progress, then updated every two seconds. `end` is its last word."""

    def __init__(self, progress: RunProgress, description: str, key: str, seconds: float | None) -> None:
        self._progress = progress
        self._description = description
        self._key = key
        self._pace = Pace(seconds)
        self._artifact_id: UUID | None = None
        self._shown: tuple[int, str] = (0, "")
        self.end = "stopped"

    def follow(self, done: threading.Event) -> None:
        while not done.wait(UPDATE_SECONDS):
            self._update(self._progress.activity)
        if self._artifact_id is not None:
            self._update(self.end)

    def _update(self, activity: str) -> None:
        _, percent = self._progress.read()
        shown = percent, activity
        if shown == self._shown:
            return
        try:
            self._write(float(percent), self._pace.line(self._description, *shown))
            self._shown = shown
        except httpx.HTTPError as error:
            log.info("the progress artifact was not updated: %s", type(error).__name__)

    def _write(self, percent: float, description: str) -> None:
        if self._artifact_id is None:
            created = create_progress_artifact(percent, self._key, description)
            self._artifact_id = created if isinstance(created, UUID) else None
        else:
            update_progress_artifact(self._artifact_id, percent, description)


class Pace:
    """How fast a percentage grows."""

    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds
        self._begun = (time.monotonic(), 0)

    def line(self, name: str, percent: int, activity: str) -> str:
        """`clip.mov · 45 % · encoding · 2.1× · 14 s left`"""
        begun, first = self._begun
        if percent <= first:
            self._begun = (time.monotonic(), percent)
            return f"{name} · {percent} % · {activity}"
        per_second = (percent - first) / max(0.001, time.monotonic() - begun)
        left = f"{shown_seconds((100 - percent) / per_second)} left" if percent < 100 else ""
        speed = f"{per_second / 100 * self._seconds:.1f}×" if self._seconds and left else ""
        return " · ".join(filter(None, (name, f"{percent} %", activity, speed, left)))


def receipt_artifact(page: str, key: str, description: str) -> None:
    """Show the receipt. The records have it already, so an error of Prefect is only logged."""
    try:
        create_markdown_artifact(page, key=key, description=description)
    except httpx.HTTPError as error:
        log.info("the receipt artifact was not created: %s", type(error).__name__)


def artifact_key(name: str, owner: str) -> str:
    """A key that Prefect accepts: lower-case letters, digits and dashes."""
    return f"{name}-{owner.replace('_', '-')}"
