"""Images: ours against sharp (libvips), bare Pillow and thumbor: `python -m benchmarks images [--rounds N]`.

Ours is all that a conversion does: a child process, started by the sandbox pool, limited, decoding, writing, and
reading its output back, which no peer does; then the check against the plan and the digest. The part after writing is
in the note. Each round runs each once, and each ratio is of one round. All use the same encoder settings, those of
quality 0.8; WebP's effort is 2 for all (4, sharp's default, takes about twice as long for two to three percent of the
bytes). A peer is one warm process; ours is a new one for each image.
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
from benchmarks.images.peers import Peer, PeerRequest, peers
from benchmarks.images.process_start import start_rows
from benchmarks.images.ssimulacra import quality
from penstock.domain.limits import Limits
from penstock.domain.planning.plan import ImagePlan
from penstock.domain.planning.planner import plan_for
from penstock.domain.planning.quality import DEFAULT_QUALITY, encoder_setting
from penstock.domain.request import parse_request
from penstock.engines import ImageConversion, MediaFile, Tools, bundled_ffmpeg, encode, make_image, probe, sandbox_pool

_BARS = {"sharp 0.35": 1.0}
_WIDTH = 1024
# Ours without the part after writing.
_WRITTEN = "ours, not read back"


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
class Timings:
    """Everybody's seconds, round by round, and where each one's last output lies; None for who cannot."""

    seconds: dict[str, list[float]]
    outputs: dict[str, Path | None]


def measured(rounds: int) -> Report:
    """Everything about pictures: each conversion against each peer, and what starting a child costs."""
    with tempfile.TemporaryDirectory() as folder, sandbox_pool() as pool:
        scratch = Path(folder)
        tools = Tools(pool, bundled_ffmpeg(), Limits(), threads=os.cpu_count() or 1)
        return reported("Pictures", [*_all_rows(scratch, tools, rounds), *start_rows(tools, scratch, rounds)])


def _all_rows(scratch: Path, tools: Tools, rounds: int) -> Iterator[Row]:
    files = inputs(scratch)
    with peers(scratch) as others:
        for case in CASES:
            yield from _rows(case, files[case.name], (scratch, tools), others, rounds)


def _rows(
    case: Case, path: Path, where: tuple[Path, Tools], others: dict[str, Peer | None], rounds: int
) -> Iterator[Row]:
    scratch, tools = where
    source = MediaFile(path, probe(path, tools))
    plan = _planned(case, source, tools.limits)
    image = ImageConversion(plan, source, scratch)
    candidates: dict[str, Callable[[], Path]] = {
        "ours": lambda: make_image(image, tools).path,
        _WRITTEN: lambda: encode(plan, source, scratch, tools),
    }
    for place, (name, peer) in enumerate(others.items()):
        if peer is not None:
            candidates[name] = _candidate(peer, _peer_request(case, path, scratch / f"peer-{place}.{case.format}"))
    timings = _timed_rounds(candidates, rounds)
    scores = {name: quality(path, output, scratch) for name, output in timings.outputs.items() if output}
    for name in others:
        yield _row(case, name, timings, scores)


def _planned(case: Case, source: MediaFile, limits: Limits) -> ImagePlan:
    request = {"url": "https://example.com/input", "kind": "image", "format": case.format, "width": case.width}
    plan = plan_for(parse_request(request), source.media, limits)
    assert isinstance(plan, ImagePlan)
    return plan


def _peer_request(case: Case, path: Path, target: Path) -> PeerRequest:
    return PeerRequest(
        str(path), str(target), case.format, case.width, int(encoder_setting(case.format, DEFAULT_QUALITY))
    )


def _candidate(peer: Peer, peer_request: PeerRequest) -> Callable[[], Path]:
    def convert() -> Path:
        peer.convert(peer_request)
        return Path(peer_request.target)

    return convert


def _timed_rounds(candidates: dict[str, Callable[[], Path]], rounds: int) -> Timings:
    """A first time each to warm up, which tells who can at all; then round by round."""
    outputs = {name: _first_output(candidate) for name, candidate in candidates.items()}
    seconds: dict[str, list[float]] = {name: [] for name, output in outputs.items() if output}
    for _ in range(rounds):
        for name, figures in seconds.items():
            figures.append(_seconds(candidates[name]))
    return Timings(seconds, outputs)


def _first_output(candidate: Callable[[], Path]) -> Path | None:
    try:
        return candidate()
    except RuntimeError as fault:
        print(f"  {fault}", file=sys.stderr)
        return None


def _output_of(timings: Timings, name: str) -> Path:
    output = timings.outputs[name]
    assert output
    return output


def _seconds(candidate: Callable[[], object]) -> float:
    began = time.perf_counter()
    candidate()
    return time.perf_counter() - began


def _row(case: Case, name: str, timings: Timings, scores: dict[str, float | None]) -> Row:
    mine, theirs = timings.seconds["ours"], timings.seconds.get(name)
    if not theirs:
        why = "cannot do this" if name in timings.outputs else "missing"
        return Row(case.what, _text(mine), name, why, None, None, "", None)
    ratio, bar = paired(mine, theirs), _BARS.get(name)
    even = _as_good(scores.get("ours"), scores.get(name))
    checking = statistics.median(a - b for a, b in zip(mine, timings.seconds[_WRITTEN], strict=True))
    sizes = f"{_kilobytes(timings, 'ours')} / {_kilobytes(timings, name)} kB"
    return Row(
        what=case.what,
        ours=_text(mine),
        peer=name,
        peer_figure=_text(theirs),
        ratio=round(ratio.median, 2),
        spread=ratio.spread,
        bar=f"≤ {bar}, S2 ± 1" if bar else "",
        met=round(ratio.median, 2) <= bar and even if bar else None,
        note=f"S2 {_score(scores.get('ours'))} / {_score(scores.get(name))}, {sizes}, checks {1000 * checking:.0f} ms",
    )


def _as_good(ours: float | None, theirs: float | None) -> bool:
    return ours is None or theirs is None or ours >= theirs - 1


def _text(seconds: list[float]) -> str:
    return f"{1000 * statistics.median(seconds):.0f} ms"


def _score(score: float | None) -> str:
    return "not scored" if score is None else f"{score:.1f}"


def _kilobytes(timings: Timings, name: str) -> int:
    return round(_output_of(timings, name).stat().st_size / 1000)
