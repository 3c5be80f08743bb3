"""The argument lists that score an output against its input: data in, data out, as in `engines.ffmpeg`."""

from dataclasses import dataclass
from typing import Any

import ffmpeg

from penstock.domain.plan import Framing
from penstock.engines import filters
from penstock.engines.encoders import Options
from penstock.engines.ffmpeg import MAX_ALLOCATION, Paper, decoding, guarded, picture_of

_PNG: Options = {"protocol_whitelist": "file", "format_whitelist": "png_pipe", "f": "png_pipe"}
# The frame that belongs to the first one may be a little earlier on the input's clock.
_RUN_UP_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Sample:
    """So many frames of an output from `at` seconds on, scored by a filter, each against the one that is nearest to it
    in time in the input; the output's zero is at `start` there."""

    metric: str
    frames: int
    at: float
    start: float


def command(framing: Framing, paper: Paper, made: Paper, sample: Sample) -> list[str]:
    """The argument list that scores frames of an output, `made`, against its input brought to the same look."""
    stream = picture_of(paper.media)
    begun = max(0.0, sample.start + sample.at - _RUN_UP_SECONDS)
    before = guarded(paper, {**decoding(stream), "copyts": None}, begun)[str(stream.index)]
    after = guarded(made, {"copyts": None}, sample.at)[str(picture_of(made.media).index)].filter("format", "yuv420p")
    placed = filters.placed(filters.moving(before, stream, framing), sample.start)
    return _scoring([after.filter("trim", end_frame=sample.frames), placed], sample.metric, paper.ffmpeg)


def still_command(wanted: str, got: str, metric: str, binary: str) -> list[str]:
    """The argument list that scores one PNG file against another of its size."""
    pair = [ffmpeg.input(f"file:{path}", **_PNG).filter("format", "yuv420p") for path in (got, wanted)]
    return _scoring(pair, metric, binary)


def _scoring(pair: list[Any], metric: str, binary: str) -> list[str]:
    """Its end is the filters' own: an output told to stop after so many frames may be sent one more, and score it."""
    compared = ffmpeg.filter(pair, metric, ts_sync_mode="nearest", shortest=1)
    output = ffmpeg.output(compared, "-", f="null")
    front = [binary, "-nostdin", "-hide_banner", "-nostats", "-max_alloc", str(MAX_ALLOCATION)]
    return [str(word) for word in ffmpeg.compile(output, cmd=front)]
