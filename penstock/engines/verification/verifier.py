"""Check an output against its plan, by reading it back from its file before it is published."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

from pydantic import TypeAdapter

from penstock.domain import errors
from penstock.domain.formats import FORMATS, kind_of
from penstock.domain.limits import Limits
from penstock.domain.media import AudioStream, Media, Size, VideoStream
from penstock.domain.planning.plan import (
    AudioPlan,
    Copy,
    Cut,
    EncodeVideo,
    FramePlan,
    GifPlan,
    ImagePlan,
    KeepImage,
    Plan,
    VideoPlan,
    planned_size,
)
from penstock.domain.task import FileFacts
from penstock.engines.probing.facts import file_facts
from penstock.engines.probing.file_probe import read_timeout
from penstock.engines.probing.results import ReadBack, invalid_output
from penstock.engines.probing.signatures import sniff
from penstock.engines.tools import Tools
from penstock.sandbox.call import SandboxCall
from penstock.sandbox.call_each import CallOutcome, call_each
from penstock.sandbox.error_codec import ResultDecoder
from penstock.sandbox.job import Paths
from penstock.sandbox.outcomes import attempt, required
from penstock.sandbox.supervise import NoWatch, Watch

_MIN_TOLERANCE_SECONDS = 0.05
# Samples that a codec may add: encoder delay, and padding of the last frame.
_PADDING_SAMPLES = {"aac": 3072, "mp3": 3456, "opus": 960, "vorbis": 2048, "flac": 4608}
_DECODE_SECONDS = 60.0
_NO_DURATION = -1.0
# Matroska stores milliseconds, and rounds the start and the end of a stream.
_ROUNDING_SECONDS = 0.003


@dataclass(frozen=True, slots=True)
class VerifiedOutput:
    """An output that is as planned: the facts to publish, and what was read back."""

    facts: FileFacts
    read_back: ReadBack


@dataclass(frozen=True, slots=True)
class EncodedFile:
    """An output, the plan that it was made by, and the facts of the input."""

    path: Path
    plan: Plan
    source: Media


def verify(path: Path, plan: Plan, source: Media, tools: Tools, watch: Watch | None = None) -> VerifiedOutput:
    """Read the output back and check it. Raises `OutputInvalid` if it is not as planned, or `Cancelled`."""
    (outcome,) = verify_each((EncodedFile(path, plan, source),), tools, watch)
    return required(outcome.result)


def verify_each(
    outputs: Sequence[EncodedFile | errors.MediaError], tools: Tools, watch: Watch | None = None
) -> list[CallOutcome[VerifiedOutput]]:
    """Verify several outputs; an error instead of an output is passed on. Raises `Cancelled`."""
    active_watch = watch or NoWatch()
    limits = output_limits(tools.limits)
    requests = [attempt(partial(_request, replace(tools, limits=limits)), output) for output in outputs]
    read_back = call_each(tools.pool, requests, _result_decoder(), active_watch)
    return [
        outcome.with_result(attempt(partial(_verified, outcome.result, active_watch), output))
        for output, outcome in zip(outputs, read_back, strict=True)
    ]


def checked(output: EncodedFile, read_back: ReadBack, watch: Watch) -> VerifiedOutput:
    """Compare what was read back with the plan. Raises `OutputInvalid`, or `Cancelled`."""
    plan, media = output.plan, read_back.media
    _require_decodable(plan, read_back)
    if mismatch := next(_mismatches(plan, output.source, media), None):
        raise invalid_output("it differs from its plan", mismatch)
    probed = file_facts(output.path, media, watch)
    published = replace(probed, kind=kind_of(plan.format), format=plan.format, type=FORMATS[plan.format].mime)
    return VerifiedOutput(published, read_back)


def output_limits(limits: Limits) -> Limits:
    """JPEG inputs may have twice the pixels of other formats; an output of any format may be as large."""
    return replace(limits, image_pixels=2 * limits.image_pixels)


def _verified(outcome: ReadBack | errors.MediaError, watch: Watch, output: EncodedFile) -> VerifiedOutput:
    try:
        read_back = required(outcome)
    except errors.InputError as error:
        raise invalid_output("it cannot be read back", error.detail or error.message) from error
    return checked(output, read_back, watch)


def _request(tools: Tools, output: EncodedFile) -> SandboxCall:
    path = output.path
    try:
        file_type, seconds = sniff(path), read_timeout(path) + _DECODE_SECONDS
    except OSError as error:  # a child that was taken over may claim that it wrote a file
        raise invalid_output("it cannot be read back", repr(error)) from error
    return SandboxCall(
        function="read_back_container" if file_type.reader == "libav" else "read_back_image",
        arguments=(str(path), file_type.container, file_type.format_name, tools.limits),
        paths=Paths(reading=(str(path),)),
        seconds=seconds,
        memory_bytes=tools.limits.child_memory_bytes,
        niceness=tools.niceness,
    )


@cache
def _result_decoder() -> ResultDecoder[ReadBack]:
    return ResultDecoder(TypeAdapter(ReadBack))


def _mismatches(plan: Plan, source: Media, media: Media) -> Iterator[str]:
    """How the output differs from its plan."""
    if media.container != plan.format:
        yield f"the container is {media.container}"
    yield from _size_mismatches(planned_size(plan), media)
    match plan:
        case VideoPlan():
            yield from _video_mismatches(plan, source, media)
            yield from _cover_mismatches(plan, media)
        case AudioPlan():
            yield from _audio_mismatches(plan, source, media)
            yield from _cover_mismatches(plan, media)
        case GifPlan() | ImagePlan() | KeepImage():
            yield from _image_mismatches(plan, media)
        case FramePlan():
            pass


def _size_mismatches(size: Size | None, media: Media) -> Iterator[str]:
    if size is not None and media.shown != size:
        yield f"the size is {media.shown}, not {size}"


def _video_mismatches(plan: VideoPlan, source: Media, media: Media) -> Iterator[str]:
    if media.video is None or source.video is None:
        yield "there is no video"
        return
    yield from _codec_mismatches(plan, media)
    if isinstance(plan.video, EncodeVideo):
        yield from _frame_mismatches(media.video)
    yield from _video_duration_mismatches(plan, source.video, media.video)
    if media.audio and source.audio:
        yield from _audio_duration_mismatches(plan, source, media.audio)


def _video_duration_mismatches(plan: VideoPlan, source: VideoStream, video: VideoStream) -> Iterator[str]:
    expected = _planned_duration(plan, source)
    frame_seconds = 1 / min(video.fps or 25.0, source.fps or 25.0)
    tolerance = max(_MIN_TOLERANCE_SECONDS, frame_seconds) + (frame_seconds if plan.format == "avi" else 0.0)
    if all(_differs(video.duration, valid, tolerance) for valid in (expected, _filled_duration(plan, source))):
        yield f"the video lasts {video.duration} s, not {expected}"


def _codec_mismatches(plan: VideoPlan, media: Media) -> Iterator[str]:
    if media.video and media.video.codec != plan.video.codec:
        yield f"the video codec is {media.video.codec}"
    expected, actual = plan.audio.codec if plan.audio else None, media.audio.codec if media.audio else None
    if expected != actual:
        yield f"the audio codec is {actual}, not {expected}"


def _frame_mismatches(video: VideoStream) -> Iterator[str]:
    if video.pixel_format not in ("yuv420p", "yuva420p"):
        yield f"the pixel format is {video.pixel_format}"
    if video.rotation or video.mirrored or video.sar != 1:
        yield "the video is rotated or has pixels that are not square"


def _audio_mismatches(plan: AudioPlan, source: Media, media: Media) -> Iterator[str]:
    if media.audio is None or source.audio is None:
        yield "there is no audio"
        return
    if media.audio.codec != plan.audio.codec:
        yield f"the audio codec is {media.audio.codec}"
    yield from _audio_duration_mismatches(plan, source, media.audio)


def _cover_mismatches(plan: VideoPlan | AudioPlan, media: Media) -> Iterator[str]:
    if plan.cover and not media.cover:
        yield "the cover is missing"


def _audio_duration_mismatches(plan: VideoPlan | AudioPlan, source: Media, audio: AudioStream) -> Iterator[str]:
    if source.audio is None:
        return
    expected = _planned_duration(plan, source.audio)
    tolerance = _MIN_TOLERANCE_SECONDS + _padding_seconds(source.audio) + _padding_seconds(audio)
    # Audio without a duration in its header can change its sample rate midway, and last longer than its packets say.
    may_be_longer = source.header_duration is None and (audio.duration or 0.0) > (expected or 0.0)
    valid = (expected, _filled_duration(plan, source.audio), _header_duration(plan, source))
    if not may_be_longer and all(_differs(audio.duration, duration, tolerance) for duration in valid):
        yield f"the audio lasts {audio.duration} s, not {expected}"


def _header_duration(plan: VideoPlan | AudioPlan, source: Media) -> float | None:
    """The planned duration by the header of an audio file: packets of some codecs claim more than they decode to."""
    audio = source.audio if source.kind == "audio" and source.header_duration else None
    return _planned_duration(plan, replace(audio, duration=source.header_duration)) if audio else _NO_DURATION


def _padding_seconds(audio: AudioStream) -> float:
    return _PADDING_SAMPLES.get(audio.codec, 0) / audio.sample_rate


def _image_mismatches(plan: GifPlan | ImagePlan | KeepImage, media: Media) -> Iterator[str]:
    if media.image is None:
        yield "there is no image"
        return
    animated = not isinstance(plan, ImagePlan) or plan.animated
    if animated and plan.duration and media.image.frames > 1:
        frame_seconds = plan.duration / media.image.frames
        if _differs(media.image.duration, plan.duration, max(_MIN_TOLERANCE_SECONDS, 2 * frame_seconds)):
            yield f"the animation lasts {media.image.duration} s, not {plan.duration}"


def _planned_duration(plan: VideoPlan | AudioPlan, stream: VideoStream | AudioStream) -> float | None:
    """The length of the part of a stream that lies within the cut."""
    if stream.duration is None:
        return None
    start, end = stream.start, stream.start + stream.duration
    cut_end = end if plan.cut.seconds is None else min(end, plan.cut.start + plan.cut.seconds)
    return max(0.0, cut_end - max(start, plan.cut.start))


def _filled_duration(plan: VideoPlan | AudioPlan, stream: VideoStream | AudioStream) -> float | None:
    """The same if a late start is filled: in AVI, where every stream starts at 0, and in video that is cut."""
    fills = plan.format == "avi" or (plan.cut != Cut() and isinstance(stream, VideoStream))
    late = max(0.0, stream.start - plan.cut.start) if fills else 0.0
    planned = _planned_duration(plan, stream)
    return None if planned is None else min(planned + late, plan.cut.seconds or math.inf)


def _differs(actual: float | None, expected: float | None, tolerance: float) -> bool:
    return actual is not None and expected is not None and abs(actual - expected) > tolerance + _ROUNDING_SECONDS


def _require_decodable(plan: Plan, read_back: ReadBack) -> None:
    copied = _copied_streams(plan, read_back.media)
    for index, frames in read_back.decoded_frames.items():
        # A copied stream may have damaged packets from the input; an encoded one may have none.
        max_failed = math.inf if index in copied else 0
        if not frames.first_second or not frames.last_second or frames.middle == 0 or frames.failed > max_failed:
            raise invalid_output("it does not play from start to end", f"frames decoded: {read_back.decoded_frames}")


def _copied_streams(plan: Plan, media: Media) -> set[int]:
    """The output's streams that were copied from the input, by index."""
    steps: list[tuple[object, VideoStream | AudioStream | None]] = []
    if isinstance(plan, VideoPlan):
        steps.append((plan.video, media.video))
    if isinstance(plan, VideoPlan | AudioPlan):
        steps.append((plan.audio, media.audio))
    return {stream.index for step, stream in steps if isinstance(step, Copy) and stream}
