"""Carrying out a plan: one child for each, watched, and its failure told as one of our errors."""

import signal
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import TypeAdapter

from penstock.domain import errors
from penstock.domain.media import Media
from penstock.domain.planning.plan import (
    AudioPlan,
    CoverPlan,
    Cut,
    FramePlan,
    GifPlan,
    ImagePlan,
    KeepImage,
    Plan,
    VideoPlan,
    output_filename,
)
from penstock.engines.ffmpeg import command
from penstock.engines.ffmpeg.cover_art import comments
from penstock.engines.ffmpeg.progress import Progress
from penstock.engines.probing.signatures import READERS
from penstock.engines.tools import Tools
from penstock.sandbox.call import NOTHING, SandboxCall, call
from penstock.sandbox.error_codec import ResultDecoder
from penstock.sandbox.job import Paths, ProgramJob, Rlimits
from penstock.sandbox.supervise import KILLED, Exit, NoWatch, Timeouts, Watch, killed_from_outside, supervise

_ORDINARY_PIXELS = 3840 * 2160
_SECONDS: ResultDecoder[float] = ResultDecoder(TypeAdapter(float))
_CUT_OUT_NAME, _COVER_NAME, _COMMENTS_NAME = "frame.png", "cover.jpg", "cover.txt"

_SAYINGS: tuple[tuple[str, type[errors.MediaError], str], ...] = (
    ("No space left on device", errors.DiskFull, "There is no room for the output at the moment; try again later."),
    ("partial file", errors.InputTruncated, "The input is cut off: it ends before its data does."),
    ("File ended prematurely", errors.InputTruncated, "The input is cut off: it ends before its data does."),
    ("Cannot allocate memory", errors.ResourceLimit, "The conversion needs more memory than it may have."),
    ("Error opening input", errors.InputUnreadable, "The input is damaged and cannot be read."),
    ("Error while opening decoder", errors.InputUnreadable, "The input is damaged and cannot be read."),
    ("Decode error rate", errors.InputUnreadable, "The input is damaged: too little of it can be decoded."),
)
_SIGNALS: dict[int, str] = {
    -signal.SIGKILL: "The conversion needed more processor time than it may have.",
    -signal.SIGXCPU: "The conversion needed more processor time than it may have.",
    -signal.SIGXFSZ: "The output is larger than an output may be.",
}


@dataclass(frozen=True, slots=True)
class MediaFile:
    """The input on this disk, and its facts."""

    path: Path
    media: Media


def encode(plan: Plan, source: MediaFile, room: Path, tools: Tools, watch: Watch | None = None) -> Path:
    """Make the output in `room` and return its path. Raises `EngineError`, `InputError` or `Cancelled`."""
    work = _Work(source, room / output_filename(plan), tools, watch or NoWatch())
    match plan:
        case VideoPlan() | AudioPlan() | GifPlan():
            if cover := command.commented(plan):
                _write_comments(cover, work)
            _run(command_line(plan, source, work.target, tools), work, plan.duration)
        case FramePlan():
            _still(plan, work)
        case ImagePlan():
            _render(plan, work, source.path, READERS[source.media.container][1])
        case KeepImage():
            arguments = (plan.format, str(source.path), str(work.target), plan.tags)
            call(tools.pool, _errand("keep", arguments, work), NOTHING, work.watch)
    work.watch.progress(100)
    return work.target


def command_line(plan: VideoPlan | AudioPlan | GifPlan, source: MediaFile, target: Path, tools: Tools) -> list[str]:
    """ffmpeg's argument list for a plan."""
    return command.command(plan, _paper(source, target, tools))


def public_command(plan: Plan, media: Media, tools: Tools) -> list[str]:
    """The argument list as a caller may see it, with neutral names; empty where no encoder is run."""
    sizes = (tools.threads, tools.limits.video_pixels)
    paper = command.Paper("ffmpeg", "input", output_filename(plan), media, *sizes, comments=_COMMENTS_NAME)
    match plan:
        case VideoPlan() | AudioPlan() | GifPlan():
            return command.command(plan, paper)
        case FramePlan():
            return command.frame_command(plan, plan.at or 0.0, replace(paper, target=_CUT_OUT_NAME))
        case ImagePlan() | KeepImage():
            return []


def deadline_seconds(duration: float | None, tools: Tools) -> float:
    """How long an encoder may take for so many seconds of media."""
    limits = tools.limits
    wanted = max(limits.transcode_min_seconds, limits.transcode_seconds_per_second * (duration or 0.0))
    return min(wanted, limits.transcode_max_seconds)


@dataclass(frozen=True, slots=True)
class _Work:
    source: MediaFile
    target: Path
    tools: Tools
    watch: Watch


def _still(plan: FramePlan, work: _Work) -> None:
    """The frame is cut out by ffmpeg, which knows every colour, and written by the picture engine."""
    cut_out = work.target.with_name(_CUT_OUT_NAME)
    seconds = _moment(plan, work)
    argv = command.frame_command(plan, seconds, _paper(work.source, cut_out, work.tools))
    _run(argv, replace(work, target=cut_out), None)
    if not cut_out.exists() or not cut_out.stat().st_size:
        raise errors.EngineError("The input has no picture at this moment.")
    _render(_picture_of(plan, work.source.media), work, cut_out, "PNG")
    cut_out.unlink()


def _write_comments(cover: CoverPlan, work: _Work) -> None:
    picture = work.target.with_name(_COVER_NAME)
    _run(command.cover_command(cover, _paper(work.source, picture, work.tools)), replace(work, target=picture), None)
    work.target.with_name(_COMMENTS_NAME).write_text(comments(picture.read_bytes(), cover.size))


def _moment(plan: FramePlan, work: _Work) -> float:
    arguments = (str(work.source.path), READERS[work.source.media.container][1], plan.index, plan.at)
    return call(work.tools.pool, _errand("moment", arguments, work), _SECONDS, work.watch)


def _picture_of(plan: FramePlan, media: Media) -> ImagePlan:
    transparent = bool(media.video and media.video.alpha)
    return ImagePlan(
        format=plan.format,
        framing=replace(plan.framing, scaled=plan.framing.size, fit="fill"),
        quality=plan.quality,
        animated=False,
        flatten=transparent and plan.format == "jpeg",
        frames=1,
        duration=None,
        cut=Cut(),
        because=plan.because,
    )


def _render(plan: ImagePlan, work: _Work, path: Path, opener: str) -> None:
    arguments = (plan, str(path), opener, str(work.target), work.tools.limits)
    call(work.tools.pool, _errand("render", arguments, work), NOTHING, work.watch)


def _errand(function: str, arguments: tuple[object, ...], work: _Work) -> SandboxCall:
    return SandboxCall(
        function=function,
        arguments=arguments,
        paths=Paths((str(work.source.path),), (str(work.target.parent),)),
        seconds=work.tools.limits.transcode_min_seconds,
        memory_bytes=_memory(work),
        file_bytes=work.tools.limits.output_bytes,
        purpose="converting",
    )


def _run(argv: list[str], work: _Work, duration: float | None) -> None:
    seconds = deadline_seconds(duration, work.tools)
    bounds = Rlimits(_memory(work), round(seconds * work.tools.threads) + 1, work.tools.limits.output_bytes)
    reach = Paths((argv[0], str(work.source.path)), (str(work.target.parent),))
    child = work.tools.pool.start(ProgramJob(tuple(argv), bounds, reach))
    _require_success(supervise(child, Timeouts(seconds), work.watch, Progress(work.watch, duration)), bounds)


def _memory(work: _Work) -> int:
    """A frame beyond 4K needs several times the memory of one within."""
    video, most = work.source.media.video, work.tools.limits.child_memory_bytes
    large = video is not None and video.coded.width * video.coded.height > _ORDINARY_PIXELS
    return most * 8 // 3 if large else most


def _require_success(ended: Exit, bounds: Rlimits) -> None:
    detail = f"{ended.reason} {ended.status}: {ended.stderr_tail}"
    if ended.reason in ("deadline", "stalled"):
        raise errors.EncoderTimeout("The conversion took too long and was given up.", detail=detail)
    if killed_from_outside(ended, bounds):
        raise errors.ResourceShortage(KILLED, detail=detail)
    if ended.status in _SIGNALS:
        raise errors.ResourceLimit(_SIGNALS[ended.status], detail=detail)
    for words, kind, saying in _SAYINGS:
        if words in ended.stderr_tail and (ended.status or kind is errors.InputTruncated):
            raise kind(saying, detail=detail)
    if ended.status:
        raise errors.EngineError("The encoder gave up on this input.", detail=detail)


def _paper(source: MediaFile, target: Path, tools: Tools) -> command.Paper:
    return command.Paper(
        ffmpeg=str(tools.ffmpeg),
        source=str(source.path),
        target=str(target),
        media=source.media,
        threads=tools.threads,
        max_pixels=tools.limits.video_pixels,
        comments=str(target.with_name(_COMMENTS_NAME)),
    )
