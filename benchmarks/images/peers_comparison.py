"""Pictures, ours against sharp (libvips), bare Pillow and thumbor: `python -m benchmarks images [--rounds N]`.

Ours is the engine's child end to end: asked of the nursery, forked, bounded, decoded, written, its answer read. Each
round asks everybody once, and each ratio is taken within a round. The encoders' numbers are the same for all, those of
quality 0.8; WebP's effort is 2 for all (4, sharp's own default, takes the encoder about twice as long, for two to three
percent of the bytes). What reading the result back costs, which no peer does, stands beside it. A peer is one warm
process; ours is a new one for each picture.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness.report import Report, Row, paired, reported
from benchmarks.images.inputs import inputs
from benchmarks.images.peers import Peer, Wish, peers
from benchmarks.images.process_start import start_rows
from benchmarks.images.ssimulacra import quality
from penstock.domain.limits import Limits
from penstock.domain.planning.plan import Plan
from penstock.domain.planning.planner import plan_for
from penstock.domain.planning.quality import DEFAULT_QUALITY, encoder_setting
from penstock.domain.request import parse_request
from penstock.engines import MediaFile, Tools, bundled_ffmpeg, encode, probe, sandbox_pool, verify

_BARS = {"sharp 0.35": 1.0}
_WIDTH = 1024


@dataclass(frozen=True, slots=True)
class Case:
    """One row's conversion; `width` of None keeps the size."""

    name: str
    format: str
    width: int | None = _WIDTH

    @property
    def what(self) -> str:
        return f"{self.name} → {self.format}" + (f", {self.width} px wide" if self.width else "")


CASES = (
    Case("11 MP JPEG", "webp"),
    Case("11 MP JPEG", "jpeg"),
    Case("24 MP JPEG", "webp"),
    Case("24 MP JPEG", "jpeg"),
    Case("99 MP JPEG", "webp"),
    Case("99 MP JPEG", "jpeg"),
    Case("11 MP PNG", "webp"),
    Case("GIF of 36 frames", "webp", None),
)


@dataclass(frozen=True, slots=True)
class Sides:
    """Everybody's seconds, round by round, and where each one's last output lies; None for who cannot."""

    seconds: dict[str, list[float]]
    outputs: dict[str, Path | None]


def measured(rounds: int) -> Report:
    """Everything about pictures: each conversion against each peer, and what starting a child costs."""
    with tempfile.TemporaryDirectory() as folder, sandbox_pool() as pool:
        room = Path(folder)
        tools = Tools(pool, bundled_ffmpeg(), Limits(), threads=os.cpu_count() or 1)
        return reported("Pictures", [*_all_rows(room, tools, rounds), *start_rows(tools, room, rounds)])


def _all_rows(room: Path, tools: Tools, rounds: int) -> Iterator[Row]:
    files = inputs(room)
    with peers(room) as others:
        for case in CASES:
            yield from _rows(case, files[case.name], (room, tools), others, rounds)


def _rows(
    case: Case, path: Path, where: tuple[Path, Tools], others: dict[str, Peer | None], rounds: int
) -> Iterator[Row]:
    room, tools = where
    source = MediaFile(path, probe(path, tools))
    plan = _planned(case, source, tools.limits)
    ways: dict[str, Callable[[], Path]] = {"ours": lambda: encode(plan, source, room, tools)}
    for place, (name, peer) in enumerate(others.items()):
        if peer is not None:
            ways[name] = _way(peer, _wish(case, path, room / f"peer-{place}.{case.format}"))
    sides = _raced(ways, rounds)
    back = _seconds(lambda: verify(_made(sides, "ours"), plan, source.media, tools))
    scores = {name: quality(path, output, room) for name, output in sides.outputs.items() if output}
    for name in others:
        yield _row(case, name, sides, scores, back)


def _planned(case: Case, source: MediaFile, limits: Limits) -> Plan:
    request = {"url": "https://example.com/input", "kind": "image", "format": case.format, "width": case.width}
    return plan_for(parse_request(request), source.media, limits)


def _wish(case: Case, path: Path, target: Path) -> Wish:
    return Wish(str(path), str(target), case.format, case.width, int(encoder_setting(case.format, DEFAULT_QUALITY)))


def _way(peer: Peer, wish: Wish) -> Callable[[], Path]:
    def convert() -> Path:
        peer.convert(wish)
        return Path(wish.target)

    return convert


def _raced(ways: dict[str, Callable[[], Path]], rounds: int) -> Sides:
    """A first time each to warm up, which tells who can at all; then round by round."""
    outputs = {name: _tried(way) for name, way in ways.items()}
    seconds: dict[str, list[float]] = {name: [] for name, output in outputs.items() if output}
    for _ in range(rounds):
        for name, figures in seconds.items():
            figures.append(_seconds(ways[name]))
    return Sides(seconds, outputs)


def _tried(way: Callable[[], Path]) -> Path | None:
    try:
        return way()
    except RuntimeError as fault:
        print(f"  {fault}", file=sys.stderr)
        return None


def _made(sides: Sides, name: str) -> Path:
    output = sides.outputs[name]
    assert output
    return output


def _seconds(way: Callable[[], object]) -> float:
    began = time.perf_counter()
    way()
    return time.perf_counter() - began


def _row(case: Case, name: str, sides: Sides, scores: dict[str, float | None], back: float) -> Row:
    mine, theirs = sides.seconds["ours"], sides.seconds.get(name)
    if not theirs:
        why = "cannot do this" if name in sides.outputs else "missing"
        return Row(case.what, _told(mine), name, why, None, None, "", None)
    ratio, bar = paired(mine, theirs), _BARS.get(name)
    even = _as_good(scores.get("ours"), scores.get(name))
    sizes = f"{_kilobytes(sides, 'ours')} / {_kilobytes(sides, name)} kB"
    return Row(
        what=case.what,
        ours=_told(mine),
        peer=name,
        peer_figure=_told(theirs),
        ratio=round(ratio.median, 2),
        spread=ratio.spread,
        bar=f"≤ {bar}, S2 ± 1" if bar else "",
        met=round(ratio.median, 2) <= bar and even if bar else None,
        note=f"S2 {_score(scores.get('ours'))} / {_score(scores.get(name))}, {sizes}, read back {1000 * back:.0f} ms",
    )


def _as_good(ours: float | None, theirs: float | None) -> bool:
    return ours is None or theirs is None or ours >= theirs - 1


def _told(seconds: list[float]) -> str:
    return f"{1000 * statistics.median(seconds):.0f} ms"


def _score(score: float | None) -> str:
    return "not scored" if score is None else f"{score:.1f}"


def _kilobytes(sides: Sides, name: str) -> int:
    return round(_made(sides, name).stat().st_size / 1000)
