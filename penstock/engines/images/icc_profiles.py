"""Build an ICC profile for an image that declares its colors without one: PNG's cICP, cHRM and gAMA, and the color
numbers of HEIF and AVIF (ISO/IEC 23091-2).

A matrix profile of three primaries and one curve (ICC.1:2001-04 §6.3.1.2), for `color_management`. The curve also
tone-maps high dynamic range, as it is done for videos.
"""

import math
import struct
from collections.abc import Callable, Iterator, Sequence
from functools import cache

from PIL import ImageFile

from penstock.engines.images.file_blocks import png_chunk_before_pixels
from penstock.engines.images.opening import translated_errors

Row = tuple[float, float, float]
Point = tuple[float, float]
Primaries = tuple[Point, Point, Point, Point]
Curve = Callable[[float], float]

_D50: Row = (0.9642, 1.0, 0.8249)
_D65 = (0.3127, 0.3290)
# Red, green, blue and white.
_SRGB: Primaries = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06), _D65)
_PRIMARIES: dict[int, Primaries] = {
    4: ((0.67, 0.33), (0.21, 0.71), (0.14, 0.08), (0.310, 0.316)),
    5: ((0.64, 0.33), (0.29, 0.60), (0.15, 0.06), _D65),
    6: ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), _D65),
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), _D65),
    11: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), (0.314, 0.351)),
    12: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), _D65),
}
# The Bradford matrix: XYZ to cone responses.
_TO_CONES = ((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296))
_CURVE_POINTS = 1024
# Tags, and the number of their block: white point, three primaries, and one curve for all channels.
_TAGS = {b"wtpt": 0, b"rXYZ": 1, b"gXYZ": 2, b"bXYZ": 3, b"rTRC": 4, b"gTRC": 4, b"bTRC": 4}
# The peak luminance of HDR displays, relative to diffuse white.
_PEAK = 10.0
# A difference of chromaticity that is not visible.
_TOLERANCE = 0.002


def declared_profile(image: ImageFile.ImageFile) -> bytes | None:
    """An ICC profile for the colors that the image declares. None for sRGB, for invalid declarations, and if the image
    has an ICC profile."""
    if image.info.get("icc_profile"):
        return None
    if numbers := _NUMBERS[image.format](image) if image.format in _NUMBERS else None:
        primaries, curve = _PRIMARIES.get(numbers[0], _SRGB), _CURVES.get(numbers[1], _srgb_to_linear)
        return _profile(primaries, curve) if (primaries, curve) != (_SRGB, _srgb_to_linear) else None
    points = image.info.get("chromaticity")
    return _profile_by_points(points, image.info.get("gamma")) if points and "srgb" not in image.info else None


def _profile_by_points(points: Sequence[float], gamma: float | None) -> bytes | None:
    """By PNG's cHRM: x and y of white, red, green and blue. None for sRGB's: then only the gamma is to be applied."""
    white, red, green, blue = zip(points[::2], points[1::2], strict=True)
    primaries = red, green, blue, white
    if all(math.dist(point, known) < _TOLERANCE for point, known in zip(primaries, _SRGB, strict=True)):
        return None
    try:
        return _profile(primaries, _power(1 / gamma) if gamma else _srgb_to_linear)
    except (ArithmeticError, struct.error):  # no real colors
        return None


def _png_numbers(image: ImageFile.ImageFile) -> tuple[int, int] | None:
    cicp = png_chunk_before_pixels(str(image.filename), b"cICP")
    return (cicp[0], cicp[1]) if cicp else None


def _heif_numbers(image: ImageFile.ImageFile) -> tuple[int, int] | None:
    nclx = image.info.get("nclx_profile")
    return (nclx["color_primaries"], nclx["transfer_characteristics"]) if nclx else None


def _avif_numbers(image: ImageFile.ImageFile) -> tuple[int, int] | None:
    return _numbers_by_libav(str(image.filename))


@cache
def _numbers_by_libav(path: str) -> tuple[int, int]:
    from penstock.engines.probing.demuxing import open_file  # noqa: PLC0415 - 40 ms, which no other format needs

    with translated_errors(), open_file(path, "mov") as container:
        context = container.streams.video[0].codec_context
        return context.color_primaries, context.color_trc


_NUMBERS: dict[str | None, Callable[[ImageFile.ImageFile], tuple[int, int] | None]] = {
    "PNG": _png_numbers,
    "HEIF": _heif_numbers,
    "AVIF": _avif_numbers,
}


def _srgb_to_linear(value: float) -> float:
    """Linear light of an sRGB value, both 0 to 1 (IEC 61966-2-1)."""
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def _power(exponent: float) -> Curve:
    return lambda value: value**exponent


def _pq(value: float) -> float:
    """SMPTE ST 2084, tone-mapped."""
    root = value ** (1 / 78.84375)
    return _tone_mapped(100 * (max(root - 0.8359375, 0.0) / (18.8515625 - 18.6875 * root)) ** (1 / 0.1593017578125))


def _hlg(value: float) -> float:
    """ARIB STD-B67 on a display of 1000 cd/m², tone-mapped."""
    scene = value**2 / 3 if value <= 0.5 else (math.exp((value - 0.55991073) / 0.17883277) + 0.28466892) / 12
    return _tone_mapped(_PEAK * scene**1.2)


def _tone_mapped(light: float) -> float:
    """By Hable's curve, which is used for videos too."""
    return min(1.0, _hable(light) / _hable(_PEAK))


def _hable(light: float) -> float:
    return (light * (0.15 * light + 0.05) + 0.004) / (light * (0.15 * light + 0.5) + 0.06) - 0.02 / 0.3


# All other transfer functions, those of television, are displayed as sRGB.
_CURVES: dict[int, Curve] = {4: _power(2.2), 5: _power(2.8), 8: _power(1.0), 16: _pq, 18: _hlg}


def _profile(primaries: Primaries, curve: Curve) -> bytes:
    """An ICC profile. Raises `ZeroDivisionError` for primaries on a line."""
    blocks = [_xyz_block(column) for column in (_D50, *_columns(primaries))]
    values = [round(65_535 * curve(step / (_CURVE_POINTS - 1))) for step in range(_CURVE_POINTS)]
    blocks.append(b"curv\0\0\0\0" + struct.pack(f">I{_CURVE_POINTS}H", _CURVE_POINTS, *values))
    start = 128 + 4 + 12 * len(_TAGS)
    offsets = [start + sum(map(len, blocks[:number])) for number in range(len(blocks))]
    table = b"".join(struct.pack(">4s2I", tag, offsets[number], len(blocks[number])) for tag, number in _TAGS.items())
    body = struct.pack(">I", len(_TAGS)) + table + b"".join(blocks)
    return _header(128 + len(body)) + body


def _header(length: int) -> bytes:
    """Version 2.1, class display, from RGB to XYZ."""
    start = struct.pack(">2I", length, 0) + b"\x02\x10\0\0mntrRGB XYZ " + bytes(12) + b"acsp"
    return (start.ljust(68, b"\0") + _xyz_block(_D50)[8:]).ljust(128, b"\0")


def _xyz_block(xyz: Row) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(65_536 * part) for part in xyz))


def _columns(primaries: Primaries) -> Iterator[Row]:
    """XYZ of each primary at full intensity, adapted from the white point to D50 (Bradford)."""
    *colors, white = map(_xyz_of_point, primaries)
    intensities = _product(_inverse(_transposed(colors)), white)
    white_cones, d50_cones = _product(_TO_CONES, white), _product(_TO_CONES, _D50)
    gains = [target / source for target, source in zip(d50_cones, white_cones, strict=True)]
    for intensity, color in zip(intensities, colors, strict=True):
        cones = [intensity * gain * cone for gain, cone in zip(gains, _product(_TO_CONES, color), strict=True)]
        yield _product(_inverse(_TO_CONES), cones)


def _xyz_of_point(point: Point) -> Row:
    x, y = point
    return x / y, 1.0, (1 - x - y) / y


def _product(matrix: Sequence[Sequence[float]], vector: Sequence[float]) -> Row:
    first, second, third = (sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix)
    return first, second, third


def _inverse(matrix: Sequence[Sequence[float]]) -> list[Row]:
    a, b, c = matrix
    columns = [_cross(b, c), _cross(c, a), _cross(a, b)]
    volume = sum(one * other for one, other in zip(a, columns[0], strict=True))
    return _transposed([(x / volume, y / volume, z / volume) for x, y, z in columns])


def _cross(one: Sequence[float], other: Sequence[float]) -> Row:
    (a, b, c), (x, y, z) = one, other
    return b * z - c * y, c * x - a * z, a * y - b * x


def _transposed(matrix: Sequence[Sequence[float]]) -> list[Row]:
    return [(x, y, z) for x, y, z in zip(*matrix, strict=True)]
