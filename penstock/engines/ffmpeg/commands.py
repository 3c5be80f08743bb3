"""The ffmpeg argument list for a plan. Pure: nothing is run, and of a caller's text only the tags appear, each as the
value of a `-metadata` option."""

from dataclasses import replace
from typing import Any

import ffmpeg

from penstock.domain.media import AudioStream, Media, VideoStream
from penstock.domain.planning.frame_rate import avi_fps
from penstock.domain.planning.plan import (
    AudioPlan,
    Copy,
    Cut,
    EncodeAudio,
    EncodeVideo,
    FramePlan,
    GifPlan,
    VideoPlan,
)
from penstock.engines.ffmpeg import filters
from penstock.engines.ffmpeg.arguments import (
    SCREEN_CODECS,
    CommandContext,
    compiled,
    decoder_options,
    frame_seek_seconds,
    has_delayed_timestamps,
    inaccurate_seek,
    input_for,
    output_options,
    require_video,
    restricted_input,
    seek_seconds,
)
from penstock.engines.ffmpeg.cover_art import attached_picture, comments_input, cover_stream, ogg_cover
from penstock.engines.ffmpeg.encoders import Options, audio_options, sample_rate_options, video_options

# Without it, audio that starts late in the input starts late in an audio file too.
_FROM_ZERO = "asetpts=PTS-STARTPTS"
_MIN_AVI_MP3_HERTZ = 32_000


def conversion_command(plan: VideoPlan | AudioPlan | GifPlan, context: CommandContext) -> list[str]:
    """The argument list that makes the output of a plan."""
    match plan:
        case VideoPlan():
            return compiled(_video_output(plan, context), context)
        case AudioPlan():
            return compiled(_audio_output(plan, context), context)
        case GifPlan():
            return compiled(_gif_output(plan, context), context)


def frame_command(plan: FramePlan, seconds: float, context: CommandContext) -> list[str]:
    """The argument list that writes the frame at `seconds` to a PNG file."""
    stream = require_video(context.media)
    start = frame_seek_seconds(seconds, context.media)
    source = restricted_input(context, {**decoder_options(stream), **inaccurate_seek(context.media)}, start)
    frame = filters.still_filters(source[str(plan.index)], stream, plan.framing)
    position = {"ss": f"{seconds - start:.6f}"} if seconds else {}
    options = {**output_options("image2pipe", {}, Cut(), context), **position, "c:v": "png", "frames:v": 1}
    return compiled(ffmpeg.output(frame, f"file:{context.target}", **options), context)


def _video_output(plan: VideoPlan, context: CommandContext) -> Any:
    stream = require_video(context.media)
    decoder = decoder_options(stream) if isinstance(plan.video, EncodeVideo) else {}
    source = input_for(plan.cut, context, decoder)
    streams = [_filtered_video(plan, source, context)]
    options = {**output_options(plan.format, plan.tags, plan.cut, context), **_video_step_options(plan, stream)}
    if plan.audio is not None:
        streams.append(source[str(plan.audio.index)])
        options |= {**_audio_step_options(plan.audio, context.media.audio), **_avi_sync_options(plan, context.media)}
    if plan.cover is not None:
        streams.append(cover_stream(plan.cover, plan.cut, context))
        options |= attached_picture(1)
    return ffmpeg.output(*streams, f"file:{context.target}", **options)


def _filtered_video(plan: VideoPlan, source: Any, context: CommandContext) -> Any:
    stream = require_video(context.media)
    mapped = source[str(plan.video.index)]
    match plan.video:
        case Copy():
            return mapped
        case EncodeVideo(framing=framing):
            mapped = _extended(mapped, plan.cut, context.media)
            mapped = _at_constant_rate(mapped, plan, context.media)
            if _keeps_alpha(plan, stream):
                return filters.video_filters_with_alpha(mapped, stream, framing)
            return filters.video_filters(mapped, stream, framing)


def _at_constant_rate(mapped: Any, plan: VideoPlan, media: Media) -> Any:
    stream, start = require_video(media), plan.cut.start - seek_seconds(plan.cut, media)
    if plan.format == "avi" and (stream.variable_rate or plan.cut != Cut()):
        # The encoder's own `-r` shows frames up to one frame late.
        return filters.constant_rate(mapped, f"{avi_fps(stream, plan.cut):.6g}", start)
    return mapped if plan.cut == Cut() else filters.constant_rate_for_cut(mapped, stream, start)


def _extended(mapped: Any, cut: Cut, media: Media) -> Any:
    """Screen codecs store nothing after the last change: repeat the last frame until the end."""
    stream = require_video(media)
    if stream.codec not in SCREEN_CODECS or stream.duration is None:
        return mapped
    return filters.extended_to(mapped, stream.start + stream.duration - seek_seconds(cut, media))


def _video_step_options(plan: VideoPlan, stream: VideoStream) -> Options:
    match plan.video:
        case Copy():
            # `-map_metadata -1` also drops this tag, and without it players show the opaque picture alone.
            return {"c:v": "copy", **({"metadata:s:v:0": "alpha_mode=1"} if _keeps_alpha(plan, stream) else {})}
        case EncodeVideo():
            # libvpx cannot encode alpha with alternate reference frames.
            alpha: Options = {"auto-alt-ref": 0} if _keeps_alpha(plan, stream) else {}
            return {**video_options(plan.video), **_frame_rate_options(plan, stream), **alpha}


def _keeps_alpha(plan: VideoPlan, stream: VideoStream) -> bool:
    return stream.alpha and plan.format == "webm"


def _frame_rate_options(plan: VideoPlan, stream: VideoStream) -> Options:
    """Frames keep their timestamps, except in AVI, which has one constant frame rate."""
    if plan.format == "avi":
        return {"fps_mode": "cfr", "r": f"{avi_fps(stream, plan.cut):.6g}"}
    return {"fps_mode": "vfr", **(_variable_rate_options(plan) if stream.variable_rate else {})}


def _variable_rate_options(plan: VideoPlan) -> Options:
    """`enc_time_base=filter`: by default the encoder counts in mean frame durations, and drops frames that come sooner.
    `bf=0`: MP4 computes the duration in decoding order, which with B-frames is not the order of presentation."""
    duration_by_dts = plan.format in ("mp4", "mov") and plan.cut == Cut()
    return {"enc_time_base": "filter", **({"bf": 0} if duration_by_dts else {})}


def _avi_sync_options(plan: VideoPlan, media: Media) -> Options:
    """In AVI all streams start at 0: late audio gets silence before it (`aresample=async=1:first_pts=0`). The encoder
    delay of MP3, 1105 samples, cannot be stored, and must not shift the video (`avoid_negative_ts`)."""
    if plan.format != "avi":
        return {}
    options: Options = {"avoid_negative_ts": "disabled"}
    if isinstance(plan.audio, EncodeAudio) and media.audio is not None:
        options["af"] = "aresample=async=1:first_pts=0"
        options |= {"ar": 44_100} if media.audio.sample_rate < _MIN_AVI_MP3_HERTZ else {}
    return options


def _audio_output(plan: AudioPlan, context: CommandContext) -> Any:
    cut = _without_silence(plan.cut, context.media)
    source = input_for(cut, context, {})
    options = {
        **output_options(plan.format, plan.tags, cut, context),
        **_audio_step_options(plan.audio, context.media.audio),
    }
    if isinstance(plan.audio, EncodeAudio):
        options |= _audio_filter(cut, context.media, options)
    audio, target = source[str(plan.audio.index)], f"file:{context.target}"
    if plan.cover is None:
        return ffmpeg.output(audio, target, **options)
    if ogg_cover(plan):
        comments = comments_input(context)
        return ffmpeg.output(audio, comments["?"], target, **options, **{"map_metadata:g": "1:g"})
    return ffmpeg.output(audio, cover_stream(plan.cover, cut, context), target, **options, **attached_picture(0))


def _audio_filter(cut: Cut, media: Media, options: Options) -> Options:
    """Shift the start to 0, and trim before the encoder's own filters: `-ss` at the output trims after them, and would
    shorten the first block that `asetnsamples` has made."""
    starts_late = media.audio is not None and media.audio.start > 0 and not cut.start
    shifted = _FROM_ZERO if starts_late or has_delayed_timestamps(media) else None
    trimmed = f"atrim=start={options['ss']}" if options.keys() >= {"af", "ss"} else None
    chain = ",".join(str(part) for part in (shifted, trimmed, options.get("af")) if part)
    return {"af": chain} if chain else {}


def _without_silence(cut: Cut, media: Media) -> Cut:
    """The cut without the time before late audio: `-t` counts from the first sample."""
    late = max(0.0, media.audio.start - cut.start) if media.audio else 0.0
    return cut if cut.seconds is None else replace(cut, seconds=max(0.0, cut.seconds - late))


def _audio_step_options(step: Copy | EncodeAudio, stream: AudioStream | None) -> Options:
    if isinstance(step, Copy):
        return {"c:a": "copy"}
    return {**audio_options(step), **(sample_rate_options(step, stream.sample_rate) if stream else {})}


def _gif_output(plan: GifPlan, context: CommandContext) -> Any:
    stream = require_video(context.media)
    source = input_for(plan.cut, context, decoder_options(stream))
    cut = replace(plan.cut, start=plan.cut.start - seek_seconds(plan.cut, context.media))
    extended = _extended(source[str(plan.index)], plan.cut, context.media)
    frames = filters.gif_filters(extended, stream, plan, cut)
    options = {**output_options("gif", {}, Cut(), context), "loop": 0}
    return ffmpeg.output(frames, f"file:{context.target}", **options)
