"""One frame of an animation on its way to a file, and the arithmetic of its time."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from PIL import Image


@dataclass(frozen=True, slots=True)
class Frame:
    """A finished picture and how long it is shown."""

    picture: Image.Image
    milliseconds: float


def thinned(frames: Sequence[Frame], least: float, step: int) -> list[Frame]:
    """Without frames too short to be told in steps: the one before is shown instead."""
    shown: list[Frame] = []
    for frame in frames:
        if shown and _too_short(shown[-1], least, step):
            shown[-1] = _longer(shown[-1], frame)
        else:
            shown.append(frame)
    if len(shown) > 1 and _too_short(shown[-1], least, step):
        shown[-2:] = [_longer(*shown[-2:])]
    return shown


def _too_short(frame: Frame, least: float, step: int) -> bool:
    return frame.milliseconds < least and frame.milliseconds % step != 0


def _longer(frame: Frame, by: Frame) -> Frame:
    return Frame(frame.picture, frame.milliseconds + by.milliseconds)


def carried(times: Sequence[float], step: int) -> list[int]:
    """Whole steps whose sum stays true: what one frame is rounded by, the next one makes up for."""
    ends, end = [0], 0.0
    for time in times:
        end += time
        ends.append(round(end / step) * step)
    return [after - before for before, after in pairwise(ends)]
