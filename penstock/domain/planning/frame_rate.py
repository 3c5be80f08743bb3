"""How many pictures a second are made of a film, where its own pace will not do."""

import math
from fractions import Fraction

from penstock.domain.media import VideoStream
from penstock.domain.planning import quality as scales
from penstock.domain.planning.plan import Cut

# Where pictures stand long, a cut may begin between two of them.
_LEAST = 5
_UNEVEN = 30
_UNKNOWN = 25
_BUSIEST = 60
_SLOWEST_AVI, _FASTEST_AVI = 1, 60


def cut_fps(stream: VideoStream) -> Fraction:
    """Of a cut film, in pictures a second: its own, or so many times its own that a cut begins close to one."""
    if stream.variable_rate:
        return Fraction(max(_UNEVEN, _busy_pace(stream)))
    pace = Fraction(stream.fps or _UNKNOWN).limit_denominator(1001)
    return pace * max(1, math.ceil(_LEAST / pace))


def avi_fps(stream: VideoStream, cut: Cut) -> float:
    """Of a film in AVI, which has one pace only, in pictures a second."""
    if stream.variable_rate:
        pace: Fraction | float = _busy_pace(stream)
    else:
        pace = (stream.fps or _UNKNOWN) if cut == Cut() else cut_fps(stream)
    return float(min(_FASTEST_AVI, max(_SLOWEST_AVI, pace)))


def gif_fps(quality: float, stream: VideoStream, cut: Cut) -> float:
    """Of a gif, in pictures a second, at a quality 0…1. The mean pace of an uneven film would skip those that come
    close together."""
    pace = scales.encoder_setting("gif_fps", quality)
    if stream.variable_rate or not stream.fps:
        return pace
    return min(pace, stream.fps if cut == Cut() else max(stream.fps, _LEAST))


def _busy_pace(stream: VideoStream) -> int:
    """Of an uneven film where it moves: at its mean pace it would stutter there."""
    return round(max(stream.fps or _UNKNOWN, min(_BUSIEST, stream.usual_fps or 0)))
