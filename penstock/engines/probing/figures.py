"""Figures that are worked out of others, where those make sense."""

from fractions import Fraction

from penstock.domain.media import Size
from penstock.engines.probing.limits import MOST_SIDE_PIXELS

# What is shorter has no rate that means anything: a still that claims to last a microsecond would have terabits.
_LEAST_SECONDS = 0.001
# The most oblong pixels of a standard are those of 16:11 and 40:33; anamorphic lenses make 2, field dominance 4.
_OBLONG = Fraction(16)


def bitrate_of(size: int, seconds: float | None) -> int | None:
    """Bits a second of so many bytes."""
    return round(size * 8 / seconds) if seconds and seconds >= _LEAST_SECONDS else None


def pixel_shape(said: Fraction | None, coded: Size) -> Fraction:
    """Width over height of one pixel; what makes less than a pixel of difference is square, and so is what no display
    was ever made for: files say it by damage, or to be two billion pixels wide."""
    shape = said or Fraction(1)
    plausible = 1 / _OBLONG <= shape <= _OBLONG and coded.width * shape <= MOST_SIDE_PIXELS
    return shape if plausible and abs(coded.width * shape - coded.width) >= 1 else Fraction(1)
