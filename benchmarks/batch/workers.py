"""Three workers against one, on inputs from an origin that waits a second before it responds.

Each worker has a home of its own and converts one image at a time. All use one PostgreSQL, one Prefect and one S3. The
origin counts its requests: each input is fetched once.
"""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from PIL import Image

from benchmarks.batch.batch_command import run_batch
from benchmarks.harness.origin import PICTURE, SIZE, Folder, serving
from benchmarks.harness.process_usage import command_of, process_tree
from benchmarks.harness.report import Row, paired
from benchmarks.harness.rounds import Amount
from benchmarks.harness.s3_server import s3_server
from benchmarks.harness.service import Running, exported_environment, penstock_up, started, wait_until

TITLE = "A batch on several workers"
LINES, WAIT_SECONDS, BAR_TIMES = 120, 1.0, 2.4
WORKERS = 3
READY_SECONDS = 60.0
ONE_SLOT = {"PENSTOCK_WORKER_SLOTS": "1", "PENSTOCK_IMAGE_SLOTS": "1"}


REQUESTED: Counter[str] = Counter()


class SlowPicture(Folder):
    """The same picture under every name, a second after it was requested."""

    def do_GET(self) -> None:  # noqa: N802 - the name that http.server calls
        """Count and wait."""
        REQUESTED[self.path] += 1
        time.sleep(WAIT_SECONDS)
        self.path = f"/{PICTURE}"
        super().do_GET()


def rows(amount: Amount) -> list[Row]:
    count = amount.of(LINES, 12)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        Image.effect_noise(SIZE, 40).convert("RGB").save(folder / PICTURE, quality=85)
        address = stack.enter_context(serving(folder, SlowPicture))
        bucket = stack.enter_context(s3_server(folder))
        running = stack.enter_context(penstock_up(**ONE_SLOT, **bucket))
        rounds = [_round(running, folder, (address, count, number)) for number in range(amount.rounds)]
    alone, together = [one for one, _ in rounds], [three for _, three in rounds]
    ratio = paired(alone, together)
    twice = sum(times > 1 for times in REQUESTED.values())
    return [
        Row(
            what=f"{count} pictures from an origin that waits {WAIT_SECONDS:g} s, {WORKERS} workers of one slot each",
            ours=f"{median(together):.1f} s",
            peer="one such worker",
            peer_figure=f"{median(alone):.1f} s",
            ratio=round(1 / ratio.median, 2),
            spread=(round(1 / ratio.high, 2), round(1 / ratio.low, 2)),
            bar=f"≤ 1/{BAR_TIMES}, nothing twice",
            met=ratio.median >= BAR_TIMES and not twice,
            note=f"{ratio.median:.2f} × faster; inputs fetched twice: {twice}",
        )
    ]


def _round(running: Running, folder: Path, which: tuple[str, int, int]) -> tuple[float, float]:
    """Seconds of one worker and of all three, on other inputs each."""
    alone = _seconds(running, folder, which, "alone")
    with _more_workers(running, folder):
        return alone, _seconds(running, folder, which, "together")


def _seconds(running: Running, folder: Path, which: tuple[str, int, int], name: str) -> float:
    address, count, number = which
    manifest = folder / f"{name}.csv"
    lines = [f"{address}/{name}-{number}-{line}.jpg" for line in range(count)]
    manifest.write_text("\n".join(["input", *lines]) + "\n")
    words = ("--format", "webp", "--width", "200")
    times = run_batch(running, manifest, f"s3://bucket/{name}-{number}", *words)
    assert times.counts["completed"] == count, times.counts
    return times.seconds


@contextmanager
def _more_workers(running: Running, folder: Path) -> Iterator[None]:
    shared = running.environment | exported_environment(running.home.root)
    shared["PENSTOCK_DATABASE_URL"] = running.service.database_url
    with ExitStack() as stack:
        for number in range(1, WORKERS):
            environment = shared | {"PENSTOCK_HOME": str(folder / f"home-{number}")}
            log = folder / f"worker-{number}.log"
            worker = stack.enter_context(started(["-m", "penstock", "worker"], environment, log))
            wait_until(partial(_has_fork_server, worker.pid), READY_SECONDS, worker)
        yield


def _has_fork_server(worker: int) -> bool:
    """Which it starts last."""
    return any("penstock.sandbox.fork_server" in command_of(one) for one in process_tree(worker))
