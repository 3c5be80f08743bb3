"""How large the output is: fit, upscaling and even sides, reckoned from the size the input is shown at."""

from dataclasses import dataclass
from fractions import Fraction
from typing import assert_never

from penstock.domain import errors
from penstock.domain.formats import FORMATS
from penstock.domain.media import Size
from penstock.domain.planning.plan import Framing
from penstock.domain.request import SourceRequest


@dataclass(frozen=True, slots=True)
class _Box:
    """The rectangle asked for. A side that was left out follows the input's ratio, and `sides` does not name it."""

    width: Fraction
    height: Fraction
    sides: tuple[str, ...]


def framing_for(request: SourceRequest, shown: Size) -> Framing:
    """The size of the output of an input shown at `shown`. Raises `UpscaleNotAllowed`."""
    if request.width is None and request.height is None:
        return _framing(request, shown, shown)
    box = _allowed(request, _box(request, shown), shown)
    return _fitted(request, box, shown)


def scaled_down(size: Size, longest: int) -> Size:
    """The same shape with no side longer than that."""
    return _scaled(size, min(Fraction(1), Fraction(longest, max(size.width, size.height))))


def _box(request: SourceRequest, shown: Size) -> _Box:
    ratio = Fraction(shown.width, shown.height)
    if request.height is None:
        width = Fraction(request.width or shown.width)
        return _Box(width, width / ratio, ("width",))
    if request.width is None:
        height = Fraction(request.height)
        return _Box(height * ratio, height, ("height",))
    return _Box(Fraction(request.width), Fraction(request.height), ("width", "height"))


def _allowed(request: SourceRequest, box: _Box, shown: Size) -> _Box:
    """The box, or with `clamp` the same shape made small enough to magnify nothing."""
    excess = _magnification(request, box, shown)
    if excess <= 1:
        return box
    if request.on_upscale == "clamp":
        return _Box(box.width / excess, box.height / excess, box.sides)
    raise errors.UpscaleNotAllowed(_too_large(box, shown), field=_offending(box, shown))


def _magnification(request: SourceRequest, box: _Box, shown: Size) -> Fraction:
    across, down = box.width / shown.width, box.height / shown.height
    match request.fit:
        case "contain" | "pad":
            return min(across, down)
        case "cover" | "fill":
            return max(across, down)
    assert_never(request.fit)


def _too_large(box: _Box, shown: Size) -> str:
    return (
        f"The input is {shown.width}x{shown.height} and {_wording(box)} would magnify it; "
        "ask for less, or set on_upscale to clamp."
    )


def _wording(box: _Box) -> str:
    values = {"width": int(box.width), "height": int(box.height)}
    if len(box.sides) == 2:
        return f"{values['width']}x{values['height']}"
    side = box.sides[0]
    return f"{side} {values[side]}"


def _offending(box: _Box, shown: Size) -> str:
    if "width" in box.sides and box.width > shown.width:
        return "width"
    return "height"


def _fitted(request: SourceRequest, box: _Box, shown: Size) -> Framing:
    across, down = box.width / shown.width, box.height / shown.height
    exact = _rounded(box.width, box.height)
    match request.fit:
        case "contain":
            inside = _scaled(shown, min(across, down))
            return _framing(request, inside, inside)
        case "cover":
            return _framing(request, _scaled(shown, max(across, down)), exact)
        case "fill":
            return _framing(request, exact, exact)
        case "pad":
            return _framing(request, _scaled(shown, min(across, down)), exact)
    assert_never(request.fit)


def _scaled(shown: Size, factor: Fraction) -> Size:
    return _rounded(shown.width * factor, shown.height * factor)


def _rounded(width: Fraction, height: Fraction) -> Size:
    return Size(max(1, int(width + Fraction(1, 2))), max(1, int(height + Fraction(1, 2))))


def _framing(request: SourceRequest, scaled: Size, size: Size) -> Framing:
    """Even sides where the codec needs them: what was not resized loses a row, what was is scaled to fit."""
    if not FORMATS[request.format].even:
        return Framing(scaled, size, request.fit, request.background)
    even = Size(_even(size.width), _even(size.height))
    asked = request.width is not None or request.height is not None
    fitted = even if scaled == size and (asked or min(scaled.width, scaled.height) < 2) else scaled
    return Framing(_at_most(fitted, even, request), even, request.fit, request.background)


def _even(side: int) -> int:
    return max(2, side - side % 2)


def _at_most(scaled: Size, size: Size, request: SourceRequest) -> Size:
    """Padding needs a picture no larger than its frame once the frame has lost a row."""
    if request.fit != "pad" or (request.width is None and request.height is None):
        return scaled
    return Size(min(scaled.width, size.width), min(scaled.height, size.height))
