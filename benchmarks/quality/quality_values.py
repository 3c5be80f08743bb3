"""What each quality looks like on every lossy format, by our own engine: `python -m benchmarks quality [--quick]`.

Each clip and each picture of the corpus is brought to a size without loss, converted as a request would be, and scored
against what it was made of. mov is what mp4 is. Rows are means over contents; the points below them, in the JSON, are
what `penstock/domain/planning/quality.py` was fitted to.
"""

import math
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from statistics import fmean

from benchmarks.harness.report import Report, Row, reported
from benchmarks.harness.rounds import Amount
from benchmarks.quality.clips import CLIPS, corpus
from benchmarks.quality.quality_points import (
    QUALITIES,
    SOUND_FILES,
    SOUNDS,
    STILL_FILES,
    STILLS,
    VIDEOS,
    Place,
    Point,
    film_points,
    sound_points,
    still_points,
)
from benchmarks.quality.scores import eyes
from penstock.domain.limits import Limits
from penstock.domain.planning.quality import DEFAULT_QUALITY
from penstock.engines import Tools, bundled_ffmpeg, sandbox_pool

TITLE = "One quality"
FILM_TARGETS = {0.2: 70.0, 0.4: 82.0, 0.6: 90.0, 0.8: 95.0, 1.0: 97.7}
STILL_TARGETS = {0.2: 50.0, 0.4: 60.0, 0.6: 70.0, 0.8: 80.0}
_RUNGS = (240, 360, 720, 2160)
_APART, _OFF = 4.0, 3.0
_LARGE = 480
_BETWEEN = f"± {_APART / 2:g} between formats"
_LINE = "{kind:<6}{name:<16}{lines:>5}p {format:<5}{quality:>4} {number:>6} {bytes:>9} B {cpu:>7.2f} s  {scores}"


def measured(amount: Amount) -> Report:
    """All rows; none but the word that it is missing where there is no corpus."""
    videos = corpus()
    if videos is None:
        return reported(TITLE, [_missing()])
    with tempfile.TemporaryDirectory() as name, sandbox_pool() as pool, eyes(Path(name) / "eyes") as seeing:
        tools = Tools(pool, bundled_ffmpeg(), Limits(), threads=os.cpu_count() or 1)
        points = list(_text(_points(Place(videos, Path(name), seeing, tools), amount)))
    return reported(TITLE, list(rows(points)), points)


def _missing() -> Row:
    return Row("one quality on every format", "", "", "the corpus of real files is not here", None, None, "", None)


def _points(place: Place, amount: Amount) -> Iterator[Point]:
    for clip in list(CLIPS.values())[: amount.of(len(CLIPS))]:
        for lines in clip.lines[: amount.of(len(clip.lines))]:
            yield from film_points(clip, lines, place)
    for still in STILL_FILES[: amount.of(len(STILL_FILES))]:
        yield from still_points(still, place)
    for name in SOUND_FILES[: amount.of(len(SOUND_FILES))]:
        yield from sound_points(name, place)


def _text(points: Iterable[Point]) -> Iterator[Point]:
    for point in points:
        scores = "  ".join(f"{name} {getattr(point, name)}" for name in ("vmaf", "neg", "s2"))
        print(_LINE.format(**{name: getattr(point, name) for name in Point.__slots__}, scores=scores), flush=True)
        yield point


def rows(points: Sequence[Point]) -> Iterator[Row]:
    """What the points come to."""
    videos = [point for point in points if point.kind == "film"]
    stills = [point for point in points if point.kind == "still"]
    large = [point for point in stills if point.lines >= _LARGE]
    long = [point for point in videos if CLIPS[point.name].seconds >= 1]
    yield from (_film_row(long, quality, "every clip of a second or more") for quality in QUALITIES)
    for lines in sorted({_rung(point) for point in videos}):
        yield _sized_row([point for point in videos if _rung(point) == lines], lines)
    yield _size_row(videos)
    yield from (_still_row(large, quality, "") for quality in QUALITIES)
    yield _still_row([point for point in stills if point.lines < _LARGE], DEFAULT_QUALITY, ", 320 px wide")
    yield from (_sound_row(points, name) for name in SOUNDS)
    scored = [point for point in points if point.kind != "sound"]
    yield _rising_row([point for point in scored if point.format != "gif"], "but gif")
    yield _rising_row([point for point in scored if point.format == "gif"], "of gif")


def _rung(point: Point) -> int:
    """The usual size that it is nearest to."""
    return min(_RUNGS, key=lambda lines: abs(math.log2(lines / point.lines)))


def _sized_row(videos: Sequence[Point], lines: int) -> Row:
    """The usual quality at one size, against its target."""
    row = _film_row(videos, DEFAULT_QUALITY, f"about {lines}p")
    target = FILM_TARGETS[DEFAULT_QUALITY]
    usual = [point.vmaf or 0.0 for point in videos if point.quality == DEFAULT_QUALITY]
    near = abs(fmean(usual) - target) <= _OFF
    return replace(row, bar=f"{row.bar}, ± {_OFF:g} of the target", met=bool(row.met) and near)


def _film_row(videos: Sequence[Point], quality: float, which: str) -> Row:
    here = [point for point in videos if point.quality == quality]
    vmaf = _means(here, VIDEOS, lambda point: point.vmaf)
    target = FILM_TARGETS.get(quality)
    neg, s2 = (_means(here, VIDEOS, of) for of in (lambda point: point.neg, lambda point: point.s2))
    return Row(
        what=f"quality {quality:g}, {' / '.join(VIDEOS)}, {which}",
        ours=f"VMAF {_figures(vmaf)}",
        peer="target",
        peer_figure=f"{target:g}" if target else "",
        ratio=None,
        spread=_ends(vmaf),
        bar=_BETWEEN,
        met=_apart(vmaf) <= _APART,
        note=f"NEG {_figures(neg)}, S2 {_figures(s2)}, {_spent(here, VIDEOS)}",
    )


def _size_row(videos: Sequence[Point]) -> Row:
    """What the same clips score less, or more, at their smallest than at their largest."""
    usual = [point for point in videos if point.quality == DEFAULT_QUALITY]
    changes = {name: list(_changes([point for point in usual if point.format == name])) for name in VIDEOS}
    means: dict[str, float] = {name: fmean(change) for name, change in changes.items() if change}
    return Row(
        what=f"the same clips at their smallest, quality {DEFAULT_QUALITY:g}, {' / '.join(VIDEOS)}",
        ours=f"VMAF {' / '.join(f'{mean:+.1f}' for mean in means.values())}",
        peer="at their largest",
        peer_figure="0",
        ratio=None,
        spread=_ends(means),
        bar=f"± {_OFF:g}",
        met=all(abs(mean) <= _OFF for mean in means.values()),
    )


def _changes(points: Sequence[Point]) -> Iterator[float]:
    for name in dict.fromkeys(point.name for point in points):
        rising = sorted((point for point in points if point.name == name), key=lambda point: point.lines)
        if len(rising) > 1:
            yield (rising[0].vmaf or 0.0) - (rising[-1].vmaf or 0.0)


def _still_row(stills: Sequence[Point], quality: float, size: str) -> Row:
    here = [point for point in stills if point.quality == quality]
    scores = _means(here, STILLS, lambda point: point.s2)
    lossy = {name: score for name, score in scores.items() if name != "gif" and score < 99.9}
    target = STILL_TARGETS.get(quality)
    near = quality != DEFAULT_QUALITY or target is None or not lossy or abs(fmean(lossy.values()) - target) <= _OFF
    return Row(
        what=f"quality {quality:g}, {' / '.join(STILLS)}{size}",
        ours=f"S2 {_figures(scores)}",
        peer="target",
        peer_figure=f"{target:g}" if target else "",
        ratio=None,
        spread=_ends(scores),
        bar=_BETWEEN + (f", ± {_OFF:g} of the target" if quality == DEFAULT_QUALITY else "") + ", not gif",
        met=_apart(lossy) <= _APART and near,
        note=_spent(here, STILLS),
    )


def _sound_row(points: Sequence[Point], target: str) -> Row:
    here = [point for point in points if point.format == target]
    sizes = [fmean(point.bytes for point in here if point.quality == quality) / 1000 for quality in QUALITIES]
    figures = " / ".join(f"{size:.0f}" for size in sizes)
    steps = " / ".join(f"{quality:g}" for quality in QUALITIES)
    rising = sizes == sorted(sizes)
    return Row(f"{target}, quality {steps}", f"{figures} kB", "", "", None, None, "rising", rising, "20 s of stereo")


def _rising_row(points: Sequence[Point], which: str) -> Row:
    """The least that a step up has brought any clip on any format."""
    series: dict[tuple[str, int, str], list[float]] = {}
    for point in sorted(points, key=lambda point: point.quality):
        score = point.s2 if point.kind == "still" else point.vmaf
        series.setdefault((point.name, point.lines, point.format), []).append(score or 0.0)
    steps = {key: min(after - before for before, after in pairwise(s)) for key, s in series.items()}
    worst = min(steps, key=lambda key: steps[key])
    return Row(
        what=f"a step more of quality, any clip, any format {which}",
        ours=f"{steps[worst]:+.2f} at least",
        peer="no score may fall",
        peer_figure="0",
        ratio=None,
        spread=None,
        bar="≥ 0",
        met=steps[worst] >= 0,
        note=f"{worst[0]}, {worst[2]} at {worst[1]}p",
    )


def _means(points: Sequence[Point], formats: Sequence[str], of: Callable[[Point], float | None]) -> dict[str, float]:
    """By format; a format that was not scored is left out."""
    found = {name: [of(point) for point in points if point.format == name] for name in formats}
    known = {name: [score for score in scores if score is not None] for name, scores in found.items()}
    return {name: fmean(scores) for name, scores in known.items() if scores}


def _figures(means: dict[str, float]) -> str:
    return " / ".join(f"{mean:.1f}" for mean in means.values()) or "not scored"


def _ends(means: dict[str, float]) -> tuple[float, float] | None:
    return (round(min(means.values()), 2), round(max(means.values()), 2)) if means else None


def _apart(means: dict[str, float]) -> float:
    return max(means.values()) - min(means.values()) if means else 0.0


def _spent(points: Sequence[Point], formats: Sequence[str]) -> str:
    sizes = _means(points, formats, lambda point: point.bytes / 1000)
    seconds = _means(points, formats, lambda point: point.cpu)
    text = (
        " / ".join(f"{size:.0f}" for size in sizes.values()),
        " / ".join(f"{time:.2f}" for time in seconds.values()),
    )
    return f"{text[0]} kB, {text[1]} s of processor"
