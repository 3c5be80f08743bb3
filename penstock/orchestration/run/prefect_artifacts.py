"""A run's artifacts in the Prefect UI: its progress and its receipt. Neither holds a URL or anything else secret."""

import contextvars
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import httpx
from prefect.artifacts import create_markdown_artifact, create_progress_artifact, update_progress_artifact

from penstock.domain.receipt import Receipt
from penstock.domain.task import File
from penstock.orchestration.run.heartbeat import RunProgress

log = logging.getLogger(__name__)

UPDATE_SECONDS = 2.0
JOIN_SECONDS = 5.0


@contextmanager
def progress_artifact(progress: RunProgress, description: str, key: str | None = None) -> Iterator[None]:
    """Show the percentage while the block runs, on a thread of its own, so that no encoder waits for Prefect."""
    done = threading.Event()
    artifact = _ProgressArtifact(progress, description, key)
    run = contextvars.copy_context().run  # the artifact belongs to the present Prefect run
    thread = threading.Thread(target=run, args=(artifact.follow, done), name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(JOIN_SECONDS)


class _ProgressArtifact:
    """Created at the first progress, then updated every two seconds."""

    def __init__(self, progress: RunProgress, description: str, key: str | None) -> None:
        self._progress = progress
        self._description = description
        self._key = key
        self._artifact_id: UUID | None = None
        self._shown = 0

    def follow(self, done: threading.Event) -> None:
        while not done.wait(UPDATE_SECONDS):
            self._update()
        if self._artifact_id is not None:
            self._update()

    def _update(self) -> None:
        _, percent = self._progress.read()
        if percent == self._shown:
            return
        try:
            self._write(float(percent))
            self._shown = percent
        except httpx.HTTPError as error:
            log.info("the progress artifact was not updated: %s", type(error).__name__)

    def _write(self, percent: float) -> None:
        if self._artifact_id is None:
            created = create_progress_artifact(percent, self._key, self._description)
            self._artifact_id = created if isinstance(created, UUID) else None
        else:
            update_progress_artifact(self._artifact_id, percent)


def receipt_artifact(file: File, receipt: Receipt) -> None:
    """Show the receipt. The records have it already, so an error of Prefect is only logged."""
    try:
        create_markdown_artifact(receipt_table(file, receipt), description=f"Receipt of {file.id}")
    except httpx.HTTPError as error:
        log.info("the receipt artifact was not created: %s", type(error).__name__)


def receipt_table(file: File, receipt: Receipt) -> str:
    """The receipt as a Markdown table."""
    rows = "\n".join(f"| {name} | {value} |" for name, value in _rows(file, receipt) if value is not None)
    return f"### Receipt of {file.id}\n\n| | |\n|---|---|\n{rows}\n"


def _rows(file: File, receipt: Receipt) -> list[tuple[str, object]]:
    output, checks, work = receipt.output, receipt.checks, receipt.work
    drift = checks.drift
    return [
        ("task", file.task_id),
        ("output", f"{output.format}, {output.filesize:,} bytes"),
        ("codecs", output.codecs),
        ("size", f"{output.width}×{output.height}" if output.width else None),
        ("duration", output.duration and f"{output.duration:.3f} s, expected {checks.expected_duration or 0:.3f} s"),
        ("A/V drift", drift and f"{drift.start:+.3f} s at the start, {drift.end:+.3f} s at the end"),
        ("frames decoded", ", ".join(f"{stream.decoded} of {stream.codec}" for stream in checks.streams)),
        ("quality", checks.quality and f"{checks.quality.metric} {checks.quality.score}"),
        *((stream, done) for stream, done in work.plan.items() if stream != "format"),
        ("time", f"{work.wall_seconds:.2f} s, {work.cpu_seconds:.2f} s of CPU"),
        ("tools", ", ".join(f"{name} {version}" for name, version in work.tools.items())),
        ("sha256", f"`{output.sha256}`"),
    ]
