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


def carried(times: Sequence[float], step: int) -> list[int]:
    """Whole steps whose sum stays true: what one frame is rounded by, the next one makes up for."""
    ends, end = [0], 0.0
    for time in times:
        end += time
        ends.append(round(end / step) * step)
    return [after - before for before, after in pairwise(ends)]
