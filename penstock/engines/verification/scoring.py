"""Score how similar an output looks to its input: a few frames of a video, or an image. VMAF, or SSIM if the ffmpeg
binary has no libvmaf."""

import math
import re
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from penstock.domain import errors
from penstock.domain.media import Media
from penstock.domain.planning.plan import EncodeVideo, FramePlan, Framing, ImagePlan, Plan, VideoPlan
from penstock.domain.receipt import Score
from penstock.engines.encoding import MediaFile, command_context, encode, image_plan
from penstock.engines.ffmpeg.arguments import frame_preroll_seconds
from penstock.engines.ffmpeg.filters import TIMESTAMP_TOLERANCE_SECONDS
from penstock.engines.tools import Tools, program_output
from penstock.engines.verification.score_command import ScoredFrames, image_score_command, video_score_command
from penstock.sandbox.job import Paths, ProgramJob, Rlimits
from penstock.sandbox.pool import SandboxPool
from penstock.sandbox.supervise import Collector, Timeouts, Watch, supervise

_SCORE_PATTERNS = {"libvmaf": re.compile(r"VMAF score: ([\d.]+)"), "ssim": re.compile(r"SSIM .*All:([\d.]+)")}
_FRAME_COUNT = re.compile(r"frame= *(\d+)")
_NAMES = {"libvmaf": "vmaf", "ssim": "ssim"}
_TIMEOUT_SECONDS = 60.0
# Where frames are stored in another order than shown, ffmpeg seeks 3/23 s earlier in containers without PTS in their
# index.
_SEEK_MARGIN_SECONDS = 0.15


@dataclass(frozen=True, slots=True)
class Comparison:
    """An input, the output made of it, and how many frames of the two to compare."""

    source: MediaFile
    output: MediaFile
    frames: int


def score(plan: Plan, pair: Comparison, tools: Tools, watch: Watch) -> Score | None:
    """The score; None if no frames are requested or the two cannot be compared. Raises `Cancelled`."""
    if not pair.frames or not _can_score(plan, pair.source.media):
        return None
    match plan:
        case VideoPlan(video=EncodeVideo(framing=framing)):
            return _video_score(plan, framing, pair, tools, watch)
        case FramePlan() | ImagePlan():
            return _image_score(plan, pair, tools, watch)
        case _:
            return None


def _can_score(plan: Plan, source: Media) -> bool:
    """Whether the video or image was encoded, and is opaque and comparable frame by frame."""
    match plan:
        case VideoPlan(video=EncodeVideo()) | FramePlan():
            return source.video is not None and not source.video.alpha
        case ImagePlan():
            return plan.frames == 1 and source.image is not None and not source.image.alpha
        case _:
            return False


def _video_score(plan: VideoPlan, framing: Framing, pair: Comparison, tools: Tools, watch: Watch) -> Score | None:
    source, output = pair.source, pair.output
    scored = _scored_frames(plan, pair, _metric(str(tools.ffmpeg), tools.pool))
    contexts = command_context(source, "", tools), command_context(output, "", tools)
    # From the middle on there may be no further frame, if the last one is shown until the end: then from the start.
    for tried in (scored, replace(scored, at=0.0)) if scored else ():
        argv = video_score_command(framing, *contexts, tried)
        if found := _parsed(_log(argv, (source.path, output.path), tools, watch), tried):
            return found
    return None


def _image_score(plan: FramePlan | ImagePlan, pair: Comparison, tools: Tools, watch: Watch) -> Score | None:
    """Against a lossless rendering of the same plan, made in a folder beside the output."""
    with TemporaryDirectory(dir=pair.output.path.parent) as name:
        folders = [Path(name) / side for side in ("expected", "actual")]
        for folder in folders:
            folder.mkdir()
        try:
            expected = encode(replace(plan, format="png", quality=1.0), pair.source, folders[0], tools, watch)
            actual = encode(_as_png(plan), pair.output, folders[1], tools, watch)
        except (errors.InputError, errors.EngineError):
            return None
        scored = ScoredFrames(_metric(str(tools.ffmpeg), tools.pool), frames=1)
        argv = image_score_command(str(expected), str(actual), scored.metric, str(tools.ffmpeg))
        return _parsed(_log(argv, (expected, actual), tools, watch), scored)


def _as_png(plan: FramePlan | ImagePlan) -> ImagePlan:
    """A plan that converts the output to PNG."""
    return replace(image_plan(plan), format="png", quality=1.0, flatten=False)


def _parsed(log: str, scored: ScoredFrames) -> Score | None:
    value, counts = _SCORE_PATTERNS[scored.metric].search(log), _FRAME_COUNT.findall(log)
    if not value or not counts:
        return None
    return Score(_NAMES[scored.metric], round(float(value[1]), 4), int(counts[-1]), scored.at)


def _scored_frames(plan: VideoPlan, pair: Comparison, metric: str) -> ScoredFrames | None:
    video, frames = pair.output.media.video, pair.frames
    if video is None or not video.frames or not video.duration:
        return None
    frame_seconds = video.duration / video.frames
    middle = video.start + video.duration / 2
    first = _close_to(middle, _soon_after_key(plan, pair.source.media), video.duration)
    # Half a frame early, so that rounding cannot skip the first frame.
    number = math.ceil((first - video.start) / frame_seconds) - 0.5
    at = max(0.0, number * frame_seconds + video.start) if video.frames > 2 * frames else 0.0
    # At a constant rate a frame shows what comes up to half a frame later; at a variable rate timestamps are kept.
    tolerance = TIMESTAMP_TOLERANCE_SECONDS
    lead = tolerance if video.variable_rate else frame_seconds / 2 - tolerance
    return ScoredFrames(metric, min(frames, video.frames), round(at, 3), plan.cut.start, lead)


def _soon_after_key(plan: VideoPlan, source: Media) -> float | None:
    """The time in the output for which the input is read from its middle key frame on: no frames before that one are
    decoded to reach it. Of 30 s of 1080p with a key frame every 8 s, a score in the middle took three times as long."""
    key = source.video.middle_key if source.video else None
    return None if key is None else key + frame_preroll_seconds(source) + _SEEK_MARGIN_SECONDS - plan.cut.start


def _close_to(middle: float, seconds: float | None, duration: float) -> float:
    """The first time, or the middle where it is a quarter of the duration or more away from it."""
    return middle if seconds is None or abs(seconds - middle) >= duration / 4 else seconds


def _log(argv: list[str], paths: tuple[Path, Path], tools: Tools, watch: Watch) -> str:
    """The end of ffmpeg's log; empty if it failed."""
    cpu_seconds = round(_TIMEOUT_SECONDS * tools.threads)
    rlimits = Rlimits(tools.limits.child_memory_bytes, cpu_seconds, file_bytes=0, niceness=tools.niceness)
    child = tools.pool.start(ProgramJob(tuple(argv), rlimits, Paths(tuple(map(str, paths)))))
    ended = supervise(child, Timeouts(_TIMEOUT_SECONDS), watch, Collector())
    return ended.stderr_tail if ended.status == 0 else ""


@cache
def _metric(binary: str, pool: SandboxPool) -> str:
    """The filter to score with."""
    return "libvmaf" if b" libvmaf " in program_output((binary, "-hide_banner", "-filters"), pool) else "ssim"
