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
PHOTOS, DISTINCT = 1000, 60
WIDTH = 320
OPTIONS = ("--format", "webp", "--width", str(WIDTH))
AGAIN_BAR = 0.05
NICE = ("nice", "-n", str(BACKGROUND_NICENESS))
PILLOW = (sys.executable, str(Path(__file__).parents[1] / "peers" / "pillow_thumbnail.py"))


@dataclass(frozen=True, slots=True)
class PhotoPeer:
    """Converts the photos of a folder: so many of a thousand. `bar` is how many times faster the batch must be."""

    name: str
    photos: int
    bar: float
    convert: Callable[[Running, Path, Sequence[Path]], None]
    note: str


@dataclass(frozen=True, slots=True)
class PhotoRound:
    """The batch, the same again with the processor seconds of the worker's children, and each peer's photos a
    second."""

    batch: BatchTimes
    again: BatchTimes
    again_children: float
    peers: dict[str, float]


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
    return [*(_row(peer, count, rounds) for peer in PEERS), _again_row(count, rounds)]


def _round(running: Running, scratch: Path, amount: Amount, number: int) -> PhotoRound:
    """The batch is first in every second round."""
    count, destination = amount.of(PHOTOS, 50), str(scratch / f"out-{number}")
    before = {} if number % 2 else _peer_rates(running, scratch, amount)
    batch = run_batch(running, scratch / "in", destination, *OPTIONS)
    assert batch.counts["completed"] == count, batch.counts
    spent = _children_seconds(running)
    again = run_batch(running, scratch / "in", destination, *OPTIONS)
    assert again.counts["skipped"] == count, again.counts
    spent = _children_seconds(running) - spent
    return PhotoRound(batch, again, spent, before or _peer_rates(running, scratch, amount))


def _peer_rates(running: Running, scratch: Path, amount: Amount) -> dict[str, float]:
    rates, out = {}, scratch / "peers"
    out.mkdir(exist_ok=True)
    for peer in PEERS:
        photos = sorted((scratch / "in").iterdir())[: amount.of(peer.photos, 6)]
        began = time.perf_counter()
        peer.convert(running, out, photos)
        rates[peer.name] = len(photos) / (time.perf_counter() - began)
    return rates


def _row(peer: PhotoPeer, count: int, rounds: Sequence[PhotoRound]) -> Row:
    ours, theirs = [count / one.batch.seconds for one in rounds], [one.peers[peer.name] for one in rounds]
    ratio, command = paired(ours, theirs), median(one.batch.command - one.batch.seconds for one in rounds)
    return Row(
        what=f"{count:,} JPEGs of 2–12 MP → {WIDTH} px WebP, one batch, photos a second",
        ours=f"{median(ours):.1f}/s",
        peer=peer.name,
        peer_figure=f"{median(theirs):.1f}/s",
        ratio=round(ratio.median, 2),
        spread=ratio.spread,
        bar=f"≥ {peer.bar:g}",
        met=round(ratio.median, 2) >= peer.bar,
        note=f"{peer.note}; PENSTOCK_REUSE=on, no two files equal; the command took {command:.1f} s more",
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


def _settings_of_ours(out: Path) -> tuple[str, str, str]:
    """Where Pillow writes to, and our width and encoder quality for a photo of 4:3."""
    return str(out), str(WIDTH), str(int(image_setting("webp", DEFAULT_QUALITY, WIDTH * WIDTH * 3 // 4)))


def _in_pool(_running: Running, out: Path, photos: Sequence[Path]) -> None:
    _given([*PILLOW, "--pool", *_settings_of_ours(out)], photos)


def _by_xargs(_running: Running, out: Path, photos: Sequence[Path]) -> None:
    _given(["xargs", "-0", "-P", "2", "-n", "1", *PILLOW, *_settings_of_ours(out)], photos)


def _given(words: Sequence[str], photos: Sequence[Path]) -> None:
    subprocess.run([*NICE, *words], input="\0".join(map(str, photos)).encode(), check=True)


def _by_single_requests(running: Running, _out: Path, photos: Sequence[Path]) -> None:
    with serving(photos[0].parent) as address:
        wanted = {"kind": "image", "format": "webp", "width": WIDTH}
        all_converted(running, [{"url": f"{address}/{photo.name}", **wanted} for photo in photos])


PEERS = (
    PhotoPeer("Pillow alone, a process pool", 1000, 0.8, _in_pool, "with draft and our encoder settings"),
    PhotoPeer("xargs -P 2 and a Pillow script", 200, 5, _by_xargs, "200 of them"),
    PhotoPeer("a flow run for each", 60, 6, _by_single_requests, "60 of them"),
)


def _children_seconds(running: Running) -> float:
    """Of the worker's fork server, which needs time for each child that it starts, and of its children."""
    tree = process_tree(running.part("worker"))
    return sum(own_cpu_seconds(one) for one in tree if "penstock.sandbox.fork_server" in command_of(one))
