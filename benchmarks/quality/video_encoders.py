"""Our encoders against plain `ffmpeg in out` and HandBrakeCLI, at equal VMAF: `python -m benchmarks video`.

Each peer converts a lossless clip as it comes; ours converts it at qualities around the peer's score, and what ours
would spend at that very score is read between them. VMAF-NEG and SSIMULACRA2 are asked the same, so that what pleases
one scale alone shows. Processor seconds are those of the child, decoding included, the least of some rounds in which
all take turns. Each has all cores, as the peers take them; the service, which runs several encoders at once, gives each
its share. `encoder_options` measures the other choices of options.
"""

import os
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from benchmarks.harness.report import Report, Row, reported
from benchmarks.harness.rounds import Amount
from benchmarks.quality.clips import RACED, Clip, corpus, lossless
from benchmarks.quality.conversions import Cost, converted, planned
from benchmarks.quality.equal_score import Point, at_score, reaches
from benchmarks.quality.scores import Eyes, Likeness, eyes
from penstock.domain.formats import VideoFormat
from penstock.domain.limits import Limits
from penstock.engines import MediaFile, Tools, bundled_ffmpeg, probe, sandbox_pool

TITLE = "Video encoders at equal VMAF"
FORMATS: tuple[VideoFormat, ...] = ("mp4", "webm", "avi")
LADDER = tuple(step / 20 for step in range(21))
_HANDBRAKE = {"mp4": ("-f", "av_mp4", "-e", "x264"), "webm": ("-f", "av_webm", "-e", "VP9")}
_PICTURES = 3
_LEAST_SECONDS = 3.0
SCALES = ("vmaf", "neg", "s2")
Make = Callable[[], tuple[Path, Cost]]


@dataclass(frozen=True, slots=True)
class Run:
    """One encode of one clip: whose, with which number or quality, what it cost and how it looks."""

    who: str
    clip: str
    content: str
    format: str
    number: str
    bytes: int
    cpu: float
    wall: float
    vmaf: float
    neg: float
    s2: float | None


@dataclass(frozen=True, slots=True)
class Entrant:
    """One encode, and how it is made again."""

    run: Run
    make: Make


@dataclass(frozen=True, slots=True)
class Track:
    """Where runs are made: a clip without loss, and who converts and looks."""

    clip: Clip
    source: MediaFile
    scratch: Path
    tools: Tools
    eyes: Eyes
    rounds: int = 1

    def enter(self, who: str, target: str, number: str, make: Make) -> Entrant:
        path, cost = make()
        seen: Likeness = self.eyes.video(self.source.path, path, self.clip.sampled(_PICTURES))
        whose = (who, self.clip.name, self.clip.content, target, number)
        return Entrant(Run(*whose, cost.bytes, cost.cpu, cost.wall, seen.vmaf, seen.neg, seen.s2), make)

    def timed(self, entrants: Sequence[Entrant]) -> Iterator[Run]:
        """At the price of the cheapest of the rounds: so many that the time of each can be told, in turns, so that a
        slower minute of the machine is everybody's."""
        costs = [[(one.run.cpu, one.run.wall)] for one in entrants]
        while (
            min(map(len, costs)) < self.rounds or min(sum(wall for _, wall in each) for each in costs) < _LEAST_SECONDS
        ):
            for one, each in zip(entrants, costs, strict=True):
                _, cost = one.make()
                each.append((cost.cpu, cost.wall))
        for one, each in zip(entrants, costs, strict=True):
            cpu, wall = min(each)
            yield replace(one.run, cpu=cpu, wall=wall)


def measured(amount: Amount) -> Report:
    """All rows; none but the word that it is missing where there is no corpus."""
    videos = corpus()
    if videos is None:
        missing = Row("video at equal VMAF", "", "", "the corpus of real files is not here", None, None, "", None)
        return reported(TITLE, [missing])
    runs: list[Run] = []
    with tempfile.TemporaryDirectory() as name:
        for track in tracks(videos, Path(name), list(RACED)[: amount.of(len(RACED))], amount.rounds):
            for target in FORMATS:
                runs += _text(_race(track, target))
    return reported(TITLE, list(rows(runs)), runs)


def tracks(corpus: Path, scratch: Path, names: Iterable[str], rounds: int) -> Iterator[Track]:
    """These clips, each at the size of its race."""
    with sandbox_pool() as pool, eyes(scratch / "eyes") as seeing:
        tools = Tools(pool, bundled_ffmpeg(), Limits(), threads=os.cpu_count() or 1)
        for name in names:
            clip = RACED[name]
            path = lossless(clip, clip.lines[0], corpus / "video", scratch)
            yield Track(clip, MediaFile(path, probe(path, tools)), scratch, tools, seeing, rounds)


def _race(track: Track, target: VideoFormat) -> Iterator[Run]:
    peers = [track.enter("ffmpeg in out", target, "", lambda: _plain(track, target))]
    if target in _HANDBRAKE and shutil.which("HandBrakeCLI"):
        peers.append(track.enter("HandBrakeCLI", target, "", lambda: _handbrake(track, target)))
    ours = climbed([peer.run.vmaf for peer in peers], lambda quality: _ours(track, target, quality))
    yield from track.timed([*peers, *ours])


def climbed(scores: Sequence[float], enter: Callable[[float], Entrant]) -> list[Entrant]:
    """The rungs of the ladder next below and next above each score, and those that were tried to find them."""
    tried: dict[int, Entrant] = {}
    for score in scores:
        low, high = -1, len(LADDER)
        while high - low > 1:
            middle = (low + high) // 2
            if middle not in tried:
                tried[middle] = enter(LADDER[middle])
            low, high = (middle, high) if tried[middle].run.vmaf <= score else (low, middle)
    return list(tried.values())


def _ours(track: Track, target: VideoFormat, quality: float) -> Entrant:
    plan = planned(track.source, target, track.tools, quality=quality)
    make = partial(converted, plan, track.source, track.scratch / "ours", track.tools)
    return track.enter("ours", target, f"quality {quality:g}", make)


def _plain(track: Track, target: VideoFormat) -> tuple[Path, Cost]:
    path = track.scratch / f"plain.{target}"
    words = ("-v", "error", "-nostdin", "-y", "-i", str(track.source.path), str(path))
    return path, spent([str(track.tools.ffmpeg), *words], path)


def _handbrake(track: Track, target: VideoFormat) -> tuple[Path, Cost]:
    path = track.scratch / f"handbrake.{target}"
    words = ("HandBrakeCLI", "-i", str(track.source.path), "-o", str(path), *_HANDBRAKE[target])
    return path, spent(words, path)


def spent(words: Sequence[str], made: Path) -> Cost:
    """What a program takes for its output; as nice as our own children are."""
    before, began = _children_seconds(), time.perf_counter()
    subprocess.run(["nice", "-n", "10", *words], check=True, capture_output=True)
    wall, cpu = time.perf_counter() - began, _children_seconds() - before
    return Cost(made.stat().st_size, round(cpu, 3), round(wall, 3))


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _text(runs: Iterator[Run]) -> Iterator[Run]:
    for run in runs:
        scores = f"VMAF {run.vmaf:.2f} NEG {run.neg:.2f} S2 {run.s2}"
        print(
            f"{run.clip:<10}{run.format:<5} {run.who} {run.number:<24} {run.bytes:>9} B {run.cpu:6.2f} s  {scores}",
            flush=True,
        )
        yield run


def rows(runs: Sequence[Run]) -> Iterator[Row]:
    """Ours beside each peer, for each format and clip."""
    for target in FORMATS:
        for clip in dict.fromkeys(run.clip for run in runs):
            here = [run for run in runs if (run.format, run.clip) == (target, clip)]
            mine = [run for run in here if run.who == "ours"]
            for peer in (run for run in here if run.who != "ours"):
                yield _row(mine, peer)
    if not any(run.who == "HandBrakeCLI" for run in runs):
        yield Row("mp4 and webm", "", "HandBrakeCLI", "missing", None, None, "", None)


def _row(mine: Sequence[Run], peer: Run) -> Row:
    ours = at_equal(mine, peer, "vmaf")
    cpu, size = ours.cpu / peer.cpu, ours.bytes / peer.bytes
    barred = peer.who == "ffmpeg in out"
    within = "" if reaches(peer.vmaf, points(mine, "vmaf")) else ", reckoned beyond our points"
    others = [f"{name} {at_equal(mine, peer, scale).bytes / peer.bytes:.2f}" for scale, name in _others(peer)]
    return Row(
        what=f"{peer.format}, {peer.content} ({peer.clip}), at VMAF {peer.vmaf:.1f}",
        ours=f"{ours.cpu:.2f} s, {ours.bytes / 1000:.0f} kB",
        peer=peer.who,
        peer_figure=f"{peer.cpu:.2f} s, {peer.bytes / 1000:.0f} kB",
        ratio=round(cpu, 2),
        spread=None,
        bar="processor and bytes ≤ 1" if barred else "",
        met=(round(cpu, 2) <= 1 and round(size, 2) <= 1) if barred else None,
        note=f"bytes {size:.2f}, at equal {', '.join(others)}; wall {ours.wall / peer.wall:.2f}{within}",
    )


def _others(peer: Run) -> list[tuple[str, str]]:
    return [("neg", "NEG"), *([("s2", "S2")] if peer.s2 is not None else [])]


def at_equal(mine: Sequence[Run], peer: Run, scale: str) -> Point:
    """What ours spends where it looks as the peer's does, on one scale."""
    return at_score(getattr(peer, scale), points(mine, scale))


def points(runs: Sequence[Run], scale: str) -> list[Point]:
    """Runs as points on one scale."""
    return [Point(getattr(run, scale), run.bytes, run.cpu, run.wall) for run in runs]
