"""The argument lists that score an output against its input: data in, data out, as in `engines.ffmpeg`."""

from dataclasses import dataclass
from typing import Any

import ffmpeg

from penstock.domain.plan import Framing
from penstock.engines import filters
from penstock.engines.encoders import Options
from penstock.engines.ffmpeg import MAX_ALLOCATION, Paper, decoding, guarded, picture_of

_PNG: Options = {"protocol_whitelist": "file", "format_whitelist": "png_pipe", "f": "png_pipe"}


@dataclass(frozen=True, slots=True)
class Sample:
    """So many frames of an output from `at` seconds on, scored by a filter; the output's zero is at `start` of the
    input."""

    metric: str
    frames: int
    at: float
    start: float


def command(framing: Framing, paper: Paper, made: Paper, sample: Sample) -> list[str]:
    """The argument list that scores frames of an output, `made`, against its input brought to the same look."""
    stream = picture_of(paper.media)
    before = guarded(paper, decoding(stream), sample.start + sample.at)[str(stream.index)]
    after = guarded(made, {}, sample.at)[str(picture_of(made.media).index)].filter("format", "yuv420p")
    pair = [filters.numbered(after), filters.numbered(filters.moving(before, stream, framing))]
    return _scoring(pair, sample, paper.ffmpeg)


def still_command(wanted: str, got: str, sample: Sample, binary: str) -> list[str]:
    """The argument list that scores one PNG file against another of its size."""
    pair = [ffmpeg.input(f"file:{path}", **_PNG).filter("format", "yuv420p") for path in (got, wanted)]
    return _scoring(pair, sample, binary)


def _scoring(pair: list[Any], sample: Sample, binary: str) -> list[str]:
    output = ffmpeg.output(ffmpeg.filter(pair, sample.metric), "-", **{"f": "null", "frames:v": sample.frames})
    front = [binary, "-nostdin", "-hide_banner", "-nostats", "-max_alloc", str(MAX_ALLOCATION)]
    return [str(word) for word in ffmpeg.compile(output, cmd=front)]
