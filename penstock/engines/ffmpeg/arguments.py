"""What ffmpeg argument lists have in common: the restricted input, seeking, and the options of every output."""

import math
from dataclasses import dataclass
from typing import Any

import ffmpeg

from penstock.domain.media import Media, VideoStream
from penstock.domain.planning.plan import Cut
from penstock.engines.ffmpeg.encoders import Options
from penstock.engines.probing import decoders
from penstock.engines.probing.readers import UNSEEKABLE, forced_format

MAX_ALLOCATION = 512 * 2**20
_GLOBAL_OPTIONS = ("-nostdin", "-hide_banner", "-loglevel", "error", "-y", "-max_alloc", str(MAX_ALLOCATION))
_PROGRESS_OPTIONS = ("-nostats", "-progress", "pipe:1", "-stats_period", "0.5")
_NO_METADATA: Options = {"map_metadata": -1, "map_chapters": -1, "sn": None, "dn": None}
_FASTSTART: Options = {"movflags": "+faststart"}
_PREROLL_SECONDS = 10.0
# Of one stream alone. Demuxers without an index do not seek to a key frame.
_FRAME_PREROLL_SECONDS = {"mpegts": 10.0, "mpeg": 10.0, "ogg": 10.0}
_DEFAULT_FRAME_PREROLL_SECONDS = 0.5
# Their decoders return the audio of a packet with the timestamp of the next one.
_DELAYED_CODECS = frozenset(("wmalossless",))
# Screen recordings: no packet is stored while the picture does not change.
SCREEN_CODECS = frozenset(("tscc", "zmbv", "flashsv", "flashsv2"))
_SLOW_FPS = 2.5


@dataclass(frozen=True, slots=True)
class CommandContext:
    """What a command line needs apart from the plan: the binary, input and output, the input's facts, and limits.

    `comments` is the path of the `ffmetadata` file with the cover of an Ogg file (see `cover_art`)."""

    ffmpeg: str
    source: str
    target: str
    media: Media
    threads: int
    max_pixels: int
    comments: str = ""


def compiled(output: Any, context: CommandContext) -> list[str]:
    """The whole argument list, the binary first."""
    front = [context.ffmpeg, *_GLOBAL_OPTIONS, *_PROGRESS_OPTIONS]
    return [str(argument) for argument in ffmpeg.compile(output, cmd=front)]


def restricted_input(context: CommandContext, options: Options, start_seconds: float) -> Any:
    """The input from `start_seconds` on, with its demuxer forced and every other format, protocol and decoder
    disabled. These options only work before `-i`."""
    demuxer = forced_format(context.media.container)
    restrictions = {
        "protocol_whitelist": "file",
        "format_whitelist": demuxer,
        "f": demuxer,
        "codec_whitelist": decoders.whitelist(),
        "max_pixels": context.max_pixels,
        "probesize": "10M",
        "analyzeduration": "10M",
        "threads": context.threads,
    }
    position = {"ss": f"{start_seconds:.6f}"} if start_seconds else {}
    return ffmpeg.input(f"file:{context.source}", **restrictions, **options, **position)


def input_for(cut: Cut, context: CommandContext, decoder: Options) -> Any:
    """The input from shortly before the cut on."""
    options = {**decoder, **inaccurate_seek(context.media)}
    return restricted_input(context, options, seek_seconds(cut, context.media))


def output_options(target: str, tags: dict[str, str], cut: Cut, context: CommandContext) -> Options:
    """The options of every output: its format, the cut, and no metadata of the input but these tags."""
    metadata = {f"metadata:g:{number}": f"{name}={value}" for number, (name, value) in enumerate(tags.items())}
    start = {"ss": f"{cut.start - seek_seconds(cut, context.media):.6f}"} if cut.start else {}
    length = {"t": f"{cut.seconds:.6f}"} if cut.seconds is not None else {}
    faststart = _FASTSTART if target in ("mp4", "mov") else {}
    return {**_NO_METADATA, **metadata, **start, **length, **faststart, "f": target, "threads": context.threads}


def seek_seconds(cut: Cut, media: Media) -> float:
    """Where to seek in the input: 10 s before the cut, because a demuxer seeks to a key frame of one stream only. What
    is too much is decoded and dropped. 0 near the start, for codecs with delayed timestamps, and without a
    container."""
    if _is_unseekable(media) or cut.start <= 2 * _PREROLL_SECONDS:
        return 0.0
    return _frame_boundary(media.video, cut.start - _PREROLL_SECONDS)


def frame_preroll_seconds(media: Media) -> float:
    """How much earlier the input is read for the frame that is on screen at some time."""
    return _FRAME_PREROLL_SECONDS.get(media.container, _DEFAULT_FRAME_PREROLL_SECONDS)


def frame_seek_seconds(seconds: float, media: Media) -> float:
    """Where to seek in the input for that frame. 0 near the start, and without a container."""
    preroll = frame_preroll_seconds(media)
    return seconds - preroll if seconds > 2 * preroll and media.container not in UNSEEKABLE else 0.0


def _is_unseekable(media: Media) -> bool:
    return has_delayed_timestamps(media) or media.container in UNSEEKABLE


def has_delayed_timestamps(media: Media) -> bool:
    """Whether only the first audio timestamp is right; after a seek none would be."""
    return media.audio is not None and media.audio.codec in _DELAYED_CODECS


def inaccurate_seek(media: Media) -> Options:
    """With accurate seek ffmpeg drops a frame that is shown since before the seek point; keep it where frames last
    long."""
    video = media.video
    is_slow = video and (video.variable_rate or video.codec in SCREEN_CODECS or (video.fps or _SLOW_FPS) < _SLOW_FPS)
    return {"noaccurate_seek": None} if is_slow else {}


def decoder_options(stream: VideoStream) -> Options:
    """A decoder that reads the alpha channel, and `reinit_filter=0` where the frame size changes: else the filters
    are created anew at the change, and lose their state. Rotation needs the filters to be created anew."""
    decoder = decoders.WITH_ALPHA.get(stream.codec) if stream.alpha else None
    keep_filters = stream.resized and not (stream.rotation or stream.mirrored)
    return {**({"c:v": decoder} if decoder else {}), **({"reinit_filter": 0} if keep_filters else {})}


def for_video_stream(number: int, options: Options) -> Options:
    """These options for the output's video stream of this number alone."""
    return {f"{name}:v:{number}": value for name, value in options.items()}


def require_video(media: Media) -> VideoStream:
    """The video stream. Raises `ValueError` if there is none: the plan does not fit the input."""
    if media.video is None:
        raise ValueError("the plan needs a video stream, and the input has none")
    return media.video


def _frame_boundary(stream: VideoStream | None, seconds: float) -> float:
    """The start of the frame at this time. In a time base as coarse as the frames, timestamps after a seek between two
    frames are off by up to half a frame."""
    return math.floor(seconds * stream.fps) / stream.fps if stream and stream.fps else seconds
