"""The frame rate of the output, in frames per second, where the input's own cannot be kept."""

import math
from fractions import Fraction

from penstock.domain.media import VideoStream
from penstock.domain.planning.plan import Cut
from penstock.domain.planning.quality import encoder_setting

# In a cut a frame is repeated at least this often, so that the cut can start between two frames of the input.
_MIN_CUT_FPS = 5
_MIN_VARIABLE_CUT_FPS = 30
_DEFAULT_FPS = 25
_MAX_USUAL_FPS = 60
_MIN_AVI_FPS, _MAX_AVI_FPS = 1, 60


def cut_fps(stream: VideoStream) -> Fraction:
    """The rate of a cut video: the input's, or the smallest multiple of it that is at least 5."""
    if stream.variable_rate:
        return Fraction(max(_MIN_VARIABLE_CUT_FPS, _usual_fps(stream)))
    fps = Fraction(stream.fps or _DEFAULT_FPS).limit_denominator(1001)
    return fps * max(1, math.ceil(_MIN_CUT_FPS / fps))


def avi_fps(stream: VideoStream, cut: Cut) -> float:
    """The rate in AVI, whose frame rate is constant."""
    if stream.variable_rate:
        fps: Fraction | float = _usual_fps(stream)
    else:
        fps = (stream.fps or _DEFAULT_FPS) if cut == Cut() else cut_fps(stream)
    return float(min(_MAX_AVI_FPS, max(_MIN_AVI_FPS, fps)))


def gif_fps(quality: float, stream: VideoStream, cut: Cut) -> float:
    """The rate of a gif at a quality 0…1; at most the input's, unless that is variable: its mean would drop frames
    where they are close together."""
    fps = encoder_setting("gif_fps", quality)
    if stream.variable_rate or not stream.fps:
        return fps
    return min(fps, stream.fps if cut == Cut() else max(stream.fps, _MIN_CUT_FPS))


def _usual_fps(stream: VideoStream) -> int:
    """The rate of a variable-rate video while it moves; at its mean rate those parts would stutter."""
    return round(max(stream.fps or _DEFAULT_FPS, min(_MAX_USUAL_FPS, stream.usual_fps or 0)))
