"""The progress of a batch on a terminal: one bar, which is gone at the end."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

from penstock.batches.reporting import size_text
from penstock.cli.batches.following import Snapshot
from penstock.cli.conversions.progress_text import time_text

MAX_TITLE = 24


class BatchBar:
    """Shows snapshots of one batch. The rate is that of the lines that were done while it was shown."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._line = progress.add_task("starting the service", total=None, facts="")
        self._first: tuple[float, int] | None = None

    def show_start(self) -> None:
        self._progress.update(self._line, description="starting the service")

    def show_cancel(self) -> None:
        self._progress.update(self._line, description="cancelling")

    def show(self, snapshot: Snapshot) -> None:
        batch, total = snapshot.batch, snapshot.counts.total
        if batch.stage == "listing":
            self._progress.update(self._line, description="listing and planning", facts=f"{total:,} files")
            return
        done = done_lines(snapshot)
        self._first = self._first or (time.monotonic(), done)
        title = batch.title if batch.status != "paused" else f"paused: {batch.title}"
        facts = " · ".join(facts_of(snapshot, self._rate(done)))
        self._progress.update(self._line, description=_short(title), total=total, completed=done, facts=facts)

    def _rate(self, done: int) -> float:
        """Files per second."""
        since, before = self._first or (0.0, 0)
        seconds = time.monotonic() - since
        return (done - before) / seconds if seconds > 0 else 0.0


@contextmanager
def batch_bar() -> Iterator[BatchBar]:
    """A bar on stderr; none where that is no terminal."""
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(16), _FACTS)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield BatchBar(progress)


_FACTS = TextColumn("{task.fields[facts]}", markup=False)


def done_lines(snapshot: Snapshot) -> int:
    """How many lines are converted, planned, skipped or failed."""
    counts = snapshot.counts.by_status
    return sum(counts.get(status, 0) for status in ("completed", "planned", "skipped", "failed"))


def facts_of(snapshot: Snapshot, rate: float) -> list[str]:
    """`412/1,000`, failures so far, megabytes read, files a second, time left."""
    counts, done = snapshot.counts, done_lines(snapshot)
    failed = counts.by_status.get("failed", 0)
    facts = [f"{done:,}/{counts.total:,}", *([f"{failed:,} failed"] if failed else []), size_text(counts.bytes_in)]
    return [*facts, f"{rate:,.1f}/s", f"{time_text((counts.total - done) / rate)} left"] if rate > 0 else facts


def _short(title: str) -> str:
    return title if len(title) <= MAX_TITLE else f"{title[: MAX_TITLE - 1]}…"
