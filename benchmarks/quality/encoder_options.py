"""Other encoder options beside the shipped ones: `python -m benchmarks.quality.encoder_options [FORMAT …]`.

Every choice is the shipped argument list with words exchanged, at two of the encoder's numbers about that of quality
0.8. The ratios are a choice's bytes and processor seconds over the shipped ones', where both look the same on a scale:
below 1 is better. Kept in `results/planes/FORMAT.json`.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from statistics import fmean, geometric_mean

from benchmarks.harness.report import RESULTS
from benchmarks.quality.clips import corpus
from benchmarks.quality.conversions import planned
from benchmarks.quality.equal_score import Point, at_score
from benchmarks.quality.video_encoders import FORMATS, SCALES, Entrant, Run, Track, points, spent, tracks
from penstock.domain.formats import VideoFormat
from penstock.domain.planning.plan import VideoPlan
from penstock.engines import command_line

Choice = dict[str, str]

_X264 = tuple(
    {"-preset": preset, "-x264-params": f"psy={psy}:aq-strength={aq}"}
    for preset, (psy, aq) in product(("faster", "fast", "medium"), ((0, 0.4), (0, 0.6), (0, 1.0), (1, 0.6), (1, 1.0)))
)
_VP9: tuple[Choice, ...] = (
    *({"-cpu-used": speed} for speed in ("1", "3", "4", "5")),
    {"-row-mt": "0"},
    {"-tile-columns": "1"},
    {"-frame-parallel": "1"},
    {"-tune": "ssim"},
)
_MPEG4: tuple[Choice, ...] = (
    {"-mbcmp": "sad"},
    {"-mbcmp": "satd"},
    {"-mbd": "bits"},
    {"-mbd": "rd"},
    {"-trellis": "1"},
    {"-flags": "+mv4"},
    *({"-mv0_threshold": least} for least in ("256", "512", "1024", "2048")),
    {"-mbcmp": "sad", "-intra_penalty": "500"},
    {"-subcmp": "sse"},
    {"-mepc": "512"},
)
CHOICES: dict[VideoFormat, tuple[Choice, ...]] = {"mp4": _X264, "webm": _VP9, "avi": _MPEG4}
NUMBERS: dict[VideoFormat, tuple[str, tuple[int, ...]]] = {
    "mp4": ("-crf", (23, 26)),
    "webm": ("-crf", (30, 34)),
    "avi": ("-q:v", (8, 12)),
}
SHOWN = ("flower", "bunny", "screen")
SHIPPED = "shipped"
_ROUNDS = 2


@dataclass(frozen=True, slots=True)
class Ratio:
    """A choice over what is shipped, on one clip or on all; `cpu` at equal VMAF, bytes on each scale."""

    choice: str
    clip: str
    cpu: float
    vmaf: float
    neg: float
    s2: float


def main(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality.encoder_options", description=__doc__)
    parser.add_argument("formats", nargs="*", metavar="FORMAT", default=FORMATS)
    wanted = parser.parse_args(words)
    videos = corpus()
    if videos is None:
        print("PENSTOCK_CORPUS names no corpus of real files.", file=sys.stderr)
        return 1
    for target in wanted.formats:
        with tempfile.TemporaryDirectory() as name:
            raced = tracks(videos, Path(name), SHOWN, _ROUNDS)
            _keep(target, [run for track in raced for run in _runs(track, target)])
    return 0


def _runs(track: Track, target: VideoFormat) -> Iterator[Run]:
    chosen = product(({}, *CHOICES[target]), NUMBERS[target][1])
    return track.timed([_entered(track, target, *each) for each in chosen])


def _entered(track: Track, target: VideoFormat, choice: Choice, number: int) -> Entrant:
    plan = planned(track.source, target, track.tools)
    assert isinstance(plan, VideoPlan)
    path = track.scratch / f"plane.{target}"
    words = exchanged(command_line(plan, track.source, path, track.tools), {**choice, NUMBERS[target][0]: str(number)})
    return track.enter(_named(choice), target, str(number), lambda: (path, spent(words, path)))


def exchanged(words: Sequence[str], choice: Choice) -> list[str]:
    """The argument list with other values behind these options; an option that is not there goes before the output."""
    made = list(words)
    for option, value in choice.items():
        if option in made:
            made[made.index(option) + 1] = value
        else:
            made[-1:-1] = [option, value]
    return made


def _named(choice: Choice) -> str:
    return " ".join(f"{option} {value}" for option, value in choice.items()) or SHIPPED


def ratios(runs: Sequence[Run]) -> Iterator[Ratio]:
    """For each choice, each clip, then all of them together."""
    for choice in dict.fromkeys(run.who for run in runs):
        found = [_ratio(runs, choice, clip) for clip in dict.fromkeys(run.clip for run in runs)]
        yield from found
        yield Ratio(choice, "all", *(_mean([getattr(ratio, name) for ratio in found]) for name in ("cpu", *SCALES)))


def _mean(ratios: Sequence[float]) -> float:
    return round(geometric_mean(ratios), 3)


def _ratio(runs: Sequence[Run], choice: str, clip: str) -> Ratio:
    here = [run for run in runs if run.clip == clip]
    theirs = [run for run in here if run.who == choice]
    shipped = [run for run in here if run.who == SHIPPED]
    return Ratio(
        choice, clip, _over(theirs, shipped, "vmaf").cpu, *(_over(theirs, shipped, scale).bytes for scale in SCALES)
    )


def _over(theirs: Sequence[Run], shipped: Sequence[Run], scale: str) -> Point:
    """Bytes and seconds of a choice over those of what is shipped, in the middle of the latter's scores."""
    score = fmean(point.score for point in points(shipped, scale))
    choice, ours = at_score(score, points(theirs, scale)), at_score(score, points(shipped, scale))
    return Point(
        score, round(choice.bytes / ours.bytes, 3), round(choice.cpu / ours.cpu, 3), round(choice.wall / ours.wall, 3)
    )


def _keep(target: str, runs: Sequence[Run]) -> None:
    found = list(ratios(runs))
    for ratio in found:
        sizes = f"{ratio.vmaf:.2f} {ratio.neg:.2f} {ratio.s2}"
        print(f"{target:<5}{ratio.clip:<10}{ratio.choice:<52} CPU {ratio.cpu:.2f}  bytes {sizes}")
    folder = RESULTS / "planes"
    folder.mkdir(parents=True, exist_ok=True)
    lines = {"ratios": [asdict(ratio) for ratio in found], "runs": [asdict(run) for run in runs]}
    text = ",\n".join(
        f' "{name}": [\n  ' + ",\n  ".join(map(json.dumps, each)) + "\n ]" for name, each in lines.items()
    )
    (folder / f"{target}.json").write_text("{\n" + text + "\n}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
