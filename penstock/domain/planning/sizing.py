"""The output's size in pixels, from the request and the size at which the input is displayed."""

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
    """The requested box. A side that was left out follows the input's aspect ratio; `sides` names the given ones."""

    width: Fraction
    height: Fraction
    sides: tuple[str, ...]


def framing_for(request: SourceRequest, shown: Size) -> Framing:
    """How an input displayed at `shown` is scaled, and cropped or padded. Raises `UpscaleNotAllowed`."""
    if request.width is None and request.height is None:
        return _framing(request, shown, shown)
    box = _allowed(request, _box(request, shown), shown)
    return _fitted(request, box, shown)


def scaled_down(size: Size, max_side: int) -> Size:
    """The size with the same aspect ratio and no side longer than `max_side`."""
    return _scaled(size, min(Fraction(1), Fraction(max_side, max(size.width, size.height))))


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
    """The box; with `clamp` scaled down until nothing is upscaled."""
    factor = _scale_factor(request, box, shown)
    if factor <= 1:
        return box
    if request.on_upscale == "clamp":
        return _Box(box.width / factor, box.height / factor, box.sides)
    raise errors.UpscaleNotAllowed(_upscale_message(box, shown), field=_upscaled_side(box, shown))


def _scale_factor(request: SourceRequest, box: _Box, shown: Size) -> Fraction:
    horizontal, vertical = box.width / shown.width, box.height / shown.height
    match request.fit:
        case "contain" | "pad":
            return min(horizontal, vertical)
        case "cover" | "fill":
            return max(horizontal, vertical)
    assert_never(request.fit)


def _upscale_message(box: _Box, shown: Size) -> str:
    return (
        f"The input is {shown.width}x{shown.height}, and {_requested_size(box)} would upscale it; "
        "request a smaller size, or set on_upscale to clamp."
    )


def _requested_size(box: _Box) -> str:
    values = {"width": int(box.width), "height": int(box.height)}
    if len(box.sides) == 2:
        return f"{values['width']}x{values['height']}"
    side = box.sides[0]
    return f"{side} {values[side]}"


def _upscaled_side(box: _Box, shown: Size) -> str:
    if "width" in box.sides and box.width > shown.width:
        return "width"
    return "height"


def _fitted(request: SourceRequest, box: _Box, shown: Size) -> Framing:
    horizontal, vertical = box.width / shown.width, box.height / shown.height
    exact = _rounded(box.width, box.height)
    match request.fit:
        case "contain":
            inside = _scaled(shown, min(horizontal, vertical))
            return _framing(request, inside, inside)
        case "cover":
            return _framing(request, _scaled(shown, max(horizontal, vertical)), exact)
        case "fill":
            return _framing(request, exact, exact)
        case "pad":
            return _framing(request, _scaled(shown, min(horizontal, vertical)), exact)
    assert_never(request.fit)


def _scaled(shown: Size, factor: Fraction) -> Size:
    return _rounded(shown.width * factor, shown.height * factor)


def _rounded(width: Fraction, height: Fraction) -> Size:
    return Size(max(1, int(width + Fraction(1, 2))), max(1, int(height + Fraction(1, 2))))


def _framing(request: SourceRequest, scaled: Size, size: Size) -> Framing:
    """Sides made even where the codec needs it: an input that keeps its size loses a row or column, one that is resized
    is scaled to the even size."""
    if not FORMATS[request.format].even:
        return Framing(scaled, size, request.fit, request.background)
    even = Size(_even(size.width), _even(size.height))
    resized = request.width is not None or request.height is not None
    fitted = even if scaled == size and (resized or min(scaled.width, scaled.height) < 2) else scaled
    return Framing(_within_frame(fitted, even, request), even, request.fit, request.background)


def _even(side: int) -> int:
    return max(2, side - side % 2)


def _within_frame(scaled: Size, size: Size, request: SourceRequest) -> Size:
    """With `pad` the scaled image must not exceed a frame that was made even; with `cover` it fills the frame, also
    where a side of one pixel became two."""
    if request.width is None and request.height is None:
        return scaled
    match request.fit:
        case "pad":
            return Size(min(scaled.width, size.width), min(scaled.height, size.height))
        case "cover":
            return Size(max(scaled.width, size.width), max(scaled.height, size.height))
    return scaled
