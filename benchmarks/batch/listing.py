"""A hundred thousand lines that are listed and skipped, because their outputs exist: its time, and the memory of the
worker that coordinates the batch."""

from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.batch.batch_command import BatchTimes, run_batch
from benchmarks.harness.process_usage import MB, peak_bytes, reset_peak
from benchmarks.harness.report import Row
from benchmarks.harness.rounds import Amount
from benchmarks.harness.service import penstock_up

TITLE = "A batch of lines that are skipped"
LINES, A_FOLDER = 100_000, 1000
BAR_SECONDS, BAR_MB = 60, 300


def rows(amount: Amount) -> list[Row]:
    count = amount.of(LINES)
    with TemporaryDirectory() as name:
        source, destination = Path(name) / "in", Path(name) / "out"
        _write_empty(source, count, ".jpg")
        _write_empty(destination, count, ".webp")
        rounds = [_round(source, destination, count) for _ in range(amount.rounds)]
    seconds = median(times.seconds for times, _ in rounds)
    command = median(times.command for times, _ in rounds)
    memory = max(peak for _, peak in rounds)
    return [
        Row(
            what=f"{count:,} lines of a folder, listed and skipped",
            ours=f"{seconds:.1f} s, {memory / MB:.0f} MB",
            peer="–",
            peer_figure="",
            ratio=None,
            spread=None,
            bar=f"≤ {BAR_SECONDS} s, ≤ {BAR_MB} MB",
            met=seconds <= BAR_SECONDS and memory / MB <= BAR_MB,
            note=f"peak of the worker's resident memory; the command took {command:.1f} s",
        )
    ]


def _write_empty(folder: Path, count: int, suffix: str) -> None:
    for number in range(count):
        path = folder / f"{number // A_FOLDER:03}" / f"IMG_{number % A_FOLDER:04}{suffix}"
        if number % A_FOLDER == 0:
            path.parent.mkdir(parents=True)
        path.touch()


def _round(source: Path, destination: Path, count: int) -> tuple[BatchTimes, int]:
    """On a service of its own, so that its memory is not that of the round before."""
    with penstock_up() as running:
        worker = running.part("worker")
        reset_peak(worker)
        times = run_batch(running, source, str(destination), "--format", "webp", "--width", "320")
        assert times.counts["skipped"] == count, times.counts
        return times, peak_bytes(worker)
