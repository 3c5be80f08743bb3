"""How like its input an encoded video looks: a few frames from its middle, by VMAF where the ffmpeg has it."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from penstock.domain.media import Media
from penstock.domain.plan import EncodeVideo, Plan, VideoPlan
from penstock.domain.receipt import Score
from penstock.engines import ffmpeg
from penstock.engines.encoding import Source
from penstock.engines.job import Bounds, Execute, Reach
from penstock.engines.nursery import Nursery
from penstock.engines.process import Answer, Patience, Unwatched, Watch, attend
from penstock.engines.tools import Tools

_SAYINGS = {"libvmaf": re.compile(r"VMAF score: ([\d.]+)"), "ssim": re.compile(r"SSIM .*All:([\d.]+)")}
_NAMES = {"libvmaf": "vmaf", "ssim": "ssim"}
_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Comparison:
    """An input, what was made of it, and how many frames of the two are looked at."""

    source: Source
    made: Source
    frames: int


def can_score(plan: Plan, source: Media) -> bool:
    """Whether a picture was encoded, and can be laid over the one that it was made of."""
    encoded = isinstance(plan, VideoPlan) and isinstance(plan.video, EncodeVideo)
    return encoded and not (source.video and source.video.alpha)


def score(plan: Plan, pair: Comparison, tools: Tools, watch: Watch) -> Score | None:
    """None where the two cannot be compared. Raises `Cancelled`."""
    source, made = pair.source, pair.made
    if not isinstance(plan, VideoPlan) or not isinstance(plan.video, EncodeVideo):
        return None
    sample = _sample(plan, made.media, pair.frames, _metric(str(tools.ffmpeg), tools.nursery))
    if sample is None:
        return None
    argv = ffmpeg.likeness_command(plan.video.framing, _paper(source, tools), _paper(made, tools), sample)
    said = _said(argv, (source.path, made.path), tools, watch)
    found = _SAYINGS[sample.metric].search(said)
    return Score(_NAMES[sample.metric], round(float(found[1]), 4), sample.frames, sample.at) if found else None


def _sample(plan: VideoPlan, made: Media, frames: int, metric: str) -> ffmpeg.Sample | None:
    video = made.video
    if video is None or not video.frames or not video.duration:
        return None
    # Half a frame early, so that rounding cannot choose another one of the two sides.
    pace = video.duration / video.frames
    at = max(0.0, (video.frames // 2 - 0.5) * pace + video.start) if video.frames > 2 * frames else 0.0
    return ffmpeg.Sample(metric, min(frames, video.frames), round(at, 3), plan.cut.start)


def _said(argv: list[str], paths: tuple[Path, Path], tools: Tools, watch: Watch) -> str:
    """ffmpeg's last words; none where it gave up."""
    bounds = Bounds(tools.limits.child_memory_bytes, round(_SECONDS * tools.threads), file_bytes=0)
    child = tools.nursery.start(Execute(tuple(argv), bounds, Reach((argv[0], *map(str, paths)))))
    ended = attend(child, Patience(_SECONDS), watch, Answer())
    return ended.tail if ended.status == 0 else ""


@cache
def _metric(binary: str, nursery: Nursery) -> str:
    bounds = Bounds(2**30, cpu_seconds=10, file_bytes=0)
    answer = Answer()
    child = nursery.start(Execute((binary, "-hide_banner", "-filters"), bounds, Reach((binary,))))
    attend(child, Patience(20.0), Unwatched(), answer)
    return "libvmaf" if b" libvmaf " in answer.said else "ssim"


def _paper(source: Source, tools: Tools) -> ffmpeg.Paper:
    return ffmpeg.Paper(
        ffmpeg=str(tools.ffmpeg),
        source=str(source.path),
        target="",
        media=source.media,
        threads=tools.threads,
        max_pixels=tools.limits.video_pixels,
    )
