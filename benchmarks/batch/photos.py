"""A thousand photos → thumbnails as one batch: against bare Pillow on all cores, against a new Python for each, and
against a flow run for each. Then the same batch again, where nothing has changed.

The peers have the priority of the batch's child processes. Those that are slow get a sample of the photos.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.batch.batch_command import BatchTimes, run_batch
from benchmarks.batch.inputs import distinct_photos, write_photos
from benchmarks.harness.origin import serving
from benchmarks.harness.process_usage import command_of, own_cpu_seconds, process_tree
from benchmarks.harness.report import Row, paired
from benchmarks.harness.rounds import Amount
from benchmarks.harness.service import Running, penstock_up
from benchmarks.service.burst import all_converted
from penstock.domain.planning.quality import DEFAULT_QUALITY, image_setting
from penstock.sandbox.job import BACKGROUND_NICENESS

TITLE = "A batch of photos"
PHOTOS, DISTINCT, FOR_XARGS, ALONE = 1000, 60, 200, 60
WIDTH = 320
OPTIONS = ("--format", "webp", "--width", str(WIDTH))
AGAIN_BAR = 0.05
NICE = ("nice", "-n", str(BACKGROUND_NICENESS))
PILLOW = (sys.executable, str(Path(__file__).parents[1] / "peers" / "pillow_thumbnail.py"))


@dataclass(frozen=True, slots=True)
class PhotoRound:
    """Photos a second of everybody, and the same batch again with the processor seconds of its children."""

    batch: BatchTimes
    ours: float
    pool: float
    xargs: float
    alone: float
    again: BatchTimes
    again_children: float


def rows(amount: Amount) -> list[Row]:
    count, photos = amount.of(PHOTOS, 50), distinct_photos(amount.of(DISTINCT, 6))
    with TemporaryDirectory() as name, penstock_up(PENSTOCK_REUSE="on") as running:
        scratch = Path(name)
        write_photos(scratch / "warm", photos, 20, 0)
        run_batch(running, scratch / "warm", str(scratch / "warmed"), *OPTIONS)
        rounds = []
        for number in range(1, amount.rounds + 1):
            write_photos(scratch / "in", photos, count, number)
            rounds.append(_round(running, scratch, amount, number))
    against: dict[str, tuple[list[float], float, str]] = {
        "Pillow alone, a process pool": ([one.pool for one in rounds], 0.8, "with draft; same encoder settings"),
        "xargs -P 2 and a Pillow script": ([one.xargs for one in rounds], 5, f"{_sample(amount, FOR_XARGS)} of them"),
        "a flow run for each": ([one.alone for one in rounds], 6, f"{_sample(amount, ALONE)} of them"),
    }
    compared = [_row(count, rounds, peer, *figures) for peer, figures in against.items()]
    return [*compared, _again_row(count, rounds)]


def _round(running: Running, scratch: Path, amount: Amount, number: int) -> PhotoRound:
    """The batch is first in every second round."""
    source, count = scratch / "in", amount.of(PHOTOS, 50)
    sample = sorted(source.iterdir())
    rates: dict[str, float] = {}
    peers: dict[str, Callable[[], None]] = {
        "pool": lambda: _pool(source, scratch),
        "xargs": lambda: _xargs(sample[: _sample(amount, FOR_XARGS)], scratch),
        "alone": lambda: _alone(running, sample[: _sample(amount, ALONE)]),
    }
    shares = {"pool": count, "xargs": _sample(amount, FOR_XARGS), "alone": _sample(amount, ALONE)}
    if number % 2 == 0:
        rates |= {name: shares[name] / _seconds(peer) for name, peer in peers.items()}
    destination = str(scratch / f"out-{number}")
    batch = run_batch(running, source, destination, *OPTIONS)
    assert batch.counts["completed"] == count, batch.counts
    before = _children_seconds(running)
    again = run_batch(running, source, destination, *OPTIONS)
    assert again.counts["skipped"] == count, again.counts
    spent = _children_seconds(running) - before
    if number % 2:
        rates |= {name: shares[name] / _seconds(peer) for name, peer in peers.items()}
    return PhotoRound(batch, count / batch.seconds, **rates, again=again, again_children=spent)


def _sample(amount: Amount, full: int) -> int:
    return amount.of(full, 6)


def _row(count: int, rounds: Sequence[PhotoRound], peer: str, theirs: list[float], bar: float, note: str) -> Row:
    ratio = paired([one.ours for one in rounds], theirs)
    command = median(one.batch.command - one.batch.seconds for one in rounds)
    return Row(
        what=f"{count:,} JPEGs of 2–12 MP → {WIDTH} px WebP, one batch, photos a second",
        ours=f"{median(one.ours for one in rounds):.1f}/s",
        peer=peer,
        peer_figure=f"{median(theirs):.1f}/s",
        ratio=round(ratio.median, 2),
        spread=ratio.spread,
        bar=f"≥ {bar:g} ×",
        met=round(ratio.median, 2) >= bar,
        note=f"{note}; PENSTOCK_REUSE=on, no two files equal; the command took {command:.1f} s more",
    )


def _again_row(count: int, rounds: Sequence[PhotoRound]) -> Row:
    ratio = paired([one.again.seconds for one in rounds], [one.batch.seconds for one in rounds])
    children = max(one.again_children for one in rounds)
    return Row(
        what=f"the same {count:,} again, nothing changed",
        ours=f"{median(one.again.seconds for one in rounds):.2f} s",
        peer="the first run",
        peer_figure=f"{median(one.batch.seconds for one in rounds):.1f} s",
        ratio=round(ratio.median, 3),
        spread=ratio.spread,
        bar=f"≤ {AGAIN_BAR}, no decode",
        met=ratio.median <= AGAIN_BAR and children == 0,
        note=f"processor time of the fork server and its children: {children:.2f} s",
    )


def _seconds(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _settings_of_ours(scratch: Path) -> tuple[str, str, str]:
    """Where Pillow writes to, and our width and encoder quality for a photo of 4:3."""
    out = scratch / "pillow"
    out.mkdir(exist_ok=True)
    return str(out), str(WIDTH), str(int(image_setting("webp", DEFAULT_QUALITY, WIDTH * WIDTH * 3 // 4)))


def _pool(source: Path, scratch: Path) -> None:
    subprocess.run([*NICE, *PILLOW, *_settings_of_ours(scratch), str(source)], check=True)


def _xargs(photos: Sequence[Path], scratch: Path) -> None:
    words = [*NICE, "xargs", "-0", "-P", "2", "-n", "1", *PILLOW, *_settings_of_ours(scratch)]
    subprocess.run(words, input="\0".join(map(str, photos)).encode(), check=True)


def _alone(running: Running, photos: Sequence[Path]) -> None:
    with serving(photos[0].parent) as address:
        wanted = {"kind": "image", "format": "webp", "width": WIDTH}
        all_converted(running, [{"url": f"{address}/{photo.name}", **wanted} for photo in photos])


def _children_seconds(running: Running) -> float:
    """Of the worker's fork server, which needs time for each child that it starts, and of its children."""
    tree = process_tree(running.part("worker"))
    return sum(own_cpu_seconds(one) for one in tree if "penstock.sandbox.fork_server" in command_of(one))
