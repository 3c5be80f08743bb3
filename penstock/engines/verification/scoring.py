"""How like its input an output looks: a few frames from the middle of a video, or a still, by VMAF where the ffmpeg has
it."""

import re
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from penstock.domain import errors
from penstock.domain.media import Media
from penstock.domain.planning.plan import Cut, EncodeVideo, FramePlan, Framing, ImagePlan, Plan, VideoPlan
from penstock.domain.receipt import Score
from penstock.engines.encoding import MediaFile, encode
from penstock.engines.ffmpeg.command import Paper
from penstock.engines.ffmpeg.filters import TIED_SECONDS
from penstock.engines.tools import Tools
from penstock.engines.verification import score_command
from penstock.sandbox.job import Paths, ProgramJob, Rlimits
from penstock.sandbox.pool import SandboxPool
from penstock.sandbox.supervise import Collector, NoWatch, Timeouts, Watch, supervise

_SAYINGS = {"libvmaf": re.compile(r"VMAF score: ([\d.]+)"), "ssim": re.compile(r"SSIM .*All:([\d.]+)")}
_COUNTED = re.compile(r"frame= *(\d+)")
_NAMES = {"libvmaf": "vmaf", "ssim": "ssim"}
_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Comparison:
    """An input, what was made of it, and how many frames of the two are looked at."""

    source: MediaFile
    made: MediaFile
    frames: int


def score(plan: Plan, pair: Comparison, tools: Tools, watch: Watch) -> Score | None:
    """None where no frame is asked for, or the two cannot be compared. Raises `Cancelled`."""
    if not pair.frames or not _can_score(plan, pair.source.media):
        return None
    match plan:
        case VideoPlan(video=EncodeVideo(framing=framing)):
            return _moving_score(plan, framing, pair, tools, watch)
        case FramePlan() | ImagePlan():
            return _still_score(plan, pair, tools, watch)
        case _:
            return None


def _can_score(plan: Plan, source: Media) -> bool:
    """Whether a picture was encoded, and can be laid over the one that it was made of."""
    match plan:
        case VideoPlan(video=EncodeVideo()) | FramePlan():
            return source.video is not None and not source.video.alpha
        case ImagePlan():
            return plan.frames == 1 and source.image is not None and not source.image.alpha
        case _:
            return False


def _moving_score(plan: VideoPlan, framing: Framing, pair: Comparison, tools: Tools, watch: Watch) -> Score | None:
    source, made = pair.source, pair.made
    sample = _sample(plan, made.media, pair.frames, _metric(str(tools.ffmpeg), tools.pool))
    # In the middle of what stands still at its end, no frame may come any more.
    for tried in (sample, replace(sample, at=0.0)) if sample else ():
        argv = score_command.command(framing, _paper(source, tools), _paper(made, tools), tried)
        if found := _scored(_said(argv, (source.path, made.path), tools, watch), tried):
            return found
    return None


def _still_score(plan: FramePlan | ImagePlan, pair: Comparison, tools: Tools, watch: Watch) -> Score | None:
    """Against the same done without loss, in a folder beside the output."""
    with TemporaryDirectory(dir=pair.made.path.parent) as name:
        rooms = [Path(name) / side for side in ("wanted", "got")]
        for room in rooms:
            room.mkdir()
        try:
            wanted = encode(replace(plan, format="png", quality=1.0), pair.source, rooms[0], tools, watch)
            got = encode(_as_it_is(plan), pair.made, rooms[1], tools, watch)
        except (errors.InputError, errors.EngineError):
            return None
        sample = score_command.Sample(_metric(str(tools.ffmpeg), tools.pool), frames=1)
        argv = score_command.still_command(str(wanted), str(got), sample.metric, str(tools.ffmpeg))
        return _scored(_said(argv, (wanted, got), tools, watch), sample)


def _as_it_is(plan: FramePlan | ImagePlan) -> ImagePlan:
    """The output as a PNG."""
    framing = replace(plan.framing, scaled=plan.framing.size, fit="fill")
    return ImagePlan(
        format="png",
        framing=framing,
        quality=1.0,
        animated=False,
        flatten=False,
        frames=1,
        duration=None,
        cut=Cut(),
        because=plan.because,
    )


def _scored(said: str, sample: score_command.Sample) -> Score | None:
    found, counted = _SAYINGS[sample.metric].search(said), _COUNTED.findall(said)
    if not found or not counted:
        return None
    return Score(_NAMES[sample.metric], round(float(found[1]), 4), int(counted[-1]), sample.at)


def _sample(plan: VideoPlan, made: Media, frames: int, metric: str) -> score_command.Sample | None:
    video = made.video
    if video is None or not video.frames or not video.duration:
        return None
    # Half a frame early, so that rounding cannot lose the first one.
    pace = video.duration / video.frames
    at = max(0.0, (video.frames // 2 - 0.5) * pace + video.start) if video.frames > 2 * frames else 0.0
    # A frame of an even film shows what came less than half of one later; one of an uneven film has its own time.
    lead = TIED_SECONDS if video.variable_rate else pace / 2 - TIED_SECONDS
    return score_command.Sample(metric, min(frames, video.frames), round(at, 3), plan.cut.start, lead)


def _said(argv: list[str], paths: tuple[Path, Path], tools: Tools, watch: Watch) -> str:
    """ffmpeg's last words; none where it gave up."""
    bounds = Rlimits(tools.limits.child_memory_bytes, round(_SECONDS * tools.threads), file_bytes=0)
    child = tools.pool.start(ProgramJob(tuple(argv), bounds, Paths((argv[0], *map(str, paths)))))
    ended = supervise(child, Timeouts(_SECONDS), watch, Collector())
    return ended.stderr_tail if ended.status == 0 else ""


@cache
def _metric(binary: str, pool: SandboxPool) -> str:
    bounds = Rlimits(2**30, cpu_seconds=10, file_bytes=0)
    output = Collector()
    child = pool.start(ProgramJob((binary, "-hide_banner", "-filters"), bounds, Paths((binary,))))
    supervise(child, Timeouts(20.0), NoWatch(), output)
    return "libvmaf" if b" libvmaf " in output.collected else "ssim"


def _paper(source: MediaFile, tools: Tools) -> Paper:
    return Paper(
        ffmpeg=str(tools.ffmpeg),
        source=str(source.path),
        target="",
        media=source.media,
        threads=tools.threads,
        max_pixels=tools.limits.video_pixels,
    )
