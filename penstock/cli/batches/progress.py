"""The progress of a batch on a terminal: one bar, which is gone at the end."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

from penstock.batches.report_page import size_text
from penstock.cli.batches.following import Snapshot

MAX_TITLE = 24


class BatchBar:
    """Shows snapshots of one batch. The rate is that of the lines that ended while it was shown."""

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
        ended = ended_lines(snapshot)
        self._first = self._first or (time.monotonic(), ended)
        title = batch.title if batch.status != "paused" else f"paused: {batch.title}"
        facts = " · ".join(facts_of(snapshot, self._rate(ended)))
        self._progress.update(self._line, description=_short(title), total=total, completed=ended, facts=facts)

    def _rate(self, ended: int) -> float:
        """Files per second."""
        since, before = self._first or (0.0, 0)
        seconds = time.monotonic() - since
        return (ended - before) / seconds if seconds > 0 else 0.0


@contextmanager
def batch_bar() -> Iterator[BatchBar]:
    """A bar on stderr; none where that is no terminal."""
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(16), _FACTS)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield BatchBar(progress)


_FACTS = TextColumn("{task.fields[facts]}", markup=False)


def ended_lines(snapshot: Snapshot) -> int:
    """How many lines are neither waiting nor in work."""
    counts = snapshot.counts
    return counts.total - counts.by_status.get("queued", 0) - counts.by_status.get("processing", 0)


def facts_of(snapshot: Snapshot, rate: float) -> list[str]:
    """`412/1,000`, megabytes read, files a second, time left, and failures so far."""
    counts, ended = snapshot.counts, ended_lines(snapshot)
    facts = [f"{ended:,}/{counts.total:,}", size_text(counts.bytes_in)]
    if rate > 0:
        facts += [f"{rate:,.1f}/s", f"{time_text((counts.total - ended) / rate)} left"]
    failed = counts.by_status.get("failed", 0)
    return [*facts, f"{failed:,} failed"] if failed else facts


def time_text(seconds: float) -> str:
    """`0:05`, `3:12`, `1:02:30`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _short(title: str) -> str:
    return title if len(title) <= MAX_TITLE else f"{title[: MAX_TITLE - 1]}…"
