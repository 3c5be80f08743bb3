"""The profile that a picture's own words amount to where it carries none: PNG's cICP, cHRM and gAMA, and what HEIF and
AVIF tell in numbers (ISO/IEC 23091-2).

Three primaries and one curve, written as ICC.1:2001-04 has it (§6.3.1.2), for the colour management that obeys real
profiles. What has a high dynamic range is tone-mapped by the curve, as a film of that range is.
"""

import math
import struct
from collections.abc import Callable, Iterator, Sequence
from functools import cache

import av
from PIL import ImageFile

from penstock.engines.images.frame_timing import early_chunk
from penstock.engines.images.opening import reading

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
_TO_CONES = ((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296))
_STEPS = 1024
# Tags by the place of their block: white, three primaries, and the one curve of all.
_TAGS = {b"wtpt": 0, b"rXYZ": 1, b"gXYZ": 2, b"bXYZ": 3, b"rTRC": 4, b"gTRC": 4, b"bTRC": 4}
# In units of white paper's light: as far as screens of a high dynamic range go.
_PEAK = 10.0
# By how much a coordinate may be off and not be seen.
_UNSEEN = 0.002


def told_profile(picture: ImageFile.ImageFile) -> bytes | None:
    """An ICC profile of what the picture tells; None where that is sRGB's primaries and curve, or nothing that makes
    sense, or where it carries a profile."""
    if picture.info.get("icc_profile"):
        return None
    if numbers := _NUMBERS[picture.format](picture) if picture.format in _NUMBERS else None:
        primaries, curve = _PRIMARIES.get(numbers[0], _SRGB), _CURVES.get(numbers[1], srgb)
        return _profile(primaries, curve) if (primaries, curve) != (_SRGB, srgb) else None
    points = picture.info.get("chromaticity")
    return _chromatic(points, picture.info.get("gamma")) if points and "srgb" not in picture.info else None


def _chromatic(points: Sequence[float], gamma: float | None) -> bytes | None:
    """PNG's cHRM: white, red, green and blue. Where they are sRGB's, there is the gamma alone to obey."""
    white, red, green, blue = zip(points[::2], points[1::2], strict=True)
    primaries = red, green, blue, white
    if all(math.dist(told, known) < _UNSEEN for told, known in zip(primaries, _SRGB, strict=True)):
        return None
    try:
        return _profile(primaries, _power(1 / gamma) if gamma else srgb)
    except (ArithmeticError, struct.error):  # colours that are none
        return None


def _png_numbers(picture: ImageFile.ImageFile) -> tuple[int, int] | None:
    told = early_chunk(str(picture.filename), b"cICP")
    return (told[0], told[1]) if told else None


def _heif_numbers(picture: ImageFile.ImageFile) -> tuple[int, int] | None:
    told = picture.info.get("nclx_profile")
    return (told["color_primaries"], told["transfer_characteristics"]) if told else None


def _avif_numbers(picture: ImageFile.ImageFile) -> tuple[int, int] | None:
    return _coded_numbers(str(picture.filename))


@cache
def _coded_numbers(path: str) -> tuple[int, int]:
    with reading(), av.open(path, metadata_errors="ignore") as container:
        told = container.streams.video[0].codec_context
        return told.color_primaries, told.color_trc


_NUMBERS: dict[str | None, Callable[[ImageFile.ImageFile], tuple[int, int] | None]] = {
    "PNG": _png_numbers,
    "HEIF": _heif_numbers,
    "AVIF": _avif_numbers,
}


def srgb(value: float) -> float:
    """The light of a value, both 0…1."""
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def _power(exponent: float) -> Curve:
    return lambda value: value**exponent


def _pq(value: float) -> float:
    """SMPTE ST 2084, tone-mapped."""
    root = value ** (1 / 78.84375)
    return _tamed(100 * (max(root - 0.8359375, 0.0) / (18.8515625 - 18.6875 * root)) ** (1 / 0.1593017578125))


def _hlg(value: float) -> float:
    """ARIB STD-B67 on a screen of a thousand nits, tone-mapped."""
    scene = value**2 / 3 if value <= 0.5 else (math.exp((value - 0.55991073) / 0.17883277) + 0.28466892) / 12
    return _tamed(_PEAK * scene**1.2)


def _tamed(light: float) -> float:
    """Hable's curve, which films are tone-mapped with as well."""
    return min(1.0, _filmic(light) / _filmic(_PEAK))


def _filmic(light: float) -> float:
    return (light * (0.15 * light + 0.05) + 0.004) / (light * (0.15 * light + 0.5) + 0.06) - 0.02 / 0.3


# Those of television are meant for the same screens as sRGB's.
_CURVES: dict[int, Curve] = {4: _power(2.2), 5: _power(2.8), 8: _power(1.0), 16: _pq, 18: _hlg}


def _profile(primaries: Primaries, curve: Curve) -> bytes:
    """Raises `ZeroDivisionError` for primaries on a line."""
    blocks = [_xyz(column) for column in (_D50, *_columns(primaries))]
    values = [round(65_535 * curve(step / (_STEPS - 1))) for step in range(_STEPS)]
    blocks.append(b"curv\0\0\0\0" + struct.pack(f">I{_STEPS}H", _STEPS, *values))
    start = 128 + 4 + 12 * len(_TAGS)
    places = [start + sum(map(len, blocks[:place])) for place in range(len(blocks))]
    table = b"".join(struct.pack(">4s2I", name, places[place], len(blocks[place])) for name, place in _TAGS.items())
    body = struct.pack(">I", len(_TAGS)) + table + b"".join(blocks)
    return _header(128 + len(body)) + body


def _header(length: int) -> bytes:
    """Version 2.1, of a screen, from RGB to XYZ."""
    named = struct.pack(">2I", length, 0) + b"\x02\x10\0\0mntrRGB XYZ " + bytes(12) + b"acsp"
    return (named.ljust(68, b"\0") + _xyz(_D50)[8:]).ljust(128, b"\0")


def _xyz(light: Row) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(65_536 * part) for part in light))


def _columns(primaries: Primaries) -> Iterator[Row]:
    """The light of each primary's full value, as eyes that take D50 for white see it."""
    *colours, white = map(_light, primaries)
    shares = _times(_inverse(_turned(colours)), white)
    seen = [wanted / told for wanted, told in zip(_times(_TO_CONES, _D50), _times(_TO_CONES, white), strict=True)]
    for share, colour in zip(shares, colours, strict=True):
        cones = [share * eye * part for eye, part in zip(seen, _times(_TO_CONES, colour), strict=True)]
        yield _times(_inverse(_TO_CONES), cones)


def _light(point: Point) -> Row:
    x, y = point
    return x / y, 1.0, (1 - x - y) / y


def _times(matrix: Sequence[Sequence[float]], vector: Sequence[float]) -> Row:
    first, second, third = (sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix)
    return first, second, third


def _inverse(matrix: Sequence[Sequence[float]]) -> list[Row]:
    a, b, c = matrix
    columns = [_cross(b, c), _cross(c, a), _cross(a, b)]
    volume = sum(one * other for one, other in zip(a, columns[0], strict=True))
    return _turned([(x / volume, y / volume, z / volume) for x, y, z in columns])


def _cross(one: Sequence[float], other: Sequence[float]) -> Row:
    (a, b, c), (x, y, z) = one, other
    return b * z - c * y, c * x - a * z, a * y - b * x


def _turned(matrix: Sequence[Sequence[float]]) -> list[Row]:
    return [(x, y, z) for x, y, z in zip(*matrix, strict=True)]
