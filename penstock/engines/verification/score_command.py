"""The argument lists that score an output against its input: data in, data out, as in `engines.ffmpeg`."""

from dataclasses import dataclass
from typing import Any

import ffmpeg

from penstock.domain.planning.plan import Framing
from penstock.engines.ffmpeg import filters
from penstock.engines.ffmpeg.command import MAX_ALLOCATION, Paper, decoding, guarded, picture_of, seek_options
from penstock.engines.ffmpeg.encoders import Options

_PNG: Options = {"protocol_whitelist": "file", "format_whitelist": "png_pipe", "f": "png_pipe"}
# A demuxer without an index lands where it can, on no key frame.
_RUN_UP_SECONDS = {"mpegts": 10.0, "mpeg": 10.0, "ogg": 10.0}
_USUAL_RUN_UP_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Sample:
    """So many frames of an output from `at` seconds on, scored by a filter, each against the one that was on screen in
    the input, or came within `lead` seconds; the output's zero is at `start` there."""

    metric: str
    frames: int
    at: float = 0.0
    start: float = 0.0
    lead: float = 0.0


def command(framing: Framing, paper: Paper, made: Paper, sample: Sample) -> list[str]:
    """The argument list that scores frames of an output, `made`, against its input brought to the same look."""
    stream = picture_of(paper.media)
    before = _from(sample.start + sample.at, paper)[str(stream.index)]
    shown = filters.standing(filters.moving(before, stream, framing))
    wanted = filters.placed(shown, paper.media.origin + sample.start + sample.lead)
    after = guarded(made, {"copyts": None}, sample.at)[str(picture_of(made.media).index)]
    got = filters.placed(after.filter("format", "yuv420p"), 0.0).filter("trim", end_frame=sample.frames)
    return _scoring([got, wanted], sample.metric, paper.ffmpeg)


def still_command(wanted: str, got: str, metric: str, binary: str) -> list[str]:
    """The argument list that scores one PNG file against another of its size."""
    pair = [ffmpeg.input(f"file:{path}", **_PNG).filter("format", "yuv420p") for path in (got, wanted)]
    return _scoring(pair, metric, binary)


def _from(seconds: float, paper: Paper) -> Any:
    """The input from the picture on that is on screen at this moment."""
    stream = picture_of(paper.media)
    run_up = _RUN_UP_SECONDS.get(paper.media.container, _USUAL_RUN_UP_SECONDS)
    begun = seconds - run_up if seconds > 2 * run_up else 0.0
    return guarded(paper, {**decoding(stream), **seek_options(paper.media), "copyts": None}, begun)


def _scoring(pair: list[Any], metric: str, binary: str) -> list[str]:
    """Its end is the filters' own: an output told to stop after so many frames may be sent one more, and score it."""
    compared = ffmpeg.filter(pair, metric, shortest=1)
    output = ffmpeg.output(compared, "-", f="null")
    front = [binary, "-nostdin", "-hide_banner", "-nostats", "-max_alloc", str(MAX_ALLOCATION)]
    return [str(word) for word in ffmpeg.compile(output, cmd=front)]
