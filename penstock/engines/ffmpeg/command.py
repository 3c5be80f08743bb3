"""From a plan to ffmpeg's argument list: data in, data out. Nothing is run here, and no word of a caller's
reaches the list but the tags that are kept, each behind its own `name=`."""

import math
from dataclasses import dataclass, replace
from typing import Any

import ffmpeg

from penstock.domain.media import Media, VideoStream
from penstock.domain.planning.frame_rate import avi_fps
from penstock.domain.planning.plan import (
    AudioPlan,
    Copy,
    CoverPlan,
    Cut,
    EncodeAudio,
    EncodeVideo,
    FramePlan,
    GifPlan,
    VideoPlan,
)
from penstock.engines.ffmpeg import filters
from penstock.engines.ffmpeg.encoders import Options, audio_options, video_options
from penstock.engines.probing import decoders
from penstock.engines.probing.signatures import READERS

MAX_ALLOCATION = 512 * 2**20
_QUIET = ("-nostdin", "-hide_banner", "-loglevel", "error", "-y", "-max_alloc", str(MAX_ALLOCATION))
_PROGRESS = ("-nostats", "-progress", "pipe:1", "-stats_period", "0.5")
_BARE: Options = {"map_metadata": -1, "map_chapters": -1, "sn": None, "dn": None}
_FASTSTART: Options = {"movflags": "+faststart"}
_ALPHA_DECODERS = {"vp9": "libvpx-vp9", "vp8": "libvpx"}
# A sound that starts late in its video starts at once when it stands alone.
_FROM_ZERO = "asetpts=PTS-STARTPTS"
_SLOW_HERTZ = 32_000
# The comment is what both tags take for the kind of picture.
_ATTACHED: Options = {"disposition": "attached_pic", "metadata:s": "comment=Cover (front)"}
_COVER: Options = {"c": "mjpeg", "q": 2}
_COMMENTS: Options = {"protocol_whitelist": "file", "format_whitelist": "ffmetadata", "f": "ffmetadata"}
_RUN_UP_SECONDS = 10.0
# Their decoders hand out a packet's sound with the next packet's time.
_LATE_CODECS = frozenset(("wmalossless",))
# Screen recordings, which send no packet while nothing changes.
_SCREEN_CODECS = frozenset(("tscc", "zmbv", "flashsv", "flashsv2"))
_SLOW_FPS = 2.5


@dataclass(frozen=True, slots=True)
class Paper:
    """What a command line needs beside its plan: the binary, both files, the input's facts and the threads; and the
    file of words that an Ogg's cover is (`engines.covers`)."""

    ffmpeg: str
    source: str
    target: str
    media: Media
    threads: int
    max_pixels: int
    comments: str = ""


def command(plan: VideoPlan | AudioPlan | GifPlan, paper: Paper) -> list[str]:
    """The whole argument list, the binary first."""
    match plan:
        case VideoPlan():
            return _compiled(_video(plan, paper), paper)
        case AudioPlan():
            return _compiled(_audio(plan, paper), paper)
        case GifPlan():
            return _compiled(_gif(plan, paper), paper)


def frame_command(plan: FramePlan, seconds: float, paper: Paper) -> list[str]:
    """The argument list that makes one frame, at `seconds`, a PNG file."""
    stream = picture_of(paper.media)
    cut = Cut(seconds)
    source = _input(paper, cut, decoding(stream))
    picture = filters.still(source[str(plan.index)], stream, plan.framing)
    options = {**_written("image2pipe", {}, cut, paper), "c:v": "png", "frames:v": 1}
    return _compiled(ffmpeg.output(picture, f"file:{paper.target}", **options), paper)


def cover_command(plan: CoverPlan, paper: Paper) -> list[str]:
    """The argument list that makes the cover a JPEG file."""
    options = {**_written("image2pipe", {}, Cut(), paper), **_of_picture(0, _COVER), "frames:v": 1}
    return _compiled(ffmpeg.output(_beside(plan, Cut(), paper), f"file:{paper.target}", **options), paper)


def _compiled(output: Any, paper: Paper) -> list[str]:
    front = [paper.ffmpeg, *_QUIET, *_PROGRESS]
    return [str(word) for word in ffmpeg.compile(output, cmd=front)]


def _input(paper: Paper, cut: Cut, decoder: Options) -> Any:
    return guarded(paper, {**decoder, **seek_options(paper.media)}, _leap(cut, paper.media))


def guarded(paper: Paper, decoder: Options, seconds: float) -> Any:
    """The input from so many seconds on, behind its forced demuxer. All of this has to stand before `-i`: after it, it
    protects nothing."""
    demuxer = READERS[paper.media.container][1]
    guards = {
        "protocol_whitelist": "file",
        "format_whitelist": demuxer,
        "f": demuxer,
        "codec_whitelist": decoders.whitelist(),
        "max_pixels": paper.max_pixels,
        "probesize": "10M",
        "analyzeduration": "10M",
        "threads": paper.threads,
    }
    seek = {"ss": f"{seconds:.6f}"} if seconds else {}
    return ffmpeg.input(f"file:{paper.source}", **guards, **decoder, **seek)


def _leap(cut: Cut, media: Media) -> float:
    """How far a demuxer may jump. It lands where it can, on one stream's key frame; the rest is decoded away.
    Where times are told late, only the first one is known for what it is."""
    if _is_told_late(media) or cut.start <= 2 * _RUN_UP_SECONDS:
        return 0.0
    return _in_step_with(media.video, cut.start - _RUN_UP_SECONDS)


def _in_step_with(stream: VideoStream | None, seconds: float) -> float:
    """A clock may be as coarse as the frames: what jumps to between two of them is told up to half of one off."""
    return math.floor(seconds * stream.fps) / stream.fps if stream and stream.fps else seconds


def _is_told_late(media: Media) -> bool:
    return media.audio is not None and media.audio.codec in _LATE_CODECS


def _video(plan: VideoPlan, paper: Paper) -> Any:
    stream = picture_of(paper.media)
    decoder = decoding(stream) if isinstance(plan.video, EncodeVideo) else {}
    source = _input(paper, plan.cut, decoder)
    streams = [_moving(plan, source, paper)]
    options = {**_written(plan.format, plan.tags, plan.cut, paper), **_video_step(plan, stream)}
    if plan.audio is not None:
        streams.append(source[str(plan.audio.index)])
        options |= {**_audio_step(plan.audio), **_in_step(plan, paper.media)}
    if plan.cover is not None:
        streams.append(_beside(plan.cover, plan.cut, paper))
        options |= _of_picture(1, _COVER | _ATTACHED)
    return ffmpeg.output(*streams, f"file:{paper.target}", **options)


def _moving(plan: VideoPlan, source: Any, paper: Paper) -> Any:
    stream = picture_of(paper.media)
    mapped = source[str(plan.video.index)]
    match plan.video:
        case Copy():
            return mapped
        case EncodeVideo(framing=framing):
            mapped = _whole(mapped, plan.cut, paper.media)
            mapped = _evened(mapped, plan, paper.media)
            if _keeps_alpha(plan, stream):
                return filters.moving_with_alpha(mapped, stream, framing)
            return filters.moving(mapped, stream, framing)


def _evened(mapped: Any, plan: VideoPlan, media: Media) -> Any:
    stream, start = picture_of(media), plan.cut.start - _leap(plan.cut, media)
    if plan.format == "avi" and (stream.variable_rate or plan.cut != Cut()):
        # The encoder's own clock would show each picture of it late by up to a whole one.
        return filters.paced(mapped, f"{avi_fps(stream, plan.cut):.6g}", start)
    return mapped if plan.cut == Cut() else filters.cuttable(mapped, stream, start)


def _whole(mapped: Any, cut: Cut, media: Media) -> Any:
    stream = picture_of(media)
    if stream.codec not in _SCREEN_CODECS or stream.duration is None:
        return mapped
    return filters.lasting(mapped, stream.start + stream.duration - _leap(cut, media))


def _video_step(plan: VideoPlan, stream: VideoStream) -> Options:
    match plan.video:
        case Copy():
            # The tag goes with all the other metadata, and without it players show the opaque picture alone.
            return {"c:v": "copy", **({"metadata:s:v:0": "alpha_mode=1"} if _keeps_alpha(plan, stream) else {})}
        case EncodeVideo():
            whole: Options = {"auto-alt-ref": 0} if _keeps_alpha(plan, stream) else {}
            return {**video_options(plan.video), **_pace(plan, stream), **whole}


def _keeps_alpha(plan: VideoPlan, stream: VideoStream) -> bool:
    return stream.alpha and plan.format == "webm"


def _pace(plan: VideoPlan, stream: VideoStream) -> Options:
    """Frames keep their own times, save in AVI, which knows one pace only."""
    if plan.format == "avi":
        return {"fps_mode": "cfr", "r": f"{avi_fps(stream, plan.cut):.6g}"}
    return {"fps_mode": "vfr", **(_uneven(plan) if stream.variable_rate else {})}


def _uneven(plan: VideoPlan) -> Options:
    """Else an encoder counts in the average frame's length, and drops what comes sooner. And MP4 tells a film's length
    in the order in which frames are stored, which is theirs in time only where none waits for a later one."""
    told_by_storing = plan.format in ("mp4", "mov") and plan.cut == Cut()
    return {"enc_time_base": "filter", **({"bf": 0} if told_by_storing else {})}


def _in_step(plan: VideoPlan, media: Media) -> Options:
    """AVI starts everything at once: silence goes before a late sound. And it cannot tell of the 1,105 samples
    that MP3 begins with, for which the picture must not be moved."""
    if plan.format != "avi":
        return {}
    options: Options = {"avoid_negative_ts": "disabled"}
    if isinstance(plan.audio, EncodeAudio) and media.audio is not None:
        options["af"] = "aresample=async=1:first_pts=0"
        options |= {"ar": 44_100} if media.audio.sample_rate < _SLOW_HERTZ else {}
    return options


def _audio(plan: AudioPlan, paper: Paper) -> Any:
    cut = _heard(plan.cut, paper.media)
    source = _input(paper, cut, {})
    options = {**_written(plan.format, plan.tags, cut, paper), **_audio_step(plan.audio)}
    if isinstance(plan.audio, EncodeAudio):
        options |= _filtered(cut, paper.media, options)
    sound = source[str(plan.audio.index)]
    if plan.cover is None:
        return ffmpeg.output(sound, f"file:{paper.target}", **options)
    if commented(plan):
        comments = ffmpeg.input(f"file:{paper.comments}", **_COMMENTS)
        return ffmpeg.output(sound, comments["?"], f"file:{paper.target}", **options, **{"map_metadata:g": "1:g"})
    picture = _beside(plan.cover, cut, paper)
    return ffmpeg.output(sound, picture, f"file:{paper.target}", **options, **_of_picture(0, _COVER | _ATTACHED))


def _filtered(cut: Cut, media: Media, options: Options) -> Options:
    """A cut comes before what else is done, which would be undone by one at the output: samples are counted off."""
    late = media.audio is not None and media.audio.start > 0 and not cut.start
    zeroed = _FROM_ZERO if late or _is_told_late(media) else None
    begun = f"atrim=start={options['ss']}" if options.keys() >= {"af", "ss"} else None
    chain = ",".join(str(part) for part in (zeroed, begun, options.get("af")) if part)
    return {"af": chain} if chain else {}


def commented(plan: VideoPlan | AudioPlan | GifPlan) -> CoverPlan | None:
    """The cover that has to be `Paper.comments` before the command is run: Ogg has no pictures beside a sound."""
    return plan.cover if isinstance(plan, AudioPlan) and plan.format == "ogg" else None


def _beside(plan: CoverPlan, cut: Cut, paper: Paper) -> Any:
    """The cover. Its file is opened for it alone: who jumps ahead in a file leaves the cover behind."""
    start = cut.start - _leap(cut, paper.media)
    return filters.cover(guarded(paper, {}, 0.0)[str(plan.index)], plan.size, start)


def _of_picture(place: int, options: Options) -> Options:
    """These options for one of an output's pictures alone."""
    return {f"{name}:v:{place}": value for name, value in options.items()}


def _heard(cut: Cut, media: Media) -> Cut:
    """`-t` counts from the first sample, which may come after the start of the cut."""
    late = max(0.0, media.audio.start - cut.start) if media.audio else 0.0
    return cut if cut.seconds is None else replace(cut, seconds=max(0.0, cut.seconds - late))


def _audio_step(step: Copy | EncodeAudio) -> Options:
    return {"c:a": "copy"} if isinstance(step, Copy) else audio_options(step)


def _gif(plan: GifPlan, paper: Paper) -> Any:
    stream = picture_of(paper.media)
    source = _input(paper, plan.cut, decoding(stream))
    stretch = replace(plan.cut, start=plan.cut.start - _leap(plan.cut, paper.media))
    picture = filters.animated(_whole(source[str(plan.index)], plan.cut, paper.media), stream, plan, stretch)
    options = {**_written("gif", {}, Cut(), paper), "loop": 0}
    return ffmpeg.output(picture, f"file:{paper.target}", **options)


def _written(target: str, tags: dict[str, str], cut: Cut, paper: Paper) -> Options:
    """What every output has: nothing of the input's metadata but the tags that are kept."""
    kept = {f"metadata:g:{place}": f"{name}={value}" for place, (name, value) in enumerate(tags.items())}
    start = {"ss": f"{cut.start - _leap(cut, paper.media):.6f}"} if cut.start else {}
    length = {"t": f"{cut.seconds:.6f}"} if cut.seconds is not None else {}
    faststart = _FASTSTART if target in ("mp4", "mov") else {}
    return {**_BARE, **kept, **start, **length, **faststart, "f": target, "threads": paper.threads}


def seek_options(media: Media) -> Options:
    """With accurate seek ffmpeg drops a frame that is shown since before the seek point; this keeps it, where frames
    are shown for long."""
    film = media.video
    is_slow = film and (film.variable_rate or film.codec in _SCREEN_CODECS or (film.fps or _SLOW_FPS) < _SLOW_FPS)
    return {"noaccurate_seek": None} if is_slow else {}


def decoding(stream: VideoStream) -> Options:
    """The native decoders of VP8 and VP9 hide transparency. And where frames change their size, the filters stay as
    they are: else they would begin anew, with no memory of what they had seen. Only turning needs them to."""
    decoder = _ALPHA_DECODERS.get(stream.codec) if stream.alpha else None
    lasting = stream.resized and not (stream.rotation or stream.mirrored)
    return {**({"c:v": decoder} if decoder else {}), **({"reinit_filter": 0} if lasting else {})}


def picture_of(media: Media) -> VideoStream:
    if media.video is None:
        raise ValueError("a plan with a picture was made for an input without one")
    return media.video
