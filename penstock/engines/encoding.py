"""Carry out a plan: run ffmpeg or the image renderer in a child process, and turn its failures into our errors."""

import signal
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import TypeAdapter

from penstock.domain import errors
from penstock.domain.limits import Limits
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
from penstock.engines.ffmpeg.arguments import CommandContext
from penstock.engines.ffmpeg.commands import conversion_command, frame_command
from penstock.engines.ffmpeg.cover_art import cover_command, ffmetadata, ogg_cover
from penstock.engines.ffmpeg.progress import Progress
from penstock.engines.probing.readers import forced_format
from penstock.engines.tools import Tools
from penstock.sandbox.call import NOTHING, SandboxCall, call
from penstock.sandbox.call_each import CallOutcome, call_each
from penstock.sandbox.error_codec import ResultDecoder
from penstock.sandbox.job import Paths, ProgramJob, Rlimits
from penstock.sandbox.supervise import KILLED, Exit, NoWatch, Timeouts, Watch, killed_from_outside, supervise

_UHD_PIXELS = 3840 * 2160
_SECONDS_DECODER: ResultDecoder[float] = ResultDecoder(TypeAdapter(float))
_FRAME_NAME, _COVER_NAME, _COMMENTS_NAME = "frame.png", "cover.jpg", "cover.txt"

# A phrase in ffmpeg's log, and the error that it means.
_LOG_ERRORS: tuple[tuple[str, type[errors.MediaError], str], ...] = (
    ("No space left on device", errors.DiskFull, "The disk is full; try again later."),
    ("partial file", errors.InputTruncated, "The input is cut off: its end is missing."),
    ("File ended prematurely", errors.InputTruncated, "The input is cut off: its end is missing."),
    ("Cannot allocate memory", errors.ResourceLimit, "The conversion needs more memory than is allowed."),
    ("Error opening input", errors.InputUnreadable, "The input is damaged and cannot be read."),
    ("Error while opening decoder", errors.InputUnreadable, "The input is damaged and cannot be read."),
    ("Decode error rate", errors.InputUnreadable, "The input is damaged: too little of it can be decoded."),
)
_SIGNAL_MESSAGES: dict[int, str] = {
    -signal.SIGKILL: "The conversion needs more processor time than is allowed.",
    -signal.SIGXCPU: "The conversion needs more processor time than is allowed.",
    -signal.SIGXFSZ: "The output is larger than is allowed.",
}


@dataclass(frozen=True, slots=True)
class MediaFile:
    """A local file and its facts."""

    path: Path
    media: Media


@dataclass(frozen=True, slots=True)
class ImageConversion:
    """A plan that runs no ffmpeg, the image that it is for, and the folder of the output."""

    plan: ImagePlan | KeepImage
    source: MediaFile
    folder: Path

    @property
    def target(self) -> Path:
        return self.folder / output_filename(self.plan)


@dataclass(frozen=True, slots=True)
class _Conversion:
    source: MediaFile
    target: Path
    tools: Tools
    watch: Watch


def encode(plan: Plan, source: MediaFile, folder: Path, tools: Tools, watch: Watch | None = None) -> Path:
    """Make the output in `folder` and return its path. Raises `EngineError`, `InputError` or `Cancelled`."""
    conversion = _Conversion(source, folder / output_filename(plan), tools, watch or NoWatch())
    match plan:
        case VideoPlan() | AudioPlan() | GifPlan():
            if cover := ogg_cover(plan):
                _write_comments(cover, conversion)
            _run(command_line(plan, source, conversion.target, tools), conversion, plan.duration)
        case FramePlan():
            _extract_frame(plan, conversion)
        case ImagePlan() | KeepImage():
            call(tools.pool, _image_call(plan, conversion), NOTHING, conversion.watch)
    conversion.watch.progress(100)
    return conversion.target


def encode_each(
    conversions: Sequence[ImageConversion], tools: Tools, watch: Watch | None = None
) -> list[CallOutcome[Path]]:
    """Make the outputs of several images; each is a path, or the error that `encode` raises. Raises `Cancelled`."""
    active_watch = watch or NoWatch()
    targets = [each.target for each in conversions]
    requests = [
        _image_call(each.plan, _Conversion(each.source, target, tools, active_watch))
        for each, target in zip(conversions, targets, strict=True)
    ]
    outcomes = call_each(tools.pool, requests, NOTHING, active_watch)
    return [outcome.with_value(target) for outcome, target in zip(outcomes, targets, strict=True)]


def make_image_call(image: ImageConversion, output_limits: Limits, tools: Tools) -> SandboxCall:
    """Make the image and read it back; `output_limits` are those of the file that is made."""
    conversion = _Conversion(image.source, image.target, tools, NoWatch())
    source = (str(image.source.path), forced_format(image.source.media.container))
    target = (str(image.target), forced_format(image.plan.format))
    return _sandbox_call("make_image", (image.plan, source, target, (tools.limits, output_limits)), conversion)


def command_line(plan: VideoPlan | AudioPlan | GifPlan, source: MediaFile, target: Path, tools: Tools) -> list[str]:
    """The ffmpeg argument list for a plan."""
    return conversion_command(plan, command_context(source, str(target), tools))


def public_command(plan: Plan, media: Media, tools: Tools) -> list[str]:
    """The ffmpeg argument list with neutral file names, for callers to see; empty if ffmpeg is not run."""
    limits = (tools.threads, tools.limits.video_pixels)
    context = CommandContext("ffmpeg", "input", output_filename(plan), media, *limits, comments=_COMMENTS_NAME)
    match plan:
        case VideoPlan() | AudioPlan() | GifPlan():
            return conversion_command(plan, context)
        case FramePlan():
            return frame_command(plan, plan.at or 0.0, replace(context, target=_FRAME_NAME))
        case ImagePlan() | KeepImage():
            return []


def command_context(source: MediaFile, target: str, tools: Tools) -> CommandContext:
    """The context of a command that reads `source` and writes `target`."""
    return CommandContext(
        ffmpeg=str(tools.ffmpeg),
        source=str(source.path),
        target=target,
        media=source.media,
        threads=tools.threads,
        max_pixels=tools.limits.video_pixels,
        comments=str(Path(target).with_name(_COMMENTS_NAME)) if target else "",
    )


def deadline_seconds(duration: float | None, tools: Tools) -> float:
    """How long ffmpeg may run for media of this duration."""
    limits = tools.limits
    wanted = max(limits.transcode_min_seconds, limits.transcode_seconds_per_second * (duration or 0.0))
    return min(wanted, limits.transcode_max_seconds)


def image_plan(plan: FramePlan | ImagePlan, *, transparent: bool = False) -> ImagePlan:
    """The plan that writes an image of the final size in the plan's format."""
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


def _extract_frame(plan: FramePlan, conversion: _Conversion) -> None:
    """ffmpeg writes the frame as a PNG, with its colors converted; the image renderer writes the output."""
    frame = conversion.target.with_name(_FRAME_NAME)
    seconds = _poster_frame_time(plan, conversion)
    argv = frame_command(plan, seconds, command_context(conversion.source, str(frame), conversion.tools))
    _run(argv, replace(conversion, target=frame), None)
    if not frame.exists() or not frame.stat().st_size:
        raise errors.EngineError("The input has no frame at this time.")
    video = conversion.source.media.video
    rendered = image_plan(plan, transparent=bool(video and video.alpha))
    call(conversion.tools.pool, _render_call(rendered, conversion, frame, "PNG"), NOTHING, conversion.watch)
    frame.unlink()


def _write_comments(cover: CoverPlan, conversion: _Conversion) -> None:
    image = conversion.target.with_name(_COVER_NAME)
    argv = cover_command(cover, command_context(conversion.source, str(image), conversion.tools))
    _run(argv, replace(conversion, target=image), None)
    conversion.target.with_name(_COMMENTS_NAME).write_text(ffmetadata(image.read_bytes(), cover.size))


def _poster_frame_time(plan: FramePlan, conversion: _Conversion) -> float:
    source = conversion.source
    arguments = (str(source.path), forced_format(source.media.container), plan.index, plan.at)
    call_to_read = _sandbox_call("poster_frame_time", arguments, conversion)
    request = replace(call_to_read, paths=replace(call_to_read.paths, writing=()))
    return call(conversion.tools.pool, request, _SECONDS_DECODER, conversion.watch)


def _image_call(plan: ImagePlan | KeepImage, conversion: _Conversion) -> SandboxCall:
    source = conversion.source
    match plan:
        case ImagePlan():
            return _render_call(plan, conversion, source.path, forced_format(source.media.container))
        case KeepImage():
            arguments = (plan.format, str(source.path), str(conversion.target), plan.tags)
            return _sandbox_call("copy_image", arguments, conversion)


def _render_call(plan: ImagePlan, conversion: _Conversion, path: Path, image_format: str) -> SandboxCall:
    arguments = (plan, str(path), image_format, str(conversion.target), conversion.tools.limits)
    request = _sandbox_call("render", arguments, conversion)
    return replace(request, paths=replace(request.paths, reading=(str(path),)))


def _sandbox_call(function: str, arguments: tuple[object, ...], conversion: _Conversion) -> SandboxCall:
    limits = conversion.tools.limits
    return SandboxCall(
        function=function,
        arguments=arguments,
        paths=_paths(conversion),
        seconds=limits.transcode_min_seconds,
        memory_bytes=_memory_bytes(conversion),
        file_bytes=limits.output_bytes,
        purpose="converting",
        niceness=conversion.tools.niceness,
    )


def _run(argv: list[str], conversion: _Conversion, duration: float | None) -> None:
    tools = conversion.tools
    seconds = deadline_seconds(duration, tools)
    rlimits = Rlimits(
        _memory_bytes(conversion),
        round(seconds * tools.threads) + 1,
        tools.limits.output_bytes,
        niceness=tools.niceness,
    )
    child = tools.pool.start(ProgramJob(tuple(argv), rlimits, _paths(conversion)))
    progress = Progress(conversion.watch, duration)
    _require_success(supervise(child, Timeouts(seconds), conversion.watch, progress), rlimits)


def _paths(conversion: _Conversion) -> Paths:
    """The folder of the output is writable, so the input must not be in it: it may be a link to the stored file."""
    return Paths((str(conversion.source.path),), (str(conversion.target.parent),))


def _memory_bytes(conversion: _Conversion) -> int:
    """8/3 of the limit, 8 GiB by default, for frames larger than 4K. 8K to 8K does not fit in 3 GiB; 3026x1386 fits in
    1 GiB."""
    video, maximum = conversion.source.media.video, conversion.tools.limits.child_memory_bytes
    large = video is not None and video.coded.width * video.coded.height > _UHD_PIXELS
    return maximum * 8 // 3 if large else maximum


def _require_success(ended: Exit, rlimits: Rlimits) -> None:
    detail = ended.detail
    if ended.reason in ("deadline", "stalled"):
        raise errors.EncoderTimeout("The conversion took too long and was stopped.", detail=detail)
    if killed_from_outside(ended, rlimits):
        raise errors.ResourceShortage(KILLED, detail=detail)
    if ended.status in _SIGNAL_MESSAGES:
        raise errors.ResourceLimit(_SIGNAL_MESSAGES[ended.status], detail=detail)
    for phrase, kind, message in _LOG_ERRORS:
        if phrase in ended.stderr_tail and (ended.status or kind is errors.InputTruncated):
            raise kind(message, detail=detail)
    if ended.status:
        raise errors.EngineError("The encoder failed on this input.", detail=detail)
