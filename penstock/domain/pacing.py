"""How many pictures a second are made of a film, where its own pace will not do."""

import math
from fractions import Fraction

from penstock.domain import quality as scales
from penstock.domain.media import VideoStream
from penstock.domain.plan import Cut

# Where pictures stand long, a cut may begin between two of them.
_LEAST = 5
_UNEVEN = 30
_UNKNOWN = 25


def cut_pace(stream: VideoStream) -> Fraction:
    """Of a cut film, in pictures a second: its own, or so many times its own that a cut begins close to one."""
    pace = Fraction(stream.fps or _UNKNOWN).limit_denominator(1001)
    if stream.variable_rate:
        return max(Fraction(_UNEVEN), pace)
    return pace * max(1, math.ceil(_LEAST / pace))


def gif_pace(quality: float, stream: VideoStream, cut: Cut) -> float:
    """Of a gif, in pictures a second, at a quality 0…1. The mean pace of an uneven film would skip those that come
    close together."""
    pace = scales.setting("gif_fps", quality)
    if stream.variable_rate or not stream.fps:
        return pace
    return min(pace, stream.fps if cut == Cut() else max(stream.fps, _LEAST))
