"""Whether an output is what its plan said: read back from its own bytes before anybody sees it."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter

from penstock.domain import errors
from penstock.domain.formats import FORMATS, kind_of
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
from penstock.engines.probing.file_probe import reading_seconds
from penstock.engines.probing.results import ReadBack
from penstock.engines.probing.signatures import sniff
from penstock.engines.tools import Tools
from penstock.sandbox.call import SandboxCall, call
from penstock.sandbox.error_codec import ResultDecoder
from penstock.sandbox.job import Paths
from penstock.sandbox.supervise import NoWatch, Watch

_LEAST_SLACK = 0.05
# What a codec may add to a sound, in samples: priming and a last frame filled up.
_CODEC_SAMPLES = {"aac": 3072, "mp3": 3456, "opus": 960, "vorbis": 2048, "flac": 4608}
_SAMPLE_SECONDS = 60.0
_NO_LENGTH = -1.0
# Matroska counts milliseconds, and each end of a stream is rounded.
_ROUNDING_SECONDS = 0.003


@dataclass(frozen=True, slots=True)
class VerifiedOutput:
    """An output that is what was planned: what to say of it, and all that was read and decoded."""

    facts: FileFacts
    read_back: ReadBack


def verify(path: Path, plan: Plan, source: Media, tools: Tools, watch: Watch | None = None) -> VerifiedOutput:
    """The output, read back. Raises `OutputInvalid` where it is not what was planned, or `Cancelled`."""
    follower = watch or NoWatch()
    try:
        read_back = _reread(path, _taking_any_output(tools), follower)
    except errors.InputError as refusal:
        raise _invalid("it cannot be read back", refusal.detail or refusal.message) from refusal
    media = read_back.media
    _require_playing(plan, read_back)
    fault = next(_faults(plan, source, media), None)
    if fault:
        raise _invalid("it is not what was planned", fault)
    told = file_facts(path, media, follower)
    named = replace(told, kind=kind_of(plan.format), format=plan.format, type=FORMATS[plan.format].mime)
    return VerifiedOutput(named, read_back)


def _reread(path: Path, tools: Tools, watch: Watch) -> ReadBack:
    sniffed = sniff(path)
    errand = SandboxCall(
        function="reread" if sniffed.reader == "libav" else "reread_picture",
        arguments=(str(path), sniffed.container, sniffed.opener, tools.limits),
        paths=Paths(reading=(str(path),)),
        seconds=reading_seconds(path) + _SAMPLE_SECONDS,
        memory_bytes=tools.limits.child_memory_bytes,
    )
    return call(tools.pool, errand, _reader(), watch)


@cache
def _reader() -> ResultDecoder[ReadBack]:
    return ResultDecoder(TypeAdapter(ReadBack))


def _taking_any_output(tools: Tools) -> Tools:
    """A picture of any format may be as large as the largest that we read, a JPEG."""
    return replace(tools, limits=replace(tools.limits, image_pixels=2 * tools.limits.image_pixels))


def _faults(plan: Plan, source: Media, media: Media) -> Iterator[str]:
    if media.container != plan.format:
        yield f"the container is {media.container}"
    yield from _size_faults(planned_size(plan), media)
    match plan:
        case VideoPlan():
            yield from _video_faults(plan, source, media)
            yield from _cover_faults(plan, media)
        case AudioPlan():
            yield from _audio_faults(plan, source, media)
            yield from _cover_faults(plan, media)
        case GifPlan() | ImagePlan() | KeepImage():
            yield from _animation_faults(plan, media)
        case FramePlan():
            pass


def _size_faults(size: Size | None, media: Media) -> Iterator[str]:
    found = media.shown
    if size is not None and found != size:
        yield f"the size is {found}, not {size}"


def _video_faults(plan: VideoPlan, source: Media, media: Media) -> Iterator[str]:
    if media.video is None or source.video is None:
        yield "there is no picture"
        return
    yield from _stream_faults(plan, media)
    if isinstance(plan.video, EncodeVideo):
        yield from _picture_faults(media.video)
    yield from _length_faults(plan, source.video, media.video)
    if media.audio and source.audio:
        yield from _sound_faults(plan, source, media.audio)


def _length_faults(plan: VideoPlan, source: VideoStream, video: VideoStream) -> Iterator[str]:
    expected = _planned(plan, source)
    frame = 1 / min(video.fps or 25.0, source.fps or 25.0)
    slack = max(_LEAST_SLACK, frame) + (frame if plan.format == "avi" else 0.0)
    if _off(video.duration, expected, slack) and _off(video.duration, _filled(plan, source), slack):
        yield f"the picture lasts {video.duration}, not {expected}"


def _stream_faults(plan: VideoPlan, media: Media) -> Iterator[str]:
    if media.video and media.video.codec != plan.video.codec:
        yield f"the picture is {media.video.codec}"
    expected, found = plan.audio.codec if plan.audio else None, media.audio.codec if media.audio else None
    if expected != found:
        yield f"the sound is {found}, not {expected}"


def _picture_faults(video: VideoStream) -> Iterator[str]:
    if video.pixel_format not in ("yuv420p", "yuva420p"):
        yield f"the pixels are {video.pixel_format}"
    if video.rotation or video.mirrored or video.sar != 1:
        yield "the picture is not upright with square pixels"


def _audio_faults(plan: AudioPlan, source: Media, media: Media) -> Iterator[str]:
    if media.audio is None or source.audio is None:
        yield "there is no sound"
        return
    if media.audio.codec != plan.audio.codec:
        yield f"the sound is {media.audio.codec}"
    yield from _sound_faults(plan, source, media.audio)


def _cover_faults(plan: VideoPlan | AudioPlan, media: Media) -> Iterator[str]:
    if plan.cover and not media.cover:
        yield "the cover is missing"


def _sound_faults(plan: VideoPlan | AudioPlan, source: Media, audio: AudioStream) -> Iterator[str]:
    if source.audio is None:
        return
    expected = _planned(plan, source.audio)
    slack = _LEAST_SLACK + _added(source.audio) + _added(audio)
    # Without a length in its header, a sound can change its rate midway and be longer than its packets say.
    longer = source.header_duration is None and (audio.duration or 0.0) > (expected or 0.0)
    right = (expected, _filled(plan, source.audio), _announced(plan, source))
    if not longer and all(_off(audio.duration, length, slack) for length in right):
        yield f"the sound lasts {audio.duration}, not {expected}"


def _announced(plan: VideoPlan | AudioPlan, source: Media) -> float | None:
    """The length by the header of a sound alone: some codecs' packets claim to be longer than they are."""
    alone = source.audio if source.kind == "audio" and source.header_duration else None
    return _planned(plan, replace(alone, duration=source.header_duration)) if alone else _NO_LENGTH


def _added(audio: AudioStream) -> float:
    return _CODEC_SAMPLES.get(audio.codec, 0) / audio.sample_rate


def _animation_faults(plan: GifPlan | ImagePlan | KeepImage, media: Media) -> Iterator[str]:
    if media.image is None:
        yield "there is no picture"
        return
    animated = not isinstance(plan, ImagePlan) or plan.animated
    if animated and plan.duration and media.image.frames > 1:
        pace = plan.duration / media.image.frames
        if _off(media.image.duration, plan.duration, max(_LEAST_SLACK, 2 * pace)):
            yield f"the animation lasts {media.image.duration}, not {plan.duration}"


def _planned(plan: VideoPlan | AudioPlan, stream: VideoStream | AudioStream) -> float | None:
    """How long a stream should be: the part of it that lies within the cut."""
    if stream.duration is None:
        return None
    start, end = stream.start, stream.start + stream.duration
    until = end if plan.cut.seconds is None else min(end, plan.cut.start + plan.cut.seconds)
    return max(0.0, until - max(start, plan.cut.start))


def _filled(plan: VideoPlan | AudioPlan, stream: VideoStream | AudioStream) -> float | None:
    """The same where a late start is filled: in AVI, which starts nothing late, and wherever frames are cut."""
    fills = plan.format == "avi" or (plan.cut != Cut() and isinstance(stream, VideoStream))
    late = max(0.0, stream.start - plan.cut.start) if fills else 0.0
    expected = _planned(plan, stream)
    return None if expected is None else min(expected + late, plan.cut.seconds or math.inf)


def _off(found: float | None, expected: float | None, slack: float) -> bool:
    return found is not None and expected is not None and abs(found - expected) > slack + _ROUNDING_SECONDS


def _require_playing(plan: Plan, read_back: ReadBack) -> None:
    copied = _copied(plan, read_back.media)
    for index, frames in read_back.decoded_frames.items():
        # What was copied may have been damaged before it came here; what was encoded here may not.
        max_failed = 1_000_000 if index in copied else 0
        if not frames.first_second or not frames.last_second or frames.middle == 0 or frames.failed > max_failed:
            raise _invalid("it does not play from start to end", f"frames decoded: {read_back.decoded_frames}")


def _copied(plan: Plan, media: Media) -> set[int]:
    """The streams of an output that are the input's own."""
    steps: list[tuple[object, VideoStream | AudioStream | None]] = []
    if isinstance(plan, VideoPlan):
        steps.append((plan.video, media.video))
    if isinstance(plan, VideoPlan | AudioPlan):
        steps.append((plan.audio, media.audio))
    return {stream.index for step, stream in steps if isinstance(step, Copy) and stream}


def _invalid(what: str, detail: str) -> errors.OutputInvalid:
    return errors.OutputInvalid(f"The output was made but not published: {what}.", detail=detail)
