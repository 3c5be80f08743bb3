"""The ffmpeg argument lists that score an output against its input. Pure: nothing is run."""

from dataclasses import dataclass
from typing import Any

import ffmpeg

from penstock.domain.planning.plan import Framing
from penstock.engines.ffmpeg import filters
from penstock.engines.ffmpeg.arguments import (
    MAX_ALLOCATION,
    CommandContext,
    decoder_options,
    frame_seek_seconds,
    inaccurate_seek,
    require_video,
    restricted_input,
)
from penstock.engines.ffmpeg.encoders import Options

_PNG_INPUT: Options = {"protocol_whitelist": "file", "format_whitelist": "png_pipe", "f": "png_pipe"}


@dataclass(frozen=True, slots=True)
class ScoredFrames:
    """Which frames are scored: `frames` of the output from `at` seconds on, by the filter `metric`.

    Each is compared with the input's frame on screen at that time, or at most `lead` seconds later. The output's time
    0 is `start` in the input."""

    metric: str
    frames: int
    at: float = 0.0
    start: float = 0.0
    lead: float = 0.0


def video_score_command(
    framing: Framing, source: CommandContext, output: CommandContext, scored: ScoredFrames
) -> list[str]:
    """The argument list that scores frames of the output against the input with the same filters applied."""
    stream = require_video(source.media)
    input_frames = _input_from(scored.start + scored.at, source)[str(stream.index)]
    reference = filters.last_frame_repeated(filters.video_filters(input_frames, stream, framing))
    expected = filters.shifted(reference, source.media.origin + scored.start + scored.lead)
    output_frames = restricted_input(output, {"copyts": None}, scored.at)[str(require_video(output.media).index)]
    actual = filters.shifted(output_frames.filter("format", "yuv420p"), 0.0).filter("trim", end_frame=scored.frames)
    return _compiled([actual, expected], scored.metric, source.ffmpeg)


def image_score_command(expected: str, actual: str, metric: str, binary: str) -> list[str]:
    """The argument list that scores one PNG file against another of the same size."""
    inputs = [ffmpeg.input(f"file:{path}", **_PNG_INPUT).filter("format", "yuv420p") for path in (actual, expected)]
    return _compiled(inputs, metric, binary)


def _input_from(seconds: float, source: CommandContext) -> Any:
    """The input from the frame on that is on screen at this time."""
    options = {**decoder_options(require_video(source.media)), **inaccurate_seek(source.media), "copyts": None}
    return restricted_input(source, options, frame_seek_seconds(seconds, source.media))


def _compiled(inputs: list[Any], metric: str, binary: str) -> list[str]:
    """The number of frames is limited by a filter: with `-frames:v` ffmpeg may score one frame more."""
    compared = ffmpeg.filter(inputs, metric, shortest=1)
    output = ffmpeg.output(compared, "-", f="null")
    front = [binary, "-nostdin", "-hide_banner", "-nostats", "-max_alloc", str(MAX_ALLOCATION)]
    return [str(argument) for argument in ffmpeg.compile(output, cmd=front)]
